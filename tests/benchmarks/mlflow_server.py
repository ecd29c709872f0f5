"""What pushing to an MLflow server costs: MLFLOW_PYTHON=.../bin/python python tests/benchmarks/mlflow_server.py [RUNS]

Starts a real server on the loopback interface and pushes the same runs, with 4 artifacts each, over one connection,
over four, again, and by MLflow's own client. The server is one process with SQLite: what it spends is in all numbers.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import tracking
from tests.mlflow_server.conftest import PYTHON, running_server
from tracking.remote.push import push
from tracking.remote.rest import Server
from tracking.stores import open_store

METRICS, PARAMS, TAGS, FOLDS = 5, 20, 25, 5

OWN_CLIENT = """
import sys, tempfile, pathlib
import mlflow
from mlflow.entities import Metric, Param, RunTag
client = mlflow.MlflowClient({server!r})
experiment = client.create_experiment("their client")
folder = pathlib.Path(tempfile.mkdtemp())
for number in range(4):
    (folder / f"file{{number}}.txt").write_text("x" * 1000)
for number in range({runs}):
    run = client.create_run(experiment, start_time=number).info.run_id
    pairs = [(m, fold) for m in range({metrics}) for fold in range({folds})]
    metrics = [Metric(f"metric{{m}}", m + fold / 7, 1000 + fold, fold) for m, fold in pairs]
    params = [Param(f"param{{p}}", str(p)) for p in range({params})]
    client.log_batch(run, metrics, params, [RunTag(f"tag{{t}}", str(t)) for t in range({tags})])
    for file in sorted(folder.iterdir()):
        client.log_artifact(run, str(file))
    client.set_terminated(run)
"""


def record(uri: str, experiment: str, count: int) -> None:
    """Record runs like those of a small sweep."""
    client = tracking.TrackingClient(uri)
    experiment_id = client.create_experiment(experiment)
    for number in range(count):
        run_id = client.create_run(experiment_id, number, {f"tag{t}": str(t) for t in range(TAGS)}).info.run_id
        points = [
            tracking.Metric(f"metric{m}", m + fold / 7, 1000 + fold, fold)
            for m in range(METRICS)
            for fold in range(FOLDS)
        ]
        client.log_batch(run_id, points, {f"param{p}": str(p) for p in range(PARAMS)})
        for file in range(4):
            client.log_text(run_id, "x" * 1000, f"file{file}.txt")
        client.set_terminated(run_id)


def timed_push(folder: Path, name: str, server: str, count: int, connections: int) -> float:
    """Record runs and push them; say how long the push took and how many requests a run it made."""
    uri = f"sqlite:///{folder}/{name}.db"
    record(uri, name, count)
    seconds, requests = push_once(uri, server, connections)
    print(f"{name:24} {seconds:7.1f} s  {requests / count:5.2f} requests a run", flush=True)
    return seconds


def push_once(uri: str, address: str, connections: int) -> tuple[float, int]:
    """Return seconds and requests of one push of everything in a store."""
    store = open_store(uri)
    with Server(address, connections=connections) as server:
        start = time.perf_counter()
        push(store, server, store.search_runs(None), connections=connections)
        return time.perf_counter() - start, server.requests


def main() -> None:
    """Print the figures of issue 13."""
    if not PYTHON:
        sys.exit("MLFLOW_PYTHON names no interpreter that has mlflow.")
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 950
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        with running_server(folder, "--artifacts-destination", str(folder / "artifacts")) as server:
            timed_push(folder, "warm up", server, 20, 4)
            one = timed_push(folder, "one connection", server, count, 1)
            four = timed_push(folder, "four connections", server, count, 4)
            seconds, requests = push_once(f"sqlite:///{folder}/four connections.db", server, 4)
            print(f"{'again':24} {seconds:7.1f} s  {requests} requests in all", flush=True)
            script = OWN_CLIENT.format(
                server=server, runs=count, metrics=METRICS, folds=FOLDS, params=PARAMS, tags=TAGS
            )
            start = time.perf_counter()
            subprocess.run([PYTHON, "-c", script], check=True, capture_output=True, env={**os.environ})
            theirs = time.perf_counter() - start
            print(f"{'their client':24} {theirs:7.1f} s")
    print(f"four connections / one: {four / one:.2f} (at most 0.6); / their client: {four / theirs:.2f} (at most 0.5)")


if __name__ == "__main__":
    main()
