"""The fluent functions where they go beyond MLflow, or where state meets state."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import tracking
from tracking.errors import InvalidType, InvalidValue, ParamConflict, RunConflict, RunDeleted, UnknownScheme
from tracking.state import _State, state

ROOT = Path(__file__).parents[2]


def names(**query: object) -> list[str]:
    """Return the names of the runs that are found."""
    return sorted(run.info.run_name for run in tracking.search_runs(output_format="list", **query))  # type: ignore[call-overload]


# Where the store is ---------------------------------------------------------------------------------
def test_by_default_everything_is_in_runs_of_the_working_directory(tmp_path: Path) -> None:
    with tracking.start_run() as run:
        tracking.log_text("x", "a.txt")

    assert tracking.get_tracking_uri() == f"sqlite:///{tmp_path}/runs/tracking.db"
    assert (tmp_path / "runs/artifacts/0" / run.info.run_id / "a.txt").read_text() == "x"


def test_tracking_uri_comes_before_mlflows_variable_and_a_call_before_both(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:///mlflow.db")
    assert tracking.get_tracking_uri() == "sqlite:///mlflow.db"
    monkeypatch.setenv("TRACKING_URI", "sqlite:///own.db")
    assert tracking.get_tracking_uri() == "sqlite:///own.db"
    tracking.set_tracking_uri("sqlite:///set.db")
    assert tracking.get_tracking_uri() == "sqlite:///set.db"
    tracking.set_tracking_uri(None)
    assert tracking.get_tracking_uri() == "sqlite:///own.db"


def test_a_child_process_inherits_the_store_and_the_experiment(tmp_path: Path) -> None:
    tracking.set_tracking_uri("sqlite:///store.db")
    tracking.set_experiment("parent's")
    (tmp_path / "elsewhere").mkdir()

    subprocess.run(
        [sys.executable, "-c", "import tracking; tracking.start_run(run_name='child')"],
        cwd=tmp_path / "elsewhere",
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=True,
    )

    assert names() == ["child"]


def test_reset_gives_the_environment_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "mine")
    before = dict(os.environ)
    tracking.set_tracking_uri("sqlite:///store.db")
    tracking.set_experiment("other")
    assert dict(os.environ) != before

    tracking.reset()

    assert dict(os.environ) == before


def test_reset_forgets_everything() -> None:
    tracking.set_tracking_uri("sqlite:///store.db")
    tracking.set_experiment("e")
    with tracking.start_run():
        tracking.log_model({"any": "object"})
    tracking.start_run()

    tracking.reset()

    fresh, identities = vars(_State()), ("lock", "ended")
    assert {name: value for name, value in vars(state).items() if name not in identities} == {
        name: value for name, value in fresh.items() if name not in identities
    }
    assert (tracking.active_run(), tracking.last_active_run()) == (None, None)


def test_an_active_run_stays_in_the_store_it_was_started_in() -> None:
    tracking.set_tracking_uri("sqlite:///one.db")
    with tracking.start_run(run_name="r") as run:
        tracking.set_tracking_uri("sqlite:///two.db")
        tracking.log_param("late", 1)
        assert names() == []

    found = tracking.TrackingClient("sqlite:///one.db").get_run(run.info.run_id)
    assert (found.info.status, found.data.params) == ("FINISHED", {"late": "1"})


def test_the_active_experiment_belongs_to_its_store() -> None:
    tracking.set_tracking_uri("sqlite:///one.db")
    tracking.set_experiment("only in one")
    tracking.set_tracking_uri("sqlite:///two.db")

    with tracking.start_run() as run:
        assert run.info.experiment_id == "0"
    assert "MLFLOW_EXPERIMENT_ID" not in os.environ


def test_a_relative_uri_means_the_folder_it_was_set_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tracking.set_tracking_uri("sqlite:///store.db")
    tracking.start_run()
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")

    tracking.log_param("a", 1)
    tracking.end_run()

    assert not any(Path().iterdir())
    assert (tmp_path / "store.db").exists()


@pytest.mark.parametrize("way", ["set", "environment"])
def test_a_relative_uri_goes_on_meaning_the_same_when_the_working_directory_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    if way == "set":
        tracking.set_tracking_uri("sqlite:///store.db")
    else:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:///store.db")
    with tracking.start_run(run_name="one"):
        pass
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")

    with tracking.start_run(run_name="two"):
        pass

    assert {run.info.run_name for run in tracking.search_runs(output_format="list")} == {"one", "two"}
    assert tracking.get_tracking_uri() == "sqlite:///store.db"
    assert not any(Path().iterdir())
    tracking.set_tracking_uri("sqlite:///store.db")
    assert tracking.search_runs(output_format="list") == []


def test_a_store_in_memory_is_the_same_for_all_clients() -> None:
    tracking.set_tracking_uri("sqlite://")
    with tracking.start_run(run_name="r") as run:
        pass

    assert tracking.TrackingClient().get_run(run.info.run_id).info.run_name == "r"
    assert tracking.TrackingClient("sqlite://").get_run(run.info.run_id).info.run_name == "r"


@pytest.mark.parametrize("uri", ["postgresql://x/y", "runs", "databricks", "file:///tmp/x"])
def test_a_store_of_no_known_kind_is_refused_with_the_known_ones(uri: str) -> None:
    tracking.set_tracking_uri(uri)

    with pytest.raises(UnknownScheme, match="sqlite:///"):
        tracking.start_run()
    assert tracking.active_run() is None


# Experiments by environment -------------------------------------------------------------------------
def test_the_experiment_of_the_environment_is_made_if_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "by name")

    with tracking.start_run() as run:
        pass

    assert tracking.get_experiment(run.info.experiment_id).name == "by name"


def test_two_variables_that_contradict_each_other_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "by name")
    monkeypatch.setenv("MLFLOW_EXPERIMENT_ID", "0")

    with pytest.raises(InvalidValue, match="does not match"):
        tracking.start_run()


# Runs -----------------------------------------------------------------------------------------------
def test_a_second_run_says_how_to_go_on() -> None:
    with tracking.start_run() as run, pytest.raises(RunConflict, match="nested=True") as caught:
        tracking.start_run()
    assert run.info.run_id in str(caught.value)


def test_leaving_a_parent_ends_every_run_inside_it_with_its_status() -> None:
    def fail_inside() -> None:
        with tracking.start_run(run_name="a"):
            tracking.start_run(run_name="b", nested=True)
            tracking.start_run(run_name="c", nested=True)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_inside()

    assert {run.info.status for run in tracking.search_runs(output_format="list")} == {"FAILED"}
    assert tracking.active_run() is None


def test_an_unknown_status_leaves_the_run_open() -> None:
    tracking.start_run()

    with pytest.raises(InvalidValue, match="FINISHED"):
        tracking.end_run("DONE")

    assert tracking.active_run() is not None


def test_a_resumed_run_keeps_its_start_and_has_no_end_until_it_ends_again() -> None:
    with tracking.start_run() as run:
        pass
    with tracking.start_run(run_id=run.info.run_id):
        found = tracking.get_run(run.info.run_id).info
        assert (found.status, found.start_time) == ("RUNNING", run.info.start_time)
    assert tracking.get_run(run.info.run_id).info.status == "FINISHED"


def test_a_run_ended_in_another_thread_than_it_started_in_is_off_the_stack() -> None:
    run = tracking.start_run()
    thread = threading.Thread(target=run.__exit__, args=(None, None, None))
    thread.start()
    thread.join()

    assert tracking.active_run() is None
    assert tracking.get_run(run.info.run_id).info.status == "FINISHED"


def test_a_run_that_was_deleted_while_active_can_still_be_left() -> None:
    run = tracking.start_run()
    tracking.delete_run(run.info.run_id)

    with pytest.raises(RunDeleted):
        tracking.end_run()

    assert tracking.active_run() is None


# Values ---------------------------------------------------------------------------------------------
def test_a_call_with_many_values_is_recorded_whole_or_not_at_all() -> None:
    with tracking.start_run() as run:
        tracking.log_param("p999", "old")
        with pytest.raises(ParamConflict):
            tracking.log_params({f"p{i}": i for i in range(1000)})
        with pytest.raises(InvalidValue):
            tracking.set_tags({**{f"t{i}": i for i in range(1000)}, "bad$": 1})
        with pytest.raises(InvalidValue):
            tracking.log_batch(metrics={"m": 1}, params={"p": 1}, tags={"bad$": 1})

    data = tracking.get_run(run.info.run_id).data
    assert (data.params, data.metrics) == ({"p999": "old"}, {})
    assert not [key for key in data.tags if not key.startswith("mlflow.")]


def test_log_batch_takes_entities_or_mappings() -> None:
    with tracking.start_run() as run:
        tracking.log_batch(
            metrics=[tracking.Metric("m", 0.5, 10, 2)], params={"p": 1}, tags=[tracking.RunTag("t", "v")]
        )
        tracking.log_batch(run.info.run_id, metrics={"n": 3})

    data = tracking.get_run(run.info.run_id).data
    assert (data.metrics, data.params, data.tags["t"]) == ({"m": 0.5, "n": 3.0}, {"p": "1"}, "v")
    (point,) = tracking.TrackingClient().get_metric_history(run.info.run_id, "m")
    assert (point.step, point.timestamp) == (2, 10)


def test_an_empty_rename_is_ignored() -> None:
    with tracking.start_run(run_name="kept") as run:
        tracking.set_tags({"mlflow.runName": "", "other": 1})

    found = tracking.get_run(run.info.run_id)
    assert (found.info.run_name, found.data.tags["mlflow.runName"]) == ("kept", "kept")


def test_search_runs_says_what_is_wrong_with_its_arguments() -> None:
    with pytest.raises(InvalidValue, match="only one"):
        tracking.search_runs(["1"], experiment_names=["a"])
    with pytest.raises(InvalidType, match="order_by"):
        tracking.search_runs(order_by=5)  # type: ignore[call-overload]
    with pytest.raises(InvalidValue, match="'csv'"):
        tracking.search_runs(output_format="csv")  # type: ignore[call-overload]


def test_search_beyond_mlflows_grammar_works_from_here() -> None:
    for alpha in (0.1, 0.5, 2):
        with tracking.start_run(run_name=str(alpha)):
            tracking.log_param("alpha", alpha)

    assert names(filter_string="params.alpha < 0.4 OR params.alpha IN ('2')") == ["0.1", "2"]


@pytest.mark.parametrize("wrong", ["3", 1.5])
def test_a_wrong_number_of_results_is_named(wrong: object) -> None:
    with pytest.raises(tracking.TrackingError, match="max_results"):
        tracking.search_runs(max_results=wrong)  # type: ignore[call-overload]
    with pytest.raises(tracking.TrackingError, match="max_results"):
        tracking.search_experiments(max_results=wrong)  # type: ignore[arg-type]


def test_what_is_no_uri_and_no_page_token_is_refused() -> None:
    with pytest.raises(tracking.TrackingError, match="URI"):
        tracking.TrackingClient(5)  # type: ignore[arg-type]
    with pytest.raises(tracking.TrackingError, match="page token"):
        tracking.TrackingClient().search_runs(["0"], page_token=5)  # type: ignore[arg-type]


@pytest.mark.parametrize("wrong", [[1], b"x", True])
def test_a_run_name_and_a_location_of_a_wrong_type_are_refused(wrong: object) -> None:
    with pytest.raises(TypeError, match="run name"):
        tracking.start_run(run_name=wrong)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="location"):
        tracking.create_experiment("x", artifact_location=wrong)  # type: ignore[arg-type]
    assert tracking.search_runs(output_format="list") == []
    assert tracking.get_experiment_by_name("x") is None


def test_an_unknown_experiment_of_the_environment_is_an_invalid_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_EXPERIMENT_ID", "99")
    with pytest.raises(tracking.TrackingError, match="MLFLOW_EXPERIMENT_ID='99'") as caught:
        tracking.start_run()
    assert caught.value.error_code == "INVALID_PARAMETER_VALUE"


def test_a_resumed_run_keeps_its_end_until_it_ends_again() -> None:
    with tracking.start_run() as run:
        pass
    ended = tracking.get_run(run.info.run_id).info.end_time
    assert ended is not None
    with tracking.start_run(run_id=run.info.run_id) as resumed:
        assert (resumed.info.status, resumed.info.end_time) == ("RUNNING", ended)


def test_renaming_is_one_transaction_with_what_comes_along() -> None:
    client = tracking.TrackingClient()
    with tracking.start_run(run_name="old") as run:
        tracking.log_param("a", 1)
        with pytest.raises(tracking.TrackingError):
            client.log_batch(run.info.run_id, params={"a": 2}, tags={"mlflow.runName": "new"})
        assert client.get_run(run.info.run_id).info.run_name == "old"
        client.update_run(run.info.run_id, status="FAILED", name="new")
    found = client.get_run(run.info.run_id)
    assert (found.info.run_name, found.data.tags["mlflow.runName"]) == ("new", "new")


def test_columns_of_a_frame_have_one_type_whatever_was_found() -> None:
    empty = tracking.search_runs(search_all_experiments=True)
    tracking.start_run()
    running = tracking.search_runs()
    tracking.end_run()
    ended = tracking.search_runs()

    columns = list(empty.columns)
    assert list(empty.dtypes) == list(running[columns].dtypes) == list(ended[columns].dtypes)
    assert str(ended["end_time"].dtype) == "datetime64[ms, UTC]"
