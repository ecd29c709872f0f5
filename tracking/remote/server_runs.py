"""What a server has already: its experiments, and the runs that were pushed to it, each by our id."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from tracking.errors import ServerError
from tracking.remote.names import PUSHED, RUN_ID
from tracking.remote.rest import PAGE, Server

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class ServerRun:
    """A run on the server that is one of ours; `digest` is what its commit mark says, "" without one."""

    run_id: str  # the server's
    experiment_id: str
    artifact_uri: str
    digest: str = ""
    is_deleted: bool = False

    @classmethod
    def of(cls, run: Json) -> ServerRun:
        """Read it from the server's answer."""
        info = run["info"]
        deleted = info.get("lifecycle_stage") == "deleted"
        digest = tags_of(run).get(PUSHED, "")
        return cls(info["run_id"], info["experiment_id"], info.get("artifact_uri", ""), digest, deleted)


def tags_of(run: Json) -> dict[str, str]:
    """Return the tags of a run in the server's answer."""
    return {tag["key"]: tag.get("value", "") for tag in run.get("data", {}).get("tags", ())}


def read_experiments(server: Server) -> dict[str, Json]:
    """Return all experiments by name, deleted ones too."""
    found = server.pages("experiments/search", {"max_results": PAGE, "view_type": "ALL"}, "experiments")
    return {experiment["name"]: experiment for experiment in found}


def require_open(server: Server, experiment: Json) -> str:
    """Return the id of an experiment. Raises ServerError for one in the trash, where no run can be made."""
    if experiment.get("lifecycle_stage") == "deleted":
        raise ServerError(
            f"The experiment '{experiment['name']}' is deleted on {server.uri}. Restore it there "
            f"(mlflow experiments restore --experiment-id {experiment['experiment_id']}), or rename ours."
        )
    return str(experiment["experiment_id"])


def create_experiment(server: Server, name: str) -> str:
    """Make an experiment, or find the one that another process was faster with; return its id."""

    def find() -> str | None:
        experiment = read_experiments(server).get(name)
        return None if experiment is None else require_open(server, experiment)

    try:
        return server.create("experiments/create", {"name": name}, find, lambda answer: str(answer["experiment_id"]))
    except ServerError as error:
        if error.error_code == "RESOURCE_ALREADY_EXISTS" and (found := find()) is not None:
            return found
        raise


def read_pushed(server: Server, experiment_ids: Iterable[str]) -> dict[str, ServerRun]:
    """Return the runs of these experiments that were pushed, deleted ones too, by our ids.

    Where a connection broke at the wrong moment there may be two of one; that without the mark is deleted.
    """
    ids = list(experiment_ids)
    body = {
        "experiment_ids": ids,
        "filter": f"tags.`{RUN_ID}` != ''",
        "max_results": PAGE,
        "run_view_type": "ALL",
    }
    several: dict[str, list[ServerRun]] = {}
    for run in server.pages("runs/search", body, "runs") if ids else ():
        several.setdefault(tags_of(run)[RUN_ID], []).append(ServerRun.of(run))
    pushed = {}
    for key, runs in several.items():
        first, *others = sorted(runs, key=lambda run: (run.is_deleted, not run.digest, run.run_id))
        pushed[key] = first
        for other in others:
            if not other.is_deleted and not other.digest:
                server.post("runs/delete", {"run_id": other.run_id})
    return pushed


def find_run(server: Server, experiment_id: str, key: str) -> ServerRun | None:
    """Return the run of one of our ids, or None."""
    body = {"experiment_ids": [experiment_id], "filter": f"tags.`{RUN_ID}` = '{key}'", "max_results": 1}
    return next((ServerRun.of(run) for run in server.post("runs/search", body).get("runs", ())), None)
