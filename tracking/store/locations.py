"""Where artifacts lie: beside the store, relative to it, or where an experiment says.

Paths and URIs only; reads and writes nothing.
"""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from tracking.errors import InvalidValue

ARTIFACTS = "artifacts"


class Locations:
    """The artifact folders of a store that lies in `root`; cheap enough to ask once per run of a listing."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._uris: dict[str | None, str] = {}

    def experiment_dir(self, experiment_id: int, location: str | None) -> Path:
        """Return the folder of an experiment; `location` is what `stored` returned, or None."""
        return self.root / (location if location is not None else f"{ARTIFACTS}/{experiment_id}")

    def experiment_uri(self, experiment_id: int, location: str | None) -> str:
        """Return the folder of an experiment as an absolute file URI."""
        if location is None:
            return f"{self._uri(ARTIFACTS)}/{experiment_id}"
        return self._uri(location)

    def stored(self, location: str | None) -> str | None:
        """Return a location as it is kept: relative where it lies beside the store, else absolute.

        Raises InvalidValue for anything but a path or a file URI.
        """
        if location is None:
            return None
        parts = urlsplit(location)
        if "://" in location and parts.scheme != "file":
            raise InvalidValue(
                f"Artifacts cannot be kept at '{location}': only local folders are known. Give a path or a file:// URI."
            )
        path = Path(unquote(parts.path) if parts.scheme == "file" else location).absolute()
        if path.is_relative_to(self.root):
            return path.relative_to(self.root).as_posix()
        return str(path)

    def _uri(self, place: str) -> str:
        uri = self._uris.get(place)
        if uri is None:
            uri = self._uris[place] = "file://" + quote((self.root / place).absolute().as_posix())
        return uri
