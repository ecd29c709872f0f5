"""The registry: names with versions that count up, aliases, stages, tags; `models:/` addresses load."""

from __future__ import annotations

from pathlib import Path

import pytest
from sklearn.linear_model import Ridge

import tracking
from tracking.errors import AlreadyExists, InvalidValue, ModelNotFound, RunNotFound


def log(alpha: float, **options: object) -> tracking.ModelInfo:
    with tracking.start_run():
        return tracking.sklearn.log_model(Ridge(alpha=alpha).fit([[1.0], [2.0]], [1.0, 2.0]), name="m", **options)  # type: ignore[arg-type]


def test_a_model_is_registered_when_it_is_logged_and_afterwards_and_loads_by_every_address() -> None:
    first = log(1.0, registered_model_name="champion")
    second = tracking.register_model(log(2.0).model_uri, "champion", tags={"why": "better"})
    client = tracking.MlflowClient()
    client.set_registered_model_alias("champion", "live", 1)
    client.transition_model_version_stage("champion", 2, "Production")

    assert (first.registered_model_version, second.version) == ("1", "2")
    assert client.get_model_version("champion", "2").tags == {"why": "better"}
    addresses = {"1": 1.0, "2": 2.0, "latest": 2.0, "Production": 2.0, "production": 2.0}
    for which, alpha in addresses.items():
        assert tracking.sklearn.load_model(f"models:/champion/{which}").alpha == alpha
    assert tracking.load_model("models:/champion@live").alpha == 1.0
    assert tracking.pyfunc.load_model("models:/champion@live").get_raw_model().alpha == 1.0
    assert client.get_model_version_by_alias("champion", "live").run_id == first.run_id


def test_the_client_reads_and_searches_what_is_registered() -> None:
    client = tracking.MlflowClient()
    client.create_registered_model("b", tags={"team": "x"}, description="of trees")
    client.create_registered_model("a")
    uri = log(1.0).model_uri
    for _ in range(3):
        tracking.register_model(uri, "b")
    client.transition_model_version_stage("b", 1, "Staging")
    client.transition_model_version_stage("b", 2, "Staging", archive_existing_versions=True)

    assert [model.name for model in client.search_registered_models()] == ["a", "b"]
    assert [model.name for model in client.search_registered_models("name LIKE 'b%'")] == ["b"]
    model = client.get_registered_model("b")
    assert (model.tags, model.description) == ({"team": "x"}, "of trees")
    assert [version.version for version in client.search_model_versions("name='b'")] == ["3", "2", "1"]
    stages = {version.current_stage: version.version for version in client.get_latest_versions("b")}
    assert stages == {"None": "3", "Staging": "2", "Archived": "1"}
    assert [version.version for version in client.get_latest_versions("b", ["Staging"])] == ["2"]
    assert client.update_model_version("b", 3, "final").description == "final"


def test_a_number_is_not_used_twice_and_a_deleted_model_is_gone() -> None:
    client, uri = tracking.MlflowClient(), log(1.0).model_uri
    tracking.register_model(uri, "m")
    client.set_registered_model_alias("m", "live", 1)
    client.delete_model_version("m", 1)

    assert tracking.register_model(uri, "m").version == "2"
    assert client.get_registered_model("m").aliases == {}
    client.delete_registered_model("m")
    with pytest.raises(ModelNotFound, match="There are: none"):
        client.get_registered_model("m")
    assert tracking.load_model(uri).alpha == 1.0
    assert tracking.register_model(uri, "m").version == "1"


@pytest.mark.parametrize(
    ("call", "error", "part"),
    [
        (lambda c: c.get_registered_model("x"), ModelNotFound, "'x'"),
        (lambda c: c.get_model_version("m", 9), ModelNotFound, "no version 9. There are: 1"),
        (lambda c: c.get_model_version_by_alias("m", "live"), ModelNotFound, "no alias 'live'"),
        (lambda c: c.create_registered_model("m"), AlreadyExists, "'m' already"),
        (lambda c: c.create_registered_model("a/b"), InvalidValue, "'a/b'"),
        (lambda c: c.transition_model_version_stage("m", 1, "Live"), InvalidValue, "Production"),
        (lambda c: c.set_registered_model_alias("m", "latest", 1), InvalidValue, "latest"),
        (lambda c: c.search_model_versions("run_id = 'a'"), InvalidValue, "only name"),
        (lambda c: c.create_model_version("m", "models:/m/1"), InvalidValue, "where files are"),
        (lambda c: tracking.register_model("runs:/" + "0" * 32 + "/m", "m"), RunNotFound, "0000"),
        (lambda c: tracking.register_model("somewhere/m", "m"), InvalidValue, "runs:/"),
    ],
)
def test_what_is_not_there_or_may_not_be_is_one_sentence(call: object, error: type[Exception], part: str) -> None:
    tracking.register_model(log(1.0).model_uri, "m")

    with pytest.raises(error, match=part):
        call(tracking.MlflowClient())  # type: ignore[operator]


def test_the_registry_moves_with_the_store(tmp_path: Path) -> None:
    tracking.register_model(log(3.0).model_uri, "m")
    tracking.reset()
    Path("runs").rename("elsewhere")
    tracking.set_tracking_uri("sqlite:///elsewhere/tracking.db")

    assert tracking.load_model("models:/m/1").alpha == 3.0


def test_a_version_says_where_its_files_are_and_takes_tags() -> None:
    with tracking.start_run() as run:
        tracking.log_text("x", "model/MLmodel")
    version = tracking.register_model(f"runs:/{run.info.run_id}/model", "mine").version
    client = tracking.MlflowClient()

    tracking.set_model_version_tag("mine", version, "checked", "yes")

    assert client.get_model_version("mine", version).tags == {"checked": "yes"}
    assert client.get_model_version_download_uri("mine", version) == f"runs:/{run.info.run_id}/model"
    assert client.get_model_version_stages("mine", version) == ["None", "Staging", "Production", "Archived"]
