"""How far a sweep is, while it runs: a live line on a terminal, plain lines otherwise. All on stderr."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Self, TextIO

if TYPE_CHECKING:
    from runner.trial.record import Outcome
    from runner.trial.spec import Spec

LINES = 20  # without a terminal: a line for each point up to so many, else about so many lines
_REDRAWN = 0.1  # seconds between two drawings, at least
_SHORTEST = 12  # characters of a name that are worth showing
_TICK = 1.0  # seconds between two drawings while nothing ends


class Progress:
    """Tells how far a sweep is; inside its `with` block the live line goes on while nothing ends."""

    def __init__(self, total: int, *, live: bool | None = None, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._live = self._stream.isatty() if live is None else live
        self._total = total
        self._start = self._last = time.monotonic()
        self._drawn = 0.0
        self._width = 0
        self.done = self.failed = 0
        self._best: tuple[float, Outcome] | None = None
        self._running: dict[int, tuple[str, float]] = {}  # number -> name and begin, the longest running first
        self._lock = threading.RLock()
        self._ended = threading.Event()

    def __enter__(self) -> Self:
        if self._live and self._total:
            threading.Thread(target=self._tick, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self.clear()

    def begin(self, spec: Spec) -> None:
        """Note that a point begins."""
        if self._live:
            with self._lock:
                self._running[spec.number] = (spec.name, time.monotonic())
                self._draw()

    def say(self, line: str) -> None:
        """Write a line, above the live one."""
        with self._lock:
            self.clear()
            self._write(f"{line}\n")

    def take(self, outcome: Outcome) -> None:
        """Count an outcome, and show it where it is worth a line."""
        if outcome.will_retry:
            self.say(f"failed, trying again: {outcome.name}: {outcome.error}")
            return
        with self._lock:
            self._running.pop(outcome.number, None)
            self._last = time.monotonic()
            if outcome.ok:
                self.done += 1
                self._keep_best(outcome)
            elif outcome.status == "FAILED":
                self.failed += 1
                self.say(f"failed: {outcome.name}: {outcome.error}  (run {outcome.run_id[:8]})")
            if self._live:
                self._draw()
            elif outcome.ok and self._is_due():
                self.say(self._line(outcome))

    def clear(self) -> None:
        """Remove the live line."""
        with self._lock:
            if self._width:
                blank = min(self._width + 2, _columns(self._stream) - 1)  # a terminal shows Ctrl-C as `^C` behind it
                self._write("\r" + " " * blank + "\r")
                self._width = 0
                self._drawn = 0.0

    # -------------------------------------------------------------------------------------------
    def _keep_best(self, outcome: Outcome) -> None:
        if outcome.objective is not None:
            cost = outcome.objective if outcome.direction == "minimize" else -outcome.objective
            if self._best is None or cost < self._best[0]:
                self._best = (cost, outcome)

    def _is_due(self) -> bool:
        if self._total <= LINES:
            return True
        every = -(-self._total // LINES)
        return (self.done + self.failed) % every == 0

    def _line(self, outcome: Outcome) -> str:
        score = "" if outcome.objective is None else f"  {outcome.metric} {outcome.objective:.5g}"
        left = self._time_left(time.monotonic())
        return f"{self.done + self.failed}/{self._total}  {outcome.name}{score}{left and '  ' + left}"

    def _tick(self) -> None:
        while not self._ended.wait(_TICK):
            with self._lock:
                if not self._ended.is_set():
                    self._draw()

    def _draw(self) -> None:
        from tracking.text.tables import cell_width

        now = time.monotonic()
        if now - self._drawn < _REDRAWN and self.done + self.failed < self._total:
            return
        self._drawn = now
        line = self._live_line(now)
        self._write("\r" + line + " " * (self._width - cell_width(line)))
        self._width = cell_width(line)

    def _live_line(self, now: float) -> str:
        ended = self.done + self.failed
        failed = f", {self.failed} failed" if self.failed else ""
        count = f"{ended}/{self._total} done{failed}" if ended else f"{ended}/{self._total}"
        return fit_line(count, self._middles(now), self._time_left(now), width=_columns(self._stream) - 1)

    def _middles(self, now: float) -> list[str]:
        """Return what may stand between the count and the time, the most telling first."""
        name, begun = next(iter(self._running.values()), ("", now))
        if not self.done:
            return [f"{name} ..."] if name else []
        best: list[str] = []
        if self._best is not None:
            outcome = self._best[1]
            score = f"best {outcome.metric} {outcome.objective:.5g}"
            best = [f"{score} ({outcome.name})", score]
        if name and now - begun >= _TICK:  # what ends at once is not worth reading
            best.insert(0, "  ".join([*best[:1], f"now {name}"]))
        return best

    def _time_left(self, now: float) -> str:
        """Say how long the rest takes at the pace so far; before anything has ended, how long it has taken."""
        ended = self.done + self.failed
        spent = now - self._start
        if ended >= self._total or spent < 1:
            return ""
        if not ended:
            return f"{_seconds(spent)}" if self._live else ""
        pace = (self._last - self._start) / ended
        left = self._total - ended
        # Counts down while a point runs, but not below what the points after it take.
        return f"{_seconds(max(pace * left - (now - self._last), pace * (left - 1), 1))} left"

    def _write(self, text: str) -> None:
        with contextlib.suppress(OSError):  # a full disk or a closed pipe behind stderr ends no sweep
            self._stream.write(text)
            self._stream.flush()


def fit_line(count: str, middles: Sequence[str], time: str, *, width: int) -> str:
    """Put together the live line: the count and the time always, between them the first text that fits.

    >>> fit_line("1/9 done", ["best rmse 54.8 (ridge alpha=0.1)", "best rmse 54.8"], "8s left", width=40)
    '1/9 done  best rmse 54.8  8s left'
    """
    from tracking.text.tables import cell_width, cut

    room = width - cell_width("  ".join(filter(None, [count, time]))) - 2
    middle = next((text for text in middles if cell_width(text) <= room), "")
    if not middle and middles and room >= _SHORTEST:
        middle = cut(middles[-1], room)
    return cut("  ".join(filter(None, [count, middle, time])), width)


def _seconds(seconds: float) -> str:
    from tracking.text.tables import format_duration

    return f"{seconds:.0f}s" if seconds < 59.5 else str(format_duration(seconds))


def _columns(stream: TextIO) -> int:
    """Return the width of the terminal behind a stream; COLUMNS says otherwise if it is set."""
    given = os.environ.get("COLUMNS", "")
    if given.isdecimal() and int(given) > 0:
        return int(given)
    with contextlib.suppress(OSError, ValueError):
        return os.get_terminal_size(stream.fileno()).columns or 80
    return 80
