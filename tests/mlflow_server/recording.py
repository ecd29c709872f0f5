"""Runs to push, the same each time but for their ids, and all that a server holds of an experiment."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import httpx

import tracking

START = 1_700_000_000_000
JSON = dict[str, Any]


def record(uri: str, experiment: str, count: int = 6) -> list[str]:
    """Record ended runs of one sweep, with files, and return their ids."""
    client = tracking.TrackingClient(uri)
    experiment_id = client.create_experiment(experiment)
    ids = []
    for point in range(count):
        tags = {"sweep.id": f"s{abs(hash(experiment)):x}"[:8], "sweep.point": str(point), "sweep.points": str(count)}
        tags |= {"note": "ü <b> 'x'", "data.name": "made up", "fingerprint.data": "v2:abc", "data.shape": "10x3"}
        run = client.create_run(experiment_id, START + point, tags, run_name=f"point {point}")
        run_id = run.info.run_id
        folds = [tracking.Metric("rmse", 1 / (point + step + 1), START + step, step) for step in range(5)]
        odd = [tracking.Metric("odd", value, START, 0) for value in (math.nan, math.inf, -math.inf)]
        client.log_batch(run_id, [*folds, *odd], {"alpha": str(point), "empty": ""})
        client.log_text(run_id, f"seed: {point}\n", "config.yaml")
        client.log_text(run_id, "", "folder/with space & ü.txt")
        client.set_terminated(run_id, "FAILED" if point == 2 else "FINISHED", START + 5000 + point)
        ids.append(run_id)
    return ids


def held(server: str, experiment: str) -> list[JSON]:
    """Return everything that a server has of an experiment, without the ids that it chose, sorted by name."""
    api = f"{server}/api/2.0/mlflow"
    found = httpx.get(f"{api}/experiments/get-by-name", params={"experiment_name": experiment}).json()["experiment"]
    body = {"experiment_ids": [found["experiment_id"]], "max_results": 1000}
    runs = httpx.post(f"{api}/runs/search", json=body, timeout=60).json()["runs"]
    names = {run["info"]["run_id"]: run["info"]["run_name"] for run in runs}
    return sorted((_held(server, run, names) for run in runs), key=lambda run: str(run["name"]))


def _held(server: str, run: JSON, names: dict[str, str]) -> JSON:
    info, data = run["info"], run["data"]
    tags = {tag["key"]: tag["value"] for tag in data.get("tags", ())}
    parent = tags.pop("mlflow.parentRunId", None)
    for own in ("tracking.run_id", "tracking.pushed", "sweep.id", "mlflow.runName"):
        tags.pop(own, None)
    datasets = [entry["dataset"] for entry in run.get("inputs", {}).get("dataset_inputs", ())]
    return {
        "name": _name(info["run_name"]),
        "state": [info["status"], info["user_id"], info["start_time"], info["end_time"]],
        "parent": _name(names[parent]) if parent else None,
        "params": {param["key"]: param["value"] for param in data.get("params", ())},
        "tags": tags,
        "metrics": {
            metric["key"]: _history(server, info["run_id"], metric["key"]) for metric in data.get("metrics", ())
        },
        "datasets": [[d["name"], d["digest"], json.loads(d["profile"])] for d in datasets],
        "files": dict(sorted(_files(server, info["run_id"]).items())),
    }


def _name(name: str) -> str:
    return "sweep" if name.startswith("sweep ") else name  # its id is another each time


def _history(server: str, run_id: str, key: str) -> list[list[Any]]:
    query = {"run_id": run_id, "metric_key": key}
    found = httpx.get(f"{server}/api/2.0/mlflow/metrics/get-history", params=query).json()["metrics"]
    return sorted([[str(m["value"]), m["timestamp"], m.get("step", 0)] for m in found], key=str)


def _files(server: str, run_id: str, path: str = "") -> dict[str, str]:
    query = {"run_id": run_id, "path": path}
    listed = httpx.get(f"{server}/api/2.0/mlflow/artifacts/list", params=query).json().get("files", ())
    files: dict[str, str] = {}
    for entry in listed:
        if entry["is_dir"]:
            files |= _files(server, run_id, entry["path"])
        else:
            fetched = httpx.get(f"{server}/get-artifact", params={"run_id": run_id, "path": entry["path"]})
            files[entry["path"]] = fetched.text
    return files


def store_at(folder: Path) -> str:
    return f"sqlite:///{folder}/tracking.db"
