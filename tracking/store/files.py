"""The artifact folder of a run: safe paths, atomic writes, listing, copying out.

Works on a root folder given by the store and knows nothing of runs. A file appears whole or not at all
(temporary file, then os.replace), and no path leads out of the root. OSErrors become ArtifactErrors here.
"""

from __future__ import annotations

import errno
import io
import os
import posixpath
import shutil
import stat
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, BinaryIO, Final

from tracking.entities import FileInfo
from tracking.errors import (
    ArtifactError,
    ArtifactIsFolder,
    ArtifactNotFolder,
    ArtifactNotFound,
    ArtifactPermission,
    InvalidArtifactPath,
    InvalidType,
    InvalidValue,
    StoreFull,
    StoreReadOnly,
    TrackingError,
)
from tracking.validation import shorten

TEMPORARY: Final = ".artifact.uploading."  # MLflow's prefix: a crash may leave such a file, no listing shows it

_CREATE: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL
_PIECE: Final = 1 << 20  # bytes


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


# Paths ----------------------------------------------------------------------------------------------
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
            "relative path "
            "without '..', '.' and doubled or trailing slashes.",
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
        if _leads_out(root, place):
            raise InvalidArtifactPath(
                f"Artifact path {shorten(path)} leads out of the run's folder by the link {shorten(place)}. "
                "Remove the link."
            )
    return place


def _leads_out(root: str, place: str) -> bool:
    """Tell whether a place is a link to somewhere outside of the root."""
    if not os.path.islink(place):
        return False
    real, real_root = os.path.realpath(place), os.path.realpath(root)
    return os.path.commonpath((real, real_root)) != real_root


# Writing --------------------------------------------------------------------------------------------
def _temporary_beside(target: str) -> str:
    return os.path.join(os.path.dirname(target), TEMPORARY + os.urandom(8).hex())


def _replace(target: str, write: Callable[[str], object]) -> None:
    """Let `write` fill a temporary file, then put it in the target's place."""
    temporary = _temporary_beside(target)
    try:
        try:
            write(temporary)
        except FileNotFoundError:
            folder = os.path.dirname(target)
            if os.path.isdir(folder):
                raise
            os.makedirs(folder, exist_ok=True)  # the first file of a run: rare enough to try without
            write(temporary)
        os.replace(temporary, target)
    except BaseException:
        if os.path.lexists(temporary):
            os.unlink(temporary)
        raise


def _file_target(root: str, path: object) -> str:
    checked = check_path(path, normalise=True)
    if not checked:
        raise ArtifactIsFolder("The artifact file has no name: '' is the run's folder. Give a file name.")
    return locate(root, checked)


def write_bytes(root: str, path: object, data: bytes, *, shared: bool = False) -> None:
    """Write one file, replacing.

    With `shared` it may be a hard link to the last such file, when that had the same content.
    """

    def write(temporary: str) -> None:
        if shared and _linked(_home(root), data, temporary):
            return
        with open(os.open(temporary, _CREATE, 0o666), "wb", buffering=0) as file:
            _write_whole(file, data)

    with translated(f"Writing artifact {shorten(path)}"):
        target = _file_target(root, path)
        _replace(target, write)
        if shared:
            _share(_home(root), data, target)


def write_new(root: str, contents: Mapping[str, bytes], shared: Collection[str]) -> None:
    """Write the files of a run that no row names yet: nobody looks at them before they are whole.

    Those that are `shared` may be hard links, as in `write_bytes`.
    """
    with translated("Writing the files of a run"):
        made: set[str] = set()
        for path, data in contents.items():
            target = _file_target(root, path)
            if (folder := os.path.dirname(target)) not in made:
                os.makedirs(folder, exist_ok=True)
                made.add(folder)
            if path in shared and _linked(_home(root), data, target):
                continue
            with open(os.open(target, _CREATE, 0o666), "wb", buffering=0) as file:
                _write_whole(file, data)
            if path in shared:
                _share(_home(root), data, target)


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


def _home(root: str) -> str:
    """Return what the artifact folders of a store's runs lie in; files of two stores may be for different eyes."""
    return os.path.dirname(os.path.dirname(root))


def _share(home: str, data: bytes, target: str) -> None:
    """Let later files of this content be links to this one."""
    _shared[home, data] = (target, _facts(target))
    _shared.move_to_end((home, data))
    while len(_shared) > _SHARED:
        _shared.popitem(last=False)


def is_shared(root: str, data: bytes) -> bool:
    """Tell whether a content was written as one that runs may share, not long ago."""
    return (_home(root), data) in _shared


def _linked(home: str, data: bytes, target: str) -> bool:
    """Make the target a link to a file with this content that was written before, if it still is as it was."""
    try:
        source, facts = _shared[home, data]
        if _facts(source) != facts:
            return False
        os.link(source, target)
    except (KeyError, OSError):  # not yet written, gone, on another device, or with too many links
        return False
    return True


def _facts(path: str) -> tuple[int, int, int]:
    facts = os.stat(path)
    return facts.st_ino, facts.st_size, facts.st_mtime_ns


_SHARED: Final = 16
_shared: OrderedDict[tuple[str, bytes], tuple[str, tuple[int, int, int]]] = OrderedDict()  # the last few


def write_through(root: str, path: object, write: Callable[[str], object]) -> None:
    """Write one file by a function that is given the name of a temporary file to fill, replacing."""
    with translated(f"Writing artifact {shorten(path)}"):
        target = _file_target(root, path)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        _replace(target, write)


def write_folder(
    root: str, path: object, writers: Mapping[str, Callable[[str], object]], shared: Mapping[str, bytes]
) -> None:
    """Write a folder of files: by functions that are given the name to fill, and by contents that may be shared.

    A new folder appears whole or not at all. In one that is there the files are put one by one, those of `writers`
    last, each in its order.
    """
    with translated(f"Writing artifact {shorten(path)}"):
        target = _file_target(root, path)
        temporary, fresh = _temporary_beside(target), {}
        try:
            os.makedirs(temporary)
            for name, data in shared.items():
                place = os.path.join(temporary, name)
                if not _linked(_home(root), data, place):
                    with open(os.open(place, _CREATE, 0o666), "wb", buffering=0) as file:
                        _write_whole(file, data)
                    fresh[name] = data
            for name, write in writers.items():
                write(os.path.join(temporary, name))
            _put_folder(temporary, target, (*shared, *writers))
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise
        for name, data in fresh.items():
            _share(_home(root), data, os.path.join(target, name))


def _put_folder(temporary: str, target: str, names: Sequence[str]) -> None:
    try:
        os.rename(temporary, target)
    except OSError as problem:  # another has files in it already
        if problem.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise
        for name in names:
            place = os.path.join(target, name)
            if os.path.isdir(place):
                shutil.rmtree(place)
            os.replace(os.path.join(temporary, name), place)
        shutil.rmtree(temporary)  # of two links to one file, replace leaves both


def _copy_over(source: str, target: str) -> None:
    """Copy a file's content, mode and times."""

    # By hand: the extended attributes and checks of shutil.copy2 take twice as long as a small file itself.
    def write(temporary: str) -> None:
        with open_regular(source, follow=True) as file:
            facts = os.fstat(file.fileno())
            number = os.open(temporary, _CREATE, 0o600)
            with open(number, "wb", buffering=0) as copy:
                while piece := file.read(_PIECE):
                    _write_whole(copy, piece)
            os.chmod(temporary, stat.S_IMODE(facts.st_mode))
            os.utime(temporary, ns=(facts.st_atime_ns, facts.st_mtime_ns))

    _replace(target, write)


def _write_whole(file: io.FileIO, data: bytes) -> None:
    view = memoryview(data)
    while view:  # a raw write may take only a part
        view = view[file.write(view) :]


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
            if within is not None and _leads_out(within, entry.path):
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


# Contents -------------------------------------------------------------------------------------------
def dictionary_text(dictionary: object, path: object) -> str:
    """Return YAML for .yml and .yaml, else JSON; what JSON does not know is written as its text."""
    try:
        if str(path).endswith((".yml", ".yaml")):
            import yaml

            return str(yaml.dump(dictionary, default_flow_style=False))
        import json

        return json.dumps(dictionary, indent=2, default=str)
    except (TypeError, ValueError, RecursionError) as problem:
        raise InvalidType(f"log_dict cannot write {shorten(dictionary)} to {shorten(path)}: {problem}.") from problem


def write_figure(root: str, path: object, figure: Any, save_kwargs: dict[str, Any] | None = None) -> None:
    """Save a matplotlib or plotly figure in the format that the extension names."""
    extension = posixpath.splitext(str(path))[1][1:]
    options = dict(save_kwargs or {})
    if hasattr(figure, "savefig"):
        options.setdefault("format", extension)
        save = figure.savefig
    elif hasattr(figure, "write_html") and hasattr(figure, "write_image"):
        save = figure.write_html if extension == "html" else figure.write_image
        if extension != "html":
            options.setdefault("format", extension)
    else:
        raise InvalidType(f"log_figure takes a matplotlib or plotly figure, not {shorten(figure)}.")
    if not extension:
        raise InvalidValue(f"The figure's file {shorten(path)} has no extension to tell the format. As 'plot.png'.")

    def write(temporary: str) -> None:
        try:
            save(temporary, **options)
        except ValueError as problem:
            raise InvalidValue(f"The figure cannot be saved as {shorten(path)}: {problem}") from problem

    write_through(root, path, write)


# Reading --------------------------------------------------------------------------------------------
def list_folder(root: str, path: object = None) -> list[FileInfo]:
    """Return one level of the artifact folder, sorted by path; [] for a file or a missing path.

    A link that leads out of the folder is listed as the small file that it is.
    """
    checked = _readable(path)
    with translated(f"Listing artifacts of {shorten(checked)}"):
        place = locate(root, checked)
        if not os.path.isdir(place):
            return []
        entries = [entry for entry in os.scandir(place) if not entry.name.startswith(TEMPORARY)]
        found = [
            FileInfo(posixpath.join(checked, entry.name), True, None)
            if entry.is_dir() and not _leads_out(root, entry.path)
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


def existing(root: str, path: object = None) -> str:
    """Return the absolute place of an artifact that exists. Raises ArtifactNotFound."""
    checked = _readable(path)
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
        if not _readable(path):
            _copy_tree(folder, source, "", within=root)
            return folder
        target = os.path.join(folder, _readable(path) if keep_folders else os.path.basename(source))
        if os.path.isdir(source):
            _copy_tree(target, source, "", within=root)
        else:
            os.makedirs(os.path.dirname(target), exist_ok=True)
            _copy_over(source, target)
        return target


def _readable(path: object) -> str:
    checked = "" if path in (None, "", ".") else str(path).rstrip("/") or "/"
    try:
        return check_path(checked, normalise=True)
    except InvalidArtifactPath as problem:
        problem.error_code = InvalidArtifactPath.error_code
        raise
