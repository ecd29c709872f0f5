"""Files written into the artifact folder of a run. Each appears whole or not at all: a temporary file, then os.replace.

As `paths`, `contents` and `copying` beside it, this works on a root folder that the store gives, and knows nothing of
runs.
"""

from __future__ import annotations

import errno
import io
import os
import posixpath
import shutil
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Final

from tracking.errors import (
    ArtifactIsFolder,
    InvalidType,
    InvalidValue,
)
from tracking.store.paths import TEMPORARY, check_path, locate, translated
from tracking.validation import shorten

CREATE: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL


def _temporary_beside(target: str) -> str:
    return os.path.join(os.path.dirname(target), TEMPORARY + os.urandom(8).hex())


def replace_file(target: str, write: Callable[[str], object]) -> None:
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
        with open(os.open(temporary, CREATE, 0o666), "wb", buffering=0) as file:
            write_whole(file, data)

    with translated(f"Writing artifact {shorten(path)}"):
        target = _file_target(root, path)
        replace_file(target, write)
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
            with open(os.open(target, CREATE, 0o666), "wb", buffering=0) as file:
                write_whole(file, data)
            if path in shared:
                _share(_home(root), data, target)


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
        replace_file(target, write)


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
                    with open(os.open(place, CREATE, 0o666), "wb", buffering=0) as file:
                        write_whole(file, data)
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


def write_whole(file: io.FileIO, data: bytes) -> None:
    """Write all of the content: a raw write may take only a part of it."""
    view = memoryview(data)
    while view:
        view = view[file.write(view) :]


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
