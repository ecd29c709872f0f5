"""Clusters of real processes on loopback, and estimators that misbehave in them."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import tracking

ROOT = Path(__file__).resolve().parents[2]

# `MARKS` is the folder of the test. Each class does what its name says for alpha >= 0.3, and is a Ridge below that.
ESTIMATORS = """
import os
import signal
import threading
from pathlib import Path

from sklearn.linear_model import Ridge

from helper import mark

MARKS = Path({marks!r})


class Odd(Ridge):
    def fit(self, X, y):
        if self.alpha >= 0.3:
            self.misbehave()
        return super().fit(X, y)


class DiesOnce(Odd):
    def misbehave(self):
        if mark(MARKS, f"once-{{self.alpha}}") == 1:
            os.kill(os.getpid(), signal.SIGKILL)


class Dies(Odd):
    def misbehave(self):
        mark(MARKS, f"died-{{self.alpha}}")
        os.kill(os.getpid(), signal.SIGKILL)


class Kills(Odd):
    def misbehave(self):
        if (MARKS / "victim").exists():
            mark(MARKS, "killed")
            os.kill(int((MARKS / "victim").read_text()), int((MARKS / "signal").read_text()))
            threading.Event().wait()


class Plain(Odd):
    def misbehave(self):
        mark(MARKS, f"fitted-{{self.alpha}}")
"""
HELPER = """
import os
from pathlib import Path


def mark(folder, name):
    '''Count, across processes and kills: return how often this was called with these arguments.'''
    number = 1
    while True:
        try:
            os.close(os.open(folder / f"{name}.{number}", os.O_CREAT | os.O_EXCL))
            return number
        except FileExistsError:
            number += 1
"""


class Process:
    """A process of a cluster, in a group of its own, that says on stderr when it is there."""

    def __init__(self, folder: Path, *arguments: str, **variables: str) -> None:
        folder.mkdir(exist_ok=True)
        self.process = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=folder,
            env=os.environ | {"PYTHONPATH": str(ROOT)} | variables,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        self.said = ""

    def read_until(self, text: str) -> str:
        """Read what it says until the text has come; return the rest of that line."""
        assert self.process.stderr is not None
        while text not in self.said or "\n" not in self.said.partition(text)[2]:
            ready, _, _ = select.select([self.process.stderr], [], [], 120)
            assert ready, f"nothing more within two minutes after: {self.said}"
            heard = os.read(self.process.stderr.fileno(), 65536).decode(errors="replace")
            assert heard, f"ended without {text!r}: {self.said}"
            self.said += heard
        return self.said.partition(text)[2].partition("\n")[0].strip()

    def kill(self) -> None:
        """Kill it and what it started."""
        if self.process.returncode is not None:  # killed before
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.communicate()


Start = Callable[..., Process]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Give a function that starts a process in the folder `far`; what is left of it at the end is killed."""
    started: list[Process] = []

    def start_one(*arguments: str, **variables: str) -> Process:
        started.append(Process(tmp_path / "far", *arguments, **variables))
        return started[-1]

    yield start_one
    for process in reversed(started):
        process.kill()


@pytest.fixture
def estimators(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put `odd.py` and `helper.py` into the folder of the test, where the runner finds them; return the folder."""
    (tmp_path / "odd.py").write_text(ESTIMATORS.format(marks=str(tmp_path)))
    (tmp_path / "helper.py").write_text(HELPER)
    monkeypatch.syspath_prepend(str(tmp_path))
    for name in ("odd", "helper"):
        sys.modules.pop(name, None)
    return tmp_path


@pytest.fixture
def runs() -> Callable[[], list[tracking.Run]]:
    """Give a function that returns all runs of the store."""

    def read() -> list[tracking.Run]:
        tracking.set_tracking_uri("sqlite:///runs/tracking.db")
        return list(tracking.search_runs(search_all_experiments=True, output_format="list"))

    return read
