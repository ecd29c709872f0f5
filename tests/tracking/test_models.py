"""Models: saved with joblib, found by address, run or id, and refused with a reason."""

from __future__ import annotations

from pathlib import Path

import joblib
import numpy as np
import pytest
from sklearn.linear_model import Ridge

import tracking
from tracking.errors import ArtifactError, ArtifactNotFound, InvalidType, InvalidValue


@pytest.fixture
def fitted() -> Ridge:
    return Ridge().fit(np.arange(6.0).reshape(3, 2), np.arange(3.0))


def test_a_model_comes_back_by_address_run_id_run_and_folder(fitted: Ridge) -> None:
    with tracking.start_run() as run:
        info = tracking.log_model(fitted, "model")

    folder = tracking.TrackingClient().download_artifacts(run.info.run_id, "model")
    for source in (info.model_uri, run.info.run_id, tracking.get_run(run.info.run_id), folder, Path(folder)):
        np.testing.assert_array_equal(tracking.load_model(source).coef_, fitted.coef_)
    assert info.model_uri == f"runs:/{run.info.run_id}/model"


def test_the_file_is_plain_joblib(fitted: Ridge) -> None:
    with tracking.start_run() as run:
        tracking.sklearn.log_model(fitted, name="a/b")

    path = tracking.TrackingClient().download_artifacts(run.info.run_id, "a/b/model.joblib")
    assert joblib.load(path).get_params() == fitted.get_params()


def test_the_history_tag_names_each_path_once(fitted: Ridge) -> None:
    import json

    with tracking.start_run() as run:
        tracking.set_tag("mlflow.log-model.history", "not json")
        for name in ("one", "two", "one"):
            tracking.log_model(fitted, name=name)

    history = json.loads(tracking.get_run(run.info.run_id).data.tags["mlflow.log-model.history"])
    assert [entry["artifact_path"] for entry in history] == ["two", "one"]


def test_what_cannot_be_pickled_is_refused_and_leaves_nothing() -> None:
    with tracking.start_run() as run:
        with pytest.raises(InvalidType, match="cannot be pickled"):
            tracking.log_model(lambda: None)

        assert tracking.TrackingClient().list_artifacts(run.info.run_id, "model") == []
        assert "mlflow.log-model.history" not in tracking.get_run(run.info.run_id).data.tags


def test_a_model_for_a_registry_is_logged_with_a_warning(fitted: Ridge) -> None:
    with tracking.start_run(), pytest.warns(UserWarning, match="no model registry"):
        tracking.log_model(fitted, "model", registered_model_name="champion")


@pytest.mark.parametrize(
    ("source", "error", "part"),
    [
        ("runs:/", InvalidValue, "runs:/<run id>/model"),
        ("runs:/abc", InvalidValue, "runs:/<run id>/model"),
        ("models:/champion/1", InvalidValue, "models"),
        ("nowhere/model", ArtifactNotFound, "nowhere/model"),
        (5, InvalidType, "5"),
        ("0" * 32, LookupError, "0" * 32),
    ],
)
def test_an_address_without_a_model_is_refused_with_a_reason(source: object, error: type[Exception], part: str) -> None:
    with pytest.raises(error, match=part):
        tracking.load_model(source)  # type: ignore[arg-type]


def test_a_file_that_is_no_model_is_an_artifact_error() -> None:
    with tracking.start_run() as run:
        tracking.log_text("not a pickle", "model/model.joblib")

    with pytest.raises(ArtifactError, match="cannot be loaded"):
        tracking.load_model(run.info.run_id)


def test_two_names_for_the_path_are_one_too_many(fitted: Ridge) -> None:
    with tracking.start_run(), pytest.raises(InvalidValue, match="only one"):
        tracking.log_model(fitted, "a", name="b")
