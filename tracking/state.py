"""State of this process, all of it: what was chosen, exported and found out, open stores and runs. One `reset`.

Knows neither stores nor runs: `stores` and `active` put theirs here. What they install in the interpreter (exit
functions, signal handlers) is not state: it stays installed.
"""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from tracking.active.runs import OpenRun
    from tracking.client import TrackingClient
    from tracking.mirror import Mirror
    from tracking.store.sqlite import Store


class _Ended(threading.local):
    """The run that a thread ended last, and the client of its store."""

    run: tuple[TrackingClient, str] | None = None


@dataclass
class _State:
    uri: str | None = None
    server: str | None = None  # the mirror
    experiment_id: str | None = None
    places: dict[str, str] = field(default_factory=dict)  # what relative URIs meant when they were set
    exported: dict[str, str | None] = field(default_factory=dict)  # variables, and their values before
    stores: dict[str, Store] = field(default_factory=dict)  # by absolute URI
    lock: threading.RLock = field(default_factory=threading.RLock)  # held to add a store
    mirrors: dict[tuple[str, str], Mirror] = field(default_factory=dict)  # by server and store
    open_runs: dict[int, OpenRun] = field(default_factory=dict)  # of all threads and tasks, in the order of starting
    ended: _Ended = field(default_factory=_Ended)
    main_folder: str | None = None  # of the program, and what git says of it: found out once
    git_tags: dict[str, dict[str, str]] = field(default_factory=dict)  # by folder
    runs_with_models: dict[str, None] = field(default_factory=dict)  # that this process logged, oldest first


state: Final = _State()


def reset() -> None:
    """Forget everything set in this process, as if it had just started; open runs are left as they are.

    Meant for tests. Variables that were exported to child processes get back their earlier values.
    """
    for variable, value in state.exported.items():
        put_variable(variable, value)
    for store in state.stores.values():
        store.close()
    vars(state).update(vars(_State()))


def put_variable(variable: str, value: str | None) -> None:
    """Set an environment variable; None removes it."""
    if value is None:
        os.environ.pop(variable, None)
    else:
        os.environ[variable] = value


def _forget_runs() -> None:
    """Let go of all open runs without ending them: after a fork they belong to the parent."""
    fresh: dict[str, Any] = vars(_State())
    # Another thread may have held the lock at the moment of the fork.
    vars(state).update({name: fresh[name] for name in ("lock", "open_runs", "ended", "mirrors")})


os.register_at_fork(after_in_child=_forget_runs)
