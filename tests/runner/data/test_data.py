"""Datasets: what is read, how it is told apart, and what is refused with which remedy."""

import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    RepeatedStratifiedKFold,
    ShuffleSplit,
    StratifiedKFold,
    TimeSeriesSplit,
    cross_val_score,
)
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from runner.data.checks import check
from runner.data.dataset import Dataset, load
from runner.errors import DataError
from runner.prepare import tabular
from runner.trial.evaluate import split

CARS = """name,cyl,hp,sold,origin,mpg
a,4,60.5,2024-01-03,jp,31.0
b,8,,2024-01-01,us,14.5
c,4,70,2024-01-02,eu,27.5
d,6,110,2024-01-05,us,20.0
e,4,65,2024-01-04,jp,33.5
f,8,150,2024-01-06,us,15.0
"""


@pytest.fixture
def cars(tmp_path: Path) -> Path:
    path = tmp_path / "cars.csv"
    path.write_text(CARS)
    return path


def csv(path: Path | str, **more: Any) -> dict[str, Any]:
    return {"source": "csv", "path": str(path), "target": "mpg", **more}


def refused(config: dict[str, Any]) -> str:
    with pytest.raises(DataError) as error:
        load(config)
    return str(error.value)


def arrays(X: Any, y: Any, groups: Any = None) -> Dataset:
    """Make a dataset as a person's own function would."""
    import tests_own_data  # type: ignore[import-not-found]

    tests_own_data.parts = (X, y) if groups is None else (X, y, groups)
    return load({"source": "callable", "function": "tests_own_data.load", "kwargs": {"salt": os.urandom(8).hex()}})


@pytest.fixture(autouse=True)
def _own_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = (
        "parts = None\ndef load(**_):\n    return parts\ndef frame(n=5):\n    import pandas as pd\n"
        "    y = [i * 0.5 for i in range(n)]\n"
        "    return pd.DataFrame({'a': range(n), 'b': [0, 1] * (n // 2) + [0], 'y': y})\n"
        "def broken():\n    raise OSError('the disk is away')\n"
    )
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "tests_own_data.py").write_text(source)
    monkeypatch.syspath_prepend(str(tmp_path / "own"))
    monkeypatch.delitem(sys.modules, "tests_own_data", raising=False)


# -- loading


def test_a_second_load_is_the_same_object() -> None:
    assert load({"source": "iris", "name": "iris"}) is load({"source": "iris", "name": "iris"})


def test_the_default_dataset_is_described() -> None:
    data = load({"source": "diabetes", "name": "diabetes"})

    assert (data.shape, data.task, data.target_name) == ("442x10", "regression", "progression")
    assert data.feature_names[:3] == ("age", "sex", "bmi")
    assert set(data.dtypes.values()) == {"float64"}
    assert data.fingerprint.startswith("v2:")


def test_runner_data_imports_neither_scikit_learn_nor_pandas_before_it_loads() -> None:
    code = "import sys, runner.data; print([m for m in ('sklearn', 'pandas', 'hydra') if m in sys.modules])"

    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert result.stdout.strip() == "[]"


@pytest.mark.heavy
def test_a_fingerprint_is_the_same_in_another_process(cars: Path) -> None:
    code = f"from runner.data.dataset import load; print(load({csv(cars)!r}).fingerprint)"

    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert result.stdout.strip() == load(csv(cars)).fingerprint


def test_synthetic_data_has_the_size_and_seed_that_were_asked_for() -> None:
    config = {
        "source": "synthetic_regression",
        "n_samples": 50,
        "n_features": 4,
        "n_informative": 2,
        "noise": 1.0,
    }

    first, again, other = (
        load({**config, "random_state": seed, "name": name}) for seed, name in [(1, "a"), (1, "b"), (2, "a")]
    )

    assert first.shape == "50x4"
    assert first.fingerprint == again.fingerprint != other.fingerprint


def test_small_synthetic_classes_can_be_made() -> None:
    config = {"n_samples": 60, "n_features": 3, "n_informative": 3, "n_classes": 3, "class_sep": 1.0}

    data = load({"source": "synthetic_classification", "random_state": 0, **config})

    assert (data.shape, data.task) == ("60x3", "classification")


def test_a_csv_is_divided_into_features_and_target(cars: Path) -> None:
    data = load(csv(cars))

    assert data.feature_names == ("name", "cyl", "hp", "sold", "origin")
    assert data.name == "cars"
    assert data.y.tolist() == [31.0, 14.5, 27.5, 20.0, 33.5, 15.0]
    assert data.dtypes["sold"].startswith("datetime64")


@pytest.mark.parametrize(
    ("cells", "dtype"),
    [
        (["2024-01-01", "2024-01-02"], "datetime64[us]"),
        (["2024-01-01 10:00", ""], "datetime64[us]"),
        (["2024-01-01T00:00:00Z", "2024-01-02T00:00:00+01:00"], "datetime64[us, UTC]"),
        (["2024-01-01", "soon"], "str"),
    ],
)
def test_iso_dates_of_a_csv_are_dates(tmp_path: Path, cells: list[str], dtype: str) -> None:
    (tmp_path / "d.csv").write_text("d,mpg\n" + "".join(f"{cell},1\n" for cell in cells))

    kinds = {"str": ("str", "object")}.get(dtype, (dtype, dtype.replace("us", "ns")))
    assert load(csv(tmp_path / "d.csv")).dtypes["d"] in kinds


def test_features_drop_groups_and_time_choose_columns_and_order(cars: Path) -> None:
    data = load(csv(cars, drop=["name"], groups="origin", time="sold"))

    assert data.feature_names == ("cyl", "hp")
    assert data.y.tolist() == [14.5, 27.5, 31.0, 33.5, 20.0, 15.0]
    assert data.groups.tolist() == ["us", "eu", "jp", "jp", "us", "us"]
    assert load(csv(cars, features=["hp", "cyl"])).feature_names == ("hp", "cyl")
    assert load(csv(cars, features="hp")).feature_names == ("hp",)


def test_dtypes_keep_the_zero_of_a_code_and_limit_the_rows(tmp_path: Path) -> None:
    (tmp_path / "zip.csv").write_text("zip,mpg\n01234,1.0\n00815,2.5\n04711,3.0\n")

    data = load(csv(tmp_path / "zip.csv", dtypes={"zip": "str"}, limit=2))

    assert data.X["zip"].tolist() == ["01234", "00815"]


def test_separator_decimal_and_options_reach_the_reader(tmp_path: Path) -> None:
    (tmp_path / "de.csv").write_text("# export\nps;mpg\n60;7,5\n?;8,5\n")

    data = load(csv(tmp_path / "de.csv", separator=";", decimal=",", options={"skiprows": 1, "na_values": ["?"]}))

    assert data.y.tolist() == [7.5, 8.5]
    assert np.isnan(data.X["ps"].iloc[1])


def test_a_pattern_reads_several_files_in_order_up_to_the_limit(tmp_path: Path) -> None:
    for month in (2, 1, 3):
        (tmp_path / f"m{month}.csv").write_text(f"a,mpg\n{month},{month}.5\n{month},{month}.25\n")

    assert load(csv(tmp_path / "m*.csv")).y.tolist() == [1.5, 1.25, 2.5, 2.25, 3.5, 3.25]
    assert load(csv(tmp_path / "m*.csv", limit=3)).y.tolist() == [1.5, 1.25, 2.5]


def test_a_file_that_changed_is_read_again(cars: Path) -> None:
    before = load(csv(cars))
    cars.write_text(CARS + "g,4,60,2024-02-01,jp,40.0\n")

    after = load(csv(cars))

    assert (before.n_rows, after.n_rows) == (6, 7)
    assert before.fingerprint != after.fingerprint


def test_a_fingerprint_is_of_the_content_not_of_the_path(cars: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.csv"
    copy.write_text(CARS)

    assert load(csv(copy)).fingerprint == load(csv(cars)).fingerprint


@pytest.mark.parametrize(
    "change",
    [
        ("31.0", "31.1"),
        ("cyl", "cylinders"),
        ("jp,31", "eu,31"),
        ("a,4", "a,4.0"),
        ("2024-01-03", "2024-01-07"),
    ],
)
def test_a_fingerprint_changes_with_values_names_and_types(cars: Path, tmp_path: Path, change: tuple[str, str]) -> None:
    (tmp_path / "other.csv").write_text(CARS.replace(*change, 1))

    assert load(csv(tmp_path / "other.csv")).fingerprint != load(csv(cars)).fingerprint


def test_a_fingerprint_does_not_depend_on_memory_layout() -> None:
    X = np.arange(12.0).reshape(4, 3)
    y = np.arange(4.0)

    assert arrays(X, y).fingerprint == arrays(np.asfortranarray(X), y[::-1][::-1]).fingerprint


def test_parquet_gives_what_the_csv_gives(cars: Path, tmp_path: Path) -> None:
    pd.read_csv(cars).assign(sold=lambda f: pd.to_datetime(f["sold"])).to_parquet(tmp_path / "cars.parquet")

    data = load({"source": "parquet", "path": str(tmp_path / "cars.parquet"), "target": "mpg"})

    assert data.fingerprint == load(csv(cars)).fingerprint


def test_nullable_numbers_decimals_and_dates_become_numpys(tmp_path: Path) -> None:
    from datetime import date
    from decimal import Decimal

    frame = pd.DataFrame(
        {
            "whole": pd.array([1, None, 3], dtype="Int64"),
            "flag": pd.array([True, False, True], dtype="boolean"),
            "price": [Decimal("1.5"), None, Decimal("2.5")],
            "day": [date(2024, 1, 1), None, date(2024, 1, 3)],
            "mpg": pd.array([1, 2, 3], dtype="Int64"),
        }
    )
    frame.to_parquet(tmp_path / "n.parquet")

    data = load({"source": "parquet", "path": str(tmp_path / "n.parquet"), "target": "mpg"})

    assert [np.dtype(dtype).kind for dtype in data.dtypes.values()] == ["f", "b", "f", "M"]
    assert data.y.dtype == np.int64


def test_a_function_may_return_arrays_with_groups_or_a_frame() -> None:
    data = arrays([[1, 2], [3, 4], [5, 6]], [[0.5], [1.5], [2.5]], ["a", "a", "b"])
    frame = load(
        {
            "source": "callable",
            "function": "tests_own_data.frame",
            "kwargs": {"n": 5},
            "target": "y",
            "groups": "b",
        }
    )

    assert (data.shape, data.feature_names, data.groups.tolist()) == ("3x2", ("x0", "x1"), ["a", "a", "b"])
    assert (frame.shape, frame.feature_names, frame.name) == ("5x1", ("a",), "frame")


def test_a_dataset_is_shared_by_memory_map(tmp_path: Path) -> None:
    joblib.dump(load({"source": "diabetes"}), tmp_path / "data.joblib")

    data = joblib.load(tmp_path / "data.joblib", mmap_mode="r")

    assert isinstance(data.X, np.memmap)
    assert data.fingerprint == load({"source": "diabetes"}).fingerprint
    assert pickle.loads(pickle.dumps(data)).shape == "442x10"


@pytest.mark.parametrize(
    ("y", "task"),
    [
        (np.linspace(0, 1, 50), "regression"),
        (np.arange(50), "regression"),
        (np.arange(50) % 3, "classification"),
        (np.arange(50) % 3 * 1.0, "classification"),
        (np.array(["a", "b"] * 25), "classification"),
        (np.arange(50) % 2 == 0, "classification"),
    ],
)
def test_the_task_is_told_from_the_target(y: Any, task: str) -> None:
    assert arrays(np.ones((50, 1)), y).task == task


# -- what cannot be read


def test_a_missing_file_names_the_nearest(cars: Path) -> None:
    message = refused(csv(cars.with_name("carz.csv")))

    assert "No file is at data.path=" in message
    assert "Nearest: cars.csv" in message


@pytest.mark.parametrize("limit", ["x", 0, -1, 2.5])
def test_a_limit_that_is_no_number_of_rows_is_refused(cars: Path, limit: Any) -> None:
    assert f"data.limit={limit}: a number of rows is 1 or more" in refused(csv(cars, limit=limit))


def test_a_path_that_no_file_system_takes_is_one_sentence() -> None:
    assert "home directory" in refused(csv("~nobody-of-this-name/x.csv"))
    assert "File name too long" in refused(csv(Path("9" * 400 + ".csv")))


def test_a_missing_folder_and_an_empty_pattern_say_where_was_looked(cars: Path, tmp_path: Path) -> None:
    assert str(tmp_path.resolve()) in refused(csv(tmp_path / "nowhere" / "deep" / "x.csv"))
    assert "cars.csv" in refused(csv(tmp_path / "2024-*.csv"))
    assert "*.csv\"'" in refused(csv(tmp_path))


@pytest.mark.parametrize(
    ("more", "parts"),
    [
        ({"target": "mpgs"}, ["data.target=mpgs", "no column 'mpgs'", "Nearest: mpg"]),
        ({"target": "???"}, ["data.target is not set", "data.target=COLUMN", "name, cyl, hp"]),
        ({"path": "???"}, ["data.path is not set", "data.path=FILE.csv"]),
        ({"features": ["hp", "cyls"]}, ["data.features=cyls", "Nearest: cyl"]),
        ({"features": ["hp", "mpg"]}, ["names the target 'mpg'"]),
        ({"drop": ["nam"]}, ["data.drop=nam", "Nearest: name"]),
        ({"groups": "orgin"}, ["data.groups=orgin", "Nearest: origin"]),
        ({"time": "solt"}, ["data.time=solt", "Nearest: sold"]),
        ({"time": "origin"}, ["cannot put the rows in order", "'jp'"]),
        ({"time": "hp"}, ["1 rows have no time"]),
        ({"dtypes": {"origin": "float"}}, ["data.dtypes.origin=float does not fit", "6 values", "'jp'"]),
        ({"dtypes": {"hp": "int"}}, ["1 values are missing. Use float"]),
        ({"dtypes": {"hp": "number"}}, ["is not a type", "datetime"]),
        ({"dtypes": {"origin": "datetime"}}, ["does not fit", "'jp'"]),
        ({"dtypes": {"hpp": "float"}}, ["data.dtypes=hpp", "Nearest: hp"]),
        ({"separator": ";"}, ["no column 'mpg'", "All of it is one column", "data.separator"]),
        ({"drop": ["name", "cyl", "hp", "sold", "origin"]}, ["no column left to predict from"]),
        ({"options": {"nonsense": 1}}, ["cannot be read", "nonsense"]),
        ({"source": "csvs"}, ["data.source is 'csvs'", "Nearest: csv"]),
    ],
)
def test_a_mistake_about_columns_is_one_message_with_the_remedy(
    cars: Path, more: dict[str, Any], parts: list[str]
) -> None:
    message = refused({**csv(cars), **more})

    assert all(part in message for part in parts), message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (b"", "is empty"),
        (b"a,mpg\n", "but no rows"),
        (b"a,mpg\n1,2\n1,2,3,4\n", "cannot be read as a table"),
        ("straße,mpg\n1,2\n".encode("latin-1"), "data.encoding=latin-1"),
    ],
)
def test_a_file_that_is_no_table_is_refused(tmp_path: Path, content: bytes, part: str) -> None:
    (tmp_path / "odd.csv").write_bytes(content)

    assert part in refused(csv(tmp_path / "odd.csv"))


def test_files_of_one_pattern_have_to_have_the_same_columns(tmp_path: Path) -> None:
    (tmp_path / "p1.csv").write_text("a,mpg\n1,2\n")
    (tmp_path / "p2.csv").write_text("b,mpg\n1,2\n")

    assert "differ in columns: a, b" in refused(csv(tmp_path / "p*.csv"))


def test_a_file_that_is_not_parquet_is_refused(cars: Path) -> None:
    assert "this is no parquet file. If it is text with columns: data=csv" in refused(
        {"source": "parquet", "path": str(cars), "target": "mpg"}
    )


@pytest.mark.parametrize(
    ("config", "part"),
    [
        ({"function": "nodots"}, "not a dotted name. Give the module too"),
        ({"function": "tests_own_dat.load"}, "data.function=tests_own_dat.load: no such module"),
        ({"function": "tests_own_data.lod"}, "Nearest: load"),
        ({"function": "tests_own_data.broken"}, "raised OSError: the disk is away"),
        ({"function": "tests_own_data.frame", "kwargs": {"m": 3}}, "raised TypeError"),
        ({"function": "tests_own_data.load"}, "returned NoneType"),
        ({"function": "tests_own_data.frame"}, "data.target is not set"),
        ({"function": "???"}, "data.function is not set"),
    ],
)
def test_a_mistake_about_a_function_is_named(config: dict[str, Any], part: str) -> None:
    assert part in refused({"source": "callable", **config})


def test_arrays_that_do_not_fit_together_are_refused() -> None:
    with pytest.raises(DataError, match="3 rows of X but 2 of y"):
        arrays(np.ones((3, 2)), [1, 2])
    with pytest.raises(DataError, match="one value per row"):
        arrays(np.ones(3), [1, 2, 3])


def test_made_up_classes_that_cannot_be_are_refused() -> None:
    config = {"source": "synthetic_classification", "n_samples": 9, "n_features": 2, "n_informative": 3}

    assert "data.n_informative=2 or fewer" in refused({**config, "n_classes": 2, "class_sep": 1.0, "random_state": 0})


# -- what cannot be fitted

N = 20
X = np.arange(2.0 * N).reshape(N, 2)
Y = np.linspace(0.0, 1.0, N)


def why(dataset: Dataset, *, splitter: Any = None, estimator: Any = None) -> str:
    with pytest.raises(DataError) as error:
        check(dataset, splitter=splitter or KFold(5), estimator=estimator or Ridge())
    return str(error.value)


def test_a_nan_or_infinite_target_names_the_first_row() -> None:
    for bad, what in ([np.nan, np.nan], "missing"), ([np.inf, np.inf], "infinite"), ([0, np.nan], "missing"):
        y = Y.copy()
        y[[3, 5]] = bad
        rows = "2 of 20 rows, first in row 4" if bad[0] != 0 else "1 of 20 rows: row 6"
        assert f"of load is {what} in {rows} (the first is 1" in why(arrays(X, y))


def test_missing_classes_are_found(tmp_path: Path) -> None:
    (tmp_path / "c.csv").write_text("a,mpg\n1,x\n2,\n3,y\n4,x\n")

    assert "in 1 of 4 rows: row 2 " in why(load(csv(tmp_path / "c.csv")), estimator=LogisticRegression())


def test_a_constant_target_is_refused() -> None:
    assert "'y' of load is constant: every row is 3.0" in why(arrays(X, np.full(N, 3.0)))


def test_fewer_rows_than_folds_are_refused_with_the_number_that_fits() -> None:
    assert "3 rows, fewer than the 5 folds of cv: add cv.n_splits=3" in why(arrays(X[:3], Y[:3]))
    assert "at least 6" in why(arrays(X[:5], Y[:5]), splitter=TimeSeriesSplit(5))


@pytest.mark.parametrize("splitter", [StratifiedKFold(5), KFold(5), RepeatedStratifiedKFold(n_splits=5)])
def test_a_class_with_fewer_members_than_folds_is_named(splitter: Any) -> None:
    message = why(arrays(X, ["a"] * 17 + ["b"] * 3), splitter=splitter, estimator=LogisticRegression())

    assert "the 5 folds of cv: b (3)" in message
    assert "cv.n_splits=3" in message


def test_a_class_with_one_member_cannot_be_split_at_all() -> None:
    data = arrays(X, ["a"] * 19 + ["b"])

    assert "b (1)" in why(data, splitter=ShuffleSplit(1), estimator=DummyClassifier())


def test_group_folds_need_groups_and_enough_of_them() -> None:
    assert "data.groups=COLUMN" in why(arrays(X, Y), splitter=GroupKFold(5))
    assert "There are 2 groups" in why(arrays(X, Y, [0, 1] * 10), splitter=GroupKFold(5))
    check(arrays(X, Y, [0, 1, 2, 3, 4] * 4), splitter=GroupKFold(5), estimator=Ridge())


def test_groups_do_not_disturb_folds_that_ignore_them() -> None:
    data = arrays(X, Y, [0, 1] * 10)

    check(data, splitter=KFold(5), estimator=Ridge())

    rows = split(data, KFold(5), key="folds").rows
    assert [list(test) for _, test in rows] == [list(test) for _, test in KFold(5).split(X)]


def test_a_classifier_on_a_continuous_target_is_refused_and_a_regressor_on_classes_is_not() -> None:
    assert "model=ridge scoring=regression" in why(arrays(X, Y), estimator=LogisticRegression())
    check(arrays(X, np.arange(N) % 2), splitter=KFold(5), estimator=Ridge())
    check(arrays(X, np.arange(N) % 2 * 1.0), splitter=KFold(5), estimator=LogisticRegression())


def test_a_regressor_on_text_is_told_of_classifiers() -> None:
    assert "holds text (a, b)" in why(arrays(X, ["a", "b"] * 10))


def test_text_columns_need_a_preparation_that_takes_them(cars: Path) -> None:
    data = load(csv(cars))

    plain = why(data, splitter=KFold(2))
    scaled = why(data, splitter=KFold(2), estimator=make_pipeline(StandardScaler(), Ridge()))

    assert "'name', 'sold', 'origin' are not" in plain
    assert "prepare=tabular" in plain
    assert "data.drop=[name,sold,origin]" in plain
    assert "The preparation (StandardScaler) takes numbers only, and 'name', 'sold', 'origin' are not" in scaled
    check(data, splitter=KFold(2), estimator=make_pipeline(tabular(), Ridge()))


def test_a_mark_for_missing_values_is_recognised(tmp_path: Path) -> None:
    rows = "\n".join(f"{i if i % 7 else '?'},{i}.5" for i in range(1, 21))
    (tmp_path / "marks.csv").write_text(f"hp,mpg\n{rows}\n")

    assert "data.options={na_values: ['?']}" in why(load(csv(tmp_path / "marks.csv")))


def test_a_decimal_comma_is_recognised(tmp_path: Path) -> None:
    (tmp_path / "comma.csv").write_text("hp;mpg\n1,5;2\n2,5;4\n")

    assert "data.decimal=','" in why(load(csv(tmp_path / "comma.csv", separator=";")), splitter=KFold(2))


def test_missing_values_need_a_preparation_or_a_model_that_takes_them(cars: Path) -> None:
    data = load(csv(cars, features=["cyl", "hp"]))

    assert "Ridge takes no missing values, and cars has some in 'hp' (1)" in why(data, splitter=KFold(2))
    scaled = make_pipeline(StandardScaler(), Ridge())
    assert "(StandardScaler) leaves them so" in why(data, splitter=KFold(2), estimator=scaled)
    check(data, splitter=KFold(2), estimator=make_pipeline(tabular(), Ridge()))
    check(data, splitter=KFold(2), estimator=HistGradientBoostingRegressor())


def test_categories_are_fine_for_a_model_that_takes_them(cars: Path) -> None:
    data = load(csv(cars, features=["cyl", "origin"], dtypes={"origin": "category"}))

    check(data, splitter=KFold(2), estimator=HistGradientBoostingRegressor())
    assert "'origin' is not" in why(data, splitter=KFold(2))


def test_a_preparation_that_leaves_text_is_refused(cars: Path) -> None:
    data = load(csv(cars, features=["origin"]))
    pipeline = make_pipeline(SimpleImputer(strategy="most_frequent"), Ridge())

    assert "(SimpleImputer) leaves columns of cars as text" in why(data, splitter=KFold(2), estimator=pipeline)


class Lenient(RegressorMixin, BaseEstimator):
    """A model of a person's own, whose tags say nothing of what it takes."""

    def __init__(self, takes: str = "text") -> None:
        self.takes = takes

    def fit(self, X: Any, y: Any) -> "Lenient":
        if self.takes != "text":
            raise ValueError("only numbers, please\n(second line)")
        self.mean_ = float(np.mean(y))
        return self

    def predict(self, X: Any) -> Any:
        return np.full(len(X), self.mean_)


def test_a_model_of_ones_own_is_tried_rather_than_judged(cars: Path) -> None:
    data = load(csv(cars))

    check(data, splitter=KFold(2), estimator=Lenient())
    message = why(data, splitter=KFold(2), estimator=Lenient(takes="numbers"))
    assert message == ("The model (Lenient) cannot take the columns of cars: only numbers, please. Add prepare=tabular")


def test_sparse_features_are_fine_unless_values_are_missing() -> None:
    X_sparse = sparse.csr_array(np.eye(N)[:, :5] + 1.0)
    holes = X_sparse.copy()
    holes.data[0] = np.nan

    check(arrays(X_sparse, Y), splitter=KFold(5), estimator=Ridge())
    assert "takes no missing values" in why(arrays(holes, Y))
    assert arrays(X_sparse, Y).fingerprint != arrays(holes, Y).fingerprint


def test_a_tab_may_be_written_as_a_shell_hands_it_over(tmp_path: Path) -> None:
    (tmp_path / "t.tsv").write_text("a\tmpg\n1\t2\n")

    assert load(csv(tmp_path / "t.tsv", separator="\\t")).feature_names == ("a",)


@pytest.mark.parametrize("estimator", [Ridge(), KNeighborsRegressor(), make_pipeline(tabular(), Ridge())])
def test_infinite_features_are_refused_for_a_model_that_does_not_take_them(estimator: Any) -> None:
    bad = X.copy()
    bad[4, 1] = -np.inf

    assert "'x1' of load is infinite in 1 of 20 rows: row 5" in why(arrays(bad, Y), estimator=estimator)


def test_infinite_features_are_taken_by_a_model_that_takes_them() -> None:
    bad = X.copy()
    bad[4, 1] = np.inf
    data, model = arrays(bad, Y), HistGradientBoostingRegressor()

    check(data, splitter=KFold(5), estimator=model)

    assert np.isfinite(model.fit(data.X, data.y).predict(data.X)).all()


@pytest.mark.parametrize("y", [np.arange(100), np.arange(100.0)])
def test_a_target_of_many_whole_numbers_is_continuous_for_a_classifier(y: Any) -> None:
    data = arrays(np.ones((100, 2)), y)

    assert "of load is continuous (100 different numbers)" in why(data, estimator=LogisticRegression())


def test_a_parquet_file_is_recognised_as_one(tmp_path: Path) -> None:
    pd.DataFrame({"a": [1], "mpg": [2]}).to_parquet(tmp_path / "cars.csv")

    assert "this is a parquet file. Write data=parquet" in refused(csv(tmp_path / "cars.csv"))


@pytest.mark.parametrize(("mark", "written"), [(";", ";"), ("\t", "\\t"), ("|", "|")])
def test_the_separator_that_a_file_has_is_suggested(mark: str, written: str, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(f"a{mark}mpg\n1{mark}2\n")

    assert f"'data.separator=\"{written}\"'" in refused(csv(tmp_path / "t.csv"))


@pytest.mark.parametrize(
    ("source", "model"), [("diabetes", Ridge()), ("iris", DummyClassifier()), ("digits", DummyClassifier())]
)
def test_what_is_accepted_scikit_learn_can_score(source: str, model: Any) -> None:
    data = load({"source": source})

    check(data, splitter=KFold(5, shuffle=True), estimator=model)

    scores = cross_val_score(model, data.X, data.y, cv=KFold(5, shuffle=True, random_state=0), error_score="raise")
    assert np.isfinite(scores).all()
