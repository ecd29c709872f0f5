"""Runs that were started together: grouped by their tag `sweep.id`, and how far each sweep came. Pure.

The tags are those the runner writes: `sweep.id`, `sweep.point` (from 0), `sweep.points` (planned),
`sweep.command`, and `sweep.reused` (points that an earlier sweep had already done).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import isnan

from tracking.entities import Run, RunStatus
from tracking.errors import InvalidValue, RunNotFound
from tracking.refs import SHORTEST_PREFIX, nearest_names, objective
from tracking.render import ShortId, format_number, local_time


@dataclass(frozen=True)
class Sweep:
    """One sweep and its active runs, in the order they were started; a point may have several attempts."""

    id: str
    runs: tuple[Run, ...]

    @property
    def command(self) -> str:
        """What a person typed, or nothing where that is not recorded."""
        return self.runs[0].data.tags.get("sweep.command", "")

    @property
    def repeats(self) -> bool:
        """Tell whether this sweep was made to run another one again (`python -m runner.reproduce --sweep`)."""
        return "reproduces.sweep" in self.runs[0].data.tags

    @property
    def started(self) -> int:
        """When the first run started, in milliseconds."""
        return self.runs[0].info.start_time

    @cached_property
    def planned(self) -> int:
        """How many points there should be."""
        return max(_number(run, "sweep.points") for run in self.runs) or len(self.latest)

    @cached_property
    def reused(self) -> int:
        """How many points an earlier sweep had already done."""
        return max(_number(run, "sweep.reused") for run in self.runs)

    @cached_property
    def latest(self) -> dict[str, Run]:
        """The run that counts for each point: the last finished one, else the last attempt."""
        counting: dict[str, Run] = {}
        for run in self.runs:
            point = run.data.tags.get("sweep.point", run.info.run_id)
            before = counting.get(point)
            if before is None or before.info.status != RunStatus.FINISHED or _finished(run):
                counting[point] = run
        return counting

    def in_status(self, *statuses: RunStatus) -> list[Run]:
        """Return the runs that count and have one of the statuses."""
        return [run for run in self.latest.values() if run.info.status in statuses]

    @property
    def done(self) -> int:
        """How many points are finished in this sweep itself."""
        return len(self.in_status(RunStatus.FINISHED))

    @property
    def failed(self) -> int:
        """How many points failed or were killed in their last attempt."""
        return len(self.in_status(RunStatus.FAILED, RunStatus.KILLED))

    @property
    def missing(self) -> int:
        """How many planned points have no run at all."""
        return max(self.planned - self.reused - len(self.latest), 0)

    def ranked(self) -> list[Run]:
        """Return the runs that count, best objective first, those without one last."""
        return sorted(self.latest.values(), key=_rank)

    def best(self) -> Run | None:
        """Return the finished run with the best objective, or None where no run has one."""
        return next((run for run in self.ranked()[:1] if _rank(run)[0] == 0), None)

    def row(self) -> dict[str, object]:
        """Return the sweep as a row of plain values."""
        best = self.best()
        metric = "" if best is None else objective(best)[0]
        return {
            "id": ShortId(self.id),
            "started": local_time(self.started),
            "points": self.planned,
            "done": self.done,
            "failed": self.failed,
            "missing": self.missing,
            "best": None if best is None else best.data.metrics[metric],
            "command": self.command,
            "objective": metric or None,
            "best run": None if best is None else ShortId(best.info.run_id),
            "running": len(self.in_status(RunStatus.RUNNING, RunStatus.SCHEDULED)),
            "reused": self.reused,
        }


SWEEP_COLUMNS = (
    *("id", "started", "points", "done", "failed", "missing", "best", "command"),
    *("objective", "best run", "running", "reused"),
)


def group_sweeps(runs: Iterable[Run]) -> list[Sweep]:
    """Return the sweeps of these runs, newest first; runs of no sweep are passed over."""
    grouped: dict[str, list[Run]] = {}
    for run in sorted(runs, key=lambda run: (run.info.start_time, _number(run, "sweep.point"))):
        if sweep_id := run.data.tags.get("sweep.id"):
            grouped.setdefault(sweep_id, []).append(run)
    sweeps = [Sweep(sweep_id, tuple(members)) for sweep_id, members in grouped.items()]
    return sorted(sweeps, key=lambda sweep: sweep.started, reverse=True)


def find_sweep(sweeps: Sequence[Sweep], reference: str) -> Sweep:
    """Return the sweep that `latest` or the start of an id names; `sweeps` are newest first.

    `latest` is the newest that does not merely run another one again.
    Raises RunNotFound with the nearest, or InvalidValue where several ids start so.
    """
    if not sweeps:
        raise RunNotFound(f"No sweep {reference!r}: the store has none. Start one: python -m runner -m ...")
    if reference == "latest":
        return next((sweep for sweep in sweeps if not sweep.repeats), sweeps[0])
    long_enough = len(reference) >= SHORTEST_PREFIX
    found = [s for s in sweeps if s.id == reference or (long_enough and s.id.startswith(reference))]
    match found:
        case [sweep]:
            return sweep
        case []:
            nearest = ", ".join(nearest_names(reference, [sweep.id for sweep in sweeps]))
            raise RunNotFound(f"No sweep {reference!r}. Nearest: {nearest}. See: python -m tracking sweeps")
    raise InvalidValue(f"Several sweeps start with {reference!r}: {', '.join(sweep.id for sweep in found)}.")


def best_text(run: Run) -> str:
    """Return a run's objective and id, as `rmse_mean = 54.1 (a93fa93f)`."""
    metric, _ = objective(run)
    return f"{metric} = {format_number(run.data.metrics[metric])} ({run.info.run_id[:8]})"


def _rank(run: Run) -> tuple[int, float]:
    """Order by objective; only finished runs with a number take part."""
    try:
        metric, direction = objective(run)
    except InvalidValue:
        return (1, 0.0)
    value = run.data.metrics.get(metric)
    if value is None or isnan(value) or not _finished(run):
        return (1, 0.0)
    return (0, -value if direction == "maximize" else value)


def _finished(run: Run) -> bool:
    return run.info.status == RunStatus.FINISHED


def _number(run: Run, tag: str) -> int:
    text = run.data.tags.get(tag, "")
    return int(text) if text.isdecimal() else 0
