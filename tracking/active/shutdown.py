"""How a program ends, and what that says about the runs it left open.

Installed at the first `start_run` (for SIGTERM already when a store or experiment is chosen), never at import. Ends
what is open, innermost first and in all threads: FINISHED after a normal end, FAILED after an uncaught exception
or a call of `sys.exit` that means failure, KILLED after Ctrl-C or SIGTERM. What nothing can catch (kill -9) is told
from the run's owner instead.

Two things are not told at the end of a program, so that a run left open outside of any `with` is judged by what
can be seen: a bare `raise SystemExit(3)` leaves no trace and counts as a normal end, and a `sys.exit(3)` that
somebody caught counts as failure, unless a run was started since.
"""

from __future__ import annotations

import atexit
import builtins
import functools
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import FrameType
from typing import Any, NoReturn

from tracking.active import mirrors
from tracking.active.runs import OpenRun, remove
from tracking.entities import RunStatus
from tracking.errors import TrackingError
from tracking.state import state


class Terminated(SystemExit):
    """Raised in the main thread by SIGTERM: blocks are left, a transaction rolls back, the program exits with 143."""


@dataclass
class _Process:
    """What was installed in this process, and what was seen of its end."""

    installed: bool = False
    signal_installed: bool = False
    child_installed: bool = False  # in a child that multiprocessing made
    earlier_error: BaseException | None = None
    exit_code: Any = None  # of the last call of sys.exit
    terminated: bool = False


_process = _Process()


def status_of(error: BaseException | None) -> RunStatus:
    """Return the status of a run whose block was left by this exception, or by none.

    Under asyncio Ctrl-C reaches the block as a CancelledError: whoever cancels a task kills what it does.
    """
    if error is None:
        return RunStatus.FINISHED
    cancelled = getattr(sys.modules.get("asyncio"), "CancelledError", KeyboardInterrupt)  # or never imported
    return RunStatus.KILLED if isinstance(error, (KeyboardInterrupt, Terminated, cancelled)) else RunStatus.FAILED


def status_after(error: BaseException | None) -> RunStatus:
    """Return the status of runs that a thread or process left open when it ended by this exception."""
    return status_of(None if isinstance(error, SystemExit) and not error.code else error)


def end(run: OpenRun, status: str, record: Mapping[str, Any] | None = None) -> None:
    """End a run that is still open, and remember it as the last one of this thread; what is to `record` goes along."""
    if not remove(run):
        return
    state.ended.run = (run.client, run.run_id)
    try:
        if record:
            run.client.log_batch(run.run_id, **record, status=status)
        else:
            run.client.set_terminated(run.run_id, status)
    except (KeyboardInterrupt, Terminated):  # it is no longer open here: nobody else would end it
        run.client.set_terminated(run.run_id, RunStatus.KILLED)
        raise
    mirrors.send(run.client, run.run_id)


def end_all(status: str, runs: Iterable[OpenRun] | None = None) -> None:
    """End the open runs of all threads, or the given ones, innermost first; one that was ended otherwise stays so."""
    for run in reversed(list(state.open_runs.values() if runs is None else runs)):
        try:
            if run.client.get_run(run.run_id).info.status == RunStatus.RUNNING:
                end(run, status)
        except TrackingError as problem:  # at the end of a program there is nobody left to catch it
            sys.stderr.write(f"Run {run.run_id} could not be ended as {status}: {problem}\n")


def install() -> None:
    """Watch for the end of this process; cheap when that was done before."""
    _process.exit_code = None  # whatever was said of the end, the program goes on
    if not _process.installed:
        _process.installed = True
        _process.earlier_error = _last_error()
        atexit.register(_at_exit)
        _watch_exit_calls()
        _watch_threads()
    install_for_sigterm()
    if not _process.child_installed and _is_multiprocessing_child():
        _process.child_installed = True
        _watch_child()


def install_for_sigterm() -> None:
    """Let SIGTERM end the open runs, where that can be arranged: in the main thread.

    Also done when a store or an experiment is chosen there, as all runs may be started in other threads. Not in
    the children of a pool, which ends them by SIGTERM: a handler in Python can wait for ever where the signal's
    own effect does not. Their runs are told from the run's owner.
    """
    if _process.signal_installed or threading.current_thread() is not threading.main_thread():
        return
    _process.signal_installed = True
    # A program that has its own idea of SIGTERM keeps it.
    if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL and not _is_multiprocessing_child():
        signal.signal(signal.SIGTERM, _on_sigterm)


# The ways to end ------------------------------------------------------------------------------------
def _at_exit() -> None:
    _end_all_at_exit()
    mirrors.finish()


def _end_all_at_exit() -> None:
    if _process.child_installed and _process.exit_code is None:
        return  # os._exit follows, and is told the code
    error = _last_error()
    # An interactive session goes on after an exception, and leaves the last one lying about.
    interactive = hasattr(sys, "ps1")
    if _process.terminated:
        end_all(RunStatus.KILLED)
    elif error is not None and error is not _process.earlier_error and not interactive:
        end_all(status_of(error))
    else:
        end_all(RunStatus.FAILED if _process.exit_code and not interactive else RunStatus.FINISHED)


def _last_error() -> BaseException | None:
    """Return the exception that Python was about to report last; set whatever excepthook is in place."""
    found = getattr(sys, "last_exc", None) or getattr(sys, "last_value", None)  # from 3.12 on, and before
    return found if isinstance(found, BaseException) else None


def _watch_exit_calls() -> None:
    """Note with which code `sys.exit`, `exit` and `quit` are called: exit functions are not told."""
    ways = [sys.exit, getattr(builtins, "exit", None), getattr(builtins, "quit", None)]  # site adds the last two
    for module in (sys, builtins, sys.modules.get("__main__")):  # `from sys import exit` there
        for name, value in list(vars(module).items()):
            if value is not None and any(value is way for way in ways):
                setattr(module, name, _noting(value))


def _noting(leave: Callable[..., NoReturn]) -> Callable[..., NoReturn]:
    @functools.wraps(leave)
    def exit(code: Any = None, /) -> NoReturn:
        if threading.current_thread() is threading.main_thread():  # elsewhere it ends only its thread
            _process.exit_code = code
        leave(code)

    return exit


def _watch_threads() -> None:
    report = threading.excepthook

    def excepthook(args: threading.ExceptHookArgs, /) -> None:
        here = threading.current_thread()
        end_all(status_after(args.exc_value), [run for run in state.open_runs.values() if run.thread is here])
        report(args)

    threading.excepthook = excepthook


def _is_multiprocessing_child() -> bool:
    process = sys.modules.get("multiprocessing.process")
    return process is not None and process.parent_process() is not None


def _watch_child() -> None:
    """Let a child of multiprocessing, which leaves by os._exit, end its own runs.

    Up to Python 3.12 its exit functions run while the exception is being handled, which tells Ctrl-C from other
    failures; from 3.13 on all that is known is the code.
    """
    from multiprocessing import util

    def at_exit() -> None:
        if error := sys.exc_info()[1]:
            end_all(status_after(error))

    util.Finalize(None, at_exit, exitpriority=100)
    leave = os._exit

    def exit(status: int) -> NoReturn:
        end_all(RunStatus.FAILED if status else RunStatus.FINISHED)
        leave(status)

    os._exit = exit


def _on_sigterm(number: int, frame: FrameType | None) -> NoReturn:
    """End the main thread as `sys.exit` does, and with it the program, though other threads still work."""
    if _process.terminated:  # somebody caught the first one: die of it, as if there were no handler
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
    _process.terminated = True
    threading.Thread(target=_leave_other_threads, args=(128 + number,), daemon=True).start()
    raise Terminated(128 + number)


def _leave_other_threads(code: int) -> None:
    """End the process when its main thread is through, where other threads would keep it."""
    main = threading.main_thread()
    main.join()
    if any(not thread.daemon for thread in threading.enumerate() if thread is not main):
        end_all(RunStatus.KILLED)
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        os._exit(code)


class _Mask(threading.local):
    """The signals that a thread blocked before it forked; None where we changed nothing."""

    before: set[int] | None = None


_mask = _Mask()


def _before_fork() -> None:
    """Hold SIGTERM back until the child has its own handler: one that comes earlier would be lost."""
    if signal.getsignal(signal.SIGTERM) is _on_sigterm:
        _mask.before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])


def _after_fork() -> None:
    if _mask.before is not None:
        signal.pthread_sigmask(signal.SIG_SETMASK, _mask.before)
        _mask.before = None


def _after_fork_in_child() -> None:
    """Give a forked child the signal handler that it would have had without us, and an end of its own."""
    if _mask.before is not None:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
    _process.exit_code, _process.child_installed = None, False
    _after_fork()


os.register_at_fork(before=_before_fork, after_in_parent=_after_fork, after_in_child=_after_fork_in_child)
