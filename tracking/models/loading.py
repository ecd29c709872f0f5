"""Reading a model: from addresses to folders, and from folders to objects.

Loading a model executes what its file says: load only what you trust.
"""

from __future__ import annotations

import os
import re
import sys
from itertools import pairwise
from typing import Any
from urllib.parse import unquote, urlsplit

from tracking.client import TrackingClient
from tracking.entities import Run
from tracking.errors import ArtifactError, ArtifactNotFound, InvalidType, InvalidValue, TrackingError
from tracking.models import flavours
from tracking.models.mlmodel import Model
from tracking.records.names import MLMODEL_FILE, MODEL_FILE, MODEL_FOLDER
from tracking.store import contents
from tracking.validation import shorten

DATABASE = "tracking.db"  # beside the folder of artifacts, where that is where it is by default


def load_model(model_uri: str | os.PathLike[str] | Run, dst_path: Any = None) -> Any:
    """Return a model that was logged or saved, here or by MLflow.

    Takes `runs:/<run id>/<path>`, `models:/<name>/<version>` or `models:/<name>@<alias>`; a Run, its id or what the
    command line takes, `best:ridge` (its `model` folder); or a path on this machine: a folder with an MLmodel file,
    one of version 0.1.0 with a model.joblib, or a pickle. Raises ArtifactNotFound, RunNotFound, ModelNotFound;
    ArtifactError when the file is there but cannot be read, as when a package it needs is not installed;
    StoreNotTrusted, naming what would be imported, where it is in a store that was made elsewhere.
    """
    return load(find_model(model_uri, to_load=True))


def find_model(model_uri: str | os.PathLike[str] | Run, *, to_load: bool = False) -> str:
    """Return the folder, or the file, of a model. Raises ArtifactNotFound, RunNotFound, InvalidValue, InvalidType.

    Raises StoreNotTrusted where it is `to_load` and its store was made elsewhere.
    """
    if isinstance(model_uri, Run):
        model_uri = model_uri.info.run_id
    if isinstance(model_uri, os.PathLike):
        return _local(os.fspath(model_uri), to_load)
    if not isinstance(model_uri, str):
        raise InvalidType(f"load_model takes runs:/<run id>/<path>, a run or its id, not {shorten(model_uri)}.")
    scheme, separator, rest = model_uri.partition(":/")
    if separator and scheme == "runs":
        run_id, _, path = rest.lstrip("/").partition("/")
        if not run_id or not path:
            raise InvalidValue(f"Invalid model address {model_uri!r}: as runs:/<run id>/{MODEL_FOLDER}.")
        return _of_run(run_id, path, to_load)
    if separator and scheme == "models":
        return find_model(TrackingClient().find_model_version(model_uri).source, to_load=to_load)
    if separator and scheme == "file":
        return _local(unquote(urlsplit(model_uri).path), to_load)
    if separator:
        known = "runs:/<run id>/<path>, models:/<name>/<version>"
        raise InvalidValue(f"{model_uri!r}: no model can be loaded from {scheme!r}. Known: {known}.")
    if "/" in model_uri or os.path.exists(model_uri):
        return _local(model_uri, to_load)
    return _of_run(TrackingClient().find_run(model_uri).info.run_id, MODEL_FOLDER, to_load)


def _of_run(run_id: str, path: str, to_load: bool) -> str:
    client = TrackingClient()
    root = str(client.artifact_dir(run_id))
    if to_load:
        client.require_trusted(run_id)
    place = contents.existing(root, path)
    if not os.path.isdir(place) or os.path.isfile(os.path.join(place, MLMODEL_FILE)):
        return place
    return contents.existing(root, f"{path}/{MODEL_FILE}")


def _local(path: str, to_load: bool) -> str:
    if to_load:
        _require_trusted_around(path)
    if os.path.isfile(path) or os.path.isfile(os.path.join(path, MLMODEL_FILE)):
        return path
    old = os.path.join(path, MODEL_FILE)
    if os.path.isfile(old):
        return old
    raise ArtifactNotFound(f"There is no model at {shorten(path)}: it has neither {MLMODEL_FILE} nor {MODEL_FILE}.")


def _require_trusted_around(path: str) -> None:
    """Raise StoreNotTrusted for a path in the artifacts of a run whose store was made elsewhere."""
    parts = os.path.realpath(path).split(os.sep)
    for number, (folder, run_id) in enumerate(pairwise(parts)):
        database = os.sep.join([*parts[: number - 1], DATABASE])
        if number > 1 and re.fullmatch("[0-9a-f]{32}", run_id) and folder.isdigit() and os.path.isfile(database):
            TrackingClient(f"sqlite:///{database}").require_trusted(run_id)


def load(place: str) -> Any:
    """Return the model of a folder or file that is there. Raises ArtifactError, InvalidValue."""
    try:
        if os.path.isdir(place):
            return read(Model.load(place))
        import joblib

        return joblib.load(place)  # it reads plain pickles too
    except TrackingError:
        raise
    except Exception as problem:  # unpickling imports and runs whatever the file names
        raise ArtifactError(
            f"The model in {shorten(place)} cannot be loaded: {type(problem).__name__}: {problem}. "
            "Is every package that it needs installed, in a fitting version?"
        ) from problem


def read(model: Model) -> Any:
    """Return the object of a model's folder; modules that were saved along can be imported from then on."""
    code = os.path.join(model.folder, "code")
    if any(entry.get("code") for entry in model.flavors.values()) and os.path.isdir(code) and code not in sys.path:
        sys.path.insert(0, code)
    return flavours.read(model.folder, model.flavors)
