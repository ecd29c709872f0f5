"""The verdict on a run that was run again: the same or not, how far off, and what differs first. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from runner.provenance.ingredients import MANY, Difference, Recorded, first_difference
from runner.reproducing.comparison import Comparison, Gap
from tracking.records.names import DATA_DTYPES, DATA_SHAPE, DATA_TARGET, FINGERPRINT_DATA, IDENTITY

# The order in which to suspect what differs.
SUSPECTS = (
    "config",
    "data",
    "splits",
    "code",
    "packages that matter",
    "python",
    "blas",
    "threads",
    "cpu",
    "platform",
    "other packages",
)


@dataclass(frozen=True, slots=True)
class Reproduction:
    """What came of running a recorded run again. True if it reproduced."""

    run_id: str
    name: str
    new_run_id: str
    scores: Comparison  # every metric of every fold
    model: Comparison | None = None  # parameters and learned attributes; None where not compared
    predictions: Comparison | None = None  # of the probe rows
    differences: tuple[Difference, ...] = ()  # ingredients, the first suspect in front
    tolerance: float = 0.0
    nothing: str = ""  # why there is nothing to compare
    error: str = ""  # why the new run gave no result
    notes: tuple[str, ...] = ()  # what could not be compared, and why

    def __bool__(self) -> bool:
        """Tell whether everything that was compared agrees."""
        if self.nothing or self.error or not self.scores.total:
            return False
        return all(part.agrees(self.tolerance) for part in self.compared)

    @property
    def compared(self) -> tuple[Comparison, ...]:
        """The comparisons that were made."""
        return tuple(part for part in (self.scores, self.model, self.predictions) if part is not None)

    @property
    def sentence(self) -> str:
        """The verdict on one line."""
        if self.error:
            return f"Not reproduced: the new run {self.new_run_id[:8]} failed: {self.error}"
        if self.nothing:
            return f"Nothing to compare: {self.nothing}"
        scores = self.scores
        if not scores.total:
            return "Nothing to compare: no scores of folds were recorded"
        said = f"{scores.identical} of {scores.total} fold scores identical"
        if not self:
            others = {"model": self.model, "predictions": self.predictions}
            off = [name for name, part in others.items() if part is not None and not part.agrees(self.tolerance)]
            if scores.agrees(self.tolerance) and off:
                said += f", but not the {' and the '.join(off)}"
            return f"Not reproduced: {said}"
        if any(part.gaps for part in self.compared):
            return f"Reproduced within {self.tolerance:g}: {said}"
        return f"Reproduced: {said}"


def find_differences(then: Recorded, now: Recorded) -> tuple[Difference, ...]:
    """Return the ingredients that differ, in the order in which to suspect them, explained where possible."""
    found = sorted(first_difference(then, now), key=lambda difference: SUSPECTS.index(difference.ingredient))
    return tuple(_explain(difference, then.tags, now.tags) for difference in found)


def _explain(difference: Difference, then: Mapping[str, str], now: Mapping[str, str]) -> Difference:
    if difference.ingredient == "config":
        changed = _changed_keys(_config(then), _config(now))
        if changed:
            return replace(difference, sentence=f"The configuration is another one: {changed}.")
    if difference.ingredient == "data":
        return replace(difference, sentence=_say_data(then, now))
    return difference


def _config(tags: Mapping[str, str]) -> Mapping[str, Any]:
    try:
        config = json.loads(tags.get(IDENTITY, "{}")).get("config")
    except (ValueError, AttributeError):  # cut off, or written by hand
        return {}
    return config if isinstance(config, dict) else {}


def _changed_keys(then: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    if not then or not now:
        return ""
    said = []
    for key in dict.fromkeys([*then, *now]):
        old, new = (json.dumps(side[key]) if key in side else "absent" for side in (then, now))
        if old != new:
            said.append(f"{key} {old} -> {new}")
    more = len(said) - MANY
    return ", ".join(said[:MANY]) + (f" and {more} more" if more > 0 else "")


def _say_data(then: Mapping[str, str], now: Mapping[str, str]) -> str:
    said = []
    for tag, what in (
        (DATA_SHAPE, "rows x columns"),
        (DATA_TARGET, "target"),
        (DATA_DTYPES, "columns"),
    ):
        old, new = then.get(tag), now.get(tag)
        if old and new and old != new:
            said.append(f"{what} {old} -> {new}" if tag != DATA_DTYPES else "its columns or their types changed")
    shape = then.get(DATA_SHAPE, "")
    what = ", ".join(said) or f"values changed, the shape is still {shape}".removesuffix(" ")
    old, new = (tags.get(FINGERPRINT_DATA, "")[:11] for tags in (then, now))
    return f"The data has other content: {what} ({old} -> {new})."


def say_gap(gap: Gap) -> str:
    """Write where two values differ and how far."""
    values = f"{gap.where}: {_value(gap.then)} -> {_value(gap.now)}"
    if gap.absolute is None or gap.relative is None:
        return values
    return f"{gap.absolute:.3g} ({gap.relative:.3g} relative) in {values}"


def _value(value: object) -> str:
    return "missing" if value is None else str(value)


def name_ingredients(differences: Iterable[Difference]) -> str:
    """Name the ingredients that differ, each once, in order."""
    return ", ".join(dict.fromkeys(difference.ingredient for difference in differences))
