"""Whether two results are the same to the last bit, and if not, how far apart. Pure: numbers and models in.

Two values are the same when every bit of them is; NaN equals NaN. Of models are compared the parameters, and
what fitting learned (attributes that end in `_`), however deep: arrays bit by bit, trees node by node.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from runner.trial.recorded import Folds

# How long a fit took is no part of what it learned (`cv_results_["mean_fit_time"]`, `refit_time_`).
_TIMES = re.compile(r"(.*_)?time_?")
_SCALARS = (type(None), bool, int, float, complex, str, bytes)


@dataclass(frozen=True, slots=True)
class Gap:
    """Where two results differ, and by how much; `absolute` is None for what is no number."""

    where: str
    then: object
    now: object
    absolute: float | None = None
    relative: float | None = None  # to the larger of both in size

    def within(self, tolerance: float) -> bool:
        """Tell whether the gap, absolute or relative, is no larger than the tolerance."""
        if self.absolute is None or self.relative is None:
            return False
        return min(self.absolute, self.relative) <= tolerance


@dataclass(frozen=True, slots=True)
class Comparison:
    """How many values were compared, and the gaps between those that are not identical."""

    total: int
    gaps: tuple[Gap, ...] = ()
    left_out: tuple[str, ...] = ()  # places that only one of two versions of the code has

    @property
    def identical(self) -> int:
        """How many are the same to the last bit."""
        return self.total - len(self.gaps)

    @property
    def worst(self) -> Gap | None:
        """The gap to tell about: what is no number or is missing first, then the largest absolute one."""
        return max(
            self.gaps,
            key=lambda gap: math.inf if gap.absolute is None or math.isnan(gap.absolute) else gap.absolute,
            default=None,
        )

    @property
    def largest_relative(self) -> float | None:
        """The largest relative difference, None where no gap has one."""
        return max((gap.relative for gap in self.gaps if gap.relative is not None), default=None)

    def agrees(self, tolerance: float) -> bool:
        """Tell whether everything is identical, or within the tolerance."""
        return all(gap.within(tolerance) for gap in self.gaps)


def compare_scores(then: Folds, now: Folds) -> Comparison:
    """Compare every metric of every fold; one that only one side has is a gap."""
    places = dict.fromkeys((name, fold) for side in (then, now) for name in side for fold in side[name])
    gaps = []
    for name, fold in places:
        pair = then.get(name, {}).get(fold), now.get(name, {}).get(fold)
        if (gap := _gap(f"{name}, fold {fold}", *pair)) is not None:
            gaps.append(gap)
    return Comparison(len(places), tuple(gaps))


def compare_models(then: Any, now: Any, *, same_code: bool = True) -> Comparison:
    """Compare two fitted models: their classes, parameters and learned attributes.

    Where they were not made by the `same_code`, what only one of them has is left out and named: another version of
    a class has other parameters.
    """
    old, new = (dict(walk(model)) for model in (then, now))
    places = dict.fromkeys([*old, *new])
    left_out = () if same_code else tuple(place for place in places if not (place in old and place in new))
    compared = [place for place in places if place not in left_out]
    gaps = [_gap(place, old.get(place), new.get(place)) for place in compared]
    return Comparison(len(compared), tuple(gap for gap in gaps if gap is not None), left_out)


def compare_predictions(then: Mapping[str, Any], now: Mapping[str, Any], *, rows: int) -> Comparison:
    """Compare the predictions (method -> array) of two models for the same rows; counted by row."""
    gaps: list[Gap] = []
    for row in range(rows):
        found = (_gap(f"{method}, row {row}", _row(then, method, row), _row(now, method, row)) for method in then)
        gaps += [gap for gap in found if gap is not None][:1]
    return Comparison(rows, tuple(gaps))


def _row(predictions: Mapping[str, Any], method: str, row: int) -> Any:
    values = predictions.get(method)
    return None if values is None else np.asarray(values)[row]


# Two values --------------------------------------------------------------------------------------
def _gap(where: str, then: object, now: object) -> Gap | None:
    """Return how two leaves differ, None where they are identical."""
    if _is_array(then) and _is_array(now):
        return _array_gap(where, np.asarray(then), np.asarray(now))
    if type(then) is type(now) and repr(then) == repr(now):  # also for NaN, and not for 0.0 and -0.0
        return None
    if _is_number(then) and _is_number(now):
        return Gap(where, then, now, *_distance(np.array([then], dtype=float), np.array([now], dtype=float)))
    return Gap(where, then, now)


def _array_gap(where: str, then: Any, now: Any) -> Gap | None:
    if then.dtype == now.dtype and then.shape == now.shape and _same_bits(then, now):
        return None
    if then.shape != now.shape or then.dtype.names != now.dtype.names or not (_is_numeric(then) and _is_numeric(now)):
        return Gap(where, _describe(then), _describe(now))
    columns = [(then[name], now[name]) for name in then.dtype.names or ()] or [(then, now)]
    distances = [_distance(old.astype(float), new.astype(float)) for old, new in columns]
    absolute, relative = (max(sizes) for sizes in zip(*distances, strict=True))
    return Gap(where, _describe(then), _describe(now), absolute, relative)


def _same_bits(then: Any, now: Any) -> bool:
    if then.dtype.names:  # the padding between fields holds whatever was in memory
        return all(_same_bits(then[name], now[name]) for name in then.dtype.names)
    if then.dtype.kind == "O":
        return repr(then.tolist()) == repr(now.tolist())
    if then.dtype.kind != "f":
        return np.array_equal(then, now)
    signs = (np.signbit(then) == np.signbit(now)) | np.isnan(then)  # -0.0 equals 0.0, but not in its bits
    return np.array_equal(then, now, equal_nan=True) and bool(signs.all())


def _distance(then: Any, now: Any) -> tuple[float, float]:
    """Return the largest absolute and the largest relative difference; infinite where one side is NaN."""
    with np.errstate(all="ignore"):
        same = (then == now) | (np.isnan(then) & np.isnan(now))
        change = np.where(same, 0.0, np.abs(now - then))
        change = np.where(np.isnan(change), np.inf, change)
        size = np.maximum(np.abs(then), np.abs(now))
        relative = np.where(change == 0, 0.0, np.where(np.isfinite(size), change / size, np.inf))
    return float(change.max(initial=0.0)), float(relative.max(initial=0.0))


def _is_array(value: object) -> bool:
    return isinstance(value, np.ndarray | np.generic)


def _is_numeric(array: Any) -> bool:
    if array.dtype.names:
        return all(_is_numeric(array[name]) for name in array.dtype.names)
    return array.dtype.kind in "fiub"


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _describe(array: Any) -> str:
    if array.size == 1 and not array.dtype.names:
        return str(array.reshape(-1)[0])
    return f"{array.dtype if not array.dtype.names else 'records'} {'x'.join(map(str, array.shape))}"


# Models ------------------------------------------------------------------------------------------
def walk(model: Any) -> Iterator[tuple[str, object]]:
    """Yield (place, leaf) for everything that a fitted model consists of; leaves are scalars and arrays."""
    yield from _walk(model, "model", ())


def _walk(node: Any, place: str, above: Sequence[int]) -> Iterator[tuple[str, object]]:
    if isinstance(node, _SCALARS) or (_is_array(node) and np.asarray(node).dtype.kind != "O"):
        yield place, node
    elif id(node) in above:  # a part that refers to what it is in
        yield place, "(itself)"
    else:
        above = (*above, id(node))
        yield f"class of {place}", f"{type(node).__module__}.{type(node).__qualname__}"
        for name, child in _children(node):
            yield from _walk(child, f"{place}{name}", above)


def _children(node: Any) -> Iterator[tuple[str, Any]]:
    """Yield the parts of a thing, each with what is appended to the thing's own place."""
    if isinstance(node, Mapping):
        for key in node:
            if not _TIMES.fullmatch(str(key)):
                yield f"[{key!r}]", node[key]
    elif isinstance(node, list | tuple):
        for number, item in enumerate(node):
            yield f"[{number}]", item
    elif isinstance(node, np.ndarray):
        yield "", node.tolist()
    elif isinstance(node, set | frozenset):
        yield "", sorted(map(repr, node))
    elif isinstance(node, type) or (callable(node) and hasattr(node, "__qualname__")):
        yield "", f"{node.__module__}.{node.__qualname__}"
    elif hasattr(node, "get_params") and not isinstance(node, type):
        yield from _estimator_parts(node)
    else:
        yield from _state(node)


def _estimator_parts(estimator: Any) -> Iterator[tuple[str, Any]]:
    try:
        parameters = estimator.get_params(deep=False)
    except AttributeError:  # pickled by another version: today's class asks for a parameter that it does not have
        parameters = {
            name: value for name, value in vars(estimator).items() if not name.endswith("_") and name[0] != "_"
        }
    for name, value in sorted(parameters.items()):
        yield f".{name}", value
    for name, value in sorted(vars(estimator).items()):
        if name.endswith("_") and not name.startswith("__") and not _TIMES.fullmatch(name):
            yield f".{name}", value


def _state(node: Any) -> Iterator[tuple[str, Any]]:
    """Yield what pickle would keep of any other thing, as the tree inside a decision tree."""
    if hasattr(node, "tocsr"):
        rows = node.tocsr()
        yield from ((f".{name}", getattr(rows, name)) for name in ("shape", "data", "indices", "indptr"))
        return
    try:
        _, arguments, state, *rest = (*node.__reduce_ex__(4), None, None)[:5]
    except Exception:  # it cannot be pickled, so it was never in a recorded model
        return
    kept = arguments[1:] if arguments and arguments[0] is type(node) else arguments
    yield ".made with", list(kept)
    if isinstance(state, Mapping):
        yield from ((f".{name}", value) for name, value in state.items() if not _TIMES.fullmatch(str(name)))
    elif state is not None:
        yield ".state", state
    for number, items in enumerate(rest):
        if items is not None:
            yield f".items {number}", list(items)
