"""A `RunDiff` in words: for each section what differs, line by line, and one sentence where nothing does.

Pure. How the lines are laid out on a page is `page.py`.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable
from dataclasses import dataclass

from tracking.compare.config import ConfigDiff, GroupChange
from tracking.compare.metrics import MetricRow, MetricsDiff, Score, ScoreChange
from tracking.compare.run_diff import RunDiff, Section
from tracking.records.values import ABSENT, Change, Kind, show_change, show_key, show_value
from tracking.text.formatting import format_duration, format_number, format_value, plain

_HASH = re.compile(r"(?<![0-9a-zA-Z])[0-9a-f]{24,}(?![0-9a-zA-Z])")
_PATCH_LINES = 40
CHANCE = 0.05  # the customary level; the p-value is shown, so that anybody can take another


@dataclass(frozen=True, slots=True)
class Line:
    """One differing thing: a cell for each run, both cells as one text, and a remark."""

    key: str
    cells: tuple[str, ...]
    text: str
    remark: str = ""


@dataclass(frozen=True, slots=True)
class Block:
    """One section: `summary` beside its heading, the lines, then `after` as it is."""

    heading: str
    summary: str
    lines: tuple[Line, ...] = ()
    after: tuple[str, ...] = ()


def diff_blocks(diff: RunDiff, *, full: bool = False) -> list[Block]:
    """Return the sections of a comparison, in the order of the page."""
    return [
        config_block(diff.config, full=full),
        _metrics_block(diff.metrics),
        _section_block("data", diff.data),
        _section_block("code", diff.code, _patch_lines(diff.code.patch, full)),
        _section_block("env", diff.env, full=full),
        _section_block("outcome", diff.outcome),
        Block("duration", " -> ".join("-" if d is None else format_duration(d) for d in diff.durations)),
        *([Block("notes", "; ".join(diff.notes))] if diff.notes else []),
    ]


# Config ----------------------------------------------------------------------------------------
def config_block(config: ConfigDiff, *, full: bool = False) -> Block:
    """Return the section about configs; `full` unfolds what follows from group choices."""
    if full:
        choices = [group.choice for group in config.groups]
        lines = [_change_line(change) for change in (*choices, *config.every, *config.bookkeeping)]
    else:
        lines = [line for group in config.groups for line in _group_lines(group)]
        lines += [_change_line(change, also=True) for change in config.changes]
    after = [*config.notes]
    if config.bookkeeping and not full:
        keys = ", ".join(dict.fromkeys(change.key.partition(".")[0] for change in config.bookkeeping))
        after.append(f"Bookkeeping also differs: {keys} (--full shows it).")
    after += [] if config.same else _command_lines(config)
    return Block("config", _count(len(config.every), config.keys, "key"), tuple(lines), tuple(after))


def _group_lines(group: GroupChange) -> list[Line]:
    if len(group.choice.values) != 2:
        return [_change_line(group.choice), *map(_change_line, group.knobs)]
    parts = [
        f"+ {knob.key} = {show_value(knob.values[1])}"
        if knob.kind is Kind.ADDED
        else f"- {knob.key} (was {show_value(knob.values[0])})"
        for knob in group.knobs
    ]
    line = _change_line(group.choice)
    text = f"{line.text} ({', '.join(parts)})" if parts else line.text
    return [Line(line.key, line.cells, text, f"{len(group.implied)} more keys follow" if group.implied else "")]


def _change_line(change: Change, also: bool = False) -> Line:
    cells = tuple(show_value(value) for value in change.values)
    remarks = [_origin_remark(change)]
    if also and change.also:
        remarks.append(f"also {', '.join(change.also)}")
    text = show_change(change) if len(cells) == 2 else " | ".join(cells)
    return Line(show_key(change.key), cells, text, "; ".join(filter(None, remarks)))


def _origin_remark(change: Change) -> str:
    """Say where the values came from; once, where all came from the same place."""
    if not any(change.origins):
        return ""
    pairs = zip(change.values, change.origins, strict=True)
    origins = ["absent" if value is ABSENT else origin or "unknown" for value, origin in pairs]
    present = dict.fromkeys(origin for origin in origins if origin != "absent")
    if len(present) == 1:
        return next(iter(present))
    return " -> ".join(origins) if len(origins) == 2 else ""  # one for each of many would need columns too


def _command_lines(config: ConfigDiff) -> list[str]:
    lines = []
    for number, command in enumerate(config.commands[1:], start=2):
        which = "As a command" if len(config.commands) == 2 else f"Run {number}"
        if command.run is None:
            lines.append(f"{which}: unknown. {command.note}")
            continue
        lines.append(f"{which}: {command.run}" + (f"  # {command.note}" if command.note else ""))
        if command.from_first is not None:
            lines.append(f"{' ' * len(which)}  {command.from_first}  # starting from the first")
    return lines


_MINOR = 3  # packages that matter less; more of them are told as a count
_TEST = (
    "p: corrected resampled t-test over the folds (Nadeau and Bengio). ±: standard deviation over the folds, with their"
    " number as the divisor; of a change with one less."
)


# Metrics ---------------------------------------------------------------------------------------
def _metrics_block(metrics: MetricsDiff) -> Block:
    differing = [row for row in metrics.rows if not row.same]
    equal = [row.key for row in metrics.rows if row.same]
    many = len(metrics.unranked) > 1
    after = [line for row in differing for line in _against_first(row)] if many else []
    comparisons = max((c.paired.comparisons for row in differing for c in row.changes if c and c.paired), default=1)
    if comparisons > 1:
        after.append(f"p is corrected for {comparisons} comparisons with run 1 (Holm).")
    if any(change and change.paired and change.paired.p_value is not None for r in differing for change in r.changes):
        after.append(_TEST)
    if differing:
        after += [f"Same in all: {', '.join(equal)}."] if equal else []
        after += [f"Not ranked: {why}." for why in dict.fromkeys(filter(None, metrics.unranked))]
    summary = _count(len(differing), len(metrics.rows), "metric")
    return Block("metrics", summary, tuple(map(_metric_line, differing)), tuple(after))


def _metric_line(row: MetricRow) -> Line:
    cells = tuple(_score_cell(score) for score in row.scores)
    remark = _change_remark(row.changes[0]) if len(cells) == 2 else ""
    return Line(row.key, cells, " -> ".join(cells), remark)


def _against_first(row: MetricRow) -> list[str]:
    remarks = ((number, _change_remark(change)) for number, change in enumerate(row.changes, start=2))
    return [f"{row.key}, {number} against 1: {remark}" for number, remark in remarks if remark]


def _score_cell(score: Score | None) -> str:
    if score is None:
        return "(absent)"
    value = format_number(score.value)
    return value if score.std is None else f"{value} ± {format_number(score.std, digits=2)}"


def _change_remark(change: ScoreChange | None) -> str:
    """Say how far and whether that is better; a change that chance explains is not called better."""
    if change is None:
        return ""
    paired = change.paired
    if change.verdict == "equal" and not (paired and paired.std):  # the folds may differ where the means do not
        return "equal"
    amount = _signed(change.change)
    if paired is not None and paired.std is not None:
        amount += f" ± {format_number(paired.std, digits=2)} over {paired.folds} folds"
    parts = [amount]
    if change.relative is not None:
        parts.append(percent(100 * change.relative))
    if paired is not None and paired.p_value is not None:
        parts.append(f"p = {format_number(paired.p_value, digits=2)}")
    verdict = change.verdict
    if paired is not None and paired.p_value is not None and paired.p_value >= CHANCE:
        verdict = "may be chance"
    why_not = paired.why_no_test if paired is not None else change.why_unpaired
    tested = f"; no test: {why_not}" if verdict and why_not else ""
    return ", ".join(parts) + (f": {verdict}" if verdict else "") + tested


def percent(value: float) -> str:
    """Write a relative change: `-5.9%`, `+39%`."""
    return f"{value:+.2g}%" if abs(value) < 10 else f"{value:+.0f}%"


def _signed(value: float) -> str:
    return ("+" if value > 0 else "") + format_number(value, digits=3)


# Other sections --------------------------------------------------------------------------------
def _section_block(heading: str, section: Section, after: Iterable[str] = (), *, full: bool = True) -> Block:
    number = len(section.changes)
    notes = section.notes
    if section.changes:
        summary = f"{number} differ{'s' if number == 1 else ''}"
        notes += (f"Not all is known: {section.unknown}.",) if section.unknown else ()
    elif section.unknown:
        summary = f"not known to be the same: {section.unknown}"
    else:
        summary = f"same: {_shorten(section.summary)}"
    hidden = section.minor if len(section.minor) > _MINOR and not full else frozenset()
    lines = tuple(_plain_line(change) for change in section.changes if change.key not in hidden)
    others = (f"{len(hidden)} other packages differ too (--full).",) if hidden else ()
    return Block(heading, summary, lines, (*others, *notes, *after))


def _plain_line(change: Change) -> Line:
    """Show texts of tags and versions as they are: they have no type."""
    cells = tuple("(absent)" if value is ABSENT else _shorten(format_value(value)) for value in change.values)
    text = " -> ".join(cells) if len(cells) == 2 else " | ".join(cells)
    if change.kind in (Kind.ADDED, Kind.REMOVED):
        value = cells[change.kind is Kind.ADDED]
        text = change.kind.value  # a column or a warning is there or not; there is no value to tell
        if value not in ("present", "raised"):
            text = f"added: {value}" if change.kind is Kind.ADDED else f"removed (was {value})"
    return Line(show_key(change.key), cells, text)


def _shorten(text: str) -> str:
    """Cut hashes to the length at which people compare them; JSON has them whole."""
    return _HASH.sub(lambda found: found[0][:12], text)


def _patch_lines(patch: str, full: bool) -> list[str]:
    lines = [plain(line.expandtabs()) for line in patch.splitlines()]
    if not lines:
        return []
    shown = lines if full else lines[:_PATCH_LINES]
    more = [f"... {len(lines) - len(shown)} more lines of the patch (--full)"] if len(lines) > len(shown) else []
    return ["The patch between them:", *shown, *more]


def _count(differing: int, all_: int, noun: str) -> str:
    if not all_:
        return "nothing recorded"
    plural = "" if all_ == 1 else "s"
    if not differing:
        return f"same: {all_} {noun}{plural}"
    return f"{differing} of {all_} {noun}{plural} differ" + ("s" if differing == 1 else "")


_MOST_KEYS = 4


def say_verdict(diff: RunDiff) -> str:
    """Return what differs, what is not known, and whether the objective changed, as one line."""
    parts = [_say_differing(diff)]
    unknown = [name for name in ("data", "code", "env") if getattr(diff, name).same and getattr(diff, name).unknown]
    parts += [f"not known: whether {_listed(unknown)} {_are(unknown)} the same"] if unknown else []
    parts += [_say_score(row, diff) for row in diff.metrics.rows[:1] if diff.metrics.objective == row.key]
    return "; ".join(parts)


def say_again(diff: RunDiff) -> str:
    """Return the command that says whether the result of the last run still holds, '' where there is none."""
    ids = [
        run.info.run_id[:8]
        for run, command in zip(diff.runs, diff.config.commands, strict=True)
        if command.run is not None
    ]
    if not ids:
        return ""
    others = [run_id for run_id in dict.fromkeys(ids[:-1]) if run_id != ids[-1]]
    store = f" --store {shlex.quote(diff.store)}" if diff.store else ""
    more = f"  # or {', '.join(others)}" if others else ""
    return f"Does it still hold? python -m runner.reproduce {ids[-1]}{store}{more}"


def _say_differing(diff: RunDiff) -> str:
    said = [] if diff.config.same else [f"config ({_keys(diff.config)})"]
    keys = {change.key for change in diff.data.changes}
    said += ["splits"] if keys == {"splits"} else ["data"] if keys else []  # other folds of the same data
    said += [name for name in ("code", "env", "outcome") if not getattr(diff, name).same]
    if said:
        return f"{_listed(said)} {'differs' if len(said) == 1 and said != ['splits'] else 'differ'}"
    return "nothing differs but times" if diff.metrics.same else "only the metrics differ"


def _keys(config: ConfigDiff) -> str:
    keys = [show_key(change.key) for change in (*(group.choice for group in config.groups), *config.changes)]
    more = len(keys) - _MOST_KEYS
    return ", ".join(keys[:_MOST_KEYS]) + (f" and {more} more" if more > 0 else "")


def _say_score(row: MetricRow, diff: RunDiff) -> str:
    if row.same:
        return f"{row.key} is the same"
    if None in row.scores:
        return f"{row.key} is not there in {'one' if len(row.scores) == 2 else 'some'} of them"
    if why := next(filter(None, diff.metrics.unranked), None):
        return f"{row.key} cannot be compared: {why}"
    if len(row.scores) > 2:
        return _say_best(row, diff)
    (change,) = row.changes
    assert change is not None
    verdicts = {"better": "is better", "worse": "is worse", "equal": "has the same mean, not the same folds"}
    verdict = verdicts.get(change.verdict or "", "differs")
    return f"{row.key} {verdict}{', which may be chance' if _may_be_chance(change) else ''} ({_amounts(change)})"


def _say_best(row: MetricRow, diff: RunDiff) -> str:
    if row.direction is None:
        return f"{row.key} differs"
    values = [score.value for score in row.scores if score is not None]
    best = values.index((min if row.direction == "minimize" else max)(values))
    return f"{row.key} is best in {best + 1} {diff.runs[best].info.run_name}"


def _amounts(change: ScoreChange) -> str:
    amount = f"{'+' if change.change > 0 else ''}{format_number(change.change, digits=3)}"
    parts = [amount if change.relative is None else percent(100 * change.relative)]
    paired = change.paired
    if paired is not None and paired.p_value is not None:
        parts.append(f"p = {format_number(paired.p_value, digits=2)}")
    else:
        parts.append("not tested")
    return ", ".join(parts)


def _may_be_chance(change: ScoreChange) -> bool:
    paired = change.paired
    return paired is not None and paired.p_value is not None and paired.p_value >= CHANCE


def _listed(names: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def _are(names: list[str]) -> str:
    return "is" if len(names) == 1 else "are"
