"""`python -m tracking predict`: new rows through a recorded model, checked against what it was trained on."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import tracking
from runner.__main__ import main as run_points
from tracking.cli.app import main

DATA = (
    "data=csv data.path=cars.csv 'data.separator=\";\"' 'data.decimal=\",\"' data.target=mpg 'data.dtypes={code: str}'"
)


@pytest.fixture(autouse=True)
def _model(tmp_path: Path) -> None:
    rows = [
        f"{900 + 7 * i},5;{['us', 'eu'][i % 2]};{'' if i == 5 else i % 9};0{i % 3};2020-01-{1 + i % 28:02};{i},5"
        for i in range(60)
    ]
    Path("cars.csv").write_text("\n".join(["weight;origin;doors;code;sold;mpg", *rows]) + "\n")
    assert run_points(shlex.split(f"model=ridge prepare=tabular cv.n_splits=2 {DATA}")) == 0


def predict(command: str) -> int:
    return main(["predict", *shlex.split(command)])


@pytest.mark.heavy
def test_the_predictions_are_those_of_the_model_in_the_order_of_the_rows() -> None:
    assert predict("best:ridge-cars cars.csv -o out.csv") == 0

    written = pd.read_csv("out.csv")

    model = tracking.load_model("best:ridge-cars")
    X = pd.read_csv("cars.csv", sep=";", decimal=",", dtype={"code": str}, parse_dates=["sold"]).drop(columns="mpg")
    assert list(written.columns) == ["prediction"]
    assert np.array_equal(written["prediction"], model.predict(X))


@pytest.mark.heavy
def test_columns_may_come_in_another_order_with_others_beside_them(capsys: pytest.CaptureFixture[str]) -> None:
    frame = pd.read_csv("cars.csv", sep=";", dtype=str)
    frame[[*reversed(frame.columns)]].assign(more=1).to_csv("new.csv", sep=";", index=False)
    assert predict("latest cars.csv -o a.csv") == predict("latest new.csv -o b.csv") == 0

    assert Path("a.csv").read_bytes() == Path("b.csv").read_bytes()
    assert "60 rows predicted with ridge" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("column", "values", "said"),
    [
        ("weight", None, "new.csv lacks a column of the training: weight. Nearest to 'weight': 'wait'."),
        ("weight", ["heavy", "900,5"], "column 'weight' held numbers when the model was trained; row 1 has 'heavy'"),
        (
            "sold",
            ["2020-01-01", "some day"],
            "column 'sold' held dates when the model was trained; row 2 has 'some day'",
        ),
    ],
)
def test_other_columns_and_types_are_refused_by_name(
    column: str, values: list[str] | None, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    frame = pd.read_csv("cars.csv", sep=";", dtype=str).head(2)
    frame = frame.rename(columns={column: "wait"}) if values is None else frame.assign(**{column: values})
    frame.to_csv("new.csv", sep=";", index=False)

    assert predict("latest new.csv") == 2

    assert said in capsys.readouterr().err


@pytest.mark.heavy
def test_a_classifier_adds_its_probabilities_and_arrays_have_the_recorded_names(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert (
        run_points(shlex.split("model=logistic data=iris scoring=classification cv=stratified prepare=standard")) == 0
    )
    names = list(tracking.get_run("latest").data.tags["data.features"][2:-2].split('", "'))
    pd.DataFrame([[5.1, 3.5, 1.4, 0.2], [6.0, 3.0, 5.0, 2.0]], columns=names).to_csv("flowers.csv", index=False)
    capsys.readouterr()

    assert predict("latest flowers.csv") == 0

    header, *lines = capsys.readouterr().out.splitlines()
    assert header == "prediction,probability_0,probability_1,probability_2"
    assert [line[0] for line in lines] == ["0", "2"]


@pytest.mark.heavy
def test_a_run_without_a_model_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_points(["model=ridge", "refit=false", "cv.n_splits=2"]) == 0

    assert predict("latest cars.csv") == 2

    assert "kept no model: it failed, or ran with refit=false." in capsys.readouterr().err


@pytest.mark.heavy
def test_the_model_of_a_table_loads_without_this_package(tmp_path: Path) -> None:
    assert predict("latest cars.csv -o out.csv") == 0
    folder = tracking.TrackingClient().artifact_dir(tracking.get_run("latest").info.run_id) / "model"
    [file] = [path for path in folder.iterdir() if path.suffix in (".pkl", ".joblib")]
    program = (
        "import sys; sys.modules['runner'] = sys.modules['tracking'] = None\n"
        "import joblib, pandas as pd\n"
        f"model = joblib.load({str(file)!r})\n"
        "X = pd.read_csv('cars.csv', sep=';', decimal=',', dtype={'code': str}, parse_dates=['sold'])\n"
        "expected = pd.read_csv('out.csv')['prediction']\n"
        "assert (model.predict(X.drop(columns='mpg')) == expected).all()\n"
    )

    done = subprocess.run(
        [sys.executable, "-I", "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
