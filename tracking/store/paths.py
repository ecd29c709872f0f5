"""Paths in the artifact folder of a run: which may be, and what went wrong with one, in the errors of `tracking`."""

from __future__ import annotations

import errno
import os
import posixpath
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from tracking.errors import (
    ArtifactError,
    ArtifactIsFolder,
    ArtifactNotFolder,
    ArtifactNotFound,
    ArtifactPermission,
    InvalidArtifactPath,
    InvalidType,
    StoreFull,
    StoreReadOnly,
    TrackingError,
)
from tracking.validation import shorten

TEMPORARY: Final = ".artifact.uploading."  # MLflow's prefix: a crash may leave such a file, no listing shows it


@contextmanager
def translated(what: str) -> Iterator[None]:
    """Turn an OSError of the block into the ArtifactError or StoreError that says what was being done."""
    try:
        yield
    except TrackingError:
        raise
    except OSError as problem:
        raise _translated(what, problem) from problem
    except ValueError as problem:  # a NUL character, or text that no file name can hold
        raise InvalidArtifactPath(f"{what}: not a path ({problem}).") from problem


def _translated(what: str, problem: OSError) -> TrackingError:
    place = shorten(_place(problem))
    match problem:
        case FileNotFoundError():
            return ArtifactNotFound(f"{what}: no such file or folder: {place}.")
        case PermissionError():
            return ArtifactPermission(f"{what}: {place} may not be used ({problem.strerror}). Change its permissions.")
        case IsADirectoryError():
            return ArtifactIsFolder(f"{what}: {place} is a folder, not a file. Choose another name.")
        case NotADirectoryError() | FileExistsError():
            return ArtifactNotFolder(f"{what}: {place} is a file, not a folder. Choose another name.")
    if problem.errno in (errno.ENOSPC, errno.EDQUOT):
        return StoreFull(f"{what}: no space left on the device. Free some and repeat the call.")
    if problem.errno == errno.EROFS:
        return StoreReadOnly(f"{what}: the file system is read-only.")
    return ArtifactError(f"{what}: {problem.strerror or problem}{f' ({place})' if problem.filename else ''}.")


def _place(problem: OSError) -> str:
    """Return what an error is about; of a temporary file, the file or folder that it was made for."""
    name = str(problem.filename)
    if not os.path.basename(name).startswith(TEMPORARY):
        return name
    return str(problem.filename2) if problem.filename2 else os.path.dirname(name)


def check_path(path: object, *, normalise: bool = False) -> str:
    """Return a path relative to the artifact folder, with '/' between its parts; '' is the folder itself.

    Raises InvalidArtifactPath for absolute paths, `..`, `.`, empty parts and reserved names. With
    `normalise`, as for log_text, only what remains of such parts after simplifying counts.
    """
    if path is None:
        return ""
    if isinstance(path, os.PathLike):
        path = os.fspath(path)
    if not isinstance(path, str):
        raise InvalidType(f"An artifact path is text, not {shorten(path)} of type {type(path).__name__}.")
    if not path:
        return ""
    text = posixpath.normpath(path) if normalise else path
    if normalise and text == ".":
        return ""
    parts = text.split("/")
    if posixpath.isabs(text) or any(part in ("", ".", "..") for part in parts) or "\0" in text:
        raise InvalidArtifactPath(
            f"Invalid artifact path {shorten(path)}: it must stay inside the run's folder. Give a "
            "relative path without '..', '.' and doubled or trailing slashes.",
            error_code="INTERNAL_ERROR",
        )
    if any(part.startswith(TEMPORARY) for part in parts):
        raise InvalidArtifactPath(f"Artifact path {shorten(path)} is reserved: names begin with {TEMPORARY!r}.")
    return text


def locate(root: str, path: str) -> str:
    """Return the place of a checked path under the root, refusing links that lead out of it."""
    place = root
    for part in path.split("/") if path else ():
        place = os.path.join(place, part)
        if leads_out(root, place):
            raise InvalidArtifactPath(
                f"Artifact path {shorten(path)} leads out of the run's folder by the link {shorten(place)}. "
                "Remove the link."
            )
    return place


def leads_out(root: str, place: str) -> bool:
    """Tell whether a place is a link to somewhere outside of the root."""
    if not os.path.islink(place):
        return False
    real, real_root = os.path.realpath(place), os.path.realpath(root)
    return os.path.commonpath((real, real_root)) != real_root


def readable_path(path: object) -> str:
    """Return the path of something to be read, as `check_path` does: None and `.` are the folder itself."""
    checked = "" if path in (None, "", ".") else str(path).rstrip("/") or "/"
    try:
        return check_path(checked, normalise=True)
    except InvalidArtifactPath as problem:
        problem.error_code = InvalidArtifactPath.error_code
        raise
