"""The verb that shows sweeps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from tracking.cli.runs import LimitOption, emit_runs, note_more
from tracking.cli.terminal import Format, FormatOption, RawOption, StoreOption, emit, emit_table, opened, terminal_width
from tracking.cli.watch import watch
from tracking.entities import Run, RunStatus
from tracking.pages.run_table import run_rows
from tracking.records.names import SWEEP_POINT
from tracking.records.sweep_search import find_sweep, read_newest_sweeps
from tracking.records.sweeps import SWEEP_COLUMNS, Sweep, best_text
from tracking.store.sqlite import Store
from tracking.text.tables import format_duration, render_page


def register(app: typer.Typer) -> None:
    """Add this verb to the program."""
    app.command()(sweeps)


def sweeps(
    sweep: Annotated[
        str | None,
        typer.Argument(metavar="[ID]", help="Four or more characters of a sweep's id, or latest.", show_default=False),
    ] = None,
    watching: Annotated[
        bool, typer.Option("--watch", help="Show it, by default the latest, again every second until it has ended.")
    ] = False,
    limit: LimitOption = 20,
    format: FormatOption = Format.TABLE,
    raw: RawOption = False,
    store: StoreOption = None,
) -> None:
    """List the sweeps, or show one with its best point first.

    \b
    python -m tracking sweeps
    python -m tracking sweeps latest
    python -m tracking sweeps --watch
    python -m tracking sweeps 1f9a --format csv --limit 0
    """
    with opened(store) as source:
        if watching:
            watch(source, sweep or "latest")
            return
        if sweep is None:
            _emit_sweeps(*read_newest_sweeps(source, limit), format, raw)
            return
        chosen = find_sweep(source, sweep)
        rows = run_rows(chosen.ranked(), _experiment_names(source, chosen))
    if format in (Format.TABLE, Format.MD):
        page = render_page(f"sweep {chosen.id}", [("sweep", _head(chosen))], format=format, width=terminal_width())
        emit(page + "\n")
    emit_runs(rows, limit, format, lead=["tags.sweep.point"], raw=raw)


def _emit_sweeps(shown: Sequence[Sweep], count: int, format: Format, raw: bool) -> None:
    rows = [sweep.row() for sweep in shown]
    done = [(sweep.planned - sweep.left) / max(sweep.planned, 1) for sweep in shown]
    empty = "No sweeps here. Start one: python -m runner -m ..."
    emit_table(rows, SWEEP_COLUMNS, format, empty=empty, raw=raw, bars={"points": done})
    note_more(count, len(shown), "sweeps")


def _head(sweep: Sweep) -> dict[str, object]:
    best = sweep.best()
    ended = [run.info.end_time for run in sweep.own if run.info.end_time is not None]
    lines = {
        "command": sweep.command,
        "started": f"{sweep.row()['started']:%Y-%m-%d %H:%M:%S}",
        "took": format_duration((max(ended) - sweep.started) / 1000) if ended else "",
        "points": f"{sweep.planned}: {_progress(sweep)}",
        "best": "" if best is None else best_text(best),
        "failed": ", ".join(map(_point, sweep.in_status(RunStatus.FAILED, RunStatus.KILLED))),
    }
    return {key: value for key, value in lines.items() if value}


def _progress(sweep: Sweep) -> str:
    row = sweep.row()
    words = ("done", "failed", "running", "missing", "reused")
    return ", ".join(f"{row[word]} {word}" for word in words if row[word] or word == "done")


def _point(run: Run) -> str:
    return f"{run.data.tags.get(SWEEP_POINT, '?')} ({run.info.run_id[:8]})"


def _experiment_names(source: Store, sweep: Sweep) -> dict[str, str]:
    ids = {run.info.experiment_id for run in sweep.runs}
    return {experiment_id: source.get_experiment(experiment_id).name for experiment_id in ids}
