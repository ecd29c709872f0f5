"""Models as artifacts: saved with joblib, addressed as `runs:/<run id>/<path>`.

Knows nothing of scikit-learn; joblib is imported at the first use. Loading a model executes what its
file says: load only what you trust.
"""

from __future__ import annotations

import io
import json
import os
import warnings
from dataclasses import dataclass
from typing import Any, Final

from tracking.active.lifecycle import current_run
from tracking.client import TrackingClient
from tracking.entities import Run
from tracking.errors import ArtifactError, ArtifactNotFound, InvalidType, InvalidValue, TrackingError
from tracking.records.names import MODEL_FILE, MODEL_FOLDER, MODEL_HISTORY
from tracking.state import state
from tracking.store import files
from tracking.validation import now_ms, shorten

SMALL: Final = 2**18  # bytes of a pickle that is written without joblib
_REMEMBERED: Final = 64


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """Where a model was logged; `model_uri` is what `load_model` takes."""

    run_id: str
    artifact_path: str
    model_uri: str
    utc_time_created: int


def log_model(
    sk_model: Any,
    artifact_path: str | None = None,
    conda_env: Any = None,
    code_paths: Any = None,
    registered_model_name: str | None = None,
    signature: Any = None,
    input_example: Any = None,
    *,
    name: str | None = None,
    run_id: str | None = None,
    compress: int = 0,
    **unused: Any,
) -> ModelInfo:
    """Save a model as `<name>/model.joblib` of a run, by default the active one.

    `name` and MLflow's older `artifact_path` mean the same, by default "model". MLflow's further options
    (`signature`, `input_example`, `conda_env`, ...) are accepted and not recorded; there is no model registry.

    Raises InvalidType for what cannot be pickled, InvalidArtifactPath, ArtifactError where the file cannot be written,
    RunNotFound, RunDeleted.
    """
    if artifact_path is not None and name is not None:
        raise InvalidValue("log_model takes name or artifact_path, which mean the same: give only one of them.")
    if registered_model_name is not None:
        warnings.warn(
            f"There is no model registry: the model is logged, but not registered as {registered_model_name!r}.",
            stacklevel=2,
        )
    path = files.check_path(name if name is not None else artifact_path) or MODEL_FOLDER
    fresh = None
    if run_id is None:
        active = current_run()
        client, run_id, fresh = active.client, active.run_id, active.run
    else:
        client = TrackingClient()
    client.save_artifact(run_id, f"{path}/{MODEL_FILE}", lambda file: _dump(sk_model, file, compress))
    # The first model of an active run: the tag is as it was when the run started. Reading a run costs more.
    before = fresh if fresh is not None and run_id not in state.runs_with_models else client.get_run(run_id)
    state.runs_with_models[run_id] = None
    if len(state.runs_with_models) > _REMEMBERED:
        del state.runs_with_models[next(iter(state.runs_with_models))]
    _remember(client, run_id, path, before.data.tags.get(MODEL_HISTORY, "[]"))
    return ModelInfo(run_id, path, f"runs:/{run_id}/{path}", now_ms())


def _dump(model: Any, file: str, compress: int) -> None:
    try:
        small = None if compress else _pickle_small(model)
        if small is not None:
            with open(file, "xb") as target:
                target.write(small)
            return
        import joblib

        joblib.dump(model, file, compress=compress)
    except OSError:
        raise
    except Exception as problem:  # pickling runs the code of the model's classes
        raise InvalidType(
            f"The model {shorten(model)} cannot be saved: {problem}. Lambdas and local classes cannot be pickled; "
            "define them at the top of a module."
        ) from problem


class _TooBig(Exception):
    """The pickle is no longer small."""


class _SmallBuffer(io.BytesIO):
    def write(self, data: Any) -> int:
        if self.tell() + memoryview(data).nbytes > SMALL:  # an array comes as a PickleBuffer, without a len()
            raise _TooBig
        return super().write(data)


def _pickle_small(model: Any) -> bytes | None:
    """Return the pickle of a small model, None for others.

    joblib reads it like its own files. Its pickler, in Python, pays for big arrays and costs twice as much
    for small ones.
    """
    import pickle

    buffer = _SmallBuffer()
    try:
        pickle.Pickler(buffer, protocol=5).dump(model)
    except _TooBig:
        return None
    return buffer.getvalue()


def _remember(client: TrackingClient, run_id: str, path: str, known: str) -> None:
    """Note the model in MLflow's tag, newest last; a path that was logged again moves to the end."""
    try:
        history = [entry for entry in json.loads(known) if entry.get("artifact_path") != path]
    except (ValueError, AttributeError, TypeError):  # somebody wrote the tag by hand
        history = []
    history.append({"run_id": run_id, "artifact_path": path, "utc_time_created": now_ms()})
    client.set_tag(run_id, MODEL_HISTORY, json.dumps(history))


def load_model(model_uri: str | os.PathLike[str] | Run, dst_path: Any = None) -> Any:
    """Return a model that was logged.

    Takes `runs:/<run id>/<path>`, a Run or a run id (its `model` folder), or a path on this machine: a folder
    with a model.joblib, or the file itself. Raises ArtifactNotFound, RunNotFound; ArtifactError when the
    file is there but cannot be read, as when a package it needs is not installed.
    """
    return _load(_model_file(model_uri))


def _model_file(model_uri: str | os.PathLike[str] | Run) -> str:
    if isinstance(model_uri, Run):
        model_uri = model_uri.info.run_id
    if isinstance(model_uri, os.PathLike):
        return _local_file(os.fspath(model_uri))
    if not isinstance(model_uri, str):
        raise InvalidType(f"load_model takes runs:/<run id>/<path>, a run or its id, not {shorten(model_uri)}.")
    scheme, separator, rest = model_uri.partition(":/")
    if separator and scheme == "runs":
        run_id, _, path = rest.lstrip("/").partition("/")
        if not run_id or not path:
            raise InvalidValue(f"Invalid model address {model_uri!r}: as runs:/<run id>/{MODEL_FOLDER}.")
        return _run_file(run_id, path)
    if separator and scheme == "file":
        from urllib.parse import unquote, urlsplit

        return _local_file(unquote(urlsplit(model_uri).path))
    if separator:
        raise InvalidValue(f"{model_uri!r}: no model can be loaded from {scheme!r}. Known: runs:/<run id>/<path>.")
    if "/" in model_uri or os.path.exists(model_uri):
        return _local_file(model_uri)
    return _run_file(model_uri, MODEL_FOLDER)


def _run_file(run_id: str, path: str) -> str:
    client = TrackingClient()
    place = files.existing(str(client.artifact_dir(run_id)), path)
    return files.existing(str(client.artifact_dir(run_id)), f"{path}/{MODEL_FILE}") if os.path.isdir(place) else place


def _local_file(path: str) -> str:
    file = os.path.join(path, MODEL_FILE) if os.path.isdir(path) else path
    if not os.path.isfile(file):
        raise ArtifactNotFound(f"There is no model at {shorten(path)}: {shorten(file)} is missing.")
    return file


def _load(file: str) -> Any:
    import joblib

    try:
        return joblib.load(file)
    except TrackingError:
        raise
    except Exception as problem:  # unpickling imports and runs whatever the file names
        raise ArtifactError(
            f"The model in {shorten(file)} cannot be loaded: {type(problem).__name__}: {problem}. "
            "Is every package that it needs installed, in a fitting version?"
        ) from problem
