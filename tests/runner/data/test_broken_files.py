"""Broken files, odd options and faults in a person's own steps: one sentence that names the fault, and exit code 2."""

from __future__ import annotations

import gzip
import shlex
import sys
from pathlib import Path

import pandas as pd
import pytest

from runner.__main__ import main

OWN = """
from sklearn.base import BaseEstimator, TransformerMixin


class Fails(TransformerMixin, BaseEstimator):
    def fit(self, X, y=None):
        raise KeyError("my own bug")

    def transform(self, X):
        return X


class Refuses(Fails):
    def fit(self, X, y=None):
        raise ValueError("my own rule")


class NoFold:
    def get_n_splits(self, X=None, y=None, groups=None):
        return 0

    def split(self, X, y=None, groups=None):
        return iter(())


class BadFold(NoFold):
    def split(self, X, y=None, groups=None):
        raise KeyError("my own splitter")


class Duck:
    def __init__(self, alpha=1.0, fit_intercept=True, solver="auto", random_state=0):
        pass

    def fit(self, X, y):
        return self

    def predict(self, X):
        return [0.0] * len(X)

    def get_params(self, deep=True):
        return {}
"""
PIPELINE = (
    "+prepare._target_=sklearn.pipeline.Pipeline '+prepare.steps=[[own,{_target_:own_steps.%s}],"
    "[rest,{_target_:runner.prepare.tabular}]]'"
)


@pytest.fixture(autouse=True)
def _files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "own_steps.py").write_text(OWN)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "own_steps", raising=False)
    rows = "".join(f"{i},{'ab'[i % 2]},{i * 1.5}\n" for i in range(40))
    (tmp_path / "t.csv").write_text("x,c,y\n" + rows)
    (tmp_path / "n.csv").write_text("x,c,y\n" + rows.replace("a", "1").replace("b", "2"))
    (tmp_path / "zip.csv.zip").write_text("x,y\n1,2\n")
    (tmp_path / "xz.csv.xz").write_text("x,y\n1,2\n")
    (tmp_path / "gz.csv.gz").write_bytes(gzip.compress(rows.encode() * 50)[:-40])
    (tmp_path / "twice.csv").write_text("a,a,y\n" + "".join(f"{i},{i},{i}\n" for i in range(40)))
    (tmp_path / "not_twice.csv").write_text("a,a.1,y\n" + "".join(f"{i},{-i},{i}\n" for i in range(40)))
    lists = pd.DataFrame({"x": [[1], [2]] * 20, "y": [float(i) for i in range(40)]})
    lists.to_parquet(tmp_path / "lists.parquet")
    broken = bytearray((tmp_path / "lists.parquet").read_bytes())
    broken[-300:-100] = b"x" * 200
    (tmp_path / "broken.parquet").write_bytes(broken)


@pytest.mark.heavy
@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("data=csv data.path=zip.csv.zip data.target=y", "zip.csv.zip cannot be read: File is not a zip file."),
        ("data=csv data.path=xz.csv.xz data.target=y", "xz.csv.xz cannot be read: "),
        ("data=csv data.path=gz.csv.gz data.target=y", "gz.csv.gz cannot be read: "),
        (
            "data=csv data.path=t.csv data.target=y '+data.options={chunksize: 2}'",
            "data.options.chunksize: it reads no table, but parts of one",
        ),
        ("data=csv data.path=t.csv data.target=y 'data.dtypes={y: complex}'", "data.dtypes.y=complex: nothing is"),
        ("data=csv data.path=twice.csv data.target=y", "Two columns are named 'a'. Column names have to differ"),
        ("data=parquet data.path=lists.parquet data.target=y", "The model takes numbers only, and 'x' is not"),
        ("data=parquet data.path=broken.parquet data.target=y", "broken.parquet cannot be read as parquet: "),
        ("data=csv data.path=t.csv data.target=y " + PIPELINE % "Fails", "raised KeyError: 'my own bug'"),
        ("data=csv data.path=t.csv data.target=y " + PIPELINE % "Refuses", "raised ValueError: my own rule"),
        ("cv._target_=own_steps.NoFold", "cv=NoFold yields no fold of the 442 rows"),
        ("cv._target_=own_steps.BadFold", "cv=BadFold cannot split the 442 rows: KeyError: 'my own splitter'"),
        ("model._target_=own_steps.Duck", "Duck has no __sklearn_tags__(), which scikit-learn asks for"),
    ],
)
def test_it_is_one_sentence(command: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    if command.startswith("cv"):
        command += " ~cv.n_splits ~cv.shuffle ~cv.random_state"

    code = main(shlex.split(command))

    err = capsys.readouterr().err
    assert code == 2, err
    assert said in err
    assert "takes numbers only" not in err or "lists" in command


@pytest.mark.heavy
def test_two_columns_of_different_names_are_read(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data=csv", "data.path=not_twice.csv", "data.target=y", "refit=false"]) == 0
