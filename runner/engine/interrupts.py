"""Ctrl-C and SIGTERM while a sweep runs: raised only where a point computes, otherwise remembered."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from typing import Any

from runner.errors import StopPoint


class Interrupts:
    """Handlers that are in force inside the `with` block; they do nothing outside the main thread."""

    def __init__(self) -> None:
        self.requested = 0
        self.signal = 0  # the number of the last one
        self._raising = False
        self._previous: dict[int, Any] = {}

    def __enter__(self) -> Interrupts:
        with contextlib.suppress(ValueError):  # not the main thread: signals go elsewhere
            for number in (signal.SIGINT, signal.SIGTERM):
                self._previous[number] = signal.signal(number, self._handle)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    @contextlib.contextmanager
    def raising(self) -> Iterator[None]:
        """Let an interrupt inside the block end it by StopPoint."""
        self._raising = True
        try:
            yield
        finally:
            self._raising = False

    def _handle(self, number: int, frame: object) -> None:
        self.requested += 1
        self.signal = number
        if self._raising:
            raise StopPoint
