"""Connections to one SQLite file: opening, one per thread and process, transactions, and the one place
where errors of sqlite3 and of the file system become those of `errors.py`.
"""

from __future__ import annotations

import errno
import os
import random
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

from tracking.errors import InvalidValue, StoreCorrupt, StoreError, StoreFull, StoreReadOnly, TrackingError
from tracking.store import schema
from tracking.store.flush import Flusher
from tracking.store.handles import Handle, Identity, Lease, is_lost_to_fork

T = TypeVar("T")

_BUSY_SECONDS = 120.0
_BUSY_TURN_SECONDS = 2.0  # waiting inside SQLite does not hear Ctrl-C, so that it happens in turns
_FOREIGN = (sqlite3.Error, sqlite3.Warning, OSError, OverflowError, UnicodeEncodeError)


class _Local(threading.local):
    lease: Lease | None = None


class Database:
    """One SQLite file, or memory when `path` is None, and how this process talks to it."""

    def __init__(self, path: Path | None, functions: dict[str, tuple[int, Callable[..., int | str | None]]]) -> None:
        self.path = path
        self._functions = functions
        self._local = _Local()
        self._shared = Handle(survives_fork=True) if path is None else None  # threads share what is in memory
        self._flusher: Flusher | None = None
        self._raised: BaseException | None = None

    @property
    def name(self) -> str:
        """How messages call it."""
        return str(self.path) if self.path else "The store in memory"

    def handle(self) -> Handle:
        """Return this thread's place for its connection; in memory that of all threads."""
        if self._shared is not None:
            return self._shared
        if self._local.lease is None:
            self._local.lease = Lease()
        return self._local.lease.handle

    def names(self) -> dict[str, int]:
        """Return the numbers of interned names that the connection of the transaction in progress knows.

        Only committed ones may be added.
        """
        return self.handle().names

    def opened(self, handle: Handle, *, reading: bool = False) -> sqlite3.Connection:
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
            if self.path is None or handle.file == _identity(self.path):
                return connection
            handle.close()
        if self.path is not None and is_lost_to_fork(_identity(self.path)):
            raise StoreError(
                f"{self.name} was in use at the moment when this process was forked, so that it cannot be used here. "
                "Nothing of this call was recorded. Fork between calls and by os.fork, or start a new program."
            )
        connection = self._open(reading)
        handle.attach(connection, _identity(self.path) if self.path else None)
        return connection

    def write(self, work: Callable[[sqlite3.Connection], T], *, flush: bool = False) -> T:
        """Return what `work` returns; all that it writes by the connection it is given is recorded, or nothing.

        With `flush` it is on the disk afterwards, and so is everything written before; inside of
        `flushing_together` a little later.
        """
        later = self._flusher if flush and self._flusher is not None and self._flusher.alive else None
        result = self._transact("BEGIN IMMEDIATE", work, flush=flush and later is None and self.path is not None)
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
                raise self.translate(error) from error

    def read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Return what `work` returns; all that it reads by the connection it is given is of one moment."""
        return self._transact("BEGIN", work)

    def _transact(self, begin: str, work: Callable[[sqlite3.Connection], T], *, flush: bool = False) -> T:
        reading = begin == "BEGIN"
        handle = self.handle()
        try:
            with handle.lock:
                connection = self.opened(handle, reading=reading)
                result = (_flushed if flush else _in_transaction)(connection, begin, work)
            return result  # noqa: RET504 - as below
        except _FOREIGN as error:
            if (swallowed := self._swallowed(error)) is not None:
                raise swallowed from None
            translated = self.translate(error, reading=reading)
            if translated is error:
                raise
            raise translated from error

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

    def translate(self, error: BaseException, *, reading: bool = False) -> BaseException:
        """Return the error of `errors.py` that says what sqlite3 or the system meant."""
        if isinstance(error, TrackingError) or not isinstance(error, _FOREIGN):
            return error
        if isinstance(error, (OverflowError, UnicodeEncodeError)):
            return InvalidValue(f"A value cannot be stored: {error}. Use 64-bit integers and valid Unicode text.")
        if isinstance(error, OSError):
            return self._translate_system_error(error, reading)
        return self._translate_sqlite_error(error, reading)

    def _translate_system_error(self, error: OSError, reading: bool) -> StoreError:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            return self._full(error)
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            return self._refused(error, reading)
        return StoreError(f"{self.name} cannot be used: {error}. Check the tracking URI.")

    def _translate_sqlite_error(self, error: Exception, reading: bool) -> StoreError:
        code = getattr(error, "sqlite_errorcode", 0)
        match code & 0xFF:
            case sqlite3.SQLITE_FULL:
                return self._full(error)
            case sqlite3.SQLITE_IOERR if code in (sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_IOERR_SHMSIZE):
                return self._full(error)
            case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_PERM | sqlite3.SQLITE_AUTH:
                return self._refused(error, reading)
            case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
                return StoreError(
                    f"{self.name} is locked by another process ({error}). "
                    f"{'' if reading else 'Nothing was recorded. '}End the process that holds it, then try again."
                )
            case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB | sqlite3.SQLITE_FORMAT:
                return StoreCorrupt(
                    f"{self.name} is not a readable tracking store ({error}). It was not touched. Restore it "
                    "from a copy, salvage it with `sqlite3 FILE .recover`, or choose another tracking URI."
                )
            case sqlite3.SQLITE_CANTOPEN:
                return self._translate_cannot_open(error, reading)
        return StoreError(f"{self.name} failed: {error}. See: python -m tracking check")

    def _translate_cannot_open(self, error: Exception, reading: bool) -> StoreError:
        path = self.path
        if path is not None and path.is_dir():
            return StoreError(f"{path} is a folder; a store is a file. Use sqlite:///{path}/tracking.db")
        if path is not None and not os.access(path if path.exists() else path.parent, os.W_OK):
            return self._refused(error, reading)
        return StoreError(f"{self.name} cannot be opened ({error}). Check the tracking URI.")

    def _full(self, error: Exception) -> StoreFull:
        return StoreFull(
            f"No space left to write {self.name} ({error}). Nothing of this call was recorded. "
            "Free disk space (python -m tracking gc), or raise the quota or file size limit, and try again."
        )

    def _refused(self, error: Exception, reading: bool) -> StoreReadOnly:
        readable = self.path is None or not self.path.exists() or os.access(self.path, os.R_OK)
        told = "may not be read" if reading or not readable else "may not be written"
        return StoreReadOnly(
            f"{self.name} {told} ({error}). {'' if reading else 'Nothing was recorded. '}"
            "Change the permissions of the file and its folder, or choose another tracking URI."
        )

    def _open(self, reading: bool) -> sqlite3.Connection:
        try:
            return _until_free(self._connect)
        except _FOREIGN as error:
            raise self.translate(error, reading=reading) from error

    def _connect(self) -> sqlite3.Connection:
        if self.path is None:
            connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        elif self._may_be_written(self.path):
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
        current = schema.require_known(connection, self.name)
        if not current or not connection.execute("PRAGMA query_only").fetchone()[0]:
            connection.execute("PRAGMA page_size = 2048")  # of a new file: a commit writes whole pages
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA wal_autocheckpoint = 4000")  # 8 MB: a checkpoint waits for the disk
            connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA secure_delete = OFF")
        connection.execute("PRAGMA cache_size = -16000")  # 16 MB, filled only by large searches
        connection.execute("PRAGMA mmap_size = 268435456")  # a third faster where more than the cache is read
        if not current:
            schema.migrate(connection, self.path)
        for name, (arguments, function) in self._functions.items():
            connection.create_function(name, arguments, self._called(function))

    @staticmethod
    def _may_be_written(path: Path) -> bool:
        """Say no only for what exists and is read-only; whatever else is wrong shows when opening."""
        return not path.is_file() or (os.access(path, os.W_OK) and os.access(path.parent, os.W_OK))


def _flushed(connection: sqlite3.Connection, begin: str, work: Callable[[sqlite3.Connection], T]) -> T:
    try:
        connection.execute("PRAGMA synchronous = FULL")
        return _in_transaction(connection, begin, work)
    finally:
        connection.execute("PRAGMA synchronous = NORMAL")


def _in_transaction(connection: sqlite3.Connection, begin: str, work: Callable[[sqlite3.Connection], T]) -> T:
    """Commit what `work` does, or roll it back.

    The connection's own `with` is entered before BEGIN and ends it in C, which Ctrl-C cannot interrupt. A
    context manager in Python could be left by it in `__enter__` with the transaction begun, or in `__exit__`
    before its first line; the file would stay locked for everybody.
    """
    with connection:
        _until_free(lambda: connection.execute(begin))
        result = work(connection)
    return result  # noqa: RET504 - a `return` would stand between `work` and the end of `with`


def _identity(path: Path) -> Identity | None:
    try:
        facts = os.stat(path)
    except OSError:
        return None
    return facts.st_dev, facts.st_ino


def _until_free(work: Callable[[], T]) -> T:
    """Do something again while another process holds the file, up to a limit.

    Switching a new file to WAL does not wait by itself, when others do the same.
    """
    deadline = time.monotonic() + _BUSY_SECONDS
    while True:
        try:
            return work()
        except sqlite3.OperationalError as error:
            busy = getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY
            if not busy or time.monotonic() > deadline:
                raise
        time.sleep(random.uniform(0.001, 0.01))


def _connect_to(name: str, *, uri: bool = False) -> sqlite3.Connection:
    # Threads do not share a connection; the check is off so that the one of an ended thread can be closed.
    return sqlite3.connect(
        name,
        timeout=min(_BUSY_TURN_SECONDS, _BUSY_SECONDS),
        isolation_level=None,
        check_same_thread=False,
        uri=uri,
        cached_statements=256,
    )


def _connect_read_only(path: Path) -> sqlite3.Connection:
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
