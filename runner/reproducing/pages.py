"""What `runner.reproduce` prints: verdicts, the table of a sweep, changed runs, checks. Pure text."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from runner.reproducing.reproduction import Reproduction, name_ingredients, say_gap
from runner.reproducing.running import CannotRun
from tracking.compare.run_diff import compare_runs
from tracking.compare.suspects import Difference
from tracking.pages.diff_page import render_diff
from tracking.text.tables import ShortId, format_number, render_table

if TYPE_CHECKING:
    from runner.reproducing.check import Check
    from runner.trial.comparison import Comparison
    from runner.trial.recorded import RecordedRun

SHOWN = 60  # rows of the table of a sweep
_SAME = "config, data, code, packages, Python, BLAS, threads and CPU are the same"


def render_reproduction(result: Reproduction, then: RecordedRun) -> list[str]:
    """Return the lines about one run; the last is the verdict."""
    lines = [f"{then.name} ({then.short}), run again as {result.new_run_id[:8]}"]
    if result.scores.total:
        lines.append(f"  scores       {_describe(result.scores, 'fold scores')}")
    if result.model is not None:
        lines.append(f"  model        {_describe(result.model, 'parameters and learned attributes')}")
    if result.predictions is not None:
        lines.append(f"  predictions  {_describe(result.predictions, 'probe rows')}")
    lines += [f"  note: {note}" for note in result.notes]
    lines += [f"  {line}" for line in _suspects(result)]
    return [*lines, result.sentence]


def _describe(part: Comparison, what: str) -> str:
    said = f"{part.identical} of {part.total} {what} identical"
    if part.worst is None:
        return said
    worst = f"{said}; largest difference {say_gap(part.worst)}"
    relative = part.largest_relative
    if relative is not None and part.worst.relative is not None and relative > part.worst.relative:
        worst += f"; largest relative one {relative:.3g}"
    return worst


def _suspects(result: Reproduction) -> list[str]:
    differences = result.differences
    same = all(not part.gaps for part in result.compared) and bool(result.scores.total)
    if same:
        return [f"Differs, without effect: {difference.sentence}" for difference in differences]
    if differences:
        lines = [f"Differs first: {differences[0].ingredient}. {differences[0].sentence}"]
        return lines + [f"Also differs: {other.sentence}" for other in differences[1:]]
    if not result.scores.total:
        return []
    return [_say_nothing_differs(result.unknown)]


def _say_nothing_differs(unknown: Sequence[str]) -> str:
    if not unknown:
        return f"No recorded ingredient differs ({_SAME}). The estimator itself may not be deterministic."
    return f"Of what can be compared nothing differs; what may differ, but was not recorded so: {', '.join(unknown)}."


# Sweeps --------------------------------------------------------------------------------------------
@dataclass(slots=True)
class SweepSummary:
    """What became of the points of a sweep, counted as they end; keeps no more rows than are shown."""

    asked: int  # points to run again
    left_out: int = 0  # points without a finished run
    reproduced: int = 0
    failed: int = 0
    cannot: list[CannotRun] = field(default_factory=list)
    scores: int = 0
    identical: int = 0
    _rows: list[tuple[int, int, Reproduction]] = field(default_factory=list)
    _order: int = 0

    def take(self, result: Reproduction | CannotRun) -> None:
        """Count a point."""
        if isinstance(result, CannotRun):
            self.cannot.append(result)
            return
        self.reproduced += bool(result)
        self.failed += not result
        self.scores += result.scores.total
        self.identical += result.scores.identical
        self._order += 1
        heapq.heappush(self._rows, (int(not result), -self._order, result))
        if len(self._rows) > SHOWN:
            heapq.heappop(self._rows)  # a reproduced one, while there are any

    @property
    def exit_code(self) -> int:
        """0 all reproduced, 1 some did not, 2 some could not be run."""
        return 2 if self.cannot else int(self.reproduced < self.asked)

    def render(self, *, width: int | None) -> list[str]:
        """Return the table, what could not be run, and the verdict."""
        shown = sorted(self._rows, key=lambda row: (-row[0], -row[1]))
        rows = [_row(result) for *_, result in shown]
        lines = []
        if rows:
            columns = [name for name in rows[0] if any(row[name] is not None for row in rows)]
            lines += [render_table(rows, columns, width=width)]
            hidden = self.reproduced + self.failed - len(rows)
            lines += [f"... and {hidden} more"] * (hidden > 0) + [""]
        lines += [f"cannot run: {cannot.reason}" for cannot in self.cannot[:10]]
        lines += [f"... and {len(self.cannot) - 10} more that cannot be run"] * (len(self.cannot) > 10)
        if self.left_out:
            lines.append(f"note: {self.left_out} points without a finished run are left out.")
        return [*lines, self._verdict()]

    def _verdict(self) -> str:
        not_run = self.asked - self.reproduced - self.failed - len(self.cannot)
        said = "Reproduced" if self.reproduced == self.asked else "Not reproduced"
        if not_run and not self.failed:
            said = "Not all were run"
        parts = [
            f"{self.reproduced} of {self.asked} points",
            f"{self.identical} of {self.scores} fold scores identical",
        ]
        if self.cannot:
            parts.append(f"{len(self.cannot)} cannot be run")
        if not_run:
            parts.append(f"{not_run} not run")
        return f"{said}: {', '.join(parts)}"


def _row(result: Reproduction) -> dict[str, object]:
    worst = next((part.worst for part in result.compared if part.worst is not None), None)
    counted = f"{result.scores.identical}/{result.scores.total}" if result.scores.total else None
    return {
        "run": result.name,
        "id": ShortId(result.run_id),
        "again": ShortId(result.new_run_id),
        "scores": counted,
        "reproduced": "yes" if result else "no",
        "largest difference": result.error or (say_gap(worst) if worst is not None else None),
        "differs": name_ingredients(result.differences) or None,
    }


# Changed runs and checks ---------------------------------------------------------------------------
def render_changed(then: RecordedRun, now: RecordedRun, *, width: int | None) -> list[str]:
    """Return what a changed run changed, and the metrics of both."""
    diff = compare_runs([then.record, now.record])
    return [render_diff(diff, only=("config", "metrics"), width=width)]


def render_check(check: Check) -> list[str]:
    """Return a check as Markdown; the last line is the verdict in words."""
    allowed = check.tolerance.allowed(check.then)
    way = {
        "minimize": "lower is better",
        "maximize": "higher is better",
        None: "direction unknown: any change counts",
    }
    share = f" ({100 * check.change / abs(check.then):+.3g}%)" if check.then else ""
    row = {
        "metric": f"{check.metric} (mean over folds)",
        "baseline": check.then,
        "today": check.now,
        "change": f"{check.change:+.4g}{share}",
        "allowed": f"{format_number(allowed)} worse ({check.tolerance.text})",
    }
    verdict = "passed" if check else "failed"
    lines = [f"### {check.baseline.name}: {check.metric} {verdict}", ""]
    lines += [render_table([row], list(row), format="md"), ""]
    lines += [f"- baseline {check.baseline.id}, today {check.new.id}; {way[check.direction]}"]
    lines += [f"- {line}" for line in _explain_check(check.differences, check.unknown)]
    return [*lines, "", _say_check(check, allowed)]


def _explain_check(differences: Sequence[Difference], unknown: Sequence[str]) -> list[str]:
    if not differences and unknown:
        return [f"of what can be compared nothing differs; not compared: {', '.join(unknown)}"]
    if not differences:
        return [f"no recorded ingredient differs: {_SAME}"]
    return [f"{'differs first' if not n else 'also differs'}: {d.sentence}" for n, d in enumerate(differences)]


def _say_check(check: Check, allowed: float) -> str:
    if check and check.worse_by == 0:
        return f"Passed: {check.metric} is the same as the baseline's."
    if check:
        better = "better" if check.worse_by < 0 else f"worse, within the allowed {format_number(allowed)}"
        return f"Passed: {check.metric} is {format_number(abs(check.change))} {better}."
    return (
        f"Failed: {check.metric} is {format_number(abs(check.change))} worse than the baseline's"
        f" {format_number(check.then)}; allowed are {format_number(allowed)}."
    )
