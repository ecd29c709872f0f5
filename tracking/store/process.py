"""Which process writes a run, and whether that process is gone.

Host-wide facts only; nothing here knows of stores or runs. "Gone" is said only when it is certain:
a process of another host or of another pid namespace counts as alive.
"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

from tracking.entities import Process

_ASSUMED_ALIVE = "unknown"
_EXITING = 0x4  # PF_EXITING of Linux: it runs no code any more, and its files may be closed already


def current_process() -> Process:
    """Return what tells this process from every other, of this machine and of others."""
    return _process_of(os.getpid())  # cached by pid, so that a forked child gets its own


def is_gone(process: Process) -> bool:
    """Tell whether a process certainly no longer runs."""
    if process.host != _host():
        return False
    boot, _, rest = process.started.partition("/")
    namespace, _, started = rest.partition("/")
    if boot != _boot():
        return True  # the machine has restarted since
    if namespace != _pid_namespace():
        return False  # its process numbers mean nothing here
    if process.pid == os.getpid():
        return process != current_process()
    now = _process_start(process.pid)
    if _ASSUMED_ALIVE in (now, started):
        return False
    return now != started  # None, or another process that was given the number


@cache
def _process_of(pid: int) -> Process:
    started = _process_start(pid) or _ASSUMED_ALIVE
    return Process(_host(), pid, f"{_boot()}/{_pid_namespace()}/{started}")


@cache
def _host() -> str:
    return os.uname().nodename


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
    if fields[0] in ("Z", "X") or int(fields[6]) & _EXITING:
        return None  # dead, only not yet collected by its parent; or the system is just taking it down
    return fields[19]


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
