"""Where points of a sweep share work and some fail, die or take too long, the others have what they have alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import tracking
from runner.trial.comparison import compare_models

pytestmark = pytest.mark.heavy

MODELS = """
import os
import signal
import threading
from pathlib import Path

from sklearn.linear_model import Ridge


class DiesOnce(Ridge):
    def fit(self, X, y):
        if self.alpha == 0.3:
            with Path("fits").open("a") as file:
                file.write("x")
            if Path("fits").stat().st_size == 3:
                os.kill(os.getpid(), signal.SIGKILL)
        return super().fit(X, y)


class Troubled(Ridge):
    def fit(self, X, y):
        if self.alpha == 0.3:
            raise ValueError("too much")
        if self.alpha == 0.4:
            os.kill(os.getpid(), signal.SIGKILL)
        if self.alpha == 0.5:
            threading.Event().wait()
        return super().fit(X, y)
"""

Start = Callable[..., Any]


@pytest.fixture(autouse=True)
def importable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the recorded models be loaded here."""
    (tmp_path / "cutoff.py").write_text(MODELS)
    monkeypatch.syspath_prepend(tmp_path)


def start(start_runner: Start, folder: Path, *overrides: str) -> int:
    folder.mkdir(exist_ok=True)
    (folder / "cutoff.py").write_text(MODELS)
    code, *_ = start_runner(folder, "-m", "prepare=standard", *overrides).end()
    return int(code)


def results(client: tracking.TrackingClient) -> dict[str, tuple[tracking.Run, Any, Any]]:
    """Return the run, the scores of all folds, and the model of every alpha that finished."""
    found = {}
    for run in client.find_runs(None, "status = 'FINISHED'"):
        names = [name for name in run.data.metrics if "seconds" not in name]
        scores = {name: [m.value for m in client.get_metric_history(run.info.run_id, name)] for name in names}
        model = tracking.load_model(client.artifact_dir(run.info.run_id) / "model")
        found[run.data.params["model.alpha"]] = run, scores, model
    return found


def assert_same(found: dict[str, Any], alone: dict[str, Any]) -> None:
    assert found.keys() == alone.keys()
    for alpha, (_, scores, model) in alone.items():
        assert found[alpha][1] == scores
        assert not compare_models(model, found[alpha][2]).gaps


def test_a_sweep_that_is_killed_while_its_points_share_is_resumed_with_what_each_has_alone(
    tmp_path: Path, start_runner: Start, client_in: Callable[[Path], tracking.TrackingClient]
) -> None:
    asked = ("model._target_=cutoff.DiesOnce", "alpha=0.1,0.15,0.2,0.3,0.4", "n_jobs=1")
    killed, alone = tmp_path / "killed", tmp_path / "alone"
    assert start(start_runner, killed, *asked) == -9
    assert (killed / "fits").stat().st_size == 3
    assert start(start_runner, killed, *asked, "resume=true") == 0
    alone.mkdir()
    (alone / "fits").write_text("four")
    assert start(start_runner, alone, *asked, "share=off") == 0
    found = results(client_in(killed))
    assert_same(found, results(client_in(alone)))
    assert found["0.2"][0].data.tags["shared"] == "StandardScaler"


def test_points_beside_one_that_fails_one_that_dies_and_one_without_end_have_what_they_have_alone(
    tmp_path: Path, start_runner: Start, client_in: Callable[[Path], tracking.TrackingClient]
) -> None:
    model, sound = "model._target_=cutoff.Troubled", "0.1,0.11,0.12,0.13,0.14,0.15,0.16,0.17"
    mixed = "alpha=0.1,0.11,0.3,0.12,0.13,0.4,0.14,0.15,0.5,0.16,0.17"
    troubled, alone = tmp_path / "troubled", tmp_path / "alone"
    assert start(start_runner, troubled, model, mixed, "n_jobs=1", "timeout_per_point=15") == 1
    assert start(start_runner, alone, model, f"alpha={sound}", "n_jobs=1", "share=off") == 0
    found = results(client_in(troubled))
    assert_same(found, results(client_in(alone)))
    assert "shared" in found["0.12"][0].data.tags
    failed = client_in(troubled).find_runs(None, "status = 'FAILED'")
    errors = {run.data.tags["error"].partition(":")[0] for run in failed}
    assert errors == {"ValueError", "worker died, signal 9", "ran out of time"}
