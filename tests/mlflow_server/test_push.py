"""Pushing to a real MLflow server."""

from __future__ import annotations

import random
import uuid
from pathlib import Path

import httpx
import pytest

import tracking
from tests.mlflow_server.conftest import breaking_proxy, running_server
from tests.mlflow_server.recording import held, record, store_at
from tracking.cli.app import main
from tracking.errors import ServerError
from tracking.remote.push import push
from tracking.remote.rest import Server
from tracking.stores import open_store

pytestmark = pytest.mark.heavy


@pytest.fixture
def experiment() -> str:
    return f"e {uuid.uuid4()}"


def test_what_is_pushed_arrives_whole(tmp_path: Path, mlflow_server: str, experiment: str) -> None:
    uri = store_at(tmp_path)
    record(uri, experiment)

    assert main(["push", mlflow_server, "--store", uri]) == 0

    runs = held(mlflow_server, experiment)
    sweep, points = runs[-1], runs[:-1]
    assert [run["name"] for run in points] == [f"point {n}" for n in range(6)]
    assert sweep["name"] == "sweep"
    assert {run["parent"] for run in points} == {"sweep"}
    assert [run["state"][0] for run in points] == ["FINISHED", "FINISHED", "FAILED", *["FINISHED"] * 3]
    assert points[1]["state"][2:] == [1_700_000_000_001, 1_700_000_005_001]
    assert points[1]["params"] == {"alpha": "1", "empty": ""}
    assert points[1]["tags"]["note"] == "ü <b> 'x'"
    assert ["0.2", 1_700_000_000_003, 3] in points[1]["metrics"]["rmse"]
    assert len(points[1]["metrics"]["rmse"]) == 5
    assert len(points[1]["metrics"]["odd"]) == 3  # nan and the infinities
    assert points[1]["files"] == {"config.yaml": "seed: 1\n", "folder/with space & ü.txt": ""}
    assert points[1]["datasets"] == [["made up", "v2:abc", {"num_rows": 10, "num_elements": 30}]]


def test_a_second_push_sends_nothing(
    tmp_path: Path, mlflow_server: str, experiment: str, capsys: pytest.CaptureFixture[str]
) -> None:
    uri = store_at(tmp_path)
    record(uri, experiment)
    assert main(["push", mlflow_server, "--store", uri]) == 0
    before = held(mlflow_server, experiment)
    store = open_store(uri)

    with Server(mlflow_server) as server:
        counts = push(store, server, store.search_runs(None))

    assert (counts.same, counts.created, counts.updated) == (6, 0, 0)
    assert server.requests == 1  # one page of runs
    assert held(mlflow_server, experiment) == before


def test_where_nothing_is_remembered_of_the_server_it_is_asked(
    tmp_path: Path, mlflow_server: str, experiment: str, capsys: pytest.CaptureFixture[str]
) -> None:
    uri = store_at(tmp_path)
    record(uri, experiment)
    assert main(["push", mlflow_server, "--store", uri]) == 0
    remembered = tmp_path / "tracking.db.servers.json"

    for content in ("", "{}", remembered.read_text().replace('"id": "', '"id": "99')):
        remembered.write_text(content)
        capsys.readouterr()
        assert main(["push", mlflow_server, "--store", uri]) == 0
        assert capsys.readouterr().out == f"{mlflow_server}: 6 there already.\n"


def test_tags_of_experiments_are_pushed_also_when_they_change(
    tmp_path: Path, mlflow_server: str, experiment: str
) -> None:
    uri = store_at(tmp_path)
    record(uri, experiment, count=1)
    client = tracking.TrackingClient(uri)
    ours = client.get_experiment_by_name(experiment)
    assert ours is not None
    for value in ("first", "second"):
        client.set_experiment_tag(ours.experiment_id, "purpose", value)
        assert main(["push", mlflow_server, "--store", uri]) == 0

        api = f"{mlflow_server}/api/2.0/mlflow"
        query = {"experiment_name": experiment}
        there = httpx.get(f"{api}/experiments/get-by-name", params=query).json()["experiment"]
        assert {"key": "purpose", "value": value} in there["tags"]


def test_what_changed_since_is_brought_up_to_date(
    tmp_path: Path, mlflow_server: str, experiment: str, capsys: pytest.CaptureFixture[str]
) -> None:
    uri = store_at(tmp_path)
    ids = record(uri, experiment)
    assert main(["push", mlflow_server, "--store", uri]) == 0

    tracking.TrackingClient(uri).set_tag(ids[3], "stage", "good")
    assert main(["push", mlflow_server, "--store", uri]) == 0

    assert "1 brought up to date, 5 there already" in capsys.readouterr().out
    assert held(mlflow_server, experiment)[3]["tags"]["stage"] == "good"


def test_broken_connections_leave_the_same_as_none(tmp_path: Path, mlflow_server: str, experiment: str) -> None:
    whole, broken_store = store_at(tmp_path / "a"), store_at(tmp_path / "b")
    record(whole, experiment)
    record(broken_store, f"{experiment} broken")
    assert main(["push", mlflow_server, "--store", whole]) == 0
    requests = 6 * 7 + 10

    with breaking_proxy(mlflow_server, set(random.Random(13).sample(range(2 * requests), 30))) as (proxy, broken):
        for _ in range(8):  # a patience of nothing: every broken connection ends the push, and it is repeated
            with Server(proxy, patience=0.0) as server:
                store = open_store(broken_store)
                try:
                    push(store, server, store.search_runs(None))
                except ServerError:
                    continue
        assert main(["push", proxy, "--store", broken_store]) == 0  # and the last one waits

    assert len(broken) >= 10
    assert held(mlflow_server, f"{experiment} broken") == held(mlflow_server, experiment)


def test_a_run_that_was_deleted_on_the_server_stays_deleted(
    tmp_path: Path, mlflow_server: str, experiment: str, capsys: pytest.CaptureFixture[str]
) -> None:
    uri = store_at(tmp_path)
    (run_id,) = record(uri, experiment, count=1)
    assert main(["push", mlflow_server, "--store", uri]) == 0
    api = f"{mlflow_server}/api/2.0/mlflow"
    found = httpx.get(f"{api}/experiments/get-by-name", params={"experiment_name": experiment}).json()["experiment"]
    body = {"experiment_ids": [found["experiment_id"]], "filter": f"tags.`tracking.run_id` = '{run_id}'"}
    (there,) = httpx.post(f"{api}/runs/search", json=body).json()["runs"]
    httpx.post(f"{api}/runs/delete", json={"run_id": there["info"]["run_id"]})

    assert main(["push", mlflow_server, "--store", uri]) == 0

    assert "1 deleted there and left so" in capsys.readouterr().out


def test_an_experiment_in_the_servers_trash_is_one_sentence(
    tmp_path: Path, mlflow_server: str, experiment: str, capsys: pytest.CaptureFixture[str]
) -> None:
    uri = store_at(tmp_path)
    record(uri, experiment, count=1)
    api = f"{mlflow_server}/api/2.0/mlflow/experiments"
    made = httpx.post(f"{api}/create", json={"name": experiment}).json()
    httpx.post(f"{api}/delete", json=made)

    assert main(["push", mlflow_server, "--store", uri]) == 2

    said = capsys.readouterr().err
    assert f"The experiment '{experiment}' is deleted on {mlflow_server}. Restore it there" in said


def test_a_run_that_is_still_running_is_left_out(
    tmp_path: Path, mlflow_server: str, experiment: str, capsys: pytest.CaptureFixture[str]
) -> None:
    uri = store_at(tmp_path)
    client = tracking.TrackingClient(uri)
    client.create_run(client.create_experiment(experiment))

    assert main(["push", mlflow_server, "--store", uri]) == 0

    assert "1 still running and left out" in capsys.readouterr().out


def test_files_go_straight_to_a_server_without_proxy_on_this_machine(tmp_path: Path, experiment: str) -> None:
    folder = tmp_path / "server"
    folder.mkdir()
    uri = store_at(tmp_path)
    record(uri, experiment, count=1)

    with running_server(folder, "--no-serve-artifacts", "--default-artifact-root", str(folder / "files")) as server:
        assert main(["push", server, "--store", uri]) == 0
        assert held(server, experiment)[0]["files"] == {"config.yaml": "seed: 0\n", "folder/with space & ü.txt": ""}
