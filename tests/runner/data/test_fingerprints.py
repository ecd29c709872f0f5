"""What a fingerprint of data is made of. Those written here hold under every supported version of each library."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse

from runner.data.columns import Columns
from runner.data.dataset import load
from runner.data.fingerprints import fingerprint, fingerprint_v1

ROWS = "".join(
    f"n{i},{i * 0.1},{i},2024-01-0{i + 1},2024-01-0{i + 1} 10:00:00.5,{bool(i % 2)},"
    f"{'' if i == 3 else i},{'' if i == 4 else f'x{i}'},c{i % 3},{i * 2.5}\n"
    for i in range(9)
)
TABLE = "name,num,whole,day,when,yes,gap,text_gap,cat,mpg\n" + ROWS


def of(X: Any, y: Any = (1.0, 2.0, 3.0), groups: Any = None) -> str:
    names = tuple(str(name) for name in X.columns) if hasattr(X, "columns") else ("x0",)
    return fingerprint(Columns("t", X, np.asarray(y), groups, names, "y"))


def column(values: Any) -> str:
    return of(pd.DataFrame({"c": values}))


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, "v2:dcf80d36ec5ad371db02cc004c0ad739"),
        ({"dtypes": {"cat": "category"}}, "v2:f0ff014f22acdae6ccb9f92b595b02d8"),
        ({"features": ["day"]}, "v2:66dfd680a684b45bff5b61d60f067b9b"),
        ({"target": "name"}, "v2:e56f01a557b5f5946404a624e8e1706c"),
        ({"target": "text_gap"}, "v2:f96c810b7f3d783c9d113a6b5dc8f51f"),
        ({"dtypes": {"num": "float32"}}, "v2:ad5bd029d8acc7fd514ffede79f47bfc"),
    ],
    ids=["all kinds", "category", "a date", "text to predict", "missing text to predict", "float32"],
)
def test_a_file_has_this_fingerprint_in_every_environment(tmp_path: Path, more: dict[str, Any], expected: str) -> None:
    (tmp_path / "a.csv").write_text(TABLE)

    data = load({"source": "csv", "path": str(tmp_path / "a.csv"), "target": "mpg", **more})

    assert data.fingerprint == expected


def test_times_of_several_zones_have_this_fingerprint_in_every_environment(tmp_path: Path) -> None:
    (tmp_path / "z.csv").write_text("t,y\n2024-01-01T10:00:00+02:00,1\n2024-01-02T10:00:00+01:00,2\n")

    data = load({"source": "csv", "path": str(tmp_path / "z.csv"), "target": "y"})

    assert data.fingerprint == "v2:75dc15bb7c948d6defa0edbef5bc49e7"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("diabetes", "v2:c41617c7d452536e685691e69763a629"),
        ("iris", "v2:81b158fbea334fa75743260871225f65"),
        ("wine", "v2:f8e221f8f83db39f068495a4563b423c"),
        ("digits", "v2:0a09a3aaa840c8d1f947c6d83d4a0314"),
    ],
)
def test_scikit_learns_data_has_this_fingerprint_in_every_environment(source: str, expected: str) -> None:
    assert load({"source": source}).fingerprint == expected


def test_the_numbers_of_a_file_are_read_to_the_last_bit(tmp_path: Path) -> None:
    texts = ["0.30000000000000004", "4.803999999999999", "1.7976931348623157e308", "5e-324", "0.1"]
    (tmp_path / "n.csv").write_text("x,y\n" + "".join(f"{text},{i}\n" for i, text in enumerate(texts)))

    data = load({"source": "csv", "path": str(tmp_path / "n.csv"), "target": "y"})

    assert data.X["x"].tolist() == [float(text) for text in texts]


def test_how_a_library_keeps_a_value_does_not_count() -> None:
    dates = np.array(["2024-01-01", "NaT", "1969-12-31T23:59:59.25"], dtype="datetime64[ms]")
    words = ["a", None, "b"]

    assert column(dates.astype("datetime64[ns]")) == column(dates.astype("datetime64[us]")) == column(dates)
    assert len({column(pd.Series(words, dtype=dtype)) for dtype in ("object", "string")}) == 1
    assert of(np.array([[1.0], [2.0]], dtype=">f8")) == of(np.array([[1.0], [2.0]]))
    assert column([1.0, float("nan")]) == column([1.0, -np.float64("nan")])
    assert of(np.ones((3, 1)), y=["a", "b", "c"]) == of(np.ones((3, 1)), y=np.array(["a", "b", "c"], dtype=object))


def test_a_sparse_matrix_is_told_by_what_it_holds() -> None:
    dense = np.array([[0.0, 1.0], [2.0, 0.0], [0.0, 3.0]])
    turned = scipy.sparse.csr_matrix(([1.0, 2.0, 3.0], ([0, 1, 2], [1, 0, 1])), shape=(3, 2))

    assert of(scipy.sparse.csr_matrix(dense)) == of(scipy.sparse.csc_matrix(dense)) == of(turned)
    assert of(scipy.sparse.csr_matrix(dense)) != of(scipy.sparse.csr_matrix(dense * 2))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ([1, 2], [1.0, 2.0]),
        ([True, False], [1, 0]),
        (["1", "2"], [1, 2]),
        (["a", "bc"], ["ab", "c"]),
        ([None, "a"], ["null", "a"]),
        ([1.0, 2.0], np.array([1.0, 2.0], dtype=np.float32)),
        (pd.Categorical(["a", "b"]), ["a", "b"]),
        (pd.Categorical(["a", "b"]), pd.Categorical(["a", "b"], categories=["b", "a"])),
        (pd.Categorical(["a", "b"]), pd.Categorical(["a", "b"], ordered=True)),
        (pd.to_datetime(["2024-01-01"]), pd.to_datetime(["2024-01-01"]).tz_localize("UTC")),
        (pd.to_datetime(["2024-01-01"]), pd.to_datetime(["2024-01-01 00:00:00.000000001"])),
        (pd.to_datetime(["1970-01-01"]), pd.to_timedelta([0])),
    ],
)
def test_another_value_or_kind_is_another_fingerprint(one: Any, other: Any) -> None:
    assert column(one) != column(other)


def test_what_was_recorded_as_version_1_can_be_compared() -> None:
    data = load({"source": "iris"})
    then = fingerprint_v1(Columns("iris", data.X, data.y, None, data.feature_names, "species"), data.dtypes)

    assert then.startswith("v1:")
    assert data.fingerprint_as(then) == then
    assert data.fingerprint_as("v1:0") == then, "another version 1 is other data, or other versions of numpy or pandas"
    assert data.fingerprint_as(data.fingerprint) == data.fingerprint
