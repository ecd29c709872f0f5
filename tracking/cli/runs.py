"""The verbs that read what runs recorded: experiments, runs, show, metrics."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from tracking.cli.terminal import (
    Format,
    FormatOption,
    RawOption,
    RunArgument,
    StoreOption,
    emit,
    emit_table,
    note,
    opened,
    terminal_width,
)
from tracking.entities import Experiment, Metric, ViewType
from tracking.errors import ArtifactError, InvalidValue
from tracking.pages.run_page import Section, fingerprint_sections, run_sections
from tracking.pages.run_table import all_columns, labelled, pick_columns, run_rows, telling_columns
from tracking.records.hints import known_metrics, last_folds, spell_metrics, unknown_names
from tracking.records.names import NOTE, TRACEBACK_FILE
from tracking.records.ranking import NEWEST_FIRST
from tracking.records.reading import read_identity
from tracking.records.refs import nearest_names, resolve_experiment, resolve_run
from tracking.records.sweep_search import find_sweep, search_sweep
from tracking.store.contents import list_files, read_text
from tracking.store.search import SearchOptions
from tracking.store.sqlite import Store
from tracking.text.plot import render_plot
from tracking.text.tables import Row, local_time, render_json, render_page, shares

LimitOption = Annotated[int, typer.Option("--limit", min=0, help="Show at most so many; 0 means all.")]


def register(app: typer.Typer) -> None:
    """Add these verbs to the program."""
    for verb in (experiments, runs, show, metrics):
        app.command()(verb)


def experiments(
    deleted: Annotated[bool, typer.Option("--deleted", help="Show the deleted ones instead.")] = False,
    format: FormatOption = Format.TABLE,
    raw: RawOption = False,
    store: StoreOption = None,
) -> None:
    """List the experiments, newest first.

    \b
    python -m tracking experiments
    python -m tracking experiments --format json
    """
    with opened(store) as source:
        found = source.search_experiments(view_type=_view(deleted))
        counts = source.count_runs(view_type=_view(deleted))
    rows = [_experiment_row(experiment, *counts.get(experiment.experiment_id, (0, None))) for experiment in found]
    emit_table(
        rows, ["id", "name", "runs", "last activity", "created", "note"], format, empty="No experiments.", raw=raw
    )


def _experiment_row(experiment: Experiment, runs: int, last: int | None) -> dict[str, object]:
    return {
        "id": experiment.experiment_id,
        "name": experiment.name,
        "runs": runs,
        "last activity": None if last is None else local_time(last),
        "created": local_time(experiment.creation_time),
        "note": experiment.tags.get(NOTE),
    }


def runs(
    experiment: Annotated[
        str | None, typer.Argument(metavar="[EXPERIMENT]", help="Name or id.", show_default=False)
    ] = None,
    *,
    sweep: Annotated[
        str | None, typer.Option("--sweep", metavar="ID", help="The runs of a sweep, or latest.", show_default=False)
    ] = None,
    filter: Annotated[
        str,
        typer.Option("--filter", metavar="TEXT", help="For example: metrics.rmse_mean < 60 AND params.alpha < 0.5"),
    ] = "",
    order_by: Annotated[
        list[str] | None,
        typer.Option(metavar="COLUMN [ASC|DESC]", help="Repeatable. Newest first unless given.", show_default=False),
    ] = None,
    limit: LimitOption = 20,
    columns: Annotated[
        str | None, typer.Option(metavar="A,B,C", help="Exactly these columns.", show_default=False)
    ] = None,
    everything: Annotated[bool, typer.Option("--all-columns", help="Every column, also equal ones.")] = False,
    deleted: Annotated[bool, typer.Option("--deleted", help="Show the deleted runs instead.")] = False,
    format: FormatOption = Format.TABLE,
    raw: RawOption = False,
    store: StoreOption = None,
) -> None:
    """List runs, with the columns in which they differ.

    A bare rmse is the mean over the folds, metrics.rmse the last fold's score.

    \b
    python -m tracking runs
    python -m tracking runs ridge --order-by "metrics.rmse_mean ASC" --limit 5
    python -m tracking runs --filter "rmse < 60 AND params.alpha < 0.5 AND status = 'FINISHED'"
    python -m tracking runs --sweep latest
    python -m tracking runs --columns id,alpha,rmse_mean --format csv --limit 0
    """
    with opened(store) as source:
        chosen = None if experiment is None else [resolve_experiment(source, experiment).experiment_id]
        notes = []
        if filter or order_by or columns:
            known = known_metrics(source, chosen, _view(deleted))
            filter = spell_metrics(filter, known)
            order_by = [spell_metrics(order, known) for order in order_by or ()]
            notes = last_folds(filter, order_by, _split(columns), known)
        options = SearchOptions(
            filter_string=filter,
            view_type=_view(deleted),
            order_by=order_by or NEWEST_FIRST,
            max_results=limit + 1 if limit and not sweep else None,
        )
        if sweep:
            found = search_sweep(source, find_sweep(source, sweep), chosen, **options)
        else:
            found = source.search_runs(chosen, **options)
        rows = run_rows(found, _experiment_names(source))
        notes += unknown_names(source, found, chosen, filter, order_by or [])
    emit_runs(rows, limit, format, columns=columns, everything=everything, raw=raw)
    for message in notes:
        note(message)


def _split(columns: str | None) -> list[str]:
    return [column for part in (columns or "").split(",") if (column := part.strip())]


def emit_runs(
    rows: Sequence[Row],
    limit: int,
    format: Format,
    *,
    columns: str | None = None,
    everything: bool = False,
    lead: Sequence[str] = (),
    raw: bool = False,
) -> None:
    """Print the first rows of runs: the columns asked for, or those that tell the runs apart after `lead`."""
    shown = rows[:limit] if limit else rows
    known = all_columns(shown)
    if columns is not None and shown:
        table, headers = pick_columns(shown, _split(columns), known)
    else:
        table, headers = labelled(shown, [*lead, *(known if everything else telling_columns(shown))])
    bars = {header: shares(table, header) for header in headers}
    emit_table(table, headers, format, empty="No runs here. See: python -m tracking runs --help", raw=raw, bars=bars)
    note_more(len(rows), len(shown), "runs")


def note_more(there: int, shown: int, what: str) -> None:
    """Say beside a listing that it does not hold everything."""
    if there > shown:
        note(
            f"Showing {shown} {what if shown != 1 else what.removesuffix('s')}; there are more. All of them: --limit 0"
        )


def show(
    run: RunArgument,
    fingerprint: Annotated[
        bool, typer.Option("--fingerprint", help="Explain what the run's fingerprint is made of.")
    ] = False,
    format: FormatOption = Format.TABLE,
    raw: RawOption = False,
    store: StoreOption = None,
) -> None:
    """Show one run on one page; of a failed one also why.

    \b
    python -m tracking show latest
    python -m tracking show best:ridge
    python -m tracking show a93f --fingerprint
    """
    with opened(store) as source:
        found = resolve_run(source, run, tell=note)
        folder = source.artifact_dir(found.info.run_id)
        if fingerprint:
            sections = fingerprint_sections(found, read_identity(found.data.tags, folder))
        else:
            sections = run_sections(
                found,
                experiment=source.get_experiment(found.info.experiment_id).name,
                histories=source.get_metric_histories([found.info.run_id]).get(found.info.run_id, {}),
                artifacts=list_files(str(folder)),
                traceback=_traceback(folder),
                kept=_kept(source, found.info.run_id),
            )
    match format:
        case Format.JSON if not fingerprint:
            files = [{"path": file.path, "size": file.file_size} for file in list_files(str(folder))]
            emit(render_json({**found.to_dictionary(), "artifacts": files}))
        case Format.JSON:
            emit(render_json({heading: content for heading, content in sections if content}))
        case Format.CSV:
            emit_table(_flat(sections), ["section", "key", "value"], format, raw=raw)
        case _:
            title = f"{found.info.run_name}  ({found.info.run_id[:8]})"
            emit(render_page(title, sections, format=format, width=terminal_width()))


def _kept(source: Store, run_id: str) -> list[Section]:
    """Return the sections about what a run kept beside its metrics; numpy is imported only where there is something."""
    if not source.list_blobs(run_id):
        return []
    from tracking.pages.kept_sections import kept_sections
    from tracking.records.fitted import load_fitted
    from tracking.records.predictions import load_predictions

    predictions = load_predictions(source, [run_id])
    return kept_sections(predictions[0] if predictions else None, load_fitted(source, run_id))


def _flat(sections: list[tuple[str, Row | str]]) -> list[Row]:
    return [
        {"section": heading, "key": key, "value": value}
        for heading, content in sections
        if content
        for key, value in ({"": content} if isinstance(content, str) else content).items()
    ]


def _traceback(folder: Path) -> str:
    try:
        return read_text(str(folder), TRACEBACK_FILE) or ""
    except ArtifactError as error:
        return f"(not shown: {error})"


def metrics(
    run: RunArgument,
    key: Annotated[
        str | None, typer.Argument(metavar="[KEY]", help="One metric: its whole history.", show_default=False)
    ] = None,
    format: FormatOption = Format.TABLE,
    raw: RawOption = False,
    store: StoreOption = None,
) -> None:
    """List a run's metrics, or plot and list the history of one.

    \b
    python -m tracking metrics latest
    python -m tracking metrics latest rmse
    """
    with opened(store) as source:
        found = resolve_run(source, run, tell=note)
        histories = source.get_metric_histories([found.info.run_id]).get(found.info.run_id, {})
    if key is None:
        rows = [_summary(name, histories[name]) for name in sorted(histories)]
        headers = ["metric", "latest", "points", "min", "mean", "max", "last step"]
        emit_table(rows, headers, format, empty=f"Run {found.info.run_id[:8]} has no metrics.", raw=raw)
        return
    if key not in histories:
        nearest = ", ".join(nearest_names(key, sorted(histories))) or "it has no metrics"
        raise InvalidValue(f"Run {found.info.run_id[:8]} has no metric {key!r}. Nearest: {nearest}.")
    points = histories[key]
    if format == Format.TABLE and len(points) > 1:
        width = min(terminal_width() or 72, 72)
        emit(render_plot([point.step for point in points], [point.value for point in points], width=width) + "\n")
    rows = [{"step": p.step, "value": p.value, "time": local_time(p.timestamp)} for p in points]
    emit_table(rows, ["step", "value", "time"], format)


def _summary(name: str, points: list[Metric]) -> dict[str, object]:
    values = [point.value for point in points]
    latest = max(points, key=lambda point: (point.step, point.timestamp))
    return {
        "metric": name,
        "latest": latest.value,
        "points": len(points),
        "min": min(values),
        "mean": sum(values) / len(values),
        "max": max(values),
        "last step": latest.step,
    }


def _view(deleted: bool) -> int:
    return ViewType.DELETED_ONLY if deleted else ViewType.ACTIVE_ONLY


def _experiment_names(store: Store) -> dict[str, str]:
    return {e.experiment_id: e.name for e in store.search_experiments(view_type=ViewType.ALL)}
