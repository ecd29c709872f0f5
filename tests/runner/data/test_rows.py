"""Which rows take part: rows without a target, and rows held out for the end."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from runner.data.checks import check
from runner.data.dataset import load, load_held_out
from runner.errors import DataError


def table(folder: Path, rows: int = 50, name: str = "t.csv") -> dict[str, Any]:
    draw = np.random.default_rng(0)
    frame = pd.DataFrame({"x": draw.normal(size=rows), "shop": np.arange(rows) % 10, "day": np.arange(rows)[::-1]})
    frame["y"] = np.where(np.arange(rows) % 5 == 0, np.nan, frame["x"] * 2)
    frame["kind"] = np.where(np.arange(rows) % 5 == 1, "rare", "usual")
    frame.to_csv(folder / name, index=False)
    return {"source": "csv", "path": str(folder / name), "target": "kind", "drop": ["y"]}


def test_rows_without_a_target_are_left_out_on_demand_and_counted(tmp_path: Path) -> None:
    config = table(tmp_path) | {"target": "y", "drop": ["kind"]}
    kept = load(config | {"missing_target": "drop"})

    assert kept.n_rows == 40
    assert np.isfinite(kept.y).all()
    assert kept.notes == ("10 of 50 rows of t have no y and are left out (data.missing_target=drop)",)
    assert load(config | {"missing_target": "error"}).n_rows == 50


def test_without_asking_missing_targets_are_refused_and_the_message_has_the_key(tmp_path: Path) -> None:
    from sklearn.linear_model import Ridge
    from sklearn.model_selection import KFold

    dataset = load(table(tmp_path) | {"target": "y", "drop": ["kind"]})
    with pytest.raises(DataError, match=r"missing in 10 of 50 rows.*data\.missing_target=drop"):
        check(dataset, splitter=KFold(), estimator=Ridge())


def test_classes_without_the_missing_ones_are_the_classes_that_are_there(tmp_path: Path) -> None:
    (tmp_path / "c.csv").write_text("x,c\n1,a\n2,\n3,b\n")
    dataset = load({"source": "csv", "path": str(tmp_path / "c.csv"), "target": "c", "missing_target": "drop"})

    assert dataset.y.tolist() == ["a", "b"]
    assert dataset.y.dtype.kind == "U"


def test_held_out_rows_and_the_others_are_all_rows_once_and_each_class_in_proportion(tmp_path: Path) -> None:
    config = table(tmp_path) | {"test": 0.2}
    seen, held_out = load(config), load_held_out(config)

    assert (seen.n_rows, held_out.n_rows) == (40, 10)
    assert sorted([*seen.X["day"], *held_out.X["day"]]) == list(range(50))
    assert (held_out.y == "rare").sum() == 2


def test_which_rows_are_held_out_depends_on_its_own_seed_only(tmp_path: Path) -> None:
    config = table(tmp_path) | {"test": 10}

    assert load_held_out(config).fingerprint == load_held_out(config | {"test_seed": 0}).fingerprint
    assert load_held_out(config).fingerprint != load_held_out(config | {"test_seed": 1}).fingerprint


def test_groups_are_held_out_whole(tmp_path: Path) -> None:
    config = table(tmp_path) | {"test": 0.3, "groups": "shop"}
    seen, held_out = load(config), load_held_out(config)

    assert seen.groups is not None
    assert held_out.groups is not None
    assert not set(seen.groups) & set(held_out.groups)


def test_of_rows_in_time_the_last_are_held_out(tmp_path: Path) -> None:
    config = table(tmp_path) | {"test": 0.2, "time": "day", "features": ["x", "day"]}

    assert load(config).X["day"].max() < load_held_out(config).X["day"].min()


def test_a_second_file_is_held_out(tmp_path: Path) -> None:
    config = table(tmp_path) | {"test": table(tmp_path, rows=20, name="later.csv")["path"]}

    assert load(config).n_rows == 50
    assert load_held_out(config).n_rows == 20
    assert load_held_out(config).feature_names == load(config).feature_names


@pytest.mark.parametrize(
    ("test", "message"),
    [(50, "data.test=50: "), ("nothing.csv", "nothing.csv"), (None, "data.test is not set")],
)
def test_what_cannot_be_held_out_is_refused(tmp_path: Path, test: object, message: str) -> None:
    with pytest.raises(DataError, match=message):
        load_held_out(table(tmp_path) | {"test": test})


def test_weights_are_no_feature_and_tell_data_apart(tmp_path: Path) -> None:
    config = table(tmp_path) | {"features": ["x"]}
    weighted = load(config | {"weights": "day"})

    assert weighted.feature_names == ("x",)
    assert weighted.weights is not None
    assert weighted.weights.tolist() == list(range(50))[::-1]
    assert weighted.fingerprint != load(config).fingerprint


@pytest.mark.parametrize("column", ["kind", "y", "x"])
def test_weights_that_are_no_amounts_are_refused(tmp_path: Path, column: str) -> None:
    from sklearn.linear_model import Ridge
    from sklearn.model_selection import KFold

    dataset = load(table(tmp_path) | {"target": "shop", "drop": [], "features": ["day"], "weights": column})
    with pytest.raises(DataError, match=r"data\.weights: weights are numbers >= 0"):
        check(dataset, splitter=KFold(), estimator=Ridge())


def test_several_targets_are_columns_of_one_array_and_a_model_of_one_number_is_refused(tmp_path: Path) -> None:
    from sklearn.ensemble import GradientBoostingRegressor
    from sklearn.linear_model import Ridge
    from sklearn.model_selection import KFold

    dataset = load(table(tmp_path) | {"target": ["x", "day"], "drop": ["y", "kind"]})
    assert dataset.y.shape == (50, 2)
    assert dataset.feature_names == ("shop",)
    assert dataset.target_name == "x, day"
    check(dataset, splitter=KFold(), estimator=Ridge())
    with pytest.raises(DataError, match=r"data\.target names 2 columns \(x, day\), and GradientBoostingRegressor"):
        check(dataset, splitter=KFold(), estimator=GradientBoostingRegressor())
