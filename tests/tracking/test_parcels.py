"""Runs that were recorded in memory arrive in the store as they were: ids, values, times, files."""

from __future__ import annotations

from pathlib import Path

import tracking
from tracking.parcels import IN_MEMORY, put_runs, take_runs

STORE = "sqlite:///runs/tracking.db"


def record_one(name: str, *, text: str = "the same") -> str:
    tracking.set_tracking_uri(IN_MEMORY)
    tracking.set_experiment("far")
    with tracking.start_run(run_name=name) as run:
        tracking.log_params({"alpha": 0.1, "long": "x" * 300})
        tracking.log_metrics({"rmse": 0.1 + 0.2, "nan": float("nan")}, step=3)
        tracking.log_metric("rmse", 1e-300, step=4)
        tracking.TrackingClient().log_batch(run.info.run_id, blobs={"predictions": b"\x00\x01"})
        tracking.log_text(text, "deep/in/it.txt")
        tracking.TrackingClient().log_text(run.info.run_id, "for all", "environment.txt", shared=True)
    return str(run.info.run_id)


def test_a_run_arrives_with_everything_that_was_recorded_of_it() -> None:
    run_id = record_one("one")
    there = tracking.get_run(run_id)
    history = tracking.TrackingClient().get_metric_history(run_id, "rmse")

    assert put_runs(STORE, take_runs()) == 1

    client = tracking.TrackingClient(STORE)
    here = client.get_run(run_id)
    assert here.data.params == there.data.params
    assert here.data.tags == there.data.tags
    assert repr(here.data.metrics) == repr(there.data.metrics)
    assert (here.info.status, here.info.start_time, here.info.end_time) == (
        there.info.status,
        there.info.start_time,
        there.info.end_time,
    )
    assert client.get_metric_history(run_id, "rmse") == history
    assert client.get_blobs([run_id], "predictions") == {run_id: b"\x00\x01"}
    assert (client.artifact_dir(run_id) / "deep" / "in" / "it.txt").read_text() == "the same"
    assert client.get_experiment(here.info.experiment_id).name == "far"


def test_what_was_taken_is_not_there_again() -> None:
    record_one("one")
    assert len(take_runs()) == 1
    second = record_one("two")

    (parcel,) = take_runs()

    assert parcel.run.info.run_id == second


def test_a_run_that_comes_twice_is_there_once() -> None:
    record_one("one")
    parcels = take_runs()

    assert [put_runs(STORE, parcels), put_runs(STORE, parcels)] == [1, 0]
    tracking.set_tracking_uri(STORE)
    assert len(tracking.search_runs(search_all_experiments=True, output_format="list")) == 1


def test_a_run_of_a_worker_is_trusted_as_the_stores_own() -> None:
    run_id = record_one("one")
    put_runs(STORE, take_runs())

    assert not tracking.TrackingClient(STORE).store.is_foreign(run_id)


def test_files_that_runs_share_are_one_on_the_disk_and_others_are_not() -> None:
    ids = [record_one(name) for name in ("one", "two")]
    put_runs(STORE, take_runs())

    client = tracking.TrackingClient(STORE)
    folders = [Path(client.artifact_dir(run_id)) for run_id in ids]
    assert folders[0].joinpath("environment.txt").samefile(folders[1] / "environment.txt")
    assert not folders[0].joinpath("deep/in/it.txt").samefile(folders[1] / "deep/in/it.txt")
