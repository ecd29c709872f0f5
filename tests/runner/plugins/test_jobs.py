"""Hydra's callbacks are told of every point of our own sweeper, as Hydra's own launchers tell them."""

from __future__ import annotations

import shlex
from pathlib import Path
from textwrap import dedent

import pytest

from runner.__main__ import main

CALLBACK = """
    from hydra.core.hydra_config import HydraConfig
    from hydra.experimental.callback import Callback

    class Notes(Callback):
        def write(self, *words):
            with open("notes.txt", "a") as file:
                print(*words, file=file)

        def on_multirun_start(self, config, **kwargs):
            self.write("sweep starts")

        def on_multirun_end(self, config, **kwargs):
            self.write("sweep ends")

        def on_job_start(self, config, **kwargs):
            assert HydraConfig.get().job.num == config.hydra.job.num
            self.write("start", config.hydra.job.num, *config.hydra.overrides.task, config.model.alpha)

        def on_job_end(self, config, job_return, **kwargs):
            assert job_return.hydra_cfg.hydra.job.num == config.hydra.job.num
            assert "hydra" not in job_return.cfg
            words = [job_return.status.name, list(job_return.overrides)]
            if job_return.status.name == "COMPLETED":
                words.append(f"{job_return.return_value:.4f}")
            else:
                words.append(job_return._return_value)
            self.write("end", config.hydra.job.num, *words)
"""


@pytest.fixture(autouse=True)
def callback(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Write a callback that notes what it is told, and the config that chooses it."""
    monkeypatch.syspath_prepend(str(tmp_path))
    Path("noting.py").write_text(dedent(CALLBACK))
    folder = Path("own/hydra/callbacks")
    folder.mkdir(parents=True)
    (folder / "notes.yaml").write_text("notes:\n  _target_: noting.Notes\n")


def noted(command: str, code: int = 0) -> list[str]:
    """Run a sweep with the callback; return what it was told."""
    Path("notes.txt").unlink(missing_ok=True)
    common = ["-m", "--config-dir", "own", "hydra/callbacks=notes", "cv.n_splits=2"]
    assert main([*common, *shlex.split(command)]) == code
    return Path("notes.txt").read_text().splitlines()


@pytest.mark.heavy
def test_callbacks_are_told_of_every_point_as_by_hydras_own_launcher() -> None:
    ours = noted("model=ridge alpha=0.5,2 n_jobs=1")
    theirs = noted("model=ridge alpha=0.5,2 n_jobs=1 hydra/launcher=basic")

    assert ours == theirs
    assert [note.split()[:2] for note in ours] == [
        ["sweep", "starts"],
        ["start", "0"],
        ["end", "0"],
        ["start", "1"],
        ["end", "1"],
        ["sweep", "ends"],
    ]


@pytest.mark.heavy
@pytest.mark.parametrize("how", ["n_jobs=2", "n_jobs=2 backend=threading"])
def test_callbacks_are_told_of_points_that_run_elsewhere(how: str) -> None:
    notes = noted(f"model=ridge alpha=0.5,2,4 {how}")

    jobs = [note.split()[:2] for note in notes[1:-1]]
    assert sorted(jobs) == sorted([what, str(number)] for what in ("start", "end") for number in range(3))
    assert all(jobs.index(["start", str(number)]) < jobs.index(["end", str(number)]) for number in range(3))


@pytest.mark.heavy
def test_a_point_that_fails_is_told_once_when_it_is_not_tried_again() -> None:
    Path("mine.py").write_text(
        "from sklearn.linear_model import Ridge\n"
        "class Odd(Ridge):\n"
        "    def fit(self, X, y):\n"
        "        if self.alpha == 2:\n"
        "            raise ValueError('too much')\n"
        "        return super().fit(X, y)\n"
    )

    notes = noted("model=ridge model._target_=mine.Odd alpha=0.5,2 n_jobs=1 retries=1", code=1)

    assert sum(note.startswith("start 1") for note in notes) == 1
    (end,) = [note for note in notes if note.startswith("end 1")]
    assert "FAILED" in end
    assert end.endswith("ridge alpha=2: ValueError: too much")


@pytest.mark.heavy
def test_points_that_are_reused_are_no_jobs() -> None:
    noted("model=ridge alpha=0.5 n_jobs=1")

    notes = noted("model=ridge alpha=0.5,2 n_jobs=1 resume=true")

    assert [note.split()[:2] for note in notes[1:-1]] == [["start", "1"], ["end", "1"]]


@pytest.mark.heavy
def test_points_of_another_sweeper_are_numbered_as_it_does() -> None:
    notes = noted("hydra/sweeper=basic model=ridge alpha=0.5,2 n_jobs=1")

    assert [note.split()[:2] for note in notes[1:-1]] == [["start", "0"], ["end", "0"], ["start", "1"], ["end", "1"]]
