"""What a person names as the source of an import, opened."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tracking.errors import InvalidValue
from tracking.remote.database_source import DatabaseSource
from tracking.remote.folder_source import FolderSource
from tracking.remote.foreign import Source
from tracking.remote.rest import Server
from tracking.remote.server_source import ServerSource
from tracking.stores import is_server

_KNOWN = "an MLflow database (mlflow.db), a folder mlruns/, or a server (http://...)"


@contextmanager
def open_source(name: str) -> Iterator[Source]:
    """Open an MLflow database file, `mlruns/` folder or server. Raises InvalidValue for anything else."""
    if is_server(name):
        with Server(name) as server:
            yield ServerSource(server)
        return
    if "://" in name and not name.startswith(("sqlite:///", "file://")):
        raise InvalidValue(f"Runs cannot be imported from '{name}'. Known are: {_KNOWN}.")
    path = Path(name.removeprefix("sqlite:///").removeprefix("file://"))
    if path.is_file():
        yield DatabaseSource(path)
    elif path.is_dir() and any(path.glob("*/meta.yaml")):
        yield FolderSource(path)
    else:
        there = "is a folder without experiments of MLflow's" if path.is_dir() else "does not exist"
        raise InvalidValue(f"'{name}' {there}. Known are: {_KNOWN}.")
