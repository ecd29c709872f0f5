"""Ensembles of which a small one is the beginning of a large one: what one point fitted, another begins with.

scikit-learn's `warm_start` continues where a fit had stopped, and for these draws what a fit from the start would have
drawn. A forest is also cut: its trees do not depend on one another. Boosting keeps its random state where it stopped,
so that it only grows.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from copy import copy, deepcopy
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)

from runner.trial.descriptions import NotDescribable, describe

_FORESTS = (RandomForestRegressor, RandomForestClassifier, ExtraTreesRegressor, ExtraTreesClassifier)
_HISTOGRAMS = (HistGradientBoostingRegressor, HistGradientBoostingClassifier)
_BOOSTING = (GradientBoostingRegressor, GradientBoostingClassifier)
_NOT_SO = ("warm_start", "oob_score", "class_weight", "init", "verbose")


@dataclass(frozen=True, slots=True)
class Grown:
    """A fitted ensemble, and the seconds that it takes from the start."""

    model: Any
    seconds: float
    size: int  # bytes

    def leads_to(self, unfitted: Any) -> bool:
        """Tell whether another can be made out of it: not where the rows were so many that boosting stopped early."""
        if getattr(self.model, "do_early_stopping_", False):
            return False
        return type(unfitted) in _FORESTS or _count(unfitted) >= _count(self.model)


def growth_of(model: Any) -> Hashable | None:
    """Return what ensembles have in common that differ in their size only; None for a model that does not grow."""
    kind = type(model)
    if kind not in _FORESTS + _HISTOGRAMS + _BOOSTING:
        return None
    parameters = model.get_params(deep=False)
    if not isinstance(parameters["random_state"], int) or any(parameters.get(name) for name in _NOT_SO):
        return None
    if parameters.get("early_stopping") is True or (kind in _BOOSTING and parameters["n_iter_no_change"] is not None):
        return None
    rest = {name: value for name, value in parameters.items() if name != _size(model)}
    try:
        return kind, describe(rest)
    except NotDescribable:
        return None


def grow(unfitted: Any, known: Grown | None, X: Any, y: Any, seconds: Callable[[], float]) -> Grown:
    """Fit a clone: from the start, from what is `known`, or by cutting that. `seconds` tells the time."""
    start, count = seconds(), _count(unfitted)
    model = clone(unfitted)
    if known is None:
        model.fit(X, y)
        return Grown(model, seconds() - start, _nbytes(model))
    begun = _count(known.model)
    parameters = model.get_params(deep=False)
    vars(model).update({name: _own(value) for name, value in vars(known.model).items() if name not in parameters})
    if count <= begun:
        if count < begun:
            model.estimators_ = known.model.estimators_[:count]
        return Grown(model, known.seconds * count / begun, _nbytes(model))
    model.warm_start = True
    try:
        model.fit(X, y)
    finally:
        model.warm_start = False
    if type(model) in _BOOSTING:
        _give_random_state(model, begun)
    return Grown(model, known.seconds + seconds() - start, _nbytes(model))


def _give_random_state(model: Any, begun: int) -> None:
    """Let the trees that were there hold the random state of this model, as all its trees do."""
    for place in np.ndindex(begun, model.estimators_.shape[1]):
        tree = model.estimators_[place] = copy(model.estimators_[place])
        tree.random_state = model._rng


def _size(model: Any) -> str:
    return "max_iter" if type(model) in _HISTOGRAMS else "n_estimators"


def _count(model: Any) -> int:
    return int(getattr(model, _size(model)))


def _own(value: Any) -> Any:
    """Return a copy of what a fit that continues changes in place."""
    if isinstance(value, np.random.RandomState | np.random.Generator):
        return deepcopy(value)
    return copy(value) if isinstance(value, list) else value


def _nbytes(model: Any) -> int:
    if type(model) in _HISTOGRAMS:
        return sum(tree.nodes.nbytes for trees in model._predictors for tree in trees)
    trees = np.asarray(model.estimators_, dtype=object).ravel()
    return sum(tree.tree_.node_count * (64 + tree.tree_.value[0].nbytes) for tree in trees)
