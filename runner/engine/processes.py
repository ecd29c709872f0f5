"""One worker process as its driver sees it: started, given tasks, found dead, ended.

`loky`, joblib's word for workers that are not forks of this process, are forks of multiprocessing's fork server:
one clean interpreter that has imported once. `multiprocessing` starts an interpreter for each, for a library that
cannot bear even that fork.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import re
import signal
import sys
import tempfile
import threading
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from importlib.machinery import ModuleSpec
from multiprocessing import forkserver, resource_tracker
from multiprocessing.connection import Connection
from typing import Any

from runner.engine.worker import PRELOAD, SIGNALS, Task, main
from runner.errors import ConfigError
from runner.trial.threads import environment

START_METHODS = {"loky": "forkserver", "multiprocessing": "spawn"}

_starting = threading.Lock()
_OTHERWISE = re.compile(
    r"(dry_run|resume|diff|backend|threads_per_run|hydra/\w+)=|--(help|cfg|info|hydra-help)|-[hci]$"
)


class Worker:
    """One process, its pipe, and the tasks it was given and has not ended, in order."""

    def __init__(self, *, backend: str, threads: int) -> None:
        self.connection, theirs = multiprocessing.Pipe()
        self.tasks: deque[Task] = deque()
        self.ready = False
        self.running_since: float | None = None
        self.run_id: str | None = None  # of the point that is running
        if backend == "loky":
            start_server()
        context: Any = multiprocessing.get_context(START_METHODS[backend])
        self._process = context.Process(target=main, args=(theirs, environment(threads)))
        self._started = threading.Event()
        # In a thread, because starting waits until the fork server has imported.
        threading.Thread(target=self._start, args=(theirs,), daemon=True).start()

    @property
    def sources(self) -> list[Any]:
        """What to wait for: news in the pipe, and the end of the process."""
        return [self.connection, self._process.sentinel] if self._process.pid else [self.connection]

    @property
    def pid(self) -> int | None:
        """The number of the process, None until it was started."""
        return self._process.pid  # type: ignore[no-any-return]

    @property
    def is_dead(self) -> bool:
        """Whether the process has ended, or could not be started."""
        return self._started.is_set() and not self._process.is_alive()

    def send(self, kind: str, value: object = None) -> None:
        """Send an order; a worker that is gone is noticed by its sentinel."""
        with contextlib.suppress(OSError):
            self.connection.send((kind, value))

    def kill(self) -> None:
        """End the process, whatever it does, and what its estimator started."""
        if self.pid is not None:
            for end in (os.killpg, os.kill):  # the group is there once the worker has made it
                with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS: not permitted for zombies
                    end(self.pid, signal.SIGKILL)

    def close(self) -> None:
        """Kill the process and give its files back; one that is still to start ends when it finds its pipe closed."""
        self.connection.close()
        if self.pid is not None:
            self.kill()
            self._process.join()
            self._process.close()

    def describe_death(self) -> str:
        """Return why the process ended, as `worker died, signal 9`."""
        code = self._process.exitcode
        if code is None or (code == 255 and _exists(self.pid)):  # multiprocessing's code for "not known"
            return "worker lost: the process that starts workers died"
        return f"worker died, signal {-code}" if code < 0 else f"worker exited with code {code}"

    def _start(self, theirs: Connection) -> None:
        try:
            with _starting, _signals_held(), main_not_run_again():
                self._process.start()
        except (OSError, EOFError):
            pass  # the fork server died just then: a death before the first task
        finally:
            theirs.close()
            self._started.set()


def start_server() -> None:
    """Start the fork server, unless it runs: it imports while this process does other work."""
    multiprocessing.get_context("forkserver").set_forkserver_preload([*PRELOAD, "runner.engine.preload"])
    with _signals_held(), _variables(environment(1)):  # threads of native libraries would not survive a fork
        try:
            forkserver.ensure_running()
        except OSError as error:  # a socket's path has about 100 characters at the most
            raise ConfigError(
                f"No worker can be started with temporary files in {tempfile.gettempdir()}: {error}."
                " Set TMPDIR to a shorter path, or n_jobs=1."
            ) from None


def asks_for_workers(typed: Sequence[str]) -> bool:
    """Tell whether a command line is sure to need workers: it says `-m` and `n_jobs=2` or more."""
    sweeps = any(word in ("-m", "--multirun") for word in typed)
    several = any(re.fullmatch(r"n_jobs=(-\d+|[2-9]|[1-9]\d+)", word) for word in typed)
    return sweeps and several and not any(map(_OTHERWISE.match, typed))


@contextlib.contextmanager
def _signals_held() -> Iterator[None]:
    """Start processes which Ctrl-C in a terminal does not reach: they inherit the mask, and here no signal is lost."""
    resource_tracker.ensure_running()  # the first call lifts the mask
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextlib.contextmanager
def main_not_run_again() -> Iterator[None]:
    """Keep multiprocessing from running a person's script again in every worker, as loky does.

    It runs every main module again but those of packages; for the moment this is one.
    """
    module: Any = sys.modules["__main__"]
    spec = getattr(module, "__spec__", None)
    module.__spec__ = ModuleSpec("runner.__main__", None)
    try:
        yield
    finally:
        module.__spec__ = spec


@contextlib.contextmanager
def _variables(variables: Mapping[str, str]) -> Iterator[None]:
    """Set environment variables for the process that is started inside."""
    before = {key: os.environ.get(key) for key in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for key, value in before.items():
            if value is None:
                os.environ.pop(key, None)
            else:
                os.environ[key] = value


def _exists(pid: int | None) -> bool:
    try:
        os.kill(pid or 0, 0)
    except ProcessLookupError:
        return False
    return True
