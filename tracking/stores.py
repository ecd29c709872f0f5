"""Which store: tracking URIs and what they mean, the store in use, and the stores that this process shares.

The choice of store and experiment is state of this process; `reset` forgets it.
"""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tracking.errors import InvalidValue, UnknownScheme
from tracking.validation import shorten

if TYPE_CHECKING:  # sqlite3 is imported when a store is opened
    from tracking.store.sqlite import Store

DEFAULT_URI: Final = "sqlite:///runs/tracking.db"
URI_VARIABLES: Final = ("TRACKING_URI", "MLFLOW_TRACKING_URI")  # the first one that is set counts
EXPERIMENT_ID: Final = "MLFLOW_EXPERIMENT_ID"
EXPERIMENT_NAME: Final = "MLFLOW_EXPERIMENT_NAME"


@dataclass
class _Choice:
    uri: str | None = None
    experiment_id: str | None = None
    places: dict[str, str] = field(default_factory=dict)  # what relative URIs meant when they were set
    stores: dict[str, Store] = field(default_factory=dict)
    exported: dict[str, str | None] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock)


choice: Final = _Choice()


def reset() -> None:
    """Forget the chosen store and experiment; exported variables get back their earlier values."""
    for variable, value in choice.exported.items():
        _put(variable, value)
    for store in choice.stores.values():
        store.close()
    vars(choice).update(vars(_Choice()))


def export(variable: str, value: str | None) -> None:
    """Set or remove an environment variable, for child processes to inherit; `reset` takes it back."""
    choice.exported.setdefault(variable, os.environ.get(variable))
    _put(variable, value)


def _put(variable: str, value: str | None) -> None:
    if value is None:
        os.environ.pop(variable, None)
    else:
        os.environ[variable] = value


def current_uri() -> str:
    """Return the URI that was set, else that of the environment, else the default, made absolute."""
    if choice.uri is not None:
        return choice.uri
    for variable in URI_VARIABLES:
        if given := os.environ.get(variable):
            choice.places.setdefault(given, absolute_uri(given))
            return given
    return absolute_uri(DEFAULT_URI)


def inherited_uri() -> str:
    """Return the URI that this process found, and another started from the same place will find.

    What was set in this process does not count, though it is exported to the children.
    """
    found = (choice.exported.get(variable, os.environ.get(variable)) for variable in URI_VARIABLES)
    return next(filter(None, found), DEFAULT_URI)


def set_uri(uri: str | os.PathLike[str] | None) -> None:
    """Choose the store for what follows; None goes back to environment or default."""
    before = absolute_uri(current_uri())
    uri = None if uri is None else uri_text(uri)
    choice.uri = uri or None
    if uri:
        choice.places[uri] = _from_here(uri)
    for variable in URI_VARIABLES:
        if choice.uri is not None:
            export(variable, absolute_uri(choice.uri))
        elif variable in choice.exported:
            _put(variable, choice.exported.pop(variable))
    if absolute_uri(current_uri()) != before:
        # Ids count per store: an id of the store before would be another experiment here.
        choice.experiment_id = None
        if EXPERIMENT_ID in choice.exported:
            _put(EXPERIMENT_ID, choice.exported.pop(EXPERIMENT_ID))


def uri_text(uri: object) -> str:
    """Return a tracking URI given as text or as the path of a database file."""
    if isinstance(uri, str):
        return uri
    if isinstance(uri, os.PathLike):
        return f"sqlite:///{os.path.abspath(uri)}"
    raise InvalidValue(f"A tracking URI is text or a path, not {shorten(uri)}. As {DEFAULT_URI!r}.")


def absolute_uri(uri: str) -> str:
    """Return the URI with a relative path of a database made absolute.

    One that was set, or found in the environment, goes on meaning the same when the working directory changes.
    """
    return choice.places.get(uri) or _from_here(uri)


def _from_here(uri: str) -> str:
    scheme, separator, path = uri.partition(":///")
    if separator and scheme.startswith("sqlite") and path and not path.startswith((":memory:", "file:")):
        return f"{scheme}:///{os.path.abspath(path)}"
    return uri


def shared_store(uri: str | None = None) -> Store:
    """Return the store of a URI, the same one each time, so that also one in memory can be met again."""
    key = absolute_uri(current_uri() if uri is None else uri)
    found = choice.stores.get(key)
    if found is None:
        with choice.lock:
            found = choice.stores.get(key)
            if found is None:
                found = choice.stores[key] = open_store(key)
    return found


_KNOWN = "sqlite:///relative/path.db, sqlite:////absolute/path.db, sqlite:// (in memory)"


def open_store(uri: str | Path) -> Store:
    """Return the store that a tracking URI names; nothing is opened or created before it is used.

    Known are `sqlite:///relative/path.db` (from the working directory), `sqlite:////absolute/path.db` and
    `sqlite://` (in memory). Raises UnknownScheme for anything else.
    """
    text = str(uri)
    scheme, separator, rest = text.partition("://")
    if not separator:
        raise UnknownScheme(
            f"'{text}' is a path, not a tracking URI. Known are: {_KNOWN}. For this path: sqlite:///{text}"
        )
    if scheme != "sqlite":
        raise UnknownScheme(f"No store for the scheme '{scheme}' of '{text}'. Known are: {_KNOWN}.")
    from tracking.store.sqlite import SQLiteStore

    if rest in ("", "/", "/:memory:"):
        return SQLiteStore(text, None)
    if not rest.startswith("/"):
        raise UnknownScheme(
            f"'{text}' has two slashes where three or four belong. Known are: {_KNOWN}. "
            f"Relative to the working directory: sqlite:///{rest}"
        )
    return SQLiteStore(text, Path(rest[1:]).absolute())
