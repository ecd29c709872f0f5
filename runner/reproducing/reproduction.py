"""The verdict on a run that was run again: the same or not, how far off, and what differs first. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from runner.trial.comparison import Comparison, Gap
from tracking.compare.suspects import Difference


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
    unknown: tuple[str, ...] = ()  # ingredients that could not be compared
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
