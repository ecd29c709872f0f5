"""With which code a program ends: what atexit functions are not told.

Knows nothing of runs. `sys.exit`, `exit` and `quit` are wrapped, and say it exactly. A bare `raise
SystemExit(code)` leaves no trace by then: its exception is gone, and no hook has seen it. What remains is
where the main module stopped. From Python 3.12 on raised exceptions can be watched, so that the code is
known; before, it is read from the instruction (`raise SystemExit(3)` in the main module), taken for a failure
where the exception came out of a call, and for none in `raise SystemExit(main())`, which is how programs end.
"""

from __future__ import annotations

import builtins
import sys
import threading
from dataclasses import dataclass
from types import CodeType, FrameType
from typing import Any, Final, NoReturn

_TOOL: Final = 4  # of sys.monitoring; debuggers, coverage and profilers have others
_UNKNOWN: Final = object()


@dataclass
class _Exit:
    """What has been seen of how the program ends."""

    failed: bool | None = None  # by the exception that ended it, where that was one of ours
    main: FrameType | None = None  # kept for its last instruction; what it holds lives as long as the program
    raised: Any = _UNKNOWN  # the code of the last SystemExit raised, where that can be watched


_exit = _Exit()


class ProgramExit(SystemExit):
    """What `sys.exit` raises once a run was started: a SystemExit that notices that it ends the program.

    When programs are at their end Python no longer tells with which code. But the exception that ends one
    is let go of by the interpreter itself, one that was caught by the Python code that had caught it.
    """

    def __del__(self) -> None:
        try:
            sys._getframe(1)
        except ValueError:  # nobody is left who could have caught it
            _exit.failed = bool(self.code)


def watch() -> None:
    """Begin to watch; to be called once, and from within the program."""
    _exit.main = _main_frame()
    _watch_sys_exit()
    _watch_quitters()
    _watch_raises()


def failed() -> bool:
    """Tell, at its end, whether the program ended by a SystemExit that means failure."""
    if _exit.failed is not None:
        return _exit.failed
    if _exit.main is None or hasattr(sys, "ps1") or _is_running(_exit.main) or _returned(_exit.main):
        return False
    return bool(_code_raised_by(_exit.main) if _exit.raised is _UNKNOWN else _exit.raised)


def _main_frame() -> FrameType | None:
    """Return the frame of the main module while it is being run."""
    main = sys.modules.get("__main__")
    frame = sys._current_frames().get(threading.main_thread().ident or 0)
    while frame is not None:
        if frame.f_code.co_name == "<module>" and main is not None and frame.f_globals is vars(main):
            return frame
        frame = frame.f_back
    return None


def _is_running(frame: FrameType) -> bool:
    """Tell whether a frame is among the callers: somebody ran the exit functions before the end."""
    caller: FrameType | None = sys._getframe()
    while caller is not None and caller is not frame:
        caller = caller.f_back
    return caller is not None


def _returned(frame: FrameType) -> bool:
    """Tell whether a frame that is over came to its end, rather than being left by an exception."""
    from dis import opname

    return opname[frame.f_code.co_code[frame.f_lasti]].startswith("RETURN_")


def _code_raised_by(frame: FrameType) -> Any:
    """Return the code with which a frame raised SystemExit, as far as its instructions tell."""
    from dis import get_instructions

    small = ("PRECALL", "PUSH_NULL", "CACHE", "EXTENDED_ARG", "NOT_TAKEN")
    done = [i for i in get_instructions(frame.f_code) if i.offset <= frame.f_lasti and i.opname not in small]
    *_, argument, call, last = done[-3:] if len(done) > 2 else [None, None, done[-1]]
    if last is None or last.opname != "RAISE_VARARGS":
        return 1  # it came out of a call
    if call is None or argument is None or call.opname != "CALL" or call.arg != 1:
        return 0  # raise SystemExit, raise SystemExit()
    return argument.argval if argument.opname in ("LOAD_CONST", "LOAD_SMALL_INT") else 0


def _watch_sys_exit() -> None:
    plain_exit = sys.exit

    def exit(status: Any = None, /) -> NoReturn:  # the signature of sys.exit
        if threading.current_thread() is not threading.main_thread():
            plain_exit(status)  # ends only its thread
        raise ProgramExit(status)

    exit.__doc__ = plain_exit.__doc__
    sys.exit = exit
    names = vars(sys.modules.get("__main__", sys))
    for name in [name for name, value in names.items() if value is plain_exit]:  # from sys import exit
        names[name] = exit


def _watch_quitters() -> None:
    """Watch `exit` and `quit`, which module `site` adds to the builtins."""
    quitter: Any = type(getattr(builtins, "exit", None))
    if quitter.__name__ != "Quitter":
        return
    leave = quitter.__call__

    def call(self: Any, code: Any = None) -> NoReturn:
        try:
            leave(self, code)
        except SystemExit as ended:
            code = ended.code
        if threading.current_thread() is not threading.main_thread():
            raise SystemExit(code)
        raise ProgramExit(code)

    quitter.__call__ = call


def _watch_raises() -> None:
    """Note the code of each SystemExit, which costs nothing but where exceptions are raised."""
    if sys.version_info < (3, 12):
        return
    monitoring = sys.monitoring
    if monitoring.get_tool(_TOOL) is None:
        monitoring.use_tool_id(_TOOL, "tracking")
        monitoring.register_callback(_TOOL, monitoring.events.RAISE, _on_raise)
        monitoring.set_events(_TOOL, monitoring.events.RAISE)


def _on_raise(code: CodeType, offset: int, error: BaseException) -> None:
    if isinstance(error, SystemExit) and threading.current_thread() is threading.main_thread():
        _exit.raised = error.code
