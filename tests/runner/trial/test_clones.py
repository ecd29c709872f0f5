"""What is fitted on each fold is what scikit-learn's clone would give, also where the shorter way is taken."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.base import BaseEstimator, clone
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import ElasticNet, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from runner.trial.evaluate import _cloner


class Own(Ridge):
    """An estimator with a clone of its own."""

    def __sklearn_clone__(self) -> Any:
        made = Own(alpha=self.alpha)
        made.note = "cloned its own way"
        return made


class Altering(BaseEstimator):
    """An estimator that scikit-learn's clone refuses: it does not keep what it is given."""

    def __init__(self, size: int = 1) -> None:
        self.size = size + 1


def noted(estimator: Any) -> Any:
    estimator.note = "set by hand"
    return estimator


@pytest.mark.parametrize(
    "estimator",
    [
        Ridge(alpha=0.5, random_state=3),
        ElasticNet(alpha=1, l1_ratio=0.2),
        RandomForestRegressor(max_features=0.5),
        make_pipeline(StandardScaler(), Ridge(2.0)),
        Ridge(alpha=np.array([1.0, 2.0])),
        noted(Ridge(alpha=3.0)),
        Own(alpha=7.0),
    ],
    ids=lambda estimator: type(estimator).__name__,
)
def test_each_call_gives_a_new_one_like_scikit_learns(estimator: Any) -> None:
    make = _cloner(estimator)
    first, second, expected = make(), make(), clone(estimator)

    assert first is not second
    assert type(first) is type(expected)
    assert repr(first.get_params()) == repr(expected.get_params())
    assert vars(first).keys() == vars(expected).keys()
    assert getattr(first, "note", None) == getattr(expected, "note", None)


def test_an_estimator_that_alters_its_parameters_is_refused_as_by_scikit_learn() -> None:
    with pytest.raises(RuntimeError, match="Cannot clone"):
        _cloner(Altering())()
