"""The runs that are open: which of them the code that asks is in.

An open run belongs to where it was started: to the asyncio task, else to the thread. A task begins with the runs of
the code that made it, a thread with none. What a task left open when it ended belongs to its thread from then
on, so that a run started in one cell of a notebook is there in the next.
"""

from __future__ import annotations

import sys
import threading
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from tracking.state import state

if TYPE_CHECKING:
    from tracking.client import TrackingClient
    from tracking.entities import Run


class OpenRun(NamedTuple):
    """An active run, the client of the store it was started in, where it stays, and who started it."""

    run: Run
    client: TrackingClient
    run_id: str
    thread: threading.Thread
    task: Any  # of asyncio, or None

    def was_left(self) -> bool:
        """Tell whether this thread's task that started the run is over."""
        return self.task is not None and self.task.done() and self.thread is threading.current_thread()


# A tuple, as tasks copy the context and not what is in it.
_started: Final[ContextVar[tuple[OpenRun, ...]]] = ContextVar("tracking_runs", default=())


def stack() -> list[OpenRun]:
    """Return the open runs that the calling code is in, the innermost last."""
    own = set(map(id, _started.get()))
    return [run for key, run in list(state.open_runs.items()) if key in own or run.was_left()]


def innermost() -> OpenRun | None:
    """Return the innermost open run that the calling code is in."""
    runs = stack()
    return runs[-1] if runs else None


def find_open(run_id: str) -> OpenRun | None:
    """Return the open run of this id, in whichever task or thread it is."""
    return next((run for run in list(state.open_runs.values()) if run.run_id == run_id), None)


def push(run: Run, client: TrackingClient) -> OpenRun:
    """Make a run the innermost of this task or thread."""
    opened = OpenRun(run, client, run.info.run_id, threading.current_thread(), _current_task())
    _started.set((*(known for known in _started.get() if id(known) in state.open_runs), opened))
    state.open_runs[id(opened)] = opened
    return opened


def remove(run: OpenRun) -> bool:
    """Take a run off, in whichever task or thread it is; tell whether it was still open."""
    return state.open_runs.pop(id(run), None) is not None


def _current_task() -> Any:
    asyncio = sys.modules.get("asyncio")
    try:
        return None if asyncio is None else asyncio.current_task()
    except RuntimeError:  # no loop runs in this thread
        return None
