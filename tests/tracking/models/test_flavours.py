"""The other places where scripts look: pyfunc, boosting libraries, `mlflow.tracking`, and names that are not here."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression

import tracking
from tracking.errors import InvalidValue, TrackingError

FRAME = pd.DataFrame({"a": [1, 2, 3, 5], "b": [2.5, 1.0, 0.5, 0.25]})
Y = np.array([1.0, 2.0, 3.0, 4.0])


def logged() -> str:
    with tracking.start_run():
        return tracking.sklearn.log_model(LinearRegression().fit(FRAME, Y), input_example=FRAME).model_uri


def test_pyfunc_brings_a_frame_to_the_columns_of_the_signature() -> None:
    model = tracking.pyfunc.load_model(logged())
    expected = LinearRegression().fit(FRAME, Y).predict(FRAME)

    for data in (FRAME, FRAME[["b", "a"]].assign(more="x"), FRAME.to_dict("list"), FRAME.to_numpy().tolist()):
        if isinstance(data, list):
            with pytest.raises(InvalidValue, match="'a' is float64 here and long"):
                model.predict(data)
        else:
            np.testing.assert_array_equal(model.predict(data), expected)
    assert isinstance(model.get_raw_model(), LinearRegression)
    assert model.metadata.signature is not None


@pytest.mark.parametrize(
    ("frame", "part"),
    [
        (FRAME[["a"]], "needs the columns b"),
        (FRAME.assign(a=["x"] * 4), "Column 'a'"),
        (FRAME.assign(b=["x"] * 4), "Column 'b'"),
    ],
)
def test_pyfunc_refuses_what_the_signature_does_not_have(frame: pd.DataFrame, part: str) -> None:
    model = tracking.pyfunc.load_model(logged())

    with pytest.raises(InvalidValue, match=part):
        model.predict(frame)


def test_an_array_of_another_shape_is_refused() -> None:
    tracking.sklearn.save_model(LinearRegression().fit(FRAME.to_numpy(), Y), "m", input_example=FRAME.to_numpy())

    with pytest.raises(InvalidValue, match=r"\(-1, 2\)"):
        tracking.pyfunc.load_model("m/").predict(np.ones((2, 3)))


@pytest.mark.heavy
@pytest.mark.parametrize(("room", "kind"), [("xgboost", "XGBRegressor"), ("lightgbm", "LGBMRegressor")])
def test_a_boosted_model_comes_back_from_its_own_format(room: str, kind: str) -> None:
    library = pytest.importorskip(room)
    model = getattr(library, kind)(n_estimators=3).fit(FRAME, Y)
    with tracking.start_run():
        uri = getattr(tracking, room).log_model(model, name="m").model_uri

    np.testing.assert_array_equal(getattr(tracking, room).load_model(uri).predict(FRAME), model.predict(FRAME))
    np.testing.assert_array_equal(tracking.pyfunc.load_model(uri).predict(FRAME), model.predict(FRAME))


@pytest.mark.heavy
def test_catboost_comes_back_from_its_own_format() -> None:
    library = pytest.importorskip("catboost")
    model = library.CatBoostRegressor(iterations=3, verbose=False, allow_writing_files=False).fit(FRAME, Y)
    tracking.catboost.save_model(model, "m")

    np.testing.assert_array_equal(tracking.load_model(Path("m")).predict(FRAME), model.predict(FRAME))


def test_the_client_is_where_older_scripts_look() -> None:
    from tracking.client import MlflowClient as one
    from tracking.tracking import MlflowClient as two

    assert one is two is tracking.MlflowClient is tracking.tracking.MlflowClient


def test_the_version_is_that_of_this_library() -> None:
    from importlib.metadata import version

    assert tracking.__version__ == version("experiment-runner")


def test_a_name_of_mlflow_that_is_not_here_says_what_to_use() -> None:
    with pytest.raises(TrackingError, match=r"tracking.log_image .* log_figure") as caught:
        tracking.log_image  # noqa: B018
    assert isinstance(caught.value, AttributeError)
    assert not hasattr(tracking, "start_span")
    with pytest.raises(TrackingError, match="evaluate reads them"):
        tracking.metrics  # noqa: B018
    with pytest.raises(AttributeError, match="no attribute 'log_metrix'"):
        tracking.log_metrix  # noqa: B018
    with pytest.raises(TrackingError, match="Give the signature"):
        tracking.models.set_signature  # noqa: B018
