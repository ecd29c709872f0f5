"""The place where MLflow scripts look for files of runs: `mlflow.artifacts.load_text("runs:/<run id>/notes.txt")`.

Short ways to the client; `files` does the work.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from tracking.client import TrackingClient
from tracking.entities import FileInfo
from tracking.errors import InvalidValue
from tracking.store import contents, paths
from tracking.validation import shorten


def download_artifacts(
    artifact_uri: str | None = None,
    run_id: str | None = None,
    artifact_path: str | None = None,
    dst_path: str | os.PathLike[str] | None = None,
    tracking_uri: str | None = None,
    registry_uri: str | None = None,
) -> str:
    """Return the local path of a run's file or folder: where it lies, or of a copy in `dst_path`.

    Takes `runs:/<run id>/<path>`, or a run id and a path in it. Raises ArtifactNotFound, RunNotFound, InvalidValue for
    an address that is none, InvalidArtifactPath for a path that leads out of the run's folder.
    """
    client = TrackingClient(tracking_uri)
    run_id, path = _place(artifact_uri, run_id, artifact_path)
    if dst_path is not None:
        return client.download_artifacts(run_id, path, Path(dst_path))
    return contents.existing(str(client.artifact_dir(run_id)), path)


def list_artifacts(
    artifact_uri: str | None = None,
    run_id: str | None = None,
    artifact_path: str | None = None,
    tracking_uri: str | None = None,
) -> list[FileInfo]:
    """Return one level of a run's artifacts, sorted by path; [] for a file or a missing path.

    Raises RunNotFound, InvalidValue for an address that is none, InvalidArtifactPath.
    """
    run_id, path = _place(artifact_uri, run_id, artifact_path)
    return TrackingClient(tracking_uri).list_artifacts(run_id, path)


def load_text(artifact_uri: str) -> str:
    """Return the content of a UTF-8 text file of a run, `runs:/<run id>/<path>`.

    Raises ArtifactNotFound, RunNotFound, InvalidValue for an address or a content that is none, InvalidArtifactPath.
    """
    with paths.translated(f"Reading {shorten(artifact_uri)}"):
        content = Path(download_artifacts(artifact_uri)).read_bytes()
    try:
        return content.decode()
    except UnicodeDecodeError as problem:
        raise InvalidValue(f"{shorten(artifact_uri)} is not a UTF-8 text: {problem}.") from problem


def load_dict(artifact_uri: str) -> Any:
    """Return the content of a JSON file of a run. Raises what `load_text` does."""
    try:
        return json.loads(load_text(artifact_uri))
    except json.JSONDecodeError as problem:
        raise InvalidValue(f"{shorten(artifact_uri)} is not a JSON file: {problem}.") from problem


def _place(uri: str | None, run_id: str | None, path: str | None) -> tuple[str, str]:
    if (uri is None) == (run_id is None):
        raise InvalidValue("Give exactly one of artifact_uri and run_id.")
    if run_id is not None:
        return run_id, path or ""
    if path is not None:
        raise InvalidValue("artifact_path belongs to run_id; an artifact_uri has its path in it.")
    scheme, separator, rest = str(uri).partition(":/")
    run_id, _, path = rest.lstrip("/").partition("/")
    if scheme != "runs" or not separator or not run_id:
        raise InvalidValue(f"Invalid artifact address {shorten(uri)}: as runs:/<run id>/<path>.")
    return run_id, path


__all__ = ["download_artifacts", "list_artifacts", "load_dict", "load_text"]


def __getattr__(name: str) -> Any:
    from tracking.unavailable import missing

    raise missing(__name__, name)
