"""Models: folders that MLflow reads, found by address, run or id, and refused with a reason."""

from __future__ import annotations

import json
import pickle
import sys
from pathlib import Path

import joblib
import numpy as np
import pytest
import sklearn
import yaml
from sklearn.linear_model import Ridge

import tracking
from tracking.errors import ArtifactError, ArtifactNotFound, InvalidType, InvalidValue


def _runs() -> list[tracking.Run]:
    return tracking.search_runs(search_all_experiments=True, output_format="list")


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


def test_the_folder_has_a_plain_pickle_what_it_needs_and_says_so(fitted: Ridge) -> None:
    with tracking.start_run() as run:
        tracking.sklearn.log_model(fitted, name="a/b", input_example=np.arange(4.0).reshape(2, 2))

    folder = Path(tracking.TrackingClient().download_artifacts(run.info.run_id, "a/b"))
    assert sorted(file.name for file in folder.iterdir()) == [
        "MLmodel",
        "input_example.json",
        "model.pkl",
        "python_env.yaml",
        "requirements.txt",
    ]
    content = (folder / "model.pkl").read_bytes()
    assert content[:2] == b"\x80\x05"
    assert pickle.loads(content).get_params() == fitted.get_params()
    assert f"scikit-learn=={sklearn.__version__}" in (folder / "requirements.txt").read_text().splitlines()
    said = yaml.safe_load((folder / "MLmodel").read_text())
    assert said["flavors"]["sklearn"]["pickled_model"] == "model.pkl"
    assert said["flavors"]["python_function"]["loader_module"] == "mlflow.sklearn"
    assert (said["run_id"], said["artifact_path"]) == (run.info.run_id, "a/b")
    assert json.loads(said["signature"]["inputs"]) == [
        {"type": "tensor", "tensor-spec": {"dtype": "float64", "shape": [-1, 2]}}
    ]


def test_a_folder_of_version_0_1_0_is_read(fitted: Ridge, tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    joblib.dump(fitted, tmp_path / "model" / "model.joblib")

    np.testing.assert_array_equal(tracking.load_model(tmp_path / "model").coef_, fitted.coef_)
    np.testing.assert_array_equal(tracking.load_model(tmp_path / "model" / "model.joblib").coef_, fitted.coef_)


def test_a_model_of_any_size_is_one_plain_pickle() -> None:
    big = Ridge().fit(np.random.default_rng(0).random((3, 50_000)), np.arange(3.0))
    with tracking.start_run() as run:
        tracking.log_model(big)

    file = tracking.TrackingClient().download_artifacts(run.info.run_id, "model/model.pkl")
    np.testing.assert_array_equal(pickle.loads(Path(file).read_bytes()).coef_, big.coef_)


def test_what_is_equal_in_two_runs_is_one_file(fitted: Ridge) -> None:
    for _ in range(2):
        with tracking.start_run():
            tracking.log_model(fitted, input_example=np.arange(2.0).reshape(1, 2))

    folders = [Path(tracking.TrackingClient().artifact_dir(run.info.run_id), "model") for run in _runs()]
    for name, links in {"requirements.txt": 1, "python_env.yaml": 1, "input_example.json": 1, "model.pkl": 2}.items():
        assert len({(folder / name).stat().st_ino for folder in folders}) == links, name


def test_a_model_that_is_logged_again_takes_the_place_of_the_first_and_leaves_other_files(fitted: Ridge) -> None:
    with tracking.start_run() as run:
        tracking.log_text("mine", "model/notes.txt")
        tracking.log_model(fitted)
        tracking.log_model(Ridge(alpha=7.0).fit([[1.0], [2.0]], [1.0, 2.0]))

    assert tracking.load_model(run.info.run_id).alpha == 7.0
    assert tracking.artifacts.load_text(f"runs:/{run.info.run_id}/model/notes.txt") == "mine"
    names = [file.path for file in tracking.artifacts.list_artifacts(run_id=run.info.run_id)]
    assert names == ["model"]


@pytest.mark.parametrize("format", ["joblib", pytest.param("skops", marks=pytest.mark.heavy), "cloudpickle"])
def test_other_formats_come_back(fitted: Ridge, format: str, tmp_path: Path) -> None:
    if format != "joblib":
        pytest.importorskip(format)

    tracking.sklearn.save_model(fitted, tmp_path / "here", serialization_format=format)

    np.testing.assert_array_equal(tracking.load_model(tmp_path / "here").coef_, fitted.coef_)


def test_a_compressed_model_comes_back(fitted: Ridge) -> None:
    with tracking.start_run() as run:
        tracking.log_model(fitted, compress=3)

    np.testing.assert_array_equal(tracking.load_model(run.info.run_id).coef_, fitted.coef_)


def test_requirements_can_be_given(fitted: Ridge, tmp_path: Path) -> None:
    Path("needs.txt").write_text("# ours\nscikit-learn\n\nnumpy>=2\n")
    conda = {"dependencies": ["python=3.11", {"pip": ["pandas", "xgboost==2.0"]}]}
    tracking.sklearn.save_model(fitted, "one", pip_requirements="needs.txt", extra_pip_requirements=["rich"])
    tracking.sklearn.save_model(fitted, "two", conda_env=conda)

    assert Path("one/requirements.txt").read_text() == "scikit-learn\nnumpy>=2\nrich\n"
    assert Path("two/requirements.txt").read_text() == "pandas\nxgboost==2.0\n"
    with pytest.raises(InvalidValue, match="only one"):
        tracking.sklearn.save_model(fitted, "three", conda_env=conda, pip_requirements=["a"])


def test_modules_that_are_saved_along_are_found_again(tmp_path: Path) -> None:
    Path("shift_by.py").write_text("class Shift:\n    def predict(self, X):\n        return X + 1\n")
    sys.path.insert(0, str(tmp_path))
    import shift_by  # type: ignore[import-not-found]

    tracking.sklearn.save_model(shift_by.Shift(), "saved", code_paths=["shift_by.py"])
    sys.path.remove(str(tmp_path))
    del sys.modules["shift_by"]
    Path("shift_by.py").unlink()

    assert tracking.load_model("saved" + "/").predict(1) == 2
    del sys.modules["shift_by"]


def test_an_unknown_keyword_is_refused_by_its_name(fitted: Ridge) -> None:
    with tracking.start_run() as run, pytest.raises(InvalidType, match="'signatur'"):
        tracking.log_model(fitted, signatur=None)  # type: ignore[call-arg]

    assert tracking.artifacts.list_artifacts(run_id=run.info.run_id) == []


def test_a_model_is_saved_in_a_folder_of_its_own(fitted: Ridge) -> None:
    Path("full").mkdir()
    Path("full/notes.txt").write_text("mine")

    with pytest.raises(ArtifactError, match="not empty"):
        tracking.sklearn.save_model(fitted, "full")
    assert [file.name for file in Path("full").iterdir()] == ["notes.txt"]


@pytest.mark.parametrize(
    ("flavors", "part"),
    [
        ("{sklearn: {pickled_model: ../outside.pkl}}", "not in that folder"),
        ("{sklearn: {pickled_model: gone.pkl}}", "missing"),
        ("{spark: {}}", "spark"),
        ("{xgboost: {data: MLmodel, model_class: os.system}}", "os.system"),
        ("3", "no flavors"),
    ],
)
def test_an_mlmodel_file_that_leads_nowhere_is_refused(flavors: str, part: str) -> None:
    Path("odd").mkdir()
    Path("odd/MLmodel").write_text(f"flavors: {flavors}\n")
    Path("outside.pkl").write_bytes(pickle.dumps(1))

    with pytest.raises(tracking.TrackingError, match=part):
        tracking.load_model("odd")


@pytest.mark.heavy
def test_a_skops_file_with_a_foreign_type_is_refused_whatever_its_mlmodel_trusts() -> None:
    pytest.importorskip("skops")
    tracking.sklearn.save_model(Foreign(), "foreign", serialization_format="skops")

    assert "Foreign" in Path("foreign/MLmodel").read_text()
    with pytest.raises(ArtifactError, match=r"not trusted: .*Foreign"):
        tracking.load_model("foreign")


class Foreign:
    """A class that no library has."""

    def predict(self, X: object) -> object:
        return X


def test_the_history_tag_names_each_path_once(fitted: Ridge) -> None:
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


@pytest.mark.parametrize(
    ("source", "error", "part"),
    [
        ("runs:/", InvalidValue, "runs:/<run id>/model"),
        ("runs:/abc", InvalidValue, "runs:/<run id>/model"),
        ("models:/champion/1", LookupError, "registered as 'champion'"),
        ("models:/champion", InvalidValue, "models:/<name>/<version>"),
        ("s3://bucket/model", InvalidValue, "s3"),
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
