"""`python -m tracking report` on a real store."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import tracking
from tracking.cli import app as cli
from tracking.client import TrackingClient

TAGS = {
    "objective.metric": "rmse_mean",
    "objective.direction": "minimize",
    "fingerprint.data": "v1:d",
    "fingerprint.splits": "v1:s",
    "sweep.id": "1f9a0b2c",
    "sweep.points": "4",
    "sweep.command": "python -m runner -m alpha=1,2,3,4",
}


@pytest.fixture
def sweep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Record a sweep of three points of four, the second of them the best; return the ids."""
    uri = f"sqlite:///{tmp_path / 'tracking.db'}"
    monkeypatch.setenv("TRACKING_URI", uri)
    client = TrackingClient(uri)
    scores = {1: 54.0, 2: 52.5, 3: 53.0}
    return [record(client, alpha, score, **{"sweep.point": str(alpha - 1)}) for alpha, score in scores.items()]


def record(client: TrackingClient, alpha: int, score: float, **tags: str) -> str:
    run_id = client.create_run("0", run_name=f"ridge alpha={alpha}", tags={**TAGS, **tags}).info.run_id
    client.log_param(run_id, "alpha", str(alpha))
    for fold in range(3):
        client.log_metric(run_id, "rmse", score + fold - 1, step=fold)
        client.log_metric(run_id, "fit_seconds", 0.01 * alpha, step=fold)
    client.log_metric(run_id, "rmse_mean", score)
    client.log_metric(run_id, "odd", alpha)
    client.log_text(run_id, f"alpha: {alpha}\n", "config.yaml")
    client.set_terminated(run_id)
    return run_id


def test_the_report_of_the_latest_sweep_shows_its_winner_its_config_and_what_is_missing(
    sweep: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["report"]) == 0
    output = capsys.readouterr()
    assert output.out == "report.html\n"
    assert output.err.startswith("3 runs, 0.9 MB.")
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "1 of 4 points missing" in page
    assert f"python -m tracking show {sweep[1][:8]}" in page
    assert "python -m runner -m alpha=1,2,3,4 resume=true" in page
    assert re.search(r"<pre[^>]*>alpha: 2\n</pre>", page)


def test_runs_scored_on_other_data_are_left_out_and_counted(
    sweep: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = TrackingClient(f"sqlite:///{tmp_path / 'tracking.db'}")
    record(client, 9, 1.0, **{"fingerprint.data": "v1:other"})
    assert cli.main(["report", "--experiment", "Default", "-o", "all.html"]) == 0
    page = (tmp_path / "all.html").read_text(encoding="utf-8")
    assert "3 more, scored on other data or splits, left out" in page


def test_another_metric_ranks_the_runs(sweep: list[str], tmp_path: Path) -> None:
    assert cli.main(["report", "--metric", "fit_seconds"]) == 0
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert f"python -m tracking show {sweep[0][:8]}" in page


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["abcd"], "No sweep 'abcd'. Nearest: 1f9a0b2c."),
        (["--metric", "odd"], "Which way is 'odd' better? Say odd:min or odd:max."),
        (["--metric", "rsme"], "No metric 'rsme' in these runs. Nearest: rmse"),
        (["--filter", "metrics.rmse_mean <"], "metrics.rmse_mean <"),
        (["--filter", "metrics.rmse_mean > 1000"], "No run is like that."),
        (["1f9a", "--experiment", "Default", "--filter", "status = 'FAILED'"], "No run is like that."),
        (["-o", "nowhere/report.html"], "Cannot write nowhere/report.html: No such file or directory."),
    ],
)
def test_a_mistake_is_one_sentence(
    sweep: list[str], arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["report", *arguments]) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert said in output.err


@pytest.mark.parametrize(("way", "best"), [("min", 0), ("max", 2)])
def test_which_way_a_metric_is_better_can_be_said(sweep: list[str], tmp_path: Path, way: str, best: int) -> None:
    assert cli.main(["report", "--metric", f"odd:{way}"]) == 0
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert f"python -m tracking show {sweep[best][:8]}" in page
    assert re.search(rf"<pre[^>]*>alpha: {best + 1}\n</pre>", page)


def test_a_deleted_run_is_not_in_the_report(sweep: list[str], tmp_path: Path) -> None:
    tracking.delete_run(sweep[1])
    assert cli.main(["report"]) == 0
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert sweep[1][:8] not in page
    assert f"python -m tracking show {sweep[2][:8]}" in page
