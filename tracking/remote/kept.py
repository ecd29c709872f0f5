"""What a run keeps in the database beside its values (predictions, importances), as one file on a server."""

from __future__ import annotations

import io
import zipfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from tracking.store.sqlite import Store

FILE: Final = "tracking.blobs.zip"
_WHEN: Final = (1980, 1, 1, 0, 0, 0)  # the same bytes each time


def kept_of(store: Store, run_ids: Sequence[str]) -> dict[str, dict[str, bytes]]:
    """Return the small binary values of runs, by run id and name."""
    names = {name for run_id in run_ids for name in store.list_blobs(run_id)}
    found: dict[str, dict[str, bytes]] = defaultdict(dict)
    for name in sorted(names):
        for run_id, content in store.get_blobs(run_ids, name).items():
            found[run_id][name] = content
    return found


def packed(blobs: Mapping[str, bytes]) -> bytes:
    """Return these values as the content of the file."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in sorted(blobs.items()):
            archive.writestr(zipfile.ZipInfo(name, _WHEN), content)
    return file.getvalue()


def take_out(folder: Path) -> dict[str, bytes]:
    """Return the values in the file of an imported run's folder, and remove it; {} where there is none."""
    file = folder / FILE
    if not file.is_file():
        return {}
    with zipfile.ZipFile(file) as archive:
        found = {name: archive.read(name) for name in archive.namelist()}
    file.unlink()
    return found
