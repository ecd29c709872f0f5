"""What every verb of `python -m tracking` shares: its options, the store it opens, and how it prints.

The only module that looks at the terminal: its width, and whether there is one. Colour is laid over the
finished plain text by Rich, which is imported only for a terminal that shows colour.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from tracking.errors import ArtifactError, InvalidValue, StoreError
from tracking.store.sqlite import Store
from tracking.stores import absolute_uri, current_uri, open_store
from tracking.text.formatting import plain, plain_lines
from tracking.text.tables import Row, render_table


class Format(StrEnum):
    """How a listing is written."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"
    MD = "md"


StoreOption = Annotated[
    str | None,
    typer.Option(
        "--store",
        metavar="URI",
        help="The store, as sqlite:///path. Default: TRACKING_URI, else sqlite:///runs/tracking.db.",
        show_default=False,
    ),
]
FormatOption = Annotated[Format, typer.Option("--format", help="How to write the listing.")]
RawOption = Annotated[
    bool, typer.Option("--raw", help="CSV as recorded: no apostrophe before what a spreadsheet would run.")
]
RunArgument = Annotated[
    str,
    typer.Argument(
        metavar="RUN",
        help="Four or more characters of an id, a run name, latest, latest~N, best or best:EXPERIMENT.",
        show_default=False,
    ),
]


@contextmanager
def opened(uri: str | None) -> Iterator[Store]:
    """Open the store that the options and the environment choose; never create one.

    Raises StoreError where there is none.
    """
    chosen = absolute_uri(uri or current_uri())
    path = database_path(chosen)
    if path is not None and not path.exists():
        raise StoreError(f"No store at {_short(path)}. Record a run first: python -m runner")
    store = open_store(chosen)
    try:
        with store.blamed():
            yield store
    finally:
        store.close()


def database_path(uri: str) -> Path | None:
    """Return the file of a SQLite store, or None where a URI names none."""
    scheme, _, path = uri.partition(":///")
    return Path(path) if scheme == "sqlite" and path and path != ":memory:" else None


def _short(path: Path) -> str:
    relative = os.path.relpath(path)
    return str(path) if relative.startswith(os.pardir) else relative


# Output ------------------------------------------------------------------------------------------
def terminal_width() -> int | None:
    """Return how many characters a line may have, or None where output is piped and nothing is cut."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def emit(text: str, *, exact: bool = False) -> None:
    """Print a text, coloured where the terminal shows colour, without what would move its cursor or change its state.

    Text that has to stay `exact`, as CSV, is changed for a terminal only.
    """
    text = text if exact and not sys.stdout.isatty() else plain_lines(text)
    with _quiet_when_the_reader_leaves():
        if _shows_colour():
            _emit_coloured(text)
        else:
            print(text, flush=True)


def emit_bytes(content: bytes) -> None:
    """Write bytes as they are; to a terminal without what would move its cursor or change its state."""
    with _quiet_when_the_reader_leaves():
        if sys.stdout.isatty():
            print("\n".join(map(plain, content.decode(errors="replace").expandtabs().splitlines())), flush=True)
        else:
            sys.stdout.buffer.write(content)
            sys.stdout.buffer.flush()


@contextmanager
def _quiet_when_the_reader_leaves() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        # `| head` has seen enough. The interpreter flushes once more at exit: give it somewhere to
        # write, or it complains.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(141) from None  # what a shell reports for SIGPIPE
    except OSError as problem:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise ArtifactError(f"The output cannot be written: {problem.strerror}. Write it elsewhere.") from problem


def emit_table(
    rows: Sequence[Row],
    columns: Sequence[str],
    format: Format,
    *,
    title: str | None = None,
    empty: str = "",
    raw: bool = False,
    bars: Mapping[str, Sequence[float]] | None = None,
) -> None:
    """Print rows in the chosen format; a table without rows says `empty` on stderr instead."""
    if not rows and format in (Format.TABLE, Format.MD) and empty:
        note(empty)
        return
    text = render_table(rows, columns, format=format, width=terminal_width(), title=title, raw=raw, bars=bars)
    emit(text, exact=format == Format.CSV)


def note(message: str) -> None:
    """Tell something beside the output: on stderr, so that what is piped stays data."""
    print(plain_lines(message), file=sys.stderr, flush=True)


def confirm(question: str) -> bool:
    """Ask on the terminal. Raises InvalidValue where nobody can answer."""
    if not sys.stdin.isatty():
        raise InvalidValue(f"{question} Nobody can answer here: add --yes.")
    print(f"{plain_lines(question)} [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().casefold() in ("y", "yes")


def _shows_colour() -> bool:
    return sys.stdout.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"


def _emit_coloured(text: str) -> None:
    from rich.console import Console
    from rich.text import Text

    painted = Text(text)
    for pattern, style in _PAINT.items():
        painted.highlight_regex(pattern, style)
    Console(soft_wrap=True).print(painted)


_PAINT: dict[str, Any] = {
    r"\bFINISHED\b": "green",
    r"\b(FAILED|KILLED)\b": "red",
    r"\bRUNNING\b": "yellow",
    r"(?m)^-+(  -+)*$": "dim",
    r"(?m)^\(.*\)$": "dim",
    r"(?m)^[a-z]\w*$": "bold",
}
