"""Sends every ended run to an MLflow server while a sweep goes on, and says at its end what is missing there."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from runner.report.console import say
from tracking.mirror import Mirror

if TYPE_CHECKING:
    from runner.trial.outcome import Outcome
    from runner.trial.spec import Spec


class Mirroring:
    """A watcher of a sweep that sends what ended; the sweep neither waits for it nor fails with it."""

    def __init__(self, server: str, store: str, sweep: str | None) -> None:
        self._mirror = Mirror(server, store, *(("--sweep", sweep) if sweep else ()))

    def begin(self, spec: Spec) -> None:
        """Note that a point begins: nothing is sent yet."""

    def take(self, outcome: Outcome) -> None:
        """Send how an attempt ended."""
        if outcome.run_id and not outcome.reused:
            self._mirror.send(outcome.run_id)

    def finish(self, *, wait: bool) -> None:
        """Send what is left, unless nobody waits for it, and say what is missing."""
        said = self._mirror.finish(_show) if wait else self._mirror.stop()
        if sys.stderr.isatty():
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
        if said:
            say(said)


def _show(sent: int, given: int) -> None:
    if sys.stderr.isatty():
        print(f"\rsent {sent} of {given} runs; Ctrl-C leaves the rest", end="", file=sys.stderr, flush=True)
