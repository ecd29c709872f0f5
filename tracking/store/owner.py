"""Owners of runs: which process writes a run, and whether that process is gone.

Host-wide facts only; nothing here knows of stores or runs. "Gone" is said only when it is certain:
a process of another host or of another pid namespace counts as alive.
"""

from __future__ import annotations

import os
import sys
from functools import cache
from pathlib import Path

from tracking.entities import Owner

_ASSUMED_ALIVE = "unknown"


def current_owner() -> Owner:
    """Return the owner that stands for this process."""
    return _owner_of(os.getpid())  # cached by pid, so that a forked child gets its own


def is_gone(owner: Owner) -> bool:
    """Tell whether the owner certainly no longer runs."""
    if owner.host != _host():
        return False
    boot, _, rest = owner.started.partition("/")
    namespace, _, started = rest.partition("/")
    if boot != _boot():
        return True  # the machine has restarted since
    if namespace != _pid_namespace():
        return False  # its process numbers mean nothing here
    if owner.pid == os.getpid():
        return owner != current_owner()
    now = _process_start(owner.pid)
    if _ASSUMED_ALIVE in (now, started):
        return False
    return now != started  # None, or another process that was given the number


@cache
def _owner_of(pid: int) -> Owner:
    started = _process_start(pid) or _ASSUMED_ALIVE
    return Owner(_host(), pid, f"{_boot()}/{_pid_namespace()}/{started}")


@cache
def _host() -> str:
    if hasattr(os, "uname"):
        return os.uname().nodename
    import socket  # a tenth of what importing this library takes

    return socket.gethostname()


@cache
def _boot() -> str:
    """Identify the start of this machine; empty where the system does not tell."""
    return _read("/proc/sys/kernel/random/boot_id").strip()


@cache
def _pid_namespace() -> str:
    try:
        return os.readlink("/proc/self/ns/pid").strip("pid:[]")
    except OSError:
        return ""


def _process_start(pid: int) -> str | None:
    """Return when a process started, in the system's own unit; None when there is no such process."""
    if sys.platform == "win32":
        return _windows_process_start(pid)
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return None
    except PermissionError:
        pass  # it exists and is another user's
    # The command name stands in parentheses and may itself contain some: split after the last one.
    fields = _read(f"/proc/{pid}/stat").rpartition(")")[2].split()
    if not fields:
        return _ASSUMED_ALIVE  # no /proc here, or hidden from us: existing has to be enough
    if fields[0] in ("Z", "X"):
        return None  # dead, only not yet collected by its parent
    return fields[19]


def _windows_process_start(pid: int) -> str | None:  # pragma: no cover - needs Windows
    """Ask without os.kill, which on Windows ends the process instead of probing it."""
    if sys.platform != "win32":
        return None
    import ctypes

    query_limited_information, invalid_parameter = 0x1000, 87
    kernel = ctypes.WinDLL("kernel32", use_last_error=True)
    kernel.OpenProcess.restype = ctypes.c_void_p
    handle = kernel.OpenProcess(query_limited_information, False, pid)
    if not handle:
        return None if ctypes.get_last_error() == invalid_parameter else _ASSUMED_ALIVE
    times = (ctypes.c_uint64 * 4)()
    pointers = [ctypes.byref(times, 8 * i) for i in range(4)]
    known = kernel.GetProcessTimes(ctypes.c_void_p(handle), *pointers)
    kernel.CloseHandle(ctypes.c_void_p(handle))
    if not known:
        return _ASSUMED_ALIVE
    return None if times[1] else str(times[0])  # an exit time means that it has ended


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
