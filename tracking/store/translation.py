"""The one place where errors of sqlite3 and of the file system become those of `errors.py`."""

from __future__ import annotations

import errno
import os
import sqlite3
from pathlib import Path

from tracking.errors import InvalidValue, StoreCorrupt, StoreError, StoreFull, StoreReadOnly, TrackingError

FOREIGN = (sqlite3.Error, sqlite3.Warning, OSError, OverflowError, UnicodeEncodeError)


def name_of(path: Path | None) -> str:
    """Return how messages call a store."""
    return str(path) if path else "The store in memory"


def translate(error: BaseException, path: Path | None, *, reading: bool = False) -> BaseException:
    """Return the error of `errors.py` that says what sqlite3 or the system meant."""
    if isinstance(error, TrackingError) or not isinstance(error, FOREIGN):
        return error
    if isinstance(error, (OverflowError, UnicodeEncodeError)):
        return InvalidValue(f"A value cannot be stored: {error}. Use 64-bit integers and valid Unicode text.")
    if isinstance(error, OSError):
        return _translate_system_error(error, path, reading)
    return _translate_sqlite_error(error, path, reading)


def _translate_system_error(error: OSError, path: Path | None, reading: bool) -> StoreError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return _full(error, path)
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return _refused(error, path, reading)
    return StoreError(f"{name_of(path)} cannot be used: {error}. Check the tracking URI.")


def _translate_sqlite_error(error: Exception, path: Path | None, reading: bool) -> StoreError:
    code = getattr(error, "sqlite_errorcode", 0)
    match code & 0xFF:
        case sqlite3.SQLITE_FULL:
            return _full(error, path)
        case sqlite3.SQLITE_IOERR if code in (sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_IOERR_SHMSIZE):
            return _full(error, path)
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_PERM | sqlite3.SQLITE_AUTH:
            return _refused(error, path, reading)
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return StoreError(
                f"{name_of(path)} is locked by another process ({error}). "
                f"{'' if reading else 'Nothing was recorded. '}End the process that holds it, then try again."
            )
        case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB | sqlite3.SQLITE_FORMAT:
            return StoreCorrupt(
                f"{name_of(path)} is not a readable tracking store ({error}). It was not touched. Restore it "
                "from a copy, salvage it with `sqlite3 FILE .recover`, or choose another tracking URI."
            )
        case sqlite3.SQLITE_CANTOPEN:
            return _translate_cannot_open(error, path, reading)
    return StoreError(f"{name_of(path)} failed: {error}. See: python -m tracking check")


def _translate_cannot_open(error: Exception, path: Path | None, reading: bool) -> StoreError:
    if path is not None and path.is_dir():
        return StoreError(f"{path} is a folder; a store is a file. Use sqlite:///{path}/tracking.db")
    if path is not None and not os.access(path if path.exists() else path.parent, os.W_OK):
        return _refused(error, path, reading)
    return StoreError(f"{name_of(path)} cannot be opened ({error}). Check the tracking URI.")


def _full(error: Exception, path: Path | None) -> StoreFull:
    return StoreFull(
        f"No space left to write {name_of(path)} ({error}). Nothing of this call was recorded. "
        "Free disk space (python -m tracking gc), or raise the quota or file size limit, and try again."
    )


def _refused(error: Exception, path: Path | None, reading: bool) -> StoreReadOnly:
    readable = path is None or not path.exists() or os.access(path, os.R_OK)
    told = "may not be read" if reading or not readable else "may not be written"
    return StoreReadOnly(
        f"{name_of(path)} {told} ({error}). {'' if reading else 'Nothing was recorded. '}"
        "Change the permissions of the file and its folder, or choose another tracking URI."
    )
