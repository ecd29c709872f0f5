"""One clean interpreter that does the imports once and then forks workers on demand. POSIX only.

multiprocessing's fork server does nearly this, but starting a process there waits until the server has
imported, and runs a person's script again in every worker. Here starting never waits: requests queue.
The nursery leads a session of its own and each worker a process group, so that Ctrl-C reaches only the
parent, and killing a worker also kills what its estimator started. When the parent is gone, the nursery kills
its workers.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import re
import select
import signal
import socket
import struct
import subprocess
import sys
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection, wait

_NUMBER = struct.Struct("i")
_START = (
    "import sys, json; sys.path[:] = json.loads(sys.argv[1]);"
    "from runner.engine.forkserver import serve; serve(int(sys.argv[2]), sys.argv[3:])"
)


class Child:
    """A worker that the nursery forked, or will fork: what the pool uses of multiprocessing.Process."""

    def __init__(self, status: int) -> None:
        self.sentinel = status  # readable once there is something to know
        self._heard = b""
        self._ended = False
        os.set_blocking(status, False)

    @property
    def pid(self) -> int | None:
        """The process's number, None until it was forked."""
        self._listen()
        return _NUMBER.unpack_from(self._heard)[0] if len(self._heard) >= _NUMBER.size else None

    @property
    def exitcode(self) -> int | None:
        """How it ended, negative for a signal; None while it lives, and when the nursery went first."""
        self._listen()
        size = _NUMBER.size
        return _NUMBER.unpack_from(self._heard, size)[0] if len(self._heard) >= 2 * size else None

    def is_alive(self) -> bool:
        """Tell whether it has not ended yet."""
        self._listen()
        return not self._ended

    def kill(self) -> None:
        """End it, and whatever its estimator started."""
        if self.pid is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS: not permitted for zombies
                os.killpg(self.pid, signal.SIGKILL)

    def join(self) -> None:
        """Wait for its end, if it was ever forked."""
        while self.pid is not None and self.is_alive():
            wait([self.sentinel])

    def close(self) -> None:
        """Give the sentinel back."""
        os.close(self.sentinel)

    def _listen(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while not self._ended:
                heard = os.read(self.sentinel, 2 * _NUMBER.size)
                self._heard += heard
                self._ended = not heard or len(self._heard) >= 2 * _NUMBER.size


class Nursery:
    """The parent's side: starts the interpreter at once, and asks it for workers."""

    def __init__(self, preload: Sequence[str], environment: Mapping[str, str]) -> None:
        self.imports = (tuple(preload), dict(environment))
        self._socket, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [
                    sys.executable,
                    "-c",
                    _START,
                    json.dumps(sys.path, default=str),
                    str(theirs.fileno()),
                    *preload,
                ],
                pass_fds=[theirs.fileno()],
                env={**os.environ, **environment},  # threads of native libraries would not survive a fork
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )

    def start(self, connection: Connection) -> Child:
        """Ask for a worker that serves this connection, which is closed here."""
        heard, told = os.pipe()
        with contextlib.suppress(OSError):  # the nursery is gone: the closed pipe tells the child's end
            socket.send_fds(self._socket, [b"w"], [connection.fileno(), told])
        os.close(told)
        connection.close()
        return Child(heard)

    @property
    def gone(self) -> bool:
        """Whether the interpreter has ended."""
        return self._process.poll() is not None

    def close(self) -> None:
        """End the nursery; its workers have been ended before."""
        self._socket.close()
        self._process.kill()
        self._process.wait()


_early: list[Nursery] = []


def start_early(preload: Sequence[str], environment: Mapping[str, str]) -> None:
    """Start a nursery for a pool that is likely to come: it imports while this process does."""
    _early.append(Nursery(preload, environment))


def take(preload: Sequence[str], environment: Mapping[str, str]) -> Nursery:
    """Return the nursery that was started early, if it is of this kind, or a new one."""
    while _early:
        nursery = _early.pop()
        if nursery.imports == (tuple(preload), dict(environment)) and not nursery.gone:
            return nursery
        nursery.close()
    return Nursery(preload, environment)


def discard() -> None:
    """End the nursery that was started early and that nobody took."""
    while _early:
        _early.pop().close()


def serve(address: int, preload: Sequence[str]) -> None:
    """Import, then fork a worker for each request until the parent is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for name in preload:
        with contextlib.suppress(ImportError):  # the point itself will say what is missing
            importlib.import_module(name)
    gc.collect()
    gc.freeze()  # or the first collection of each worker would copy every page
    woken, waker = os.pipe()
    os.set_blocking(waker, False)
    signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    children: dict[int, int] = {}
    with socket.socket(fileno=address) as parent:
        while True:
            ready, _, _ = select.select([address, woken], [], [])
            if woken in ready:
                os.read(woken, 4096)
                _reap(children)
            if address in ready:
                asked, files, *_ = socket.recv_fds(parent, 1, 2)
                if not asked:
                    break
                connection, status = files
                _fork(connection, status, children, private=[address, woken, waker])
    for pid in children:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)


def _fork(connection: int, status: int, children: dict[int, int], *, private: Sequence[int]) -> None:
    pid = os.fork()
    if pid == 0:
        _be_worker(connection, [status, *children.values(), *private])
    with contextlib.suppress(OSError):  # it has ended already
        os.setpgid(pid, pid)
    with contextlib.suppress(OSError):  # the parent no longer listens
        os.write(status, _NUMBER.pack(pid))
    os.close(connection)
    children[pid] = status


def _be_worker(connection: int, private: Sequence[int]) -> None:
    from runner.engine.worker import main

    code = 1
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for file in private:
            os.close(file)
        os.setpgid(0, 0)
        main(Connection(connection), ())
        code = 0
    except SystemExit as ending:
        code = ending.code if isinstance(ending.code, int) else int(bool(ending.code))
    except BaseException:
        traceback.print_exc()
    finally:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code & 0xFF)


def _reap(children: dict[int, int]) -> None:
    for pid, status in list(children.items()):
        ended, code = os.waitpid(pid, os.WNOHANG)
        if ended:
            with contextlib.suppress(OSError):  # the parent no longer listens
                os.write(status, _NUMBER.pack(os.waitstatus_to_exitcode(code)))
            os.close(status)
            del children[pid]


_OTHERWISE = re.compile(
    r"(dry_run|resume|diff|backend|threads_per_run|hydra/\w+)=|--(help|cfg|info|hydra-help)|-[hci]$"
)


@contextmanager
def early_workers(typed: Sequence[str]) -> Iterator[None]:
    """Let a nursery import while the command line is read, where it says `-m` and `n_jobs=2` or more."""
    if not _asks_for_workers(typed):
        yield
        return
    from runner.engine.worker import PRELOAD
    from runner.trial.threads import environment

    start_early(PRELOAD, environment(1))
    try:
        yield
    finally:
        discard()


def _asks_for_workers(typed: Sequence[str]) -> bool:
    sweeps = any(word in ("-m", "--multirun") for word in typed)
    several = any(re.fullmatch(r"n_jobs=(-\d+|[2-9]|[1-9]\d+)", word) for word in typed)
    return os.name == "posix" and sweeps and several and not any(map(_OTHERWISE.match, typed))
