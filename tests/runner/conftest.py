"""What tests that run points share: estimators that misbehave on purpose, processes, a look into a store."""

from __future__ import annotations

import os
import select
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import tracking

ROOT = Path(__file__).resolve().parents[2]

# Each class does what its name says for alpha >= 0.3, and is a Ridge below that.
ESTIMATORS = """
import os
import random
import resource
import shutil
import signal
import sys
import threading
import warnings
from pathlib import Path

import numpy as np
import tracking
from sklearn.linear_model import Ridge


class Odd(Ridge):
    def fit(self, X, y):
        if self.alpha >= 0.3:
            self.misbehave(X)
        return super().fit(X, y)

    def times_before(self):
        file = Path(f"{type(self).__name__}-{self.alpha}")
        times = int(file.read_text()) if file.exists() else 0
        file.write_text(str(times + 1))
        return times


class Raises(Odd):
    def misbehave(self, X):
        raise ValueError("that alpha is too much for me")


class RaisesOnce(Odd):
    def misbehave(self, X):
        if not self.times_before():
            raise ValueError("not yet")


class Dies(Odd):
    def misbehave(self, X):
        self.times_before()
        os.kill(os.getpid(), signal.SIGKILL)


class Waits(Odd):
    def misbehave(self, X):
        if Path("go").exists():
            return
        print("waiting", file=sys.stderr, flush=True)
        threading.Event().wait()


class Spins(Odd):
    def misbehave(self, X):
        print("waiting", file=sys.stderr, flush=True)
        while not Path("go").exists():
            threading.Event().wait(0.01)


class Deaf(Waits):
    def misbehave(self, X):
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT, signal.SIGTERM])
        super().misbehave(X)


class Mapped(Odd):
    def misbehave(self, X):
        while X is not None and not isinstance(X, np.memmap):
            X = X.base
        Path("all-rows-mapped" if X is not None else "rows-in-memory").touch()


class Draws(Ridge):
    def fit(self, X, y):
        return super().fit(X, y + np.random.normal(size=len(y)) + random.random())


class Vanishes(Odd):
    def misbehave(self, X):
        shutil.rmtree("runs")


class Fills(Odd):
    def misbehave(self, X):
        _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))


class Own(BaseException):
    pass


class Mute(Exception):
    def __str__(self):
        raise ValueError("no text")


class Nasty(Odd):
    def misbehave(self, X):
        match round(100 * self.alpha):
            case 30:
                raise Own("mine")
            case 31:
                raise Mute
            case 32:
                raise ValueError("\\ud800")
            case 33:
                print("\\ud800")
            case 34:
                warnings.warn("\\ud800")
            case 35:
                sys.stdout.close()
            case 36:
                os.environ.clear()
            case 37:
                tracking.delete_run(tracking.active_run().info.run_id)
            case 38:
                raise GeneratorExit
            case 39:
                raise KeyboardInterrupt
            case 40:
                tracking.set_tracking_uri("sqlite:///elsewhere/x.db")


class Troubled(Odd):
    def misbehave(self, X):
        if self.alpha == 0.3:
            raise ValueError("that alpha is too much for me")
        if self.alpha == 0.4:
            os.kill(os.getpid(), signal.SIGKILL)
        if self.alpha == 0.5:
            threading.Event().wait()
        if self.alpha == 0.6:
            sys.exit(3)

    def predict(self, X):
        return super().predict(X) * (np.nan if self.alpha == 0.7 else 1.0)
"""


class Runner:
    """A `python -m runner` process in a folder of its own, in a process group of its own."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "runner", *arguments],
            cwd=folder,
            env=os.environ | {"PYTHONPATH": str(ROOT), "COLUMNS": "200"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        self.stderr = ""

    def read_until(self, text: str) -> None:
        """Read what it says on stderr until the text has come."""
        assert self.process.stderr is not None
        while text not in self.stderr:
            ready, _, _ = select.select([self.process.stderr], [], [], 60)
            assert ready, f"nothing more within a minute after: {self.stderr}"
            heard = os.read(self.process.stderr.fileno(), 65536).decode()
            assert heard, f"ended without {text!r}: {self.stderr}"
            self.stderr += heard

    def send(self, signal_number: int) -> None:
        """Signal the whole process group, as a terminal does."""
        os.killpg(self.process.pid, signal_number)

    def end(self) -> tuple[int, str, str]:
        """Wait until it and everything it started has ended; return exit code, stdout, stderr."""
        out, err = self.process.communicate(timeout=60)
        return self.process.returncode, out.decode(), self.stderr + err.decode()


@pytest.fixture(scope="session")
def start_runner() -> Iterator[Callable[..., Runner]]:
    """Give a function that starts `python -m runner` in a folder; what is left of it at the end is killed."""
    started: list[Runner] = []

    def start(folder: Path, *arguments: str) -> Runner:
        (folder / "estimators.py").write_text(ESTIMATORS)
        started.append(Runner(folder, *arguments))
        return started[-1]

    yield start
    for runner in started:
        if runner.process.poll() is None:
            runner.process.kill()
            runner.process.communicate()


@pytest.fixture(scope="session")
def client_in() -> Callable[[Path], tracking.TrackingClient]:
    """Give a function that returns a client for a folder's store."""
    return lambda folder: tracking.TrackingClient(f"sqlite:///{folder}/runs/tracking.db")


@pytest.fixture(scope="session")
def runs_in(
    client_in: Callable[[Path], tracking.TrackingClient],
) -> Callable[[Path], dict[str, tracking.Run]]:
    """Give a function that returns the runs of a folder's store by name, the newest of each."""

    def read(folder: Path) -> dict[str, tracking.Run]:
        client = client_in(folder)
        experiments = [experiment.experiment_id for experiment in client.search_experiments()]
        return {run.info.run_name: run for run in reversed(client.search_runs(experiments))}

    return read
