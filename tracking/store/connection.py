"""Connections to one SQLite file: opening, one per thread, and transactions."""

from __future__ import annotations

import os
import random
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

from tracking.errors import StoreCorrupt, StoreError, TrackingError
from tracking.store import schema
from tracking.store.damage import find_damage
from tracking.store.flush import Flusher
from tracking.store.handles import Connection, Handle, Identity, Lease, is_lost_to_fork
from tracking.store.translation import FOREIGN, name_of, translate

T = TypeVar("T")
P = ParamSpec("P")

# What code meets in rows that make no sense, and what nobody expects in rows that do.
UNEXPECTED = (KeyError, IndexError, TypeError, ValueError, AttributeError)
_BUSY_SECONDS = 120.0
_BUSY_TURN_SECONDS = 2.0  # waiting inside SQLite does not hear Ctrl-C, so that it happens in turns
_jitter = random.Random()  # its own: the global one may be seeded by an experiment


class _Local(threading.local):
    lease: Lease | None = None


class Database:
    """One SQLite file, or memory when `path` is None, and how this process talks to it."""

    def __init__(
        self,
        path: Path | None,
        functions: dict[str, tuple[int, Callable[..., int | str | None]]],
        *,
        read_only: bool = False,
    ) -> None:
        self.path = path
        self._file = None if path is None else str(path)  # asked after at each call
        self._read_only = read_only
        self._functions = functions
        self._local = _Local()
        self._shared = Lease(survives_fork=True) if path is None else None  # threads share what is in memory
        self._flusher: Flusher | None = None
        self._raised: BaseException | None = None

    def handle(self) -> Handle:
        """Return this thread's place for its connection; in memory that of all threads."""
        if self._shared is not None:
            return self._shared.handle
        if self._local.lease is None:
            self._local.lease = Lease()
        return self._local.lease.handle

    def opened(self, handle: Handle, *, reading: bool = False) -> Connection:
        """Return the connection of a handle whose lock is held, opened at the first call and again after a fork.

        Also after the file was removed or replaced, as people do between two cells of a notebook: what is
        written to a removed file is lost without a word. Raises StoreError in the middle of another call.
        """
        if handle.is_open() and (connection := handle.connection) is not None:
            if connection.in_transaction:  # leaving `with` would roll back the call that this one interrupts
                raise StoreError(
                    "The store was called in the middle of another call of the same thread, as by a signal handler "
                    "or a __del__. Nothing of this call was recorded. Call it when the other has returned."
                )
            if self._file is None or handle.file == _identity(self._file):
                return connection
            handle.close()
        if self.path is not None and is_lost_to_fork(_identity(self.path)):
            raise StoreError(
                f"{name_of(self.path)} was in use when this process was forked, so that it cannot be used here. "
                "Nothing of this call was recorded. Fork between calls and by os.fork, or start a new program."
            )
        connection = self._open(reading)
        handle.attach(connection, _identity(self.path) if self.path else None)
        return connection

    def read(self, work: Callable[Concatenate[Connection, P], T], *arguments: P.args, **options: P.kwargs) -> T:
        """Return what `work(connection, ...)` returns; all that it reads is of one moment."""
        return self._transact("BEGIN", False, work, *arguments, **options)

    def write(self, work: Callable[Concatenate[Connection, P], T], *arguments: P.args, **options: P.kwargs) -> T:
        """Return what `work(connection, ...)` returns; all that it writes is recorded, or nothing."""
        return self._transact("BEGIN IMMEDIATE", False, work, *arguments, **options)

    def write_flushed(
        self, work: Callable[Concatenate[Connection, P], T], *arguments: P.args, **options: P.kwargs
    ) -> T:
        """Write; afterwards this is on the disk, and so is everything written before.

        Inside of `flushing_together` a little later.
        """
        later = self._flusher if self._flusher is not None and self._flusher.alive else None
        flush = later is None and self.path is not None
        result = self._transact("BEGIN IMMEDIATE", flush, work, *arguments, **options)
        if later is not None:
            later.ask()
        return result

    @contextmanager
    def flushing_together(self, seconds: float) -> Iterator[None]:
        """Let all threads flush together: at most `seconds` after a commit, and at the end of the block."""
        if self.path is None or (self._flusher is not None and self._flusher.alive):
            yield
            return
        flusher = self._flusher = Flusher(self.path.with_name(self.path.name + "-wal"), seconds)
        try:
            yield
        finally:
            self._flusher = None
            try:
                flusher.close()
            except OSError as error:
                raise translate(error, self.path) from error

    def _transact(self, begin: str, flush: bool, work: Callable[..., T], *arguments: Any, **options: Any) -> T:
        reading = begin == "BEGIN"
        handle = self.handle()
        try:
            with handle.lock:
                connection = self.opened(handle, reading=reading)
                result = (_flushed if flush else _in_transaction)(connection, begin, work, *arguments, **options)
            return result  # noqa: RET504 - inside, Ctrl-C could come between it and the end of `with`
        except FOREIGN as error:
            if (swallowed := self._swallowed(error)) is not None:
                raise swallowed from None
            translated = translate(error, self.path, reading=reading)
            if translated is error:
                raise
            raise translated from error
        except UNEXPECTED as error:
            if not isinstance(error, TrackingError):
                self.blame(error)
            raise

    def blame(self, error: Exception) -> None:
        """Raise StoreCorrupt where what is stored explains an error that should not be; return where it does not."""
        found: list[str] = []
        handle = self.handle()
        with suppress(TrackingError, *FOREIGN), handle.lock:
            found = _in_transaction(self.opened(handle, reading=True), "BEGIN", find_damage)
        if found:
            raise StoreCorrupt(
                f"{name_of(self.path)} is damaged, or was not written by this program: {found[0]}."
                " See: python -m tracking check"
            ) from error

    def _swallowed(self, error: Exception) -> BaseException | None:
        """Return what a signal handler raised inside of one of our functions, which SQLite makes an error of its own.

        They raise nothing themselves. Ctrl-C it is where it came too early for `_called` to see it.
        """
        if str(error) != "user-defined function raised exception":
            return None
        raised, self._raised = self._raised, None
        return raised or KeyboardInterrupt()

    def _called(self, function: Callable[..., int | str | None]) -> Callable[..., int | str | None]:
        def call(*arguments: Any) -> int | str | None:
            try:
                return function(*arguments)
            except BaseException as error:
                self._raised = error
                raise

        return call

    def close(self) -> None:
        """Free this thread's connection (in memory: everything)."""
        handle = self.handle()
        with handle.lock:
            if handle.is_open() and handle.connection is not None:
                with suppress(sqlite3.Error):  # statistics are a favour: a busy or read-only file does without
                    handle.connection.execute("PRAGMA analysis_limit = 400")
                    handle.connection.execute("PRAGMA optimize")
            handle.close()

    def _open(self, reading: bool) -> Connection:
        try:
            return _until_free(self._connect)
        except FOREIGN as error:
            raise translate(error, self.path, reading=reading) from error

    def _connect(self) -> Connection:
        if self.path is None:
            connection = Connection(":memory:", isolation_level=None, check_same_thread=False)
        elif not self._read_only and self._may_be_written(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            connection = _connect_to(str(self.path))
        else:
            connection = _connect_read_only(self.path)
        try:
            self._prepare(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _prepare(self, connection: sqlite3.Connection) -> None:
        current = schema.require_known(connection, name_of(self.path))
        if not current or not connection.execute("PRAGMA query_only").fetchone()[0]:
            connection.execute("PRAGMA page_size = 2048")  # of a new file: a commit writes whole pages
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA wal_autocheckpoint = 4000")  # 8 MB: a checkpoint waits for the disk
            connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA secure_delete = OFF")
        connection.execute("PRAGMA cache_size = -16000")  # 16 MB, filled only by large searches
        if not self._read_only:  # a tenth to a third faster beyond the cache; a server's threads would each map it
            connection.execute("PRAGMA mmap_size = 268435456")
        if not current:
            schema.migrate(connection, self.path)
        for name, (arguments, function) in self._functions.items():
            connection.create_function(name, arguments, self._called(function))

    @staticmethod
    def _may_be_written(path: Path) -> bool:
        """Say no only for what exists and is read-only; whatever else is wrong shows when opening."""
        return not path.is_file() or (os.access(path, os.W_OK) and os.access(path.parent, os.W_OK))


def _flushed(connection: Connection, begin: str, work: Callable[..., T], *arguments: Any, **options: Any) -> T:
    try:
        connection.execute("PRAGMA synchronous = FULL")
        return _in_transaction(connection, begin, work, *arguments, **options)
    finally:
        connection.execute("PRAGMA synchronous = NORMAL")


def _in_transaction(connection: Connection, begin: str, work: Callable[..., T], *arguments: Any, **options: Any) -> T:
    """Commit what `work` does, or roll it back.

    The connection's own `with` is entered before BEGIN and ends it in C, which Ctrl-C cannot interrupt. A
    context manager in Python could be left by it in `__enter__` with the transaction begun, or in `__exit__`
    before its first line; the file would stay locked for everybody.
    """
    connection.new_names.clear()
    with connection:
        _until_free(connection.execute, begin)
        # Not `return`: Ctrl-C could come between that and the end of `with`.
        result = work(connection, *arguments, **options)
    connection.names.update(connection.new_names)
    return result


def _identity(path: Path | str) -> Identity | None:
    try:
        facts = os.stat(path)
    except OSError:
        return None
    return facts.st_dev, facts.st_ino


def _until_free(work: Callable[P, T], *arguments: P.args, **options: P.kwargs) -> T:
    """Do something again while another process holds the file, up to a limit.

    Switching a new file to WAL does not wait by itself, when others do the same.
    """
    deadline = time.monotonic() + _BUSY_SECONDS
    while True:
        try:
            return work(*arguments, **options)
        except sqlite3.OperationalError as error:
            busy = getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY
            if not busy or time.monotonic() > deadline:
                raise
        time.sleep(_jitter.uniform(0.001, 0.01))


def _connect_to(name: str, *, uri: bool = False) -> Connection:
    # Threads do not share a connection; the check is off so that the one of an ended thread can be closed.
    return Connection(
        name,
        timeout=min(_BUSY_TURN_SECONDS, _BUSY_SECONDS),
        isolation_level=None,
        check_same_thread=False,
        uri=uri,
        cached_statements=256,
    )


def _connect_read_only(path: Path) -> Connection:
    """Open what cannot be written: as others may be changing it, or else as unchanging.

    The second is for a folder where not even the lock file can be made; then nobody else writes there.
    """
    address = f"{path.absolute().as_uri()}?mode=ro"
    connection = _connect_to(address, uri=True)
    try:
        schema.version_of(connection)
    except sqlite3.OperationalError:
        connection.close()
        pending = path.with_name(path.name + "-wal")
        if pending.is_file() and pending.stat().st_size:
            raise
        connection = _connect_to(address + "&immutable=1", uri=True)
    connection.execute("PRAGMA query_only = ON")
    return connection
