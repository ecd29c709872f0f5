"""What a recorded run would import and run, read without loading; and the refusal where its store came from elsewhere.

A recorded config names code by dotted paths, and a pickled model may name and call anything. Both are run only from a
store that this person's programs made, or that the person trusts. What is listed here informs that decision; it
decides nothing: also modules that look harmless have functions that run whatever they are given.
"""

from __future__ import annotations

import io
import math
import pickle
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final

from tracking.entities import Run
from tracking.errors import ArtifactError, StoreNotTrusted
from tracking.records.names import CONFIG_FILE
from tracking.records.yaml_text import parse_yaml_mapping
from tracking.store.contents import open_regular, read_text
from tracking.store.trust import trust_file
from tracking.text.formatting import plain

if TYPE_CHECKING:  # sqlite3 is imported when a store is opened
    from tracking.store.sqlite import Store

_MOST_SHOWN: Final = 20  # names in a message
_MOST_PICKLES: Final = 20  # files that are looked into
_PICKLES: Final = (".pkl", ".pickle", ".joblib")
_WRAPPER: Final = "joblib.numpy_pickle.NumpyArrayWrapper"
_DOTTED: Final = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)+")
UNREADABLE: Final = "(and what cannot be read without loading it)"


def require_trusted(store: Store, run: Run, also: str = "") -> None:
    """Raise StoreNotTrusted, naming what would be imported and `also`, where a run's store was made elsewhere."""
    if not store.is_foreign(run.info.run_id):
        return
    names = list(dict.fromkeys(find_code(store.artifact_dir(run.info.run_id))))
    more = f" and {len(names) - _MOST_SHOWN} more" if len(names) > _MOST_SHOWN else ""
    listed = plain(", ".join(names[:_MOST_SHOWN])) + more if names else "whatever its files say"
    raise StoreNotTrusted(
        f"Run {run.info.run_id[:8]} ({plain(run.info.run_name)}) of {store.uri} was made elsewhere, and nothing of it"
        f" was run. It would import and may call: {listed}. If you trust who made it:"
        f" python -m tracking trust {shlex.quote(str(store.folder))}.{plain(also)}"
    )


def modules_file() -> Path | None:
    """Return the file of this user that lists modules which any config may name; None for a user without a home."""
    try:
        return trust_file().with_name("trusted-modules")
    except RuntimeError:
        return None


def trusted_modules() -> list[str]:
    """Return the modules that this user listed, one a line."""
    file = modules_file()
    try:
        return [] if file is None else file.read_text(encoding="utf-8", errors="replace").split()
    except OSError:
        return []


def find_code(folder: Path) -> Iterator[str]:
    """Yield the dotted names that the config and the models of a run's folder would have imported."""
    try:
        config = parse_yaml_mapping(read_text(str(folder), CONFIG_FILE) or "{}")
        yield from named_code(config)
    except (ValueError, ArtifactError):
        yield UNREADABLE
    pickles = (path for path in sorted(folder.rglob("*")) if path.suffix in _PICKLES and not path.is_symlink())
    for path in islice((path for path in pickles if path.is_file()), _MOST_PICKLES):
        with open_regular(str(path)) as file:
            yield from pickle_globals(file.read())


def named_code(node: Any, key: str = "") -> Iterator[str]:
    """Yield the dotted names in a config: of `_target_`, of a loader, of own scorers."""
    if isinstance(node, Mapping):
        finder = str(node.get("_target_")).startswith("hydra.utils.get_")
        for name, value in node.items():
            if name == "path" and not finder:  # of a file
                continue
            yield from named_code(value, str(name) if key != "metrics" else "metric")
    elif isinstance(node, list | tuple):
        for item in node:
            yield from named_code(item, key)
    elif isinstance(node, str) and key in ("_target_", "function", "path", "metric") and _DOTTED.fullmatch(node):
        yield node


def pickle_globals(data: bytes) -> Iterable[str]:
    """Return the dotted names that a pickle, or an uncompressed file of joblib, would import. Imports nothing.

    The pickle is read by Python's own machine with inert stand-ins for all that it names.
    """
    names: dict[str, None] = {}
    reader = _Reader(io.BytesIO(data), names)
    try:
        reader.load()
    except Exception:  # it may be anything: damaged, compressed, or made to fail
        names[UNREADABLE] = None
    return names


class _Inert:
    """Stands in for every class and function of a pickle, and for what they return."""

    def __new__(cls, *arguments: Any, **options: Any) -> Any:
        made = object.__new__(cls)
        made.given = arguments
        return made

    given: tuple[Any, ...]
    state: Any = None

    def __init__(self, *arguments: Any, **options: Any) -> None:
        """Take whatever a pickle gives."""

    def __setstate__(self, state: Any) -> None:
        self.state = state

    def __call__(self, *arguments: Any, **options: Any) -> _Inert:
        return _Inert()

    def __setitem__(self, key: Any, value: Any) -> None:
        """Forget it."""

    def append(self, item: Any) -> None:
        """Forget it."""

    def extend(self, items: Any) -> None:
        """Forget them."""

    def add(self, item: Any) -> None:
        """Forget it."""

    def update(self, items: Any) -> None:
        """Forget them."""


class _Reader(pickle._Unpickler):  # the one in Python: that in C cannot be taught joblib's arrays
    """Reads a pickle without importing or calling anything, and notes what it names."""

    def __init__(self, file: io.BytesIO, names: dict[str, None]) -> None:
        super().__init__(file)
        self._source, self._names = file, names

    def find_class(self, module: str, name: str) -> Any:
        self._names[f"{module}.{name}"] = None
        return type(name.rpartition(".")[2] or "nameless", (_Inert,), {"dotted": f"{module}.{name}"})

    def persistent_load(self, pid: Any) -> _Inert:
        return _Inert()

    def get_extension(self, code: int) -> None:
        raise pickle.UnpicklingError("a registered extension is not looked into")

    def load_build(self) -> None:
        pickle._Unpickler.dispatch[pickle.BUILD[0]](self)  # type: ignore[arg-type]
        made = self.stack[-1]  # type: ignore[attr-defined]
        if getattr(made, "dotted", "") == _WRAPPER:
            self._pass_array(made.state or made.__dict__)

    def _pass_array(self, state: Mapping[str, Any]) -> None:
        """Go on behind the raw content that joblib writes after an array's description; objects are pickled there."""
        kind = str(state["dtype"].given[0])
        if kind.startswith("O"):
            _Reader(self._source, self._names).load()
            return
        if state.get("numpy_array_alignment_bytes") is not None:
            self._source.seek(self._source.read(1)[0], io.SEEK_CUR)
        width = int(kind.lstrip("<>|=")[1:]) * (4 if kind.lstrip("<>|=")[0] == "U" else 1)
        self._source.seek(width * math.prod(state["shape"]), io.SEEK_CUR)

    dispatch: ClassVar[dict[int, Any]] = {**pickle._Unpickler.dispatch, pickle.BUILD[0]: load_build}
