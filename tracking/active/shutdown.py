"""How a program ends, and what that says about the runs it left open.

Installed at the first `start_run` (for SIGTERM already when a store or experiment is chosen), never at
import. Ends what is open, innermost first and in all threads: FINISHED after a normal end, FAILED after an
uncaught exception or a non-zero exit (see `exits`), KILLED after Ctrl-C or SIGTERM. What nothing can catch
(kill -9) is told from the run's owner instead.
"""

from __future__ import annotations

import atexit
import os
import signal
import sys
import threading
from dataclasses import dataclass
from types import FrameType
from typing import Any, Final, NoReturn

from tracking.active import exits
from tracking.active.state import OpenRun, pop, state
from tracking.entities import RunStatus
from tracking.errors import TrackingError

_PATIENCE_SECONDS: Final = 2.0


@dataclass
class _Process:
    """What was installed in this process and what has been seen of its end."""

    installed: bool = False
    signal_installed: bool = False
    multiprocessing_pid: int | None = None
    earlier_error: BaseException | None = None
    dying: bool = False


_process = _Process()


def status_of(error: BaseException | None) -> RunStatus:
    """Return the status of a run whose block was left by this exception, or by none.

    Under asyncio Ctrl-C reaches the block as a CancelledError: whoever cancels a task kills what it does.
    """
    if error is None:
        return RunStatus.FINISHED
    cancelled = getattr(sys.modules.get("asyncio"), "CancelledError", KeyboardInterrupt)  # or never imported
    return RunStatus.KILLED if isinstance(error, (KeyboardInterrupt, cancelled)) else RunStatus.FAILED


def status_after(error: BaseException | None) -> RunStatus:
    """Return the status of runs that a thread or process left open when it ended by this exception."""
    return status_of(None if isinstance(error, SystemExit) and not error.code else error)


def end(run: OpenRun, status: str) -> None:
    """End a run that was taken off its stack, and remember it as the last one of this thread."""
    state.thread.ended = (run.client, run.run_id)
    try:
        run.client.set_terminated(run.run_id, status)
    except KeyboardInterrupt:  # it is off its stack already: nobody else would end it
        run.client.set_terminated(run.run_id, RunStatus.KILLED)
        raise


def end_all(status: str, stacks: list[list[OpenRun]] | None = None) -> None:
    """End the open runs of all threads, or of the given stacks, innermost first."""
    for stack in list(state.stacks.values()) if stacks is None else stacks:
        while stack:
            run = pop(stack)
            try:
                end(run, status)
            except TrackingError as problem:  # at the end of a program there is nobody left to catch it
                sys.stderr.write(f"Run {run.run_id} could not be ended as {status}: {problem}\n")


def install() -> None:
    """Watch for the end of this process; cheap when that was done before."""
    if not _process.installed:
        _process.installed = True
        _process.earlier_error = _last_error()
        atexit.register(_at_exit)
        exits.watch()
        _watch_threads()
    install_for_sigterm()
    if "multiprocessing.util" in sys.modules and _process.multiprocessing_pid != os.getpid():
        _watch_multiprocessing()


def install_for_sigterm() -> None:
    """Let SIGTERM end the open runs, where that can be arranged: in the main thread.

    Also done when a store or an experiment is chosen there, as all runs may be started in other threads.
    """
    if not _process.signal_installed and threading.current_thread() is threading.main_thread():
        _process.signal_installed = True
        # A program that has its own idea of SIGTERM keeps it.
        if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
            signal.signal(signal.SIGTERM, _on_sigterm)


# The ways to end ------------------------------------------------------------------------------------
def _at_exit() -> None:
    if not state.stacks:
        return
    error = _last_error()
    # An interactive session goes on after an exception, and leaves the last one lying about.
    if error is not None and error is not _process.earlier_error and not hasattr(sys, "ps1"):
        end_all(status_of(error))
    else:
        end_all(RunStatus.FAILED if exits.failed() else RunStatus.FINISHED)


def _last_error() -> BaseException | None:
    """Return the exception that Python was about to report last; set whatever excepthook is in place."""
    found = getattr(sys, "last_value", None)
    return found if isinstance(found, BaseException) else None


def _watch_threads() -> None:
    report = threading.excepthook

    def excepthook(args: threading.ExceptHookArgs, /) -> None:
        if state.thread.stack:
            end_all(status_after(args.exc_value), [state.thread.stack])
        report(args)

    threading.excepthook = excepthook


def _watch_multiprocessing() -> None:
    """Let a multiprocessing child, which leaves by os._exit, end its own runs."""
    from multiprocessing import process, util

    _process.multiprocessing_pid = os.getpid()
    if process.parent_process() is not None:
        util.Finalize(None, lambda: end_all(status_after(sys.exc_info()[1])), exitpriority=100)


def _on_sigterm(number: int, frame: FrameType | None) -> None:
    """End the open runs as KILLED, then die of the signal as if there were no handler."""
    call = _outermost_call(frame)
    if call is None or not state.stacks:
        _die(number)
    if _process.dying:
        _let_die(number)
    # The signal came in the middle of a call, perhaps of a transaction: wait for the call to return. It can
    # be seen returning only by tracing it; another signal follows in case it takes too long.
    _process.dying = True

    def trace(frame: FrameType, event: str, argument: object) -> Any:
        if event == "return":
            _die(number)
        return trace

    call.f_trace = trace
    sys.settrace(lambda *_: None)
    timer = threading.Timer(_PATIENCE_SECONDS, os.kill, (os.getpid(), number))
    timer.daemon = True
    timer.start()


def _outermost_call(frame: FrameType | None) -> FrameType | None:
    """Return the frame of the call into this library that a signal interrupted."""
    found = None
    while frame is not None:
        if str(frame.f_globals.get("__name__")).startswith("tracking."):
            found = frame
        frame = frame.f_back
    return found


def _die(number: int) -> NoReturn:
    sys.settrace(None)
    end_all(RunStatus.KILLED)
    _let_die(number)


def _let_die(number: int) -> NoReturn:
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
    raise SystemExit(128 + number)  # not reached: the signal has its default effect
