"""What `resume=true` makes of what is recorded: which points are reused, which have ended their process before.

Two sweeps may resume the same points at once: each point is claimed in the store before it is run, so that they
share the work.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import tracking
from runner.planning.plan import DONE, Planned, find_done
from runner.trial.outcome import Outcome, outcome_of_run
from runner.trial.spec import Spec
from tracking.records.names import SWEEP_ALSO, SWEEP_COMMAND, SWEEP_ID, SWEEP_POINTS
from tracking.records.sweeps import Reuse


@dataclass(slots=True)
class Resumed:
    """The points of a sweep, by number, that are not simply run."""

    client: tracking.TrackingClient
    sweep: Mapping[str, str]  # its tags, {} for none
    reused: dict[int, Outcome] = field(default_factory=dict)
    deaths: dict[int, int] = field(default_factory=dict)  # points that ended their process, and how often
    fingerprints: dict[int, str] = field(default_factory=dict)  # of the points to run
    elsewhere: list[Spec] = field(default_factory=list)  # points that another process was running when their turn came

    def describe(self, total: int) -> list[str]:
        """Say what is reused, and what is run in a process of its own."""
        lines = []
        if self.reused:
            verb = "is" if len(self.reused) == 1 else "are"
            lines.append(f"{len(self.reused)} of {total} points {verb} done already and {verb} reused")
        if self.deaths:
            lines.append(f"{len(self.deaths)} of {total} points ended their process before: workers run what is left")
        return lines

    def reuse(self, spec: Spec, run: tracking.Run) -> Outcome:
        """Take the result that a run has, and note in it that this sweep has it too."""
        if self.sweep:
            noted = _reuse(spec.number, self.sweep, first=not self.reused).noted(run.data.tags)
            self.client.set_tag(run.info.run_id, SWEEP_ALSO, noted)
        self.reused[spec.number] = outcome_of_run(spec, run)
        return self.reused[spec.number]

    def claim(self, spec: Spec) -> Outcome | bool:
        """Claim a point whose turn has come, and tell whether it is to be run here.

        What a living process has claimed goes to `elsewhere`. What another sweep has done since this one looked is
        reused: its outcome is returned.
        """
        known = self.fingerprints[spec.number]
        claim = self.client.claim(known)
        if not claim.mine:
            self.elsewhere.append(spec)
        elif claim.before is not None and (run := find_done(self.client, known)) is not None:
            return self.reuse(spec, run)
        return claim.mine

    def release(self) -> None:
        """Give back the claims."""
        self.client.release_claims()


def find_reusable(planned: Iterable[Planned], store: str, sweep: Mapping[str, str]) -> Resumed:
    """Sort out what is recorded, and note in every reused run that this sweep has it too.

    `sweep` are the tags of the sweep, {} for none. 10,000 runs take about two seconds.
    """
    found = Resumed(tracking.TrackingClient(store), sweep)
    for point in planned:
        if point.state == DONE and point.run is not None:
            found.reuse(point.spec, point.run)
            continue
        found.fingerprints[point.spec.number] = point.fingerprint
        if point.deaths:
            found.deaths[point.spec.number] = point.deaths
    return found


def _reuse(number: int, sweep: Mapping[str, str], *, first: bool) -> Reuse:
    if not first:
        return Reuse(sweep[SWEEP_ID], number)
    now = time.time_ns() // 1_000_000
    return Reuse(sweep[SWEEP_ID], number, int(sweep[SWEEP_POINTS]), now, sweep[SWEEP_COMMAND])
