"""Writing a model: a folder that is an MLflow model, in a run or anywhere on this machine.

Such a folder holds the model, what it needs (requirements.txt), a few rows where they were given, and MLmodel.
What is equal for many runs (all but the model and MLmodel) is shared on the disk by hard links.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, Final, Unpack, cast

from tracking.active.lifecycle import current_run
from tracking.active.runs import find_open
from tracking.client import TrackingClient
from tracking.entities import Run
from tracking.errors import ArtifactError, ArtifactNotFolder, InvalidValue
from tracking.models.contents import Further, Options, Saved, describe, pickling
from tracking.models.mlmodel import mlmodel_text
from tracking.models.signature import ModelSignature
from tracking.records.names import (
    EXAMPLE_FILE,
    MLMODEL_FILE,
    MODEL_FOLDER,
    MODEL_HISTORY,
    PYTHON_FILE,
    REQUIREMENTS_FILE,
)
from tracking.registry import register
from tracking.state import state
from tracking.store import paths
from tracking.validation import now_ms, shorten

_REMEMBERED: Final = 64


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """Where a model was logged; `model_uri` is what `load_model` takes."""

    run_id: str
    artifact_path: str
    model_uri: str
    utc_time_created: int
    signature: ModelSignature | None = None
    flavors: Mapping[str, Any] | None = None
    metadata: Mapping[str, Any] | None = None
    registered_model_version: str | None = None
    model_id: str | None = None  # MLflow's entity of a logged model; there is none here


def log_model(
    sk_model: Any,
    artifact_path: str | None = None,
    conda_env: Any = None,
    code_paths: Sequence[str] | None = None,
    serialization_format: str = "pickle",
    registered_model_name: str | None = None,
    signature: ModelSignature | bool | None = None,
    input_example: Any = None,
    *,
    name: str | None = None,
    run_id: str | None = None,
    **options: Unpack[Further],
) -> ModelInfo:
    """Save a model of scikit-learn, or anything with a `predict`, as a folder of a run, by default the active one.

    `name` and MLflow's older `artifact_path` mean the same, by default "model". The folder is an MLflow model: a
    pickle (or what `serialization_format` says), requirements.txt, MLmodel with the signature, which is inferred
    from an `input_example` unless it is given. `options` are those of `Further`.

    Raises InvalidType for what cannot be pickled and for keywords that are none, InvalidArtifactPath, ArtifactError
    where a file cannot be written, RunNotFound, RunDeleted.
    """
    return log(
        sk_model,
        "sklearn",
        artifact_path,
        name=name,
        run_id=run_id,
        registered_model_name=registered_model_name,
        **_merged(options, conda_env, code_paths, serialization_format, signature, input_example),
    )


def save_model(
    sk_model: Any,
    path: str | os.PathLike[str],
    conda_env: Any = None,
    code_paths: Sequence[str] | None = None,
    mlflow_model: None = None,
    serialization_format: str = "pickle",
    signature: ModelSignature | bool | None = None,
    input_example: Any = None,
    **options: Unpack[Further],
) -> None:
    """Save a model as a folder of this machine, which must be new or empty; otherwise as `log_model` does."""
    save(
        sk_model,
        "sklearn",
        path,
        **_merged(options, conda_env, code_paths, serialization_format, signature, input_example),
    )


def _merged(further: Further, *given: Any) -> Options:
    names = ("conda_env", "code_paths", "serialization_format", "signature", "input_example")
    return cast(Options, {**further, **dict(zip(names, given, strict=True))})


# Into a run -----------------------------------------------------------------------------------------
def log(
    model: Any,
    flavour: str,
    artifact_path: str | None = None,
    *,
    name: str | None = None,
    run_id: str | None = None,
    registered_model_name: str | None = None,
    **options: Unpack[Options],
) -> ModelInfo:
    """Save a model in a run, by default the active one. Raises what `tracking.log_model` does."""
    if artifact_path is not None and name is not None:
        raise InvalidValue("log_model takes name or artifact_path, which mean the same: give only one of them.")
    path = paths.check_path(name if name is not None else artifact_path) or MODEL_FOLDER
    saved = describe(model, flavour, options)
    client, run_id, tags = _put(model, saved, path, run_id)
    client.set_tags(run_id, tags)
    uri = f"runs:/{run_id}/{path}"
    version = None if registered_model_name is None else register(client, uri, registered_model_name).version
    return ModelInfo(run_id, path, uri, now_ms(), saved.signature, saved.model.flavors, saved.metadata, version)


def keep_model(model: Any, path: str, *, run_id: str, **options: Unpack[Options]) -> dict[str, str]:
    """Save a model of scikit-learn in a run as `log_model` does; return the tags that say so, for the caller to set."""
    return _put(model, describe(model, "sklearn", options), paths.check_path(path), run_id)[2]


def _put(model: Any, saved: Saved, path: str, run_id: str | None) -> tuple[TrackingClient, str, dict[str, str]]:
    """Write a model into a run; return the client, the run's id, and the tags that are still to be set."""
    client, run_id, fresh = _where(run_id)
    write_into_run(client, run_id, path, model, saved)
    # The first model of an active run: the tag is as it was when the run started. Reading a run costs more.
    before = fresh if fresh is not None and run_id not in state.runs_with_models else client.get_run(run_id)
    state.runs_with_models[run_id] = None
    if len(state.runs_with_models) > _REMEMBERED:
        del state.runs_with_models[next(iter(state.runs_with_models))]
    return client, run_id, {MODEL_HISTORY: _history(run_id, path, before.data.tags.get(MODEL_HISTORY, "[]"))}


def _where(run_id: str | None) -> tuple[TrackingClient, str, Run | None]:
    """Return the client and id of a run, by default the active one, and what it was when it started if it is open."""
    if run_id is None:
        active = current_run()
        return active.client, active.run_id, active.run
    opened = find_open(run_id)
    return (TrackingClient(), run_id, None) if opened is None else (opened.client, run_id, opened.run)


def write_into_run(client: TrackingClient, run_id: str, path: str, model: Any, saved: Saved) -> None:
    """Write the folder of a model into a run, MLmodel last: a folder that has it is complete."""
    mlmodel = _mlmodel(saved, run_id, path)
    writers: dict[str, Callable[[str], object]] = {
        saved.model.file: partial(_write, model, saved.model.write),
        **saved.model.folders,
        **({"code": partial(_copy_code, saved.code_paths)} if saved.code_paths else {}),
        MLMODEL_FILE: partial(_write_text, mlmodel),
    }
    client.save_folder(run_id, path, writers, {name: text.encode() for name, text in _texts(saved).items()})


def _texts(saved: Saved) -> dict[str, str]:
    texts = {REQUIREMENTS_FILE: saved.requirements, PYTHON_FILE: _python_env()}
    return texts | ({} if saved.example is None else {EXAMPLE_FILE: saved.example.text})


@lru_cache(maxsize=1)
def _python_env() -> str:
    return f"python: {platform.python_version()}\ndependencies:\n- -r {REQUIREMENTS_FILE}\n"


def _mlmodel(saved: Saved, run_id: str | None, path: str | None) -> str:
    flavors = saved.model.flavors
    if saved.code_paths:
        flavors = {name: {**entry, "code": "code"} for name, entry in flavors.items()}
    return mlmodel_text(
        run_id=run_id,
        artifact_path=path,
        flavors=flavors,
        signature=saved.signature,
        example=None if saved.example is None else saved.example.info,
        metadata=saved.metadata,
    )


def _write_text(text: str, file: str) -> None:
    Path(file).write_text(text, encoding="utf-8")


def _write(model: Any, write: Callable[[str], object], file: str) -> None:
    with pickling(model):
        write(file)


def _history(run_id: str, path: str, known: str) -> str:
    """Return MLflow's tag with the model, newest last; a path that was logged again moves to the end."""
    try:
        history = [entry for entry in json.loads(known) if entry.get("artifact_path") != path]
    except (ValueError, AttributeError, TypeError):  # somebody wrote the tag by hand
        history = []
    history.append({"run_id": run_id, "artifact_path": path, "utc_time_created": now_ms()})
    return json.dumps(history)


# Into a folder --------------------------------------------------------------------------------------
def save(model: Any, flavour: str, path: str | os.PathLike[str], **options: Unpack[Options]) -> None:
    """Save a model as a folder of this machine, which must be new or empty.

    Raises ArtifactError where it is not, or cannot be written, and what `log` does.
    """
    folder = Path(path)
    saved = describe(model, flavour, options)
    with paths.translated(f"Saving the model in {shorten(str(folder))}"):
        if folder.exists() and not folder.is_dir():
            raise ArtifactNotFolder(f"{shorten(str(folder))} is a file: a model is saved as a folder.")
        if folder.exists() and any(folder.iterdir()):
            raise ArtifactError(f"{shorten(str(folder))} is not empty: a model is saved in a folder of its own.")
        folder.mkdir(parents=True, exist_ok=True)
        _write(model, saved.model.write, str(folder / saved.model.file))
        for file, text in _texts(saved).items():
            _write_text(text, str(folder / file))
        for name, fill in saved.model.folders.items():
            fill(str(folder / name))
        if saved.code_paths:
            _copy_code(saved.code_paths, str(folder / "code"))
        _write_text(_mlmodel(saved, None, None), str(folder / MLMODEL_FILE))


def _copy_code(paths: Sequence[str], folder: str) -> None:
    os.mkdir(folder)
    for source in map(Path, paths):
        if source.is_dir():
            shutil.copytree(source, Path(folder, source.resolve().name))
        else:
            shutil.copy2(source, folder)
