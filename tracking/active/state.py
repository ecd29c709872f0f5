"""Global state department: each thread's open runs. One `_State`, one instance, and the one `reset()` of `tracking`."""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

from tracking import stores

if TYPE_CHECKING:
    from tracking.client import TrackingClient
    from tracking.entities import Run


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
    thread: _Thread = field(default_factory=_Thread)
    stacks: dict[int, list[OpenRun]] = field(default_factory=dict)  # of all threads, those not empty


state: Final = _State()


def reset() -> None:
    """Forget everything set in this process, as if it had just started; open runs are left as they are.

    Meant for tests. Variables that were exported to child processes get back their earlier values.
    """
    stores.reset()
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
    stores.choice.lock = threading.RLock()  # another thread may have held it at the moment of the fork
    state.stacks, state.thread = {}, _Thread()


os.register_at_fork(after_in_child=forget_runs)
