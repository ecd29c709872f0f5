"""A misspelt keyword of an estimator that takes any: refused where the library documents its own, else noted."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from runner.__main__ import main
from runner.errors import ModelError
from runner.trial.keywords import check_keywords

OWN = """
from sklearn.linear_model import Ridge


class Base(Ridge):
    def __init__(self, alpha=1.0, leaves=31, **more):
        super().__init__(alpha=alpha)
        self.leaves = leaves
        self.more = more


class Open(Base):
    def __init__(self, depth=3, alpha=1.0, leaves=31, **more):
        super().__init__(alpha=alpha, leaves=leaves, **more)
        self.depth = depth

    def get_params(self, deep=True):
        return {"depth": self.depth, "alpha": self.alpha, "leaves": self.leaves, **self.more}
"""


@pytest.fixture(autouse=True)
def _own_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    names = ("own_open", "xgboost")
    for name in names:
        (tmp_path / f"{name}.py").write_text(OWN)
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    yield
    for name in names:
        sys.modules.pop(name, None)


@pytest.mark.heavy
def test_a_keyword_that_a_class_does_not_name_is_noted_and_runs(capsys: pytest.CaptureFixture[str]) -> None:
    code = main(
        ["model._target_=own_open.Open", "+model.depht=4", "~model.solver", "~model.fit_intercept", "refit=false"]
    )

    assert code == 0
    assert (
        "note: model.depht=4: Open takes any keyword, and names no 'depht'. If it is misspelt, nothing reads it."
        " Nearest: depth" in capsys.readouterr().err
    )


def test_a_keyword_that_xgboost_does_not_document_is_refused() -> None:
    node = {"_target_": "xgboost.Open", "leaves": 3, "eta": 0.1, "lamda": 3}

    with pytest.raises(ModelError, match=r"^model\.lamda=3: Open documents no parameter 'lamda'\. Nearest: lambda"):
        list(check_keywords(node, "model"))


def test_a_keyword_that_a_later_xgboost_may_have_is_noted() -> None:
    (note,) = check_keywords({"_target_": "xgboost.Open", "qwzy_of_the_future": 1}, "model")

    assert note.startswith("model.qwzy_of_the_future=1: Open takes any keyword")


def test_a_nested_keyword_is_named_by_its_whole_key() -> None:
    node = {"_target_": "sklearn.pipeline.Pipeline", "steps": [["a", {"_target_": "own_open.Open", "leafs": 3}]]}

    (note,) = check_keywords(node, "model")

    assert note.startswith("model.steps.0.1.leafs=3: Open takes any keyword")
    assert note.endswith("Nearest: leaves.")


def test_keywords_that_a_class_or_its_base_names_need_no_note() -> None:
    assert list(check_keywords({"_target_": "own_open.Open", "depth": 1, "leaves": 2}, "model")) == []
    assert list(check_keywords({"_target_": "sklearn.linear_model.Ridge", "alpha": 2}, "model")) == []
    assert list(check_keywords({"_target_": "xgboost.Open", "leaves": 1, "tweedie_variance_power": 1.5}, "model")) == []


@pytest.mark.heavy
def test_a_keyword_that_lightgbm_does_not_document_is_refused() -> None:
    pytest.importorskip("lightgbm", reason="LightGBM is not installed")
    known = {"_target_": "lightgbm.LGBMRegressor", "num_leaves": 3, "feature_fraction": 0.5, "sub_row": 0.9}

    assert list(check_keywords(known, "model")) == []
    with pytest.raises(ModelError, match=r"num_leafs=3: LGBMRegressor documents no parameter .* Nearest: num_leaf"):
        list(check_keywords(known | {"num_leafs": 3}, "model"))
