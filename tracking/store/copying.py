"""Files and folders copied into the artifact folder of a run, and out of it."""

from __future__ import annotations

import os
import posixpath
import stat
from typing import Final

from tracking.errors import ArtifactError, ArtifactNotFolder, InvalidArtifactPath, InvalidType
from tracking.store.contents import existing, open_regular
from tracking.store.files import CREATE, replace_file, write_whole
from tracking.store.paths import TEMPORARY, check_path, leads_out, locate, readable_path, translated
from tracking.validation import shorten

_PIECE: Final = 1 << 20  # bytes


def copy_in(root: str, local_path: object, artifact_path: object = None) -> None:
    """Copy a file, or a folder under its own name, into the artifact folder."""
    local = _local(local_path, "log_artifact")
    folder = check_path(artifact_path)
    with translated(f"Logging artifact {shorten(local)}"):
        kind = os.stat(local).st_mode
        if stat.S_ISDIR(kind):
            name = os.path.basename(os.path.normpath(local))
            target = check_path(posixpath.join(folder, name))
            _copy_tree(root, local, target)
            return
        if not stat.S_ISREG(kind):
            raise ArtifactError(f"{shorten(local)} is neither a file nor a folder and cannot be logged.")
        target = check_path(posixpath.join(folder, os.path.basename(local)))
        _copy_over(local, locate(root, target))


def copy_contents_in(root: str, local_dir: object, artifact_path: object = None) -> None:
    """Copy what a folder contains into the artifact folder, merging and replacing."""
    local = _local(local_dir, "log_artifacts")
    folder = check_path(artifact_path)
    with translated(f"Logging artifacts of {shorten(local)}"):
        if not stat.S_ISDIR(os.stat(local).st_mode):
            raise ArtifactNotFolder(f"{shorten(local)} is a file, not a folder. Log it with log_artifact.")
        _copy_tree(root, local, folder)


def _local(path: object, verb: str) -> str:
    if isinstance(path, os.PathLike):
        path = os.fspath(path)
    if isinstance(path, str):
        return path
    raise InvalidType(f"{verb} takes the path of something on this machine, not {shorten(path)}.")


def _copy_tree(root: str, source: str, path: str, *, within: str | None = None) -> None:
    """Copy a folder's contents to a checked path; unless every file can be read, nothing is changed.

    Links are followed; with `within` one that leads out of that folder is refused.
    """
    folders, files = _walk(source, within)
    for file in files:
        with open_regular(os.path.join(source, file), follow=True):
            pass  # the unreadable one should be met before the first file is in its place
    for folder in ("", *folders):
        os.makedirs(locate(root, posixpath.join(path, folder) if folder else path), exist_ok=True)
    for file in files:
        _copy_over(os.path.join(source, file), locate(root, posixpath.join(path, file)))


def _walk(source: str, within: str | None) -> tuple[list[str], list[str]]:
    folders: list[str] = []
    files: list[str] = []

    def visit(folder: str, parents: tuple[str, ...]) -> None:
        real = os.path.realpath(os.path.join(source, folder))
        if real in parents:
            raise ArtifactError(f"{shorten(os.path.join(source, folder))} is a link to a folder that contains it.")
        for entry in sorted(os.scandir(os.path.join(source, folder)), key=lambda entry: entry.name):
            if entry.name.startswith(TEMPORARY):
                continue
            path = posixpath.join(folder, entry.name)
            if within is not None and leads_out(within, entry.path):
                raise InvalidArtifactPath(
                    f"{shorten(path)} is a link that leads out of the run's folder; nothing was copied. "
                    f"Remove the link {shorten(entry.path)}, or copy the other files one by one."
                )
            if entry.is_dir():
                folders.append(path)
                visit(path, (*parents, real))
            else:
                if not entry.is_file() and os.path.exists(entry.path):
                    raise ArtifactError(f"{shorten(entry.path)} is neither a file nor a folder; it cannot be logged.")
                files.append(path)

    visit("", ())
    return folders, files


def copy_out(root: str, path: object = None, destination: object = None, *, keep_folders: bool = True) -> str:
    """Copy an artifact or folder to a destination folder, by default a new one, and return where it is.

    `keep_folders` repeats there the folders that the artifact is in; else it goes there by its last name.
    """
    source = existing(root, path)
    with translated(f"Copying artifact {shorten(path)}"):
        if destination is None:
            import tempfile

            folder = tempfile.mkdtemp()
        else:
            folder = os.path.abspath(_local(destination, "download_artifacts"))
            os.makedirs(folder, exist_ok=True)
        if not readable_path(path):
            _copy_tree(folder, source, "", within=root)
            return folder
        target = os.path.join(folder, readable_path(path) if keep_folders else os.path.basename(source))
        if os.path.isdir(source):
            _copy_tree(target, source, "", within=root)
        else:
            os.makedirs(os.path.dirname(target), exist_ok=True)
            _copy_over(source, target)
        return target


def _copy_over(source: str, target: str) -> None:
    """Copy a file's content, mode and times."""

    # By hand: the extended attributes and checks of shutil.copy2 take twice as long as a small file itself.
    def write(temporary: str) -> None:
        with open_regular(source, follow=True) as file:
            facts = os.fstat(file.fileno())
            number = os.open(temporary, CREATE, 0o600)
            with open(number, "wb", buffering=0) as copy:
                while piece := file.read(_PIECE):
                    write_whole(copy, piece)
            os.chmod(temporary, stat.S_IMODE(facts.st_mode))
            os.utime(temporary, ns=(facts.st_atime_ns, facts.st_mtime_ns))

    replace_file(target, write)
