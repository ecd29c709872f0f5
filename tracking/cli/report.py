"""The verb that writes a report: a sweep, or any runs, as one HTML file."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tracking.cli.selection import select_runs, selected
from tracking.cli.terminal import StoreOption, emit, note, opened
from tracking.entities import Run
from tracking.errors import ArtifactError
from tracking.records.names import CONFIG_FILE
from tracking.records.sweeps import find_sweep, read_sweeps
from tracking.store.files import read_text
from tracking.store.sqlite import Store

if TYPE_CHECKING:
    from tracking.pages.report import ReportSource


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
    from tracking.pages.report import render_report

    with opened(store) as source:
        found = _read(source, sweep, filter, experiment, metric, store)
    text = render_report(found)
    try:
        out.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ArtifactError(f"Cannot write {out}: {error.strerror}. Give another file: -o FILE.") from error
    emit(str(out))
    note(f"{len(found.selection.runs)} runs, {len(text.encode()) / 1e6:.1f} MB. Open it in a browser.")


def _read(
    source: Store, sweep: str | None, filter: str, experiment: str | None, metric: str | None, store: str | None
) -> ReportSource:
    from tracking.diff import winner_lines_of
    from tracking.pages.points import find_ranking, rank
    from tracking.pages.report import ReportSource
    from tracking.records.predictions import load_predictions
    from tracking.records.reading import load_records
    from tracking.stores import needed_uri

    chosen = None if filter or experiment else find_sweep(read_sweeps(source), sweep or "latest")
    runs = select_runs(source, [], sweep, filter, experiment) if chosen is None else chosen.ranked()
    selection, left_out = selected(source, runs)
    kept = selection.runs
    name, direction = find_ranking(selection, metric)
    best = [run for run in rank(kept, name, direction) if name in run.data.metrics] if name else []
    return ReportSource(
        title=f"Sweep {chosen.id[:8]}" if chosen else f"Runs of {experiment}" if experiment else f"Runs with {filter}",
        selection=selection,
        histories=source.get_metric_histories([run.info.run_id for run in kept]),
        command=chosen.command if chosen else "",
        sweep=chosen.id if chosen else "",
        planned=chosen.planned if chosen else 0,
        store=needed_uri(store),
        metric=metric,
        records=load_records(source, best[:2]),
        predictions=next(iter(load_predictions(source, [run.info.run_id for run in best[:1]])), None),
        config=_config(source, best[0]) if best else "",
        left_out=left_out,
        worth=[] if metric else winner_lines_of(source, kept, uri=store),
        made=f"python -m tracking {shlex.join(sys.argv[1:])}",
    )


def _config(source: Store, run: Run) -> str:
    try:
        return read_text(str(source.artifact_dir(run.info.run_id)), CONFIG_FILE) or ""
    except ArtifactError as error:
        return f"(not shown: {error})"
