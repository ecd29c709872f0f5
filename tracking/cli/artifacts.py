"""The verb that reads files: artifacts."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from tracking.cli.terminal import (
    Format,
    FormatOption,
    RawOption,
    RunArgument,
    StoreOption,
    emit,
    emit_bytes,
    emit_table,
    note,
    opened,
)
from tracking.errors import InvalidValue
from tracking.records.refs import resolve_run
from tracking.store.contents import existing, list_files, read_bytes
from tracking.store.copying import copy_out
from tracking.text.tables import format_size


def register(app: typer.Typer) -> None:
    """Add this verb to the program."""
    app.command()(artifacts)


def artifacts(
    run: RunArgument,
    path: Annotated[
        str | None,
        typer.Argument(metavar="[PATH]", help="A file to print, or a folder to list.", show_default=False),
    ] = None,
    copy_to: Annotated[
        str | None,
        typer.Option(metavar="DIR", help="Copy it, or everything, into this folder.", show_default=False),
    ] = None,
    format: FormatOption = Format.TABLE,
    raw: RawOption = False,
    store: StoreOption = None,
) -> None:
    """List a run's files, print one, or copy them out.

    \b
    python -m tracking artifacts latest
    python -m tracking artifacts latest config.yaml
    python -m tracking artifacts latest model --copy-to here
    """
    with opened(store) as source:
        found = resolve_run(source, run, tell=note)
        root = str(source.artifact_dir(found.info.run_id))
    place = root if path is None else existing(root, path)  # a run without files has no folder either
    if path is not None and copy_to is None and not os.path.isdir(place):
        _print_file(root, path)
    elif copy_to is not None and os.path.exists(place):
        emit(copy_out(root, path, copy_to))
    else:
        rows = [{"path": file.path, "bytes": file.file_size} for file in list_files(root, path)]
        emit_table(rows, ["path", "bytes"], format, empty=f"Run {found.info.run_id[:8]} has no artifacts.", raw=raw)


def _print_file(root: str, path: str) -> None:
    content = read_bytes(root, path)
    if sys.stdout.isatty() and b"\0" in content:
        name = os.path.basename(path)
        raise InvalidValue(f"{name} is binary ({format_size(len(content))}). Copy it: --copy-to DIR, or pipe it.")
    emit_bytes(content)
