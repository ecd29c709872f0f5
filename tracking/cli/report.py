"""The verb that writes a report: a sweep, or any runs, as one HTML file."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from tracking.cli.terminal import StoreOption, emit, note, opened
from tracking.errors import ArtifactError
from tracking.records.selection import select_runs
from tracking.records.sweep_search import find_sweep


def register(app: typer.Typer) -> None:
    """Add this verb to the program."""
    app.command()(report)


def report(
    sweep: Annotated[
        str | None,
        typer.Argument(
            metavar="[SWEEP]", help="Four or more characters of a sweep's id; latest unless given.", show_default=False
        ),
    ] = None,
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FILE", help="Where to write it.")] = Path("report.html"),
    filter: Annotated[
        str, typer.Option("--filter", metavar="TEXT", help="Instead of a sweep, the runs that are like this.")
    ] = "",
    experiment: Annotated[
        str | None,
        typer.Option("--experiment", metavar="NAME", help="Instead of a sweep, an experiment.", show_default=False),
    ] = None,
    metric: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="What ranks the runs, as mae or score:max; by default the objective.",
            show_default=False,
        ),
    ] = None,
    store: StoreOption = None,
) -> None:
    """Write a sweep, or any runs, as one HTML file that opens without a network.

    \b
    python -m tracking report
    python -m tracking report 1f9a -o alpha.html
    python -m tracking report --experiment ridge --metric mae
    """
    from tracking.pages.reading import read_report
    from tracking.pages.report import render_report

    with opened(store) as source:
        chosen = None if filter or experiment else find_sweep(source, sweep or "latest")
        runs = select_runs(source, [], sweep, filter, experiment, tell=note) if chosen is None else chosen.ranked()
        found = read_report(
            source,
            runs,
            title=chosen.title if chosen else f"Runs of {experiment}" if experiment else f"Runs with {filter}",
            sweep=chosen,
            metric=metric,
            uri=store,
            made=f"python -m tracking {shlex.join(sys.argv[1:])}",
        )
    text = render_report(found)
    try:
        out.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ArtifactError(f"Cannot write {out}: {error.strerror}. Give another file: -o FILE.") from error
    emit(str(out))
    note(f"{len(found.selection.runs)} runs, {len(text.encode()) / 1e6:.1f} MB. Open it in a browser.")
