"""Global state department: the store in use, the active experiment, and each thread's open runs.

The only module of `tracking` with state of its own. One `_State`, one instance, one `reset()`.
"""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

from tracking.errors import InvalidValue
from tracking.store import Store, open_store
from tracking.validation import shorten

if TYPE_CHECKING:
    from tracking.client import TrackingClient
    from tracking.entities import Run

DEFAULT_URI: Final = "sqlite:///runs/tracking.db"
URI_VARIABLES: Final = ("TRACKING_URI", "MLFLOW_TRACKING_URI")  # the first one that is set counts
EXPERIMENT_ID: Final = "MLFLOW_EXPERIMENT_ID"
EXPERIMENT_NAME: Final = "MLFLOW_EXPERIMENT_NAME"


class OpenRun(NamedTuple):
    """An active run and the client of the store it was started in, where it stays."""

    run: Run
    client: TrackingClient
    run_id: str


class _Thread(threading.local):
    """What one thread sees: its stack of open runs, and the run that it ended last."""

    def __init__(self) -> None:
        self.stack: list[OpenRun] = []
        self.ended: tuple[TrackingClient, str] | None = None


@dataclass
class _State:
    uri: str | None = None
    experiment_id: str | None = None
    places: dict[str, str] = field(default_factory=dict)  # what relative URIs meant when they were set
    stores: dict[str, Store] = field(default_factory=dict)
    thread: _Thread = field(default_factory=_Thread)
    stacks: dict[int, list[OpenRun]] = field(default_factory=dict)  # of all threads, those not empty
    exported: dict[str, str | None] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock)


state: Final = _State()


def reset() -> None:
    """Forget everything set in this process, as if it had just started; open runs are left as they are.

    Meant for tests. Variables that were exported to child processes get back their earlier values.
    """
    for variable, value in state.exported.items():
        _put(variable, value)
    for store in state.stores.values():
        store.close()
    vars(state).update(vars(_State()))


# Open runs ------------------------------------------------------------------------------------------
def push(run: OpenRun) -> None:
    """Make a run the innermost of this thread."""
    stack = state.thread.stack
    stack.append(run)
    state.stacks[id(stack)] = stack


def pop(stack: list[OpenRun]) -> OpenRun:
    """Take the innermost run off a stack."""
    run = stack.pop()
    if not stack:
        state.stacks.pop(id(stack), None)
    return run


def forget_runs() -> None:
    """Let go of all open runs without ending them: after a fork they belong to the parent."""
    state.lock = threading.RLock()  # another thread may have held it at the moment of the fork
    state.stacks, state.thread = {}, _Thread()


os.register_at_fork(after_in_child=forget_runs)


def export(variable: str, value: str | None) -> None:
    """Set or remove an environment variable, for child processes to inherit; `reset` takes it back."""
    state.exported.setdefault(variable, os.environ.get(variable))
    _put(variable, value)


def _put(variable: str, value: str | None) -> None:
    if value is None:
        os.environ.pop(variable, None)
    else:
        os.environ[variable] = value


# The store in use -----------------------------------------------------------------------------------
def current_uri() -> str:
    """Return the URI that was set, else that of the environment, else the default, made absolute."""
    if state.uri is not None:
        return state.uri
    for variable in URI_VARIABLES:
        if given := os.environ.get(variable):
            state.places.setdefault(given, absolute_uri(given))
            return given
    return absolute_uri(DEFAULT_URI)


def inherited_uri() -> str:
    """Return the URI that this process found, and another started from the same place will find.

    What was set in this process does not count, though it is exported to the children.
    """
    found = (state.exported.get(variable, os.environ.get(variable)) for variable in URI_VARIABLES)
    return next(filter(None, found), DEFAULT_URI)


def set_uri(uri: str | os.PathLike[str] | None) -> None:
    """Choose the store for what follows; None goes back to environment or default."""
    before = absolute_uri(current_uri())
    uri = None if uri is None else uri_text(uri)
    state.uri = uri or None
    if uri:
        state.places[uri] = _from_here(uri)
    for variable in URI_VARIABLES:
        if state.uri is not None:
            export(variable, absolute_uri(state.uri))
        elif variable in state.exported:
            _put(variable, state.exported.pop(variable))
    if absolute_uri(current_uri()) != before:
        # Ids count per store: an id of the store before would be another experiment here.
        state.experiment_id = None
        if EXPERIMENT_ID in state.exported:
            _put(EXPERIMENT_ID, state.exported.pop(EXPERIMENT_ID))


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
