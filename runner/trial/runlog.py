"""What a point says while it runs: our own lines, log records, what its estimator prints, and its warnings.

Points may run side by side in threads, and `sys.stdout` and the warning filters are one for all: while any point
listens, stand-ins are installed there that send each thread's words where they belong. The last point to leave
takes them away.
"""

from __future__ import annotations

import contextlib
import io
import logging
import re
import sys
import threading
import time
import warnings
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from typing import Any, TextIO

from tracking.records.values import leaves


def encodable(text: str) -> str:
    """Return text that UTF-8 can hold: lone surrogates, as names of files may have, are written as escapes."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


# LightGBM 4.7 asks for eval_X and eval_y, and does not number the labels of classes in these.
_NOT_TAKEN = "The argument 'eval_set' is deprecated"


def with_key(warning: str, config: Mapping[str, Any]) -> str:
    """Return a recorded warning that a fit ran out of iterations with the key to raise in front; others as they are."""
    kind, _, text = warning.partition(": ")
    if kind != "ConvergenceWarning" or not re.search("converge|iteration|max_iter", text, re.IGNORECASE):
        return warning
    limits = [f"{key}={value}" for key, value in leaves(config) if key.rpartition(".")[2] == "max_iter"]
    return f"{kind}: raise {', '.join(limits) or 'model.max_iter'}: {text}"


class _Buffer(io.StringIO):
    """What a point prints goes here, also after it closed its standard output."""

    def close(self) -> None:
        """Stay open."""


class RunLog:
    """The log of one point."""

    def __init__(self) -> None:
        self._buffer = _Buffer()
        self._start = time.perf_counter()
        self._before: frozenset[int | None] = frozenset()
        self._warnings: dict[str, None] = {}

    def write(self, line: str) -> None:
        """Write a line of our own, with the seconds since the start."""
        self._buffer.write(f"{time.perf_counter() - self._start:8.3f}s  {line}\n")

    def text(self) -> str:
        """Return everything so far."""
        return encodable(self._buffer.getvalue())

    def warnings(self) -> list[str]:
        """Return the warnings so far, each distinct one once."""
        return list(self._warnings)

    def warn(self, category: type[Warning], message: Warning | str) -> None:
        """Take a warning."""
        if str(message).startswith(_NOT_TAKEN):
            return
        self._warnings[encodable(f"{category.__name__}: {' '.join(str(message).split())}")] = None

    @contextlib.contextmanager
    def capturing(self) -> Iterator[None]:
        """Take what the block prints, logs and warns of; what other threads say goes where it always did."""
        self._before = frozenset(thread.ident for thread in threading.enumerate())
        token = _listening.set(self)
        try:  # an interrupt may come at any line
            _enter(self)
            yield
        finally:
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


class _Handler(logging.Handler):
    """Brings log records to the point that they are of.

    One for all points: logging walks over its handlers without a lock, and misses one when an earlier one is removed.
    """

    def emit(self, record: logging.LogRecord) -> None:
        """Write the record into the log of the point, if it is of one."""
        listener = _listener()
        if listener is not None:
            listener._buffer.write(f"{self.format(record)}\n")


_handler = _Handler()
_handler.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))
_listening: ContextVar[RunLog | None] = ContextVar("listening", default=None)
_open: list[RunLog] = []
_filters: list[warnings.catch_warnings[None]] = []
_lock = threading.Lock()


def _listener() -> RunLog | None:
    """Return the log that the calling thread writes to; a thread that came with the only point is its own."""
    mine = _listening.get()
    if mine is None:
        listeners = tuple(_open)
        if len(listeners) == 1 and listeners[0].may_own(threading.get_ident()):
            return listeners[0]
    return mine


def _watch_warnings() -> None:
    """Have every warning brought to the point that it is of, however often it was given before."""
    filters = warnings.catch_warnings()
    filters.__enter__()
    _filters.append(filters)
    warnings.simplefilter("always")
    usual = warnings.showwarning

    def show(message: Warning | str, category: type[Warning], *place: Any, **options: Any) -> None:
        listener = _listener()
        if listener is None:
            usual(message, category, *place, **options)
        else:
            listener.warn(category, message)

    warnings.showwarning = show


def _enter(log: RunLog) -> None:
    with _lock:
        _open.append(log)
        if len(_open) == 1:
            _watch_warnings()
        if not isinstance(sys.stdout, _StandIn):
            sys.stdout = _StandIn(sys.stdout)
        logging.getLogger().addHandler(_handler)


def _leave(log: RunLog) -> None:
    with _lock:
        if log in _open:
            _open.remove(log)
        if not _open:
            logging.getLogger().removeHandler(_handler)
        if _filters and not _open:
            _filters.pop().__exit__(None, None, None)
        while not _open and isinstance(sys.stdout, _StandIn):
            sys.stdout = sys.stdout.outer
