"""Flushing a file beside the work, once for all that was written in a while."""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from pathlib import Path


class Flusher:
    """A thread that flushes a file at most `seconds` after it is asked to, and once more when it is closed.

    Only a call of the system, without SQLite: flushing inside a commit would hold up every other writer.
    """

    def __init__(self, path: Path, seconds: float) -> None:
        self._path = path
        self._seconds = seconds
        self._asked = threading.Event()
        self._closed = threading.Event()
        self._error: OSError | None = None
        self._pid = os.getpid()
        self._thread = threading.Thread(target=self._run, name="flush", daemon=True)
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Whether the thread is in this process, and not in the one that forked it."""
        return self._pid == os.getpid()

    def ask(self) -> None:
        """Have what is written by now flushed soon."""
        self._asked.set()

    def close(self) -> None:
        """Flush what is left and end the thread. Raises the OSError that flushing met."""
        self._closed.set()
        self._asked.set()
        self._thread.join()
        if self._error is not None:
            raise self._error

    def _run(self) -> None:
        while not self._closed.is_set():
            self._asked.wait()
            self._closed.wait(self._seconds)
            self._asked.clear()
            try:
                self._flush()
            except OSError as error:
                self._error = error

    def _flush(self) -> None:
        with suppress(FileNotFoundError):  # SQLite has flushed the file's content elsewhere and removed it
            number = os.open(self._path, os.O_RDWR)
            try:
                getattr(os, "fdatasync", os.fsync)(number)
            finally:
                os.close(number)
