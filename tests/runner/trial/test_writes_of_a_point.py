"""A small point waits for the database twice; what a long one knows is there before it ends."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import runner
import tracking
from tracking.store.connection import Database

WRITES = ("write", "write_flushed")


@pytest.fixture
def writes(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often something was written to a database."""
    counted: Counter[str] = Counter()

    def count(name: str, original: Any) -> Any:
        def counting(self: Database, work: Any, *arguments: Any, **options: Any) -> Any:
            counted[f"{work.__module__.rpartition('.')[2]}.{work.__name__}"] += 1
            return original(self, work, *arguments, **options)

        return counting

    for name in WRITES:
        monkeypatch.setattr(Database, name, count(name, getattr(Database, name)))
    return counted


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    with contextlib.chdir(tmp_path):
        yield tmp_path


def test_a_small_point_writes_when_it_starts_and_when_it_ends(folder: Path, writes: Counter[str]) -> None:
    store = f"sqlite:///{folder}/runs.db"
    runner.sweep(["alpha=1,2,3,4,5,6,7,8", "n_jobs=1"], store=store)
    assert writes["runs.create"] == 8
    assert writes["runs.log_batch"] == 8 + 1  # the first point may take long: it says what it is before it computes


def test_a_run_that_begins_has_the_params_and_a_fit_may_not_contradict_them(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(folder)
    (folder / "says.py").write_text(
        "import tracking\nfrom sklearn.linear_model import Ridge\n\n\nclass Says(Ridge):\n"
        "    def fit(self, X, y, sample_weight=None):\n"
        "        tracking.log_param('model.alpha', 'another')\n        return super().fit(X, y, sample_weight)\n"
    )
    store = f"sqlite:///{folder}/runs.db"
    runs = runner.sweep(["model._target_=says.Says", "alpha=1,2"], store=store)
    assert [run.info.status for run in runs] == ["FAILED", "FAILED"]
    assert all("Changing param values is not allowed" in run.data.tags["error"] for run in runs)
    assert [run.data.params["model.alpha"] for run in runs] == ["1", "2"]


def test_what_ends_a_run_is_recorded_with_it_or_not_at_all(folder: Path) -> None:
    client = tracking.TrackingClient(f"sqlite:///{folder}/runs.db")
    run = client.create_run("0", params={"a": 1})
    assert client.get_run(run.info.run_id).data.params == {"a": "1"}
    with pytest.raises(tracking.TrackingError, match="Changing param values"):
        client.log_batch(run.info.run_id, metrics={"m": 1.0}, params={"a": 2}, status="FINISHED")
    assert client.get_run(run.info.run_id).info.status == "RUNNING"
    client.log_batch(run.info.run_id, metrics={"m": 1.0}, tags={"t": "x"}, status="FINISHED")
    ended = client.get_run(run.info.run_id)
    assert (ended.info.status, ended.data.metrics, ended.data.tags["t"]) == ("FINISHED", {"m": 1.0}, "x")
    assert ended.info.end_time is not None
