"""A thread's place for its connection to one file, and what happens to all of them when the process forks.

SQLite knows its locks on a file by variables of the process, and the kernel by the process. A child inherits
the variables and not the locks: it believes to hold what it does not, also through a connection of its own,
and others empty the file's log under it. So no connection is open at the moment of a fork.
"""

from __future__ import annotations

import os
import sqlite3
import sys
import threading
from contextlib import suppress
from typing import Any

Identity = tuple[int, int]  # device and number of a file


class Connection(sqlite3.Connection):
    """A connection that remembers the numbers of interned names."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.names: dict[str, int] = {}  # that have been committed
        self.new_names: dict[str, int] = {}  # of the transaction in progress, which may be rolled back


class Handle:
    """A connection that is opened when it is needed, closed before a fork, and opened again on both sides.

    Its lock is held while it is opened, in a transaction, or closed.
    """

    def __init__(self, *, survives_fork: bool = False) -> None:
        self.lock = threading.RLock()
        self.connection: Connection | None = None
        self.file: Identity | None = None
        self.pid = os.getpid()
        self._survives_fork = survives_fork  # in memory there are no locks, and a copy is what a child gets
        with fork_gate:
            _handles.add(self)

    def attach(self, connection: Connection, file: Identity | None) -> None:
        """Keep an open connection of this process."""
        self.connection, self.file, self.pid = connection, file, os.getpid()

    def is_open(self) -> bool:
        """Tell whether this process may use the connection. One that was inherited is put aside for ever."""
        if self.connection is not None and self.pid != os.getpid() and not self._survives_fork:
            _inherited.append((self.file, self.connection))  # neither used nor closed
            self.connection = None
        return self.connection is not None

    def close(self) -> None:
        """Close the connection, if this process opened it."""
        if self.is_open() and self.connection is not None:
            self.connection.close()
            self.connection = None

    def close_for_fork(self) -> None:
        """Close it unless that is impossible: the thread that forks may itself be in the middle of a call."""
        if self.connection is not None and not self._survives_fork and not self.connection.in_transaction:
            self.close()

    def discard(self) -> None:
        """Close the connection for good: its thread has ended, or its store is gone."""
        with self.lock:
            self.close()
        _handles.discard(self)


class Lease:
    """Holds a handle for a thread or a store in memory, and lets go of it when that ends.

    The handle outlives the lease until it is closed, so that a fork of another thread waits for that too.
    """

    def __init__(self, *, survives_fork: bool = False) -> None:
        self.handle = Handle(survives_fork=survives_fork)

    def __del__(self) -> None:
        if not sys.is_finalizing():  # threads are frozen then, perhaps in a call: the lock would be waited for in vain
            self.handle.discard()


def is_lost_to_fork(file: Identity | None) -> bool:
    """Tell whether this process inherited an open connection to a file, and with it wrong beliefs about locks.

    That takes a fork in the middle of a call of the same thread, or one that Python does not know of.
    """
    for handle in list(_handles):
        handle.is_open()
    return any(file == inherited for inherited, _ in _inherited)


fork_gate = threading.RLock()  # held while a connection without a handle is open, and from before a fork until after
_handles: set[Handle] = set()
_held: list[Handle] = []
_inherited: list[tuple[Identity | None, sqlite3.Connection]] = []


def _before_fork() -> None:
    fork_gate.acquire()
    for handle in list(_handles):
        handle.lock.acquire()  # waits for the end of another thread's call
        _held.append(handle)
        with suppress(sqlite3.Error):
            handle.close_for_fork()


def _after_fork() -> None:
    while _held:
        _held.pop().lock.release()
    fork_gate.release()


os.register_at_fork(before=_before_fork, after_in_parent=_after_fork, after_in_child=_after_fork)
