"""What a run keeps of its final model: importances by feature name, iterations, what a search inside it chose."""

from __future__ import annotations

import shlex
from pathlib import Path

import numpy as np
import pytest

import tracking
from runner.__main__ import main
from tracking.cli.app import main as look
from tracking.records.fitted import load_fitted


def run(command: str) -> tracking.Run:
    assert main(shlex.split(command)) == 0
    return tracking.get_run("latest")


def facts(one: tracking.Run) -> dict[str, object]:
    return dict(load_fitted(tracking.TrackingClient().store, one.info.run_id).facts)


def write_cars() -> None:
    rows = [f"{900 + 7 * i},{['us', 'eu'][i % 2]},2020-01-{1 + i % 28:02},{30 - i / 5}" for i in range(60)]
    Path("cars.csv").write_text("\n".join(["weight,origin,sold,mpg", *rows]) + "\n")


@pytest.mark.heavy
def test_coefficients_have_the_names_of_the_columns_and_are_the_models_to_the_last_bit() -> None:
    one = run("model=lasso alpha=0.1 prepare=standard")

    frame = one.importances()

    assert list(frame.index) == ["age", "sex", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6"]
    assert np.array_equal(frame["coefficient"], tracking.load_model(one)[-1].coef_)
    assert facts(one)["n_iter"] == tracking.load_model(one)[-1].n_iter_


@pytest.mark.heavy
def test_features_are_named_as_the_preparation_makes_them() -> None:
    write_cars()
    one = run("model=random_forest model.n_estimators=5 prepare=tabular data=csv data.path=cars.csv data.target=mpg")

    names = list(one.importances().index)

    assert names[:3] == ["number__weight", "text__origin_eu", "text__origin_us"]
    assert names[3] == "date__sold_year"
    kept = load_fitted(tracking.TrackingClient().store, one.info.run_id)
    assert kept.features_in == ("weight", "origin", "sold")
    assert list(kept.features_out) == names


@pytest.mark.heavy
def test_a_classifier_has_a_column_for_each_class() -> None:
    one = run("model=logistic data=iris scoring=classification cv=stratified prepare=standard")

    assert list(one.importances().columns) == ["coefficient_0", "coefficient_1", "coefficient_2"]


def test_a_search_inside_says_what_it_chose() -> None:
    Path("own/model").mkdir(parents=True)
    Path("own/model/searched.yaml").write_text(
        "_target_: sklearn.model_selection.GridSearchCV\n"
        "estimator: {_target_: sklearn.linear_model.Ridge}\n"
        "param_grid: {alpha: [0.1, 100.0]}\n"
    )
    one = run("--config-dir own model=searched cv.n_splits=2")

    assert facts(one)["best_params"] == {"alpha": 0.1}
    assert one.importances().shape == (10, 1)


@pytest.mark.parametrize("option", ["refit=false", "keep_importances=false"])
def test_nothing_is_kept_where_that_is_asked_for(option: str) -> None:
    one = run(f"model=ridge cv.n_splits=2 {option}")

    with pytest.raises(tracking.TrackingError, match=r"kept no importances: .* keep_importances=false"):
        one.importances()


@pytest.mark.heavy
def test_frames_take_references_and_say_why_there_is_none() -> None:
    one = run("model=ridge cv.n_splits=2 experiment_name=mine")
    assert tracking.predictions("best:mine").equals(one.predictions())
    assert list(one.predictions().columns) == ["row", "fold", "true", "predicted"]

    run("model=ridge cv.n_splits=2 keep_predictions=false")

    with pytest.raises(tracking.TrackingError, match=r"kept no predictions: .* To keep all: keep_predictions=true"):
        tracking.predictions("latest")


@pytest.mark.heavy
def test_the_page_of_a_run_shows_the_confusion_and_the_importances(capsys: pytest.CaptureFixture[str]) -> None:
    one = run("model=logistic data=iris scoring=classification cv=stratified prepare=standard")
    frame = one.predictions()
    assert look(["show", "latest"]) == 0

    page = capsys.readouterr().out

    table = page[page.index("true \\ predicted") :].splitlines()[2:5]
    shown = [[int(cell) for cell in line.split()[1:]] for line in table]
    assert shown == [[int(((frame.true == a) & (frame.predicted == b)).sum()) for b in range(3)] for a in range(3)]
    assert "n_iter" in page
    assert "petal width (cm)" in page[page.index("importances") :]


@pytest.mark.heavy
def test_the_page_of_numbers_shows_how_far_predictions_were_off(capsys: pytest.CaptureFixture[str]) -> None:
    frame = run("model=ridge").predictions()
    off = (frame.true - frame.predicted).abs()
    assert look(["show", "latest"]) == 0

    page = capsys.readouterr().out

    assert "442 of 442 rows" in page
    assert f"row {frame.row[off.idxmax()]} (" in page
