"""Which store: what tracking URIs mean, which one is in use, and one open store for each, shared by all clients.

The URI in use is the one that was set here, else that of the environment, else the default. It is exported to
child processes, and a relative one goes on meaning the same when the working directory changes.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit, urlunsplit

from tracking.errors import InvalidValue, UnknownScheme
from tracking.state import put_variable, state
from tracking.validation import shorten

if TYPE_CHECKING:  # sqlite3 is imported when a store is opened
    from tracking.store.sqlite import Store

DEFAULT_URI: Final = "sqlite:///runs/tracking.db"
URI_VARIABLES: Final = ("TRACKING_URI", "MLFLOW_TRACKING_URI")  # the first one that is set counts
EXPERIMENT_ID: Final = "MLFLOW_EXPERIMENT_ID"
EXPERIMENT_NAME: Final = "MLFLOW_EXPERIMENT_NAME"


def export(variable: str, value: str | None) -> None:
    """Set or remove an environment variable, for child processes to inherit; `reset` takes it back."""
    state.exported.setdefault(variable, os.environ.get(variable))
    put_variable(variable, value)


def _take_back(variable: str) -> None:
    if variable in state.exported:
        put_variable(variable, state.exported.pop(variable))


def is_server(uri: str) -> bool:
    """Tell whether a URI names an MLflow server, which is a mirror, rather than a store."""
    return uri.startswith(("http://", "https://"))


def without_password(uri: str) -> str:
    """Return the address of a server without user and password, to be shown."""
    parts = urlsplit(uri)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def current_server() -> str | None:
    """Return the MLflow server that runs are sent to as well: that was set, else that of the environment, else None."""
    if state.server is not None or state.uri is not None:
        return state.server
    return next((uri for variable in URI_VARIABLES if is_server(uri := os.environ.get(variable, ""))), None)


def current_uri() -> str:
    """Return the URI that was set, else that of the environment, else the default, made absolute.

    The address of a server is passed over: the store is here, and the server a mirror of it.
    """
    if state.uri is not None:
        return state.uri
    for variable in URI_VARIABLES:
        if (given := os.environ.get(variable)) and not is_server(given):
            state.places.setdefault(given, absolute_uri(given))
            return given
    return absolute_uri(DEFAULT_URI)


def is_uri_set() -> bool:
    """Tell whether a store was chosen, here or by the environment."""
    return state.uri is not None or any(os.environ.get(variable) for variable in URI_VARIABLES)


def needed_uri(uri: str | None = None) -> str:
    """Return the URI that a command has to name to find this store, by default the one in use; "" for none.

    A command finds by itself what the environment said, or the default. What was set in this process does not
    count, though it is exported to the children.
    """
    chosen = absolute_uri(uri or current_uri())
    found = (state.exported.get(variable, os.environ.get(variable)) or "" for variable in URI_VARIABLES)
    stores = (given for given in found if given and not is_server(given))
    return "" if chosen == absolute_uri(next(stores, DEFAULT_URI)) else uri or chosen


def tracking_command(*words: str, store: str | None = None) -> str:
    """Return a command of `python -m tracking` that can be pasted as it is, in the same folder.

    It names the store, by default the one in use, where it would open another.
    """
    needed = needed_uri(store)
    return shlex.join(["python", "-m", "tracking", *words, *(["--store", needed] if needed else [])])


def set_uri(uri: str | os.PathLike[str] | None) -> None:
    """Choose the store for what follows; None goes back to environment or default.

    The address of a server leaves the store as it is and makes the server its mirror.
    """
    before = absolute_uri(current_uri())
    uri = None if uri is None else uri_text(uri)
    state.server = uri if uri and is_server(uri) else None
    if state.server:
        return
    state.uri = uri or None
    if uri:
        state.places[uri] = _from_here(uri)
    for variable in URI_VARIABLES:
        if state.uri is not None:
            export(variable, absolute_uri(state.uri))
        else:
            _take_back(variable)
    if absolute_uri(current_uri()) != before:
        # Ids count per store: an id of the store before would be another experiment here.
        state.experiment_id = None
        _take_back(EXPERIMENT_ID)


@contextmanager
def use_store(uri: str | os.PathLike[str] | None = None) -> Iterator[None]:
    """Use another store inside the block; the caller's store and experiment are in use again after it.

    None keeps the store in use, and gives it back whatever the block sets. One choice holds for all threads: use
    it in one thread at a time. Raises InvalidValue for what is no URI.

    >>> with use_store("sqlite:///other/tracking.db"):  # doctest: +SKIP
    ...     search_runs()
    """
    chosen = state.uri, state.server, state.experiment_id, dict(state.exported)
    variables = {name: os.environ.get(name) for name in (*URI_VARIABLES, EXPERIMENT_ID, EXPERIMENT_NAME)}
    try:
        if uri is not None:
            set_uri(uri)
        yield
    finally:
        state.uri, state.server, state.experiment_id, state.exported = chosen
        for name, value in variables.items():
            put_variable(name, value)


def uri_text(uri: object) -> str:
    """Return a tracking URI given as text or as the path of a database file. Raises InvalidValue."""
    if isinstance(uri, str):
        return uri
    if isinstance(uri, os.PathLike):
        return f"sqlite:///{os.path.abspath(uri)}"
    raise InvalidValue(f"A tracking URI is text or a path, not {shorten(uri)}. As {DEFAULT_URI!r}.")


def absolute_uri(uri: str) -> str:
    """Return the URI with a relative path of a database made absolute.

    One that was set, or found in the environment, goes on meaning the same when the working directory changes.
    """
    return state.places.get(uri) or _from_here(uri)


def _from_here(uri: str) -> str:
    scheme, separator, path = uri.partition(":///")
    if separator and scheme.startswith("sqlite") and path and not path.startswith((":memory:", "file:")):
        return f"{scheme}:///{os.path.abspath(path)}"
    return uri


def shared_store(uri: str | None = None) -> Store:
    """Return the store of a URI, the same one each time, so that also one in memory can be met again."""
    key = absolute_uri(current_uri() if uri is None else uri)
    found = state.stores.get(key)
    if found is None:
        with state.lock:
            found = state.stores.get(key)
            if found is None:
                found = state.stores[key] = open_store(key)
    return found


_KNOWN = "sqlite:///relative/path.db, sqlite:////absolute/path.db, sqlite:// (in memory)"


def open_store(uri: str | Path, *, read_only: bool = False) -> Store:
    """Return the store that a tracking URI names; nothing is opened or created before it is used.

    With `read_only` nothing is created or changed at all.

    Known are `sqlite:///relative/path.db` (from the working directory), `sqlite:////absolute/path.db` and
    `sqlite://` (in memory). Raises UnknownScheme for anything else.
    """
    text = str(uri)
    scheme, separator, rest = text.partition("://")
    if not separator:
        raise UnknownScheme(f"{_no_uri(text)}{_origin(text)}")
    if scheme != "sqlite":
        raise UnknownScheme(f"No store for the scheme '{scheme}' of '{text}'. Known are: {_KNOWN}.{_origin(text)}")
    from tracking.store.sqlite import Store

    if rest in ("", "/", "/:memory:"):
        return Store(text, None)
    if not rest.startswith("/"):
        raise UnknownScheme(
            f"'{text}' has two slashes where three or four belong. Known are: {_KNOWN}. "
            f"Relative to the working directory: sqlite:///{rest}{_origin(text)}"
        )
    return Store(text, Path(rest[1:]).absolute(), read_only=read_only)


def _no_uri(text: str) -> str:
    scheme, separator, path = text.partition(":")
    if separator and scheme.isalpha() and len(scheme) > 1:  # file:./mlruns
        return f"No store for the scheme '{scheme}' of '{text}'. Known are: {_KNOWN}. As sqlite:///{path}/tracking.db"
    place = f"{text}/tracking.db" if text and os.path.isdir(text) else text
    return f"'{text}' is a path, not a tracking URI. Known are: {_KNOWN}. For this path: sqlite:///{place}"


def _origin(text: str) -> str:
    """Say which variable of the environment a URI comes from that nobody here has set."""
    named = (name for name in URI_VARIABLES if state.uri is None and os.environ.get(name) == text)
    return next((f" (It comes from the environment: {name}.)" for name in named), "")
