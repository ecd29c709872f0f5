"""Which params tell many runs apart: those that vary, without the ones that merely follow others. Pure.

Params are compared as text, as the store holds them. Two kinds of keys follow and are left out:

* copies of a top-level key: `model.alpha: ${alpha}`, `cv.random_state: ${seed}`;
* defaults that come with a class: `model.max_iter`, where each `model._target_` has its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from tracking.compare.following import guess_followed
from tracking.entities import Run
from tracking.records.values import find_varying

Params = Mapping[str, str]
_CLASS = "._target_"


@dataclass(frozen=True, slots=True)
class Factors:
    """`keys` tell the runs apart; `copies` names for each key the keys that repeat it.

    `classes` are the keys of `keys` that choose a class; `implied` follow one of them.
    """

    keys: tuple[str, ...]
    copies: Mapping[str, tuple[str, ...]]
    classes: tuple[str, ...]
    implied: frozenset[str]


def find_factors(params: Sequence[Params]) -> Factors:
    """Return which params tell the runs apart, in the order in which they first appear."""
    varying = find_varying(params)
    followed = guess_followed(varying)
    copies = {key: tuple(own for own in followed if followed[own] == key) for key in varying if "." not in key}
    kept = [key for key in varying if key not in followed]
    classes = tuple(key for key in kept if key.endswith(_CLASS))
    implied = frozenset(key for key in kept if any(_comes_with(key, own, params) for own in classes))
    return Factors(tuple(key for key in kept if key not in implied), copies, classes, implied)


def spell_alike(runs: Iterable[Run]) -> list[Run]:
    """Return the runs with equal numbers spelled alike: of `1` and `1.0` under one key, as the first run has it.

    To an estimator they are the same; only what Python writes for a number counts as one, not `01`.
    """
    spelled: dict[tuple[str, float | str], str] = {}

    def alike(run: Run) -> Run:
        params = {key: spelled.setdefault((key, _number(text)), text) for key, text in run.data.params.items()}
        return replace(run, data=replace(run.data, params=params))

    return [alike(run) for run in runs]


@lru_cache(maxsize=10_000)  # thousands of runs have the same few texts
def _number(text: str) -> float | str:
    try:
        number = float(text)
    except ValueError:
        return text
    whole = str(int(number)) if number.is_integer() else None
    return number if text in (repr(number), whole) else text


def _comes_with(key: str, chooser: str, params: Sequence[Params]) -> bool:
    """Tell whether a key below a class, or a top-level key with a single value, is fixed by that class."""
    section = chooser.removesuffix(_CLASS)
    values = {own[key] for own in params if key in own}
    if key == chooser or not (key.startswith(f"{section}.") or ("." not in key and len(values) == 1)):
        return False
    by_class: dict[str | None, str | None] = {}
    return all(by_class.setdefault(own.get(chooser), own.get(key)) == own.get(key) for own in params)


def short_key(key: str) -> str:
    """Return what a person calls a key: `model` for `model._target_`."""
    return key.removesuffix(_CLASS)


def short_value(key: str, value: str) -> str:
    """Return what a person calls a value: `Ridge` for `sklearn.linear_model.Ridge` under `_target_`."""
    return value.rpartition(".")[2] if key.endswith(_CLASS) else value


def order_of(value: str | None) -> tuple[int, float, str]:
    """Return a sorting key for values as text: none first, then numbers by size, then texts."""
    if value is None:
        return (0, 0.0, "")
    try:
        return (1, float(value), value)
    except ValueError:
        return (2, 0.0, value)
