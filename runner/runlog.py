"""What `run.log` of a point holds: our own lines, log records, and what its estimator prints.

Points may run side by side in threads, and `sys.stdout` is one for all: while any point listens, one stand-in
is installed there that sends each thread's text where it belongs. The last point to leave takes it away.
"""

from __future__ import annotations

import contextlib
import io
import logging
import sys
import threading
import time
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any, TextIO


class RunLog:
    """The log of one point."""

    def __init__(self) -> None:
        self._buffer = io.StringIO()
        self._start = time.perf_counter()
        self._before: frozenset[int | None] = frozenset()

    def write(self, line: str) -> None:
        """Write a line of our own, with the seconds since the start."""
        self._buffer.write(f"{time.perf_counter() - self._start:8.3f}s  {line}\n")

    def text(self) -> str:
        """Return everything so far."""
        return self._buffer.getvalue()

    @contextlib.contextmanager
    def capturing(self) -> Iterator[None]:
        """Take what the block prints and logs; what other threads print meanwhile goes where it always did."""
        self._before = frozenset(thread.ident for thread in threading.enumerate())
        handler = logging.StreamHandler(self._buffer)
        handler.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))
        handler.addFilter(lambda record: _listener() is self)
        token = _listening.set(self)
        _enter(self)
        logging.getLogger().addHandler(handler)
        try:
            yield
        finally:
            logging.getLogger().removeHandler(handler)
            _leave(self)
            _listening.reset(token)

    def may_own(self, thread: int) -> bool:
        """Tell whether a thread may be the estimator's: it was not there when the point began."""
        return thread not in self._before


class _StandIn:
    """Stands in for `sys.stdout`; every attribute is that of the stream the calling thread writes to."""

    def __init__(self, outer: TextIO) -> None:
        self.outer = outer

    def __getattr__(self, name: str) -> Any:
        listener = _listener()
        return getattr(self.outer if listener is None else listener._buffer, name)


_listening: ContextVar[RunLog | None] = ContextVar("listening", default=None)
_open: list[RunLog] = []
_lock = threading.Lock()


def _listener() -> RunLog | None:
    """Return the log that the calling thread writes to; a thread that came with the only point is its own."""
    mine = _listening.get()
    if mine is None:
        listeners = tuple(_open)
        if len(listeners) == 1 and listeners[0].may_own(threading.get_ident()):
            return listeners[0]
    return mine


def _enter(log: RunLog) -> None:
    with _lock:
        _open.append(log)
        if not isinstance(sys.stdout, _StandIn):
            sys.stdout = _StandIn(sys.stdout)


def _leave(log: RunLog) -> None:
    with _lock:
        _open.remove(log)
        while not _open and isinstance(sys.stdout, _StandIn):
            sys.stdout = sys.stdout.outer
