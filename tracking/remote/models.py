"""Model folders on a server: each becomes a logged model, which stands in the Models tab and loads by name.

Its files go where MLflow 3 itself puts them, the model's own folder, and not among the run's artifacts too:
`runs:/<run>/<name>` finds them there.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable
from typing import Any, Final

from tracking.errors import ServerError
from tracking.remote.artifacts import put
from tracking.remote.content import File
from tracking.remote.rest import Server
from tracking.remote.server_runs import ServerRun

MLMODEL: Final = "MLmodel"
_NAME: Final = re.compile(r"[^/:.%\"']+")  # MLflow's rule for the name of a logged model

Json = dict[str, Any]


def push_models(server: Server, run: ServerRun, files: Iterable[File], *, resumed: bool) -> list[File]:
    """Push the folders that hold a model; return the files that belong to none and are plain artifacts."""
    folders = {
        folder
        for file in files
        if posixpath.basename(file.path) == MLMODEL and _NAME.fullmatch(folder := posixpath.dirname(file.path))
    }
    for folder in sorted(folders):
        inside = [file for file in files if file.path.startswith(f"{folder}/")]
        if not _push_model(server, run, folder, inside, resumed=resumed):
            folders.discard(folder)
    return [file for file in files if file.path.partition("/")[0] not in folders]


def _push_model(server: Server, run: ServerRun, name: str, files: list[File], *, resumed: bool) -> bool:
    """Return whether the server knows logged models; those before 3.0 do not."""

    def find() -> Json | None:
        body = {"experiment_ids": [run.experiment_id], "filter": f"source_run_id = '{run.run_id}'"}
        found = server.post("logged-models/search", body).get("models", ())
        return next((model for model in found if model["info"].get("name") == name), None)

    body = {"experiment_id": run.experiment_id, "name": name, "source_run_id": run.run_id}
    try:
        model = (find() if resumed else None) or server.create("logged-models", body, find, _model)
    except ServerError as error:
        if error.status == 404 and error.error_code == ServerError.error_code:
            return False
        raise
    info = model["info"]
    for file in files:
        put(server, info["artifact_uri"], file, file.path.removeprefix(f"{name}/"))
    _link(server, run, info["model_id"], resumed=resumed)
    ready = {"model_id": info["model_id"], "status": "LOGGED_MODEL_READY"}
    server.post(f"logged-models/{info['model_id']}", ready, method="PATCH")
    return True


def _link(server: Server, run: ServerRun, model_id: str, *, resumed: bool) -> None:
    """Make a model an output of its run; the server refuses to do that twice."""

    def linked() -> bool | None:
        found = server.get("runs/get", run_id=run.run_id)["run"].get("outputs", {}).get("model_outputs", ())
        return any(output["model_id"] == model_id for output in found) or None

    if not (resumed and linked()):
        body = {"run_id": run.run_id, "models": [{"model_id": model_id, "step": 0}]}
        server.create("runs/outputs", body, linked, lambda answer: True)


def _model(answer: Json) -> Json:
    model = answer["model"]
    assert isinstance(model, dict)
    return model
