"""The end of a sweep: the table of the best points, what failed, and what one would type next. On stdout."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Collection, Iterable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from runner.plan import Planned
    from runner.record import Outcome

SHOWN = 20  # rows of the table, and of the list of failures


class Results:
    """Keeps what the final table shows, and no more: the best points and the first failures."""

    def __init__(self, *, keep: int = SHOWN, keep_runs: bool = False) -> None:
        self._keep = keep
        self._keep_runs = keep_runs
        self._run_ids: dict[int, str] = {}
        self._best: list[tuple[float, int, Outcome]] = []
        self._order = itertools.count()
        self.failures: list[Outcome] = []
        self.finished = self.reused = self.failed = self.killed = 0

    def take(self, outcome: Outcome) -> None:
        """Count an outcome that is final."""
        if outcome.will_retry:
            return
        if self._keep_runs:
            self._run_ids[outcome.number] = outcome.run_id
        if outcome.ok:
            if outcome.reused:
                self.reused += 1
            else:
                self.finished += 1
            if outcome.objective is not None:
                cost = outcome.objective if outcome.direction == "minimize" else -outcome.objective
                heapq.heappush(self._best, (-cost, -next(self._order), outcome))
                if len(self._best) > self._keep:
                    heapq.heappop(self._best)
            return
        if outcome.status == "FAILED":
            self.failed += 1
        else:
            self.killed += 1
        if len(self.failures) < self._keep:
            self.failures.append(outcome)

    @property
    def run_ids(self) -> list[str]:
        """The run of every point, in the order of the points, if they were to be kept."""
        return [self._run_ids[number] for number in sorted(self._run_ids) if self._run_ids[number]]

    @property
    def best(self) -> list[Outcome]:
        """The best points, best first."""
        return [outcome for *_, outcome in sorted(self._best, key=lambda entry: entry[:2], reverse=True)]


def render_results(results: Results, varying: Collection[str], *, width: int | None) -> str:
    """Return the table of the best points: what varies, the objective with its spread, run and duration."""
    from tracking.render import ShortId, render_table

    best = results.best
    if not best:
        return ""
    rows = []
    for outcome in best:
        values = dict(text.lstrip("+~").partition("=")[::2] for text in outcome.overrides)
        row: dict[str, object] = {key: _number(values.get(key)) for key in varying}
        row[f"{outcome.metric}"] = outcome.objective
        row["+-"] = outcome.spread
        row["from"] = "reused" if outcome.reused else None
        row |= {
            "run": outcome.name,
            "id": ShortId(outcome.run_id),
            "took": timedelta(seconds=outcome.seconds),
        }
        rows.append(row)
    if len(rows) == 1 and results.finished + results.reused == 1:
        return _render_single(best[0], width)
    metrics = list(dict.fromkeys(outcome.metric for outcome in best))
    source = ["from"] if results.reused else []
    columns = [*varying, *metrics, "+-", "run", "id", "took", *source]
    return str(render_table(rows, columns, width=width))


def render_ending(results: Results, *, total: int, seconds: float, interrupted: bool) -> list[str]:
    """Return the lines under the table: what failed, the sum, and what one would type next."""
    lines = []
    if results.failures:
        lines.append("Failed:" if results.failed else "Ended early:")
        for outcome in results.failures:
            lines.append(f"  {outcome.run_id[:8] or '-':8}  {outcome.name}: {outcome.error}")
        hidden = results.failed + results.killed - len(results.failures)
        lines += [f"  ... and {hidden} more"] * (hidden > 0)
    counts = [(results.finished, "finished"), (results.reused, "reused"), (results.failed, "failed")]
    counts.append((results.killed, "ended early"))
    counts.append((total - results.finished - results.failed - results.killed - results.reused, "not run"))
    shown = ", ".join(f"{count} {word}" for count, word in counts if count > 0)
    shortened = results.finished + results.reused - len(results.best)
    more = f" The best {len(results.best)} are shown." if shortened > 0 else ""
    lines.append(f"{shown or 'nothing to run'} in {_duration(seconds)}.{more}")
    lines += [f"  {command}" for command in next_commands(results, interrupted=interrupted or results.failed > 0)]
    return lines


def next_commands(results: Results, *, interrupted: bool) -> list[str]:
    """Return the two commands one would type next."""
    best = [outcome.run_id[:8] for outcome in results.best]
    if interrupted and results.failures and results.failures[0].run_id:
        first = f"python -m tracking show {results.failures[0].run_id[:8]}"
        return [
            first,
            "python -m runner ... resume=true   # the same command again: runs only what is missing",
        ]
    if len(best) > 1:
        return [f"python -m tracking show {best[0]}", f"python -m tracking diff {best[1]} {best[0]}"]
    if best:
        return [f"python -m tracking show {best[0]}", "python -m tracking runs"]
    return ["python -m tracking runs", "python -m tracking sweeps"]


def render_plan(planned: Iterable[Planned], *, jobs: int, width: int | None) -> list[str]:
    """Return the lines of a dry run: every point with its state and reason, the counts, the time it should take."""
    from tracking.render import ShortId, render_table

    rows: list[Mapping[str, object]] = []
    counts: dict[str, int] = {}
    seconds: list[float] = []
    for point in planned:
        counts[point.state] = counts.get(point.state, 0) + 1
        run = point.run
        if run is not None and run.info.status == "FINISHED" and run.info.end_time is not None:
            seconds.append((run.info.end_time - run.info.start_time) / 1000)
        rows.append(
            {
                "point": point.spec.number,
                "run": point.spec.name,
                "experiment": point.spec.experiment,
                "state": point.state,
                "why": point.reason or None,
                "id": ShortId(run.info.run_id) if run is not None else None,
            }
        )
    columns = ["point", "run", "experiment", "state", "id", "why"]
    shown = [c for c in columns if any(row[c] is not None for row in rows)]
    to_run = sum(count for state, count in counts.items() if state != "done")
    lines = [str(render_table(rows, shown, width=width)), ""]
    lines.append(", ".join(f"{count} {state}" for state, count in counts.items()) + f": {to_run} to run.")
    if to_run and seconds:
        mean = sum(seconds) / len(seconds)
        lines.append(
            f"Past runs took {_duration(mean)} each: about {_duration(to_run * mean / jobs)} with {jobs} job(s)."
        )
    elif to_run:
        lines.append("No run of these was recorded before: how long they take is not known.")
    return lines


def _render_single(outcome: Outcome, width: int | None) -> str:
    from tracking.render import render_table

    names = [name.removesuffix("_mean") for name in outcome.metrics if name.endswith("_mean")]
    rows = [
        {"metric": name, "mean": outcome.metrics[f"{name}_mean"], "+-": outcome.metrics[f"{name}_std"]}
        for name in names
    ]
    table = render_table(rows, ["metric", "mean", "+-"], width=width)
    return f"{outcome.name}  ({outcome.experiment}, run {outcome.run_id[:8]})\n{table}"


def _number(text: Any) -> object:
    from tracking.render import NumberText

    return None if text is None else NumberText(text)


def _duration(seconds: float) -> str:
    from tracking.render import format_duration

    return str(format_duration(timedelta(seconds=seconds)))
