"""What lies in the artifact folder of a run: listed and read. No link leads out of the folder."""

from __future__ import annotations

import errno
import os
import posixpath
import stat
from typing import BinaryIO

from tracking.entities import FileInfo
from tracking.errors import ArtifactError, ArtifactIsFolder, ArtifactNotFolder, ArtifactNotFound
from tracking.store.paths import TEMPORARY, leads_out, locate, readable_path, translated
from tracking.validation import shorten


def list_folder(root: str, path: object = None) -> list[FileInfo]:
    """Return one level of the artifact folder, sorted by path; [] for a file or a missing path.

    A link that leads out of the folder is listed as the small file that it is.
    """
    checked = readable_path(path)
    with translated(f"Listing artifacts of {shorten(checked)}"):
        place = locate(root, checked)
        if not os.path.isdir(place):
            return []
        entries = [entry for entry in os.scandir(place) if not entry.name.startswith(TEMPORARY)]
        found = [
            FileInfo(posixpath.join(checked, entry.name), True, None)
            if entry.is_dir() and not leads_out(root, entry.path)
            else FileInfo(posixpath.join(checked, entry.name), False, entry.stat(follow_symlinks=False).st_size)
            for entry in entries
        ]
        return sorted(found, key=lambda info: info.path)


def list_files(root: str, path: str | None = None) -> list[FileInfo]:
    """Return every file below a path of the artifact folder, sorted by path; a link to a folder counts as one."""
    found: list[FileInfo] = []
    for entry in list_folder(root, path):
        deeper = entry.is_dir and not os.path.islink(os.path.join(root, entry.path))
        found += list_files(root, entry.path) if deeper else [entry]
    return found


def read_all(root: str) -> dict[str, bytes]:
    """Return the content of every file of a run by its path; of links, what they lead to is left out."""
    found: dict[str, bytes] = {}
    for folder, _, names in os.walk(root):
        for name in names:
            place = os.path.join(folder, name)
            if not os.path.islink(place):
                with open_regular(place) as file:
                    found[os.path.relpath(place, root)] = file.read()
    return dict(sorted(found.items()))


def existing(root: str, path: object = None) -> str:
    """Return the absolute place of an artifact that exists. Raises ArtifactNotFound."""
    checked = readable_path(path)
    with translated(f"Reading artifact {shorten(checked)}"):
        place = locate(root, checked)
        if not os.path.exists(place):
            there = [info.path for info in list_folder(root, posixpath.dirname(checked))]
            raise ArtifactNotFound(
                f"No artifact {shorten(checked)} in this run. There is: {', '.join(there[:20]) or 'nothing'}."
            )
        return place


def read_bytes(root: str, path: object, *, most: int = 1 << 28) -> bytes:
    """Return the content of one file. Raises ArtifactError for what is no regular file, or has over `most` bytes."""
    place = existing(root, path)
    with translated(f"Reading artifact {shorten(path)}"), open_regular(os.path.realpath(place)) as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise ArtifactError(f"Artifact {shorten(path)} has more than {most} bytes and was not read. Copy it instead.")
    return content


def read_text(root: str, path: object, *, most: int = 1 << 28) -> str | None:
    """Return the text of one file, None where there is none. Raises ArtifactError as `read_bytes` does."""
    try:
        return read_bytes(root, path, most=most).decode(errors="replace")
    except (ArtifactNotFound, ArtifactNotFolder, ArtifactIsFolder):
        return None


def open_regular(place: str, *, follow: bool = False) -> BinaryIO:
    """Open a regular file for reading: no pipe or device is waited for, and a link only followed on request."""
    number = os.open(place, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | (0 if follow else os.O_NOFOLLOW))
    kind = os.fstat(number).st_mode
    if stat.S_ISREG(kind):
        return open(number, "rb", buffering=0)
    os.close(number)
    if stat.S_ISDIR(kind):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), place)
    raise ArtifactError(f"{shorten(place)} is neither a file nor a folder; it was not read.")
