"""scikit-learn's pipelines as a flat row of steps, and put together again. Nested ones are one row with their own.

A pipeline fits and transforms step by step, so that the steps of a pipeline inside a pipeline give the same bits in
one row.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sklearn import get_config
from sklearn.pipeline import Pipeline


def is_plain(estimator: Any) -> bool:
    """Tell whether it is scikit-learn's own pipeline and does nothing but its steps, one after the other."""
    if type(estimator) is not Pipeline or get_config()["enable_metadata_routing"]:
        return False
    own = {name: value for name, value in vars(estimator).items() if name != "steps"}
    return own == {"transform_input": None, "memory": None, "verbose": False} and _is_whole(estimator.steps)


def _is_whole(steps: Any) -> bool:
    """Tell whether the steps are pairs, the last a model; what is not, scikit-learn shall refuse in its own words."""
    pairs = isinstance(steps, list) and all(isinstance(step, tuple) and len(step) == 2 for step in steps)
    return pairs and bool(steps) and not _is_idle(steps[-1][1])


def flatten(estimator: Any) -> list[Any]:
    """Return the steps in one row; the last is the model. What is no plain pipeline is a row of one."""
    if not is_plain(estimator):
        return [estimator]
    return [leaf for _, step in estimator.steps if not _is_idle(step) for leaf in flatten(step)]


def rebuild(estimator: Any, fitted: Iterator[Any]) -> Any:
    """Return a pipeline like this one with `fitted` in place of its flattened steps."""
    if not is_plain(estimator):
        return next(fitted)
    steps = [(name, step if _is_idle(step) else rebuild(step, fitted)) for name, step in estimator.steps]
    return Pipeline(steps)


def _is_idle(step: Any) -> bool:
    return step is None or (isinstance(step, str) and step == "passthrough")
