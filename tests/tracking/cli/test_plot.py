"""`python -m tracking plot` on a real store."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tracking.cli import app as cli
from tracking.client import TrackingClient
from tracking.compare.table import Selection
from tracking.pages.pictures import make_picture
from tracking.pages.points import read_points

TAGS = {"objective.metric": "rmse_mean", "objective.direction": "minimize", "sweep.id": "1f9a0b2c"}


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TrackingClient:
    """Return a store with a sweep of two keys and a class."""
    uri = f"sqlite:///{tmp_path / 'tracking.db'}"
    monkeypatch.setenv("TRACKING_URI", uri)
    client = TrackingClient(uri)
    for alpha in (0.01, 0.1, 1.0):
        for model in ("Ridge", "Lasso"):
            run_id = client.create_run("0", tags=TAGS).info.run_id
            client.log_param(run_id, "alpha", alpha)
            client.log_param(run_id, "model._target_", f"sklearn.linear_model.{model}")
            client.log_metric(run_id, "rmse_mean", 50 + alpha * (2 if model == "Lasso" else 1))
            client.set_terminated(run_id)
    return client


def test_in_a_terminal_a_plot_fits_eighty_columns_and_tells_its_axes(
    client: TrackingClient, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["plot", "latest", "alpha", "rmse", "--by", "model"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "rmse_mean against alpha, logarithmic: 6 runs"
    assert max(map(len, lines)) <= 80
    assert lines[2].startswith("   52 |")
    assert lines[2].endswith("a")
    assert lines[-1] == "a model=Lasso   b model=Ridge   * several"


@pytest.mark.heavy
@pytest.mark.parametrize(("name", "begins"), [("x.png", b"\x89PNG"), ("x.SVG", b"<svg")])
def test_a_picture_is_a_file(client: TrackingClient, tmp_path: Path, name: str, begins: bytes) -> None:
    pytest.importorskip("vl_convert", reason="the extra [plot] is not installed")
    assert cli.main(["plot", "latest", "alpha", "rmse", "--by", "model", "-o", name]) == 0
    assert (tmp_path / name).read_bytes().startswith(begins)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["alhpa", "rmse"], "No column 'alhpa' that varies in these runs. Nearest: alpha"),
        (["alpha", "rmse", "--by", "l1"], "No column 'l1' that varies"),
        (["model", "rmse"], "model has values that are no numbers. In a terminal: --by model."),
        (["alpha", "rmse", "-o", "x.gif"], "A picture cannot be written as .gif. Give .png or .svg."),
        (["alpha", "rmse", "-o", "x"], "A picture cannot be written as a file without an ending."),
        (["alpha", "rmse", "--filter", "params.alpha > 5"], "No run is like that."),
    ],
)
def test_a_mistake_is_one_sentence(
    client: TrackingClient, arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["plot", "latest", *arguments]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.heavy
def test_a_chart_is_altairs_and_holds_the_same_numbers(client: TrackingClient) -> None:
    pytest.importorskip("altair", reason="the extra [plot] is not installed")
    runs = client.search_runs(["0"])
    picture = make_picture(read_points(Selection(tuple(runs), {}), {}), "alpha", "rmse", "model")
    chart = json.loads(picture.chart().to_json())
    assert sorted(row["m0"] for row in chart["datasets"]["points"]) == [50.01, 50.02, 50.1, 50.2, 51.0, 52.0]
