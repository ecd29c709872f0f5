"""Lines to a person: results on stdout, everything else on stderr. A reader who has left ends nothing.

What a terminal would obey (names, paths and messages may hold escape sequences and marks of direction) is escaped.
"""

from __future__ import annotations

import io
import os
import shutil
import signal
import sys
from collections.abc import Iterable
from typing import TextIO

from runner.errors import RunnerError
from tracking.records.secrets import redact
from tracking.text.formatting import plain_lines

GONE = 128 + getattr(signal, "SIGPIPE", 13)  # the exit code that shells give to what a closed pipe has ended


def emit(lines: Iterable[str]) -> None:
    """Print on stdout. Raises RunnerError where it cannot be written, except to a reader who has left."""
    try:
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(errors="backslashreplace")  # a name may hold what the terminal cannot show
        print(plain_lines("\n".join(lines)), flush=True)
    except OSError as error:
        _drop(sys.stdout)
        if not isinstance(error, BrokenPipeError):
            raise RunnerError(
                f"The result cannot be written: {error.strerror}. What ran is recorded. See: python -m tracking runs"
            ) from None


def width() -> int | None:
    """Return how many characters a line of stdout has, None where it is no terminal: then nothing is cut."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def say(line: str) -> None:
    """Print on stderr, if it can be written; what looks like a secret is left out."""
    try:
        print(plain_lines(redact(line)), file=sys.stderr, flush=True)
    except OSError:
        _drop(sys.stderr)


def end_quietly(code: int) -> int:
    """Return the exit code, or 141 where the reader of stdout left before the last of it."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        _drop(sys.stdout)
        return code or GONE
    return code


def _drop(stream: TextIO) -> None:
    """Give the interpreter, which flushes once more when it ends, somewhere to write, or it complains."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
