"""How far a sweep is, while it runs: a live line on a terminal and in a notebook, plain lines otherwise, on stderr.

Drawing the live line, clearing it and writing above it is rich's. What the line says is here.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol, Self, TextIO

from runner.report.notebook import NotebookLine
from tracking.text.formatting import plain, plain_lines

if TYPE_CHECKING:
    from rich.live import Live

    from runner.trial.outcome import Outcome
    from runner.trial.spec import Spec

LINES = 20  # without a terminal: a line for each point up to so many, else about so many lines
_NOTEBOOK = 100  # characters of the live line in a notebook
_FRAMES = 10  # drawings of the live line in a second
_SHORTEST = 12  # characters of a name that are worth showing
_NOTICED = 1.0  # seconds after which the running point is worth naming


class Watcher(Protocol):
    """Is told of every point that runs: when it is handed out, and how each attempt at it ended."""

    def begin(self, spec: Spec) -> None:
        """Note that a point begins."""

    def take(self, outcome: Outcome) -> None:
        """Note how an attempt ended."""


class Progress:
    """Tells how far a sweep is; inside its `with` block the live line is there. `display` is a notebook's."""

    def __init__(
        self,
        total: int,
        *,
        live: bool | None = None,
        stream: TextIO | None = None,
        display: Callable[..., Any] | None = None,
    ) -> None:
        self._stream = stream or sys.stderr
        if live is None:
            live = self._stream.isatty() and os.environ.get("TERM") not in ("dumb", "unknown")
        self._total = total
        self._start = self._last = time.monotonic()
        self.done = self.failed = 0
        self.workers: Callable[[], int] | None = None  # of a cluster: how many can be given points now
        self._noted: set[str] = set()
        self._best: tuple[float, Outcome] | None = None
        self._running: dict[int, tuple[str, float]] = {}  # number -> name and begin, the longest running first
        self._lock = threading.RLock()
        self._live = self._new_live() if live and total else None
        self._notebook = NotebookLine(display, lambda: self.live_line(width=_NOTEBOOK)) if display and total else None

    def __enter__(self) -> Self:
        if self._live is not None:
            self._live.start(refresh=True)
        if self._notebook is not None:
            self._notebook.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()
        if self._notebook is not None:
            self._notebook.stop()

    def begin(self, spec: Spec) -> None:
        """Note that a point begins."""
        if self._is_live:
            with self._lock:
                self._running[spec.number] = (spec.name, time.monotonic())
        if self._notebook is not None:
            self._notebook.refresh()

    def say(self, line: str) -> None:
        """Write a line, above the live one; in a notebook the live one is all."""
        if self._notebook is not None:
            return
        line = plain_lines(line)
        if self._live is not None:
            self._live.console.print(line, markup=False, highlight=False, soft_wrap=True)
            return
        with contextlib.suppress(OSError):
            print(line, file=self._stream, flush=True)

    def take(self, outcome: Outcome) -> None:
        """Count an outcome, and show it where it is worth a line; say what it notes of the sweep once."""
        for note in outcome.notes:
            if note not in self._noted:
                self._noted.add(note)
                self.say(f"note: {note}")
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
        if outcome.status == "FAILED":
            self.say(f"failed: {outcome.name}: {outcome.error}  (run {outcome.run_id[:8]})")
        elif outcome.ok and not self._is_live and self._is_due():
            self.say(self._plain_line(outcome))
        if self._notebook is not None:
            self._notebook.refresh()

    def live_line(self, *, width: int) -> str:
        """Return what the live line says now, in so many characters at most."""
        with self._lock:
            now = time.monotonic()
            ended = self.done + self.failed
            failed = f", {self.failed} failed" if self.failed else ""
            count = f"{ended}/{self._total} done{failed}" if ended else f"{ended}/{self._total}"
            count += _on(self.workers()) if self.workers else ""
            return plain(fit_line(count, self._middles(now), self._time_left(now), width=width))

    def __rich__(self) -> Any:
        from rich.text import Text

        assert self._live is not None
        return Text(self.live_line(width=self._live.console.width - 1), no_wrap=True)

    # -------------------------------------------------------------------------------------------
    @property
    def _is_live(self) -> bool:
        return self._live is not None or self._notebook is not None

    def _new_live(self) -> Live:
        from rich.console import Console
        from rich.live import Live

        console = Console(file=_Lenient(self._stream), force_terminal=True)  # type: ignore[arg-type]
        # What points print is not ours to move: the log of each run has it.
        return Live(
            self,
            console=console,
            refresh_per_second=_FRAMES,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )

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

    def _plain_line(self, outcome: Outcome) -> str:
        score = "" if outcome.objective is None else f"  {outcome.metric} {outcome.objective:.5g}"
        left = self._time_left(time.monotonic())
        return f"{self.done + self.failed}/{self._total}  {outcome.name}{score}{left and '  ' + left}"

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
        if name and now - begun >= _NOTICED:  # what ends at once is not worth reading
            best.insert(0, "  ".join([*best[:1], f"now {name}"]))
        return best

    def _time_left(self, now: float) -> str:
        """Say how long the rest takes at the pace so far; before anything has ended, how long it has taken."""
        ended = self.done + self.failed
        spent = now - self._start
        if ended >= self._total or spent < 1:
            return ""
        if not ended:
            return _seconds(spent) if self._is_live else ""
        pace = (self._last - self._start) / ended
        left = self._total - ended
        # Counts down while a point runs, but not below what the points after it take.
        return f"{_seconds(max(pace * left - (now - self._last), pace * (left - 1), 1))} left"


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


def _on(workers: int) -> str:
    return f" on {workers} workers" if workers > 1 else f" on {workers or 'no'} worker"


def _seconds(seconds: float) -> str:
    from tracking.text.tables import format_duration

    return f"{seconds:.0f}s" if seconds < 59.5 else str(format_duration(seconds))


class _Lenient:
    """A stream that takes what cannot be written: a full disk or a closed pipe behind stderr ends no sweep."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        with contextlib.suppress(OSError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with contextlib.suppress(OSError):
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
