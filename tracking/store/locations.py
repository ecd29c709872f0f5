"""Where artifacts lie: beside the store, relative to it, or where an experiment says.

Paths and URIs only; reads and writes nothing. The rows may be those of a stranger or damaged: what they call the
folder of a run is believed only where nothing else is likely to lie.
"""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from tracking.errors import InvalidValue, StoreCorrupt
from tracking.validation import shorten

ARTIFACTS = "artifacts"

_RANDOM_ID = re.compile(r"[0-9a-f]{32}")  # a folder of this name is a run's, wherever it lies
_LONGEST_NAME = 255  # bytes
_PLAIN_NAME = re.compile(r"[A-Za-z0-9][\w-]*", re.ASCII)


class Locations:
    """The artifact folders of a store that lies in `root`; cheap enough to ask once per run of a listing."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._uris: dict[str | None, str] = {}

    def experiment_dir(self, experiment_id: int, location: str | None) -> Path:
        """Return the folder of an experiment; `location` is what `stored` returned, or None."""
        return self.root / (location if location is not None else f"{ARTIFACTS}/{experiment_id}")

    def run_dir(self, experiment_id: int, location: str | None, run_id: str) -> Path:
        """Return the folder of a run, as it may be read, written and removed. Raises StoreCorrupt for any other."""
        parent = self.experiment_dir(experiment_id, location)
        folder = parent / run_id
        beside = location is None and not parent.is_symlink() and not parent.parent.is_symlink()
        if not (_RANDOM_ID.fullmatch(run_id) or (beside and _PLAIN_NAME.fullmatch(run_id))):
            reason = f"{folder} may be somebody else's"
        elif max(len(part.encode()) for part in folder.parts) > _LONGEST_NAME:
            reason = f"{shorten(str(folder))} has a name that is too long for a file system"
        elif folder.is_symlink():
            reason = f"{folder} is a link"
        else:
            return folder
        raise StoreCorrupt(
            f"Run {shorten(run_id)} has no folder of its own: {reason}. The store is damaged or was made to harm; "
            "no file was read or changed. See: python -m tracking check"
        )

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
