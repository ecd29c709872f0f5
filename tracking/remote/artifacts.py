"""Where a server keeps the files of a run, and putting ours there: by its artifact proxy or into its folder."""

from __future__ import annotations

import os
from typing import Final
from urllib.parse import unquote, urlsplit

from tracking.errors import ServerError
from tracking.remote.content import File
from tracking.remote.rest import Server
from tracking.store.files import write_through

PROXY: Final = "mlflow-artifacts"


def put(server: Server, location: str, file: File, name: str) -> None:
    """Write one file at `name` below a location of the server's, replacing. Raises ServerError, ArtifactError."""
    if (path := proxied(location)) is not None:
        server.upload(f"{path}/{name}", file.size, file.pieces)
    else:
        folder = local_folder(server, location)
        write_through(folder, name, file.copy_to)


def proxied(location: str) -> str | None:
    """Return the path below which the artifact proxy knows a location, or None where it is not the proxy's."""
    parts = urlsplit(location)
    return unquote(parts.path).strip("/") if parts.scheme == PROXY else None


def local_folder(server: Server, location: str) -> str:
    """Return the folder of a location that is on this machine too. Raises ServerError for any other."""
    parts = urlsplit(location)
    path = unquote(parts.path) if parts.scheme == "file" else location
    if parts.scheme in ("", "file") and not parts.netloc and (server.is_local or _has_root(path)):
        return os.path.abspath(path)
    raise ServerError(
        f"{server.uri} keeps files at {location}, where only its own clients write. Start it with --serve-artifacts, "
        "or push without files: --no-artifacts."
    )


def _has_root(path: str) -> bool:
    """Tell whether the folder of all experiments is there: it is <root>/<experiment>/<run>/artifacts."""
    return os.path.isabs(path) and os.path.isdir(os.path.dirname(os.path.dirname(os.path.dirname(path))))
