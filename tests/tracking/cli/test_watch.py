"""`python -m tracking sweeps --watch`: what it shows of a sweep that runs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tracking.cli import app as cli
from tracking.cli.watch import watch_text
from tracking.client import TrackingClient
from tracking.errors import RunNotFound
from tracking.pages.report_facts import asked_facts
from tracking.records.sweep_search import read_sweep
from tracking.store.sqlite import Store
from tracking.stores import open_store

TAGS = {
    "objective.metric": "rmse_mean",
    "objective.direction": "minimize",
    "sweep.id": "1f9a0b2c",
    "sweep.points": "5",
    "sweep.command": "python -m runner -m alpha=1,2,3,4,5",
}


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """Return a store with a sweep of five points: two done, one failed, one running, one to come."""
    uri = f"sqlite:///{tmp_path / 'tracking.db'}"
    monkeypatch.setenv("TRACKING_URI", uri)
    client = TrackingClient(uri)
    for point, status in enumerate(["FINISHED", "FINISHED", "FAILED", "RUNNING"]):
        tags = {**TAGS, "sweep.point": str(point)}
        run_id = client.create_run(
            "0", run_name=f"ridge alpha={point + 1}", start_time=1_000_000, tags=tags
        ).info.run_id
        if status == "FINISHED":
            client.log_metric(run_id, "rmse_mean", 60.0 - point)
        if status != "RUNNING":
            client.set_terminated(run_id, status)
    client.create_run("0", tags={**TAGS, "sweep.id": "other"})
    opened = open_store(uri)
    yield opened
    opened.close()


def test_a_running_sweep_shows_how_far_it_is_its_best_points_and_about_how_long_it_takes(store: Store) -> None:
    sweep = read_sweep(store, "1f9a0b2c")
    text = watch_text(sweep, 1_000_000 + 30_000, width=80)
    assert "points   5: 2 done, 1 failed, 1 running, 1 missing" in text
    assert "left     about 20.0s" in text  # 30 s for three, two to go
    assert "failed   ridge alpha=3" in text
    assert text.index("ridge alpha=2") < text.index("ridge alpha=1")
    assert sweep.left == 2


def test_the_workers_of_a_cluster_are_shown_with_how_many_points_each_ran(store: Store) -> None:
    client = TrackingClient(store.uri)
    for run in client.search_runs(["0"], filter_string="tags.`sweep.id` = '1f9a0b2c'"):
        worker = "node1:7" if run.data.tags["sweep.point"] in "01" else "node2:8"
        if run.data.tags["sweep.point"] != "3":
            client.set_tag(run.info.run_id, "worker", worker)

    text = watch_text(read_sweep(store, "1f9a0b2c"), 1_030_000, width=80)

    assert "workers  2: node1:7 (2), node2:8 (1)" in text
    facts = asked_facts(read_sweep(store, "1f9a0b2c").ranked(), "run", {})
    assert facts["workers"] == "2: node1:7 (2), node2:8 (1)"  # of the report and of the page


def test_a_sweep_whose_runs_were_deleted_is_a_sentence(store: Store) -> None:
    with pytest.raises(RunNotFound, match=r"Sweep 'abcd' has no runs any more\."):
        read_sweep(store, "'abcd'")


def test_without_a_terminal_watching_is_refused(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["sweeps", "--watch"]) == 2
    assert capsys.readouterr().err.startswith("--watch needs a terminal.")
