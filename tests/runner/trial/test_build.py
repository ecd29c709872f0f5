"""A refused parameter is named by the key that a person can change."""

from __future__ import annotations

from typing import Any

import pytest

from runner.errors import ModelError
from runner.trial.build import build

RIDGE = {"_target_": "sklearn.linear_model.Ridge", "alpha": -1}


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (RIDGE, r"^alpha=-1: alpha of Ridge must be"),
        (
            {"_target_": "sklearn.ensemble.VotingRegressor", "estimators": [["a", RIDGE]]},
            r"^model\.estimators\.0\.1\.alpha=-1: alpha of Ridge must be",
        ),
        (
            {"_target_": "sklearn.ensemble.BaggingRegressor", "estimator": RIDGE},
            r"^model\.estimator\.alpha=-1: alpha of Ridge must be",
        ),
        (
            {"_target_": "sklearn.linear_model.RidgeCV", "scoring": "f1x"},
            r"^model\.scoring='f1x': scoring of RidgeCV must be",
        ),
    ],
    ids=["of the model", "in a list", "in a parameter", "of the name of a section"],
)
def test_a_refused_parameter_is_named_by_its_own_key(model: dict[str, Any], said: str) -> None:
    config = {
        "seed": 1,
        "alpha": -1,
        "model": model,
        "cv": {"_target_": "sklearn.model_selection.KFold"},
        "scoring": {"metrics": {"r2": "r2"}, "objective": {"metric": "r2", "direction": "maximize"}},
    }

    with pytest.raises(ModelError, match=said):
        build(config)
