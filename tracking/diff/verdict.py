"""A comparison in one sentence: what differs, and what became of the objective. Pure."""

from __future__ import annotations

import shlex

from tracking.cells import format_number
from tracking.diff.config import ConfigDiff
from tracking.diff.metrics import MetricRow, ScoreChange
from tracking.diff.runs import RunDiff
from tracking.diff.words import CHANCE, percent
from tracking.values import show_key

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
    keys = [show_key(change.key) for change in (*(fold.choice for fold in config.folds), *config.changes)]
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
