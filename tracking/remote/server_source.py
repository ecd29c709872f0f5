"""Runs of an MLflow server, with their files where its artifact proxy or this machine has them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tracking.entities import Metric
from tracking.errors import InvalidArtifactPath, ServerError
from tracking.records.names import RUN_NAME
from tracking.remote.artifacts import proxied
from tracking.remote.folders import copier, local_path
from tracking.remote.foreign import Foreign, Listed, pushed_as, value_of
from tracking.remote.rest import PAGE, Server
from tracking.remote.server_runs import tags_of
from tracking.store.paths import check_path

Json = dict[str, Any]

_POINTS = 25_000  # of one metric in one answer


class ServerSource:
    """A server that is asked over several connections."""

    def __init__(self, server: Server, *, connections: int = 4) -> None:
        self._server = server
        self._connections = connections
        self._runs: dict[str, Json] = {}

    def listing(self) -> list[Listed]:
        """Return its runs that are not deleted."""
        found = self._server.pages("experiments/search", {"max_results": PAGE}, "experiments")
        names = {experiment["experiment_id"]: experiment["name"] for experiment in found}
        body = {"experiment_ids": list(names), "max_results": PAGE, "run_view_type": "ACTIVE_ONLY"}
        for run in self._server.pages("runs/search", body, "runs") if names else ():
            self._runs[run["info"]["run_id"]] = run
        return [
            Listed(run_id, names[run["info"]["experiment_id"]], run["info"]["status"], pushed_as(tags_of(run)))
            for run_id, run in self._runs.items()
        ]

    def read(self, listed: Sequence[Listed]) -> list[Foreign]:
        """Return these runs, whole."""
        with ThreadPoolExecutor(self._connections, thread_name_prefix="import") as pool:
            return list(pool.map(self._read, listed))

    def _read(self, entry: Listed) -> Foreign:
        run = self._runs[entry.run_id]
        info, data, tags = run["info"], run.get("data", {}), tags_of(run)
        location = info.get("artifact_uri", "")
        folders = {"": location, **self._models(run)}
        keys = [metric["key"] for metric in data.get("metrics", ())]
        return Foreign(
            listed=entry,
            name=tags.get(RUN_NAME) or info.get("run_name", ""),
            user=info.get("user_id", ""),
            start_time=int(info.get("start_time", 0)),
            end_time=int(info["end_time"]) if "end_time" in info else None,
            tags=tags,
            params={param["key"]: param.get("value", "") for param in data.get("params", ())},
            points=[point for key in keys for point in self._history(entry.run_id, key)],
            location=location,
            fill=self._filler(folders),
        )

    def _history(self, run_id: str, key: str) -> Iterator[Metric]:
        query: dict[str, str | int] = {"run_id": run_id, "metric_key": key, "max_results": _POINTS}
        while True:
            answer = self._server.get("metrics/get-history", **query)
            for point in answer.get("metrics", ()):
                value = value_of(float(point["value"]))
                yield Metric(key, value, int(point["timestamp"]), int(point.get("step", 0)))
            if not (token := answer.get("next_page_token")):
                return
            query["page_token"] = token

    def _models(self, run: Json) -> dict[str, str]:
        """Return the locations of the logged models that a run gave, by name."""
        found = {}
        for output in run.get("outputs", {}).get("model_outputs", ()):
            info = self._server.get(f"logged-models/{output['model_id']}")["model"]["info"]
            found[info["name"]] = info["artifact_uri"]
        return found

    def _filler(self, locations: dict[str, str]) -> Callable[[Path], None]:
        def fill(target: Path) -> None:
            for name, location in locations.items():
                if (path := proxied(location)) is not None:
                    self._download(path, target / check_path(name))
                elif self._server.is_local and (folder := local_path(location, Path())) is not None:
                    copier({name: folder})(target)
                elif location:
                    raise ServerError(
                        f"{self._server.uri} keeps files at {location}, where only its own clients read. Start it with "
                        "--serve-artifacts, or import without files: --artifacts reference."
                    )

        return fill

    def _download(self, path: str, target: Path) -> None:
        for entry in self._server.list_artifacts(path):
            name = check_path(entry["path"])
            if "/" in name:
                raise InvalidArtifactPath(f"{self._server.uri} lists a file as {name!r}, which is a path.")
            if entry.get("is_dir"):
                self._download(f"{path}/{name}", target / name)
            else:
                os.makedirs(target, exist_ok=True)
                (target / name).write_bytes(self._server.download(f"{path}/{name}"))
