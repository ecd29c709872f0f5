"""A section of a config becomes what Hydra would make of it; a refused parameter is named by its key."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from hydra.utils import instantiate
from sklearn.linear_model import Ridge

from runner.errors import ModelError
from runner.trial.build import build, build_node

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


@pytest.mark.parametrize(
    "node",
    [
        {"_target_": "builtins.dict", "a": 1, "b": [{"_target_": "builtins.list"}, {"c": None}]},
        {"_target_": "builtins.complex", "_args_": [1, 2]},
        {"_target_": "builtins.max", "_args_": [{"_target_": "builtins.int", "_args_": ["3"]}, 2]},
        {"_target_": "builtins.dict", "_recursive_": False, "a": {"_target_": "builtins.list"}},
        {"_target_": "builtins.dict", "_convert_": "none", "a": {"b": [1]}},
        {"_target_": "hydra.utils.get_class", "path": "sklearn.linear_model.Ridge"},
    ],
    ids=["nested", "positional", "nested positional", "not recursive", "converted", "a class"],
)
def test_a_section_becomes_what_hydra_makes_of_it(node: dict[str, Any]) -> None:
    ours, theirs = build_node(node, "model"), instantiate(node, _convert_="all")

    assert ours == theirs
    assert type(ours) is type(theirs)


def test_a_partial_section_leaves_the_call_to_others() -> None:
    node = {"_target_": "sklearn.linear_model.Ridge", "_partial_": True, "alpha": 3.0}

    ours, theirs = build_node(node, "model"), instantiate(node, _convert_="all")

    assert isinstance(ours, partial)
    assert (
        (ours.func, ours.args, ours.keywords)
        == (theirs.func, theirs.args, theirs.keywords)
        == (Ridge, (), {"alpha": 3.0})
    )
