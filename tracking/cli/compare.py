"""The verbs that compare runs: diff, compare, effects."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from tracking.cli.terminal import (
    Format,
    FormatOption,
    RawOption,
    StoreOption,
    emit,
    emit_table,
    note,
    opened,
    terminal_width,
)
from tracking.entities import Run
from tracking.errors import InvalidValue
from tracking.records.refs import resolve_runs
from tracking.store.sqlite import Store
from tracking.text.formatting import render_json
from tracking.text.tables import render_table, shares


class _Part(StrEnum):
    CONFIG = "config"
    METRICS = "metrics"
    DATA = "data"
    CODE = "code"
    ENV = "env"


class _PageFormat(StrEnum):
    TABLE = "table"
    JSON = "json"
    MD = "md"


class _PaperFormat(StrEnum):
    TABLE = "table"
    JSON = "json"
    CSV = "csv"
    MD = "md"
    LATEX = "latex"


_RunsArgument = Annotated[
    list[str] | None,
    typer.Argument(metavar="[RUN]...", help="Ids, names, latest, best; or choose runs by options.", show_default=False),
]
_SweepOption = Annotated[
    str | None, typer.Option("--sweep", metavar="ID", help="The runs of a sweep.", show_default=False)
]
_FilterOption = Annotated[
    str, typer.Option("--filter", metavar="TEXT", help="For example: params.alpha < 0.5", show_default=False)
]
_ExperimentOption = Annotated[
    str | None,
    typer.Option("--experiment", metavar="NAME", help="The runs of an experiment.", show_default=False),
]


def register(app: typer.Typer) -> None:
    """Add these verbs to the program."""
    for verb in (diff, compare, effects):
        app.command()(verb)


# diff ------------------------------------------------------------------------------------------
def diff(
    runs: Annotated[
        list[str],
        typer.Argument(metavar="RUN", help="Two or more runs: ids, names, latest, best.", show_default=False),
    ],
    full: Annotated[
        bool, typer.Option("--full", help="Unfold group choices, show bookkeeping keys, cut nothing.")
    ] = False,
    only: Annotated[list[_Part] | None, typer.Option(help="Compare only this. Repeatable.", show_default=False)] = None,
    ignore: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PATTERN",
            help="Config keys that do not matter, as model.verbose or 'data.*'. Repeatable; also "
            "diff_ignore of [tool.tracking] in pyproject.toml.",
            show_default=False,
        ),
    ] = None,
    format: Annotated[_PageFormat, typer.Option("--format", help="How to write it.")] = _PageFormat.TABLE,
    store: StoreOption = None,
) -> None:
    """Say what differs between runs: config, metrics, data, code, environment.

    Ends with 0 where they are the same, 1 where they differ, 2 for a mistake. Times never count.

    \b
    python -m tracking diff latest~1 latest
    python -m tracking diff a93f b001 --only config --full
    python -m tracking diff ridge lasso elasticnet --format md
    """
    from tracking.compare.run_diff import compare_runs
    from tracking.pages.diff_json import diff_data
    from tracking.pages.diff_page import render_diff
    from tracking.records.reading import load_records
    from tracking.stores import needed_uri

    if len(runs) < 2:
        raise InvalidValue("A comparison takes two runs or more: python -m tracking diff RUN RUN.")
    patterns = [*(ignore or ()), *configured_ignores(Path.cwd())]
    with opened(store) as source:
        records = load_records(source, resolve_runs(source, runs, tell=note))
    found = compare_runs(records, ignore=patterns, store=needed_uri(store))
    parts = [part.value for part in only or ()]
    if format == _PageFormat.JSON:
        emit(render_json(diff_data(found, only=parts)))
    else:
        emit(render_diff(found, only=parts, full=full, format=format, width=terminal_width()))
    raise typer.Exit(0 if found.is_same(parts) else 1)


def configured_ignores(folder: Path) -> list[str]:
    """Return `diff_ignore` of `[tool.tracking]` in the folder's pyproject.toml, [] where there is none.

    Raises InvalidValue where the file cannot be read or the list is none.
    """
    path = folder / "pyproject.toml"
    try:
        content: Mapping[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return []
    except (OSError, ValueError) as error:
        raise InvalidValue(f"Cannot read diff_ignore from pyproject.toml: {error}") from error
    listed = content.get("tool", {}).get("tracking", {}).get("diff_ignore", [])
    if not isinstance(listed, list) or not all(isinstance(pattern, str) for pattern in listed):
        raise InvalidValue(
            f"diff_ignore in pyproject.toml is {listed!r}. It is a list of patterns, as "
            'diff_ignore = ["model.verbose"].'
        )
    return listed


# compare ---------------------------------------------------------------------------------------
def compare(
    runs: _RunsArgument = None,
    sweep: _SweepOption = None,
    filter: _FilterOption = "",
    experiment: _ExperimentOption = None,
    group_by: Annotated[
        list[str] | None,
        typer.Option(
            metavar="A,B",
            help="One row for each group, with mean and spread; '!seed': by everything but seed.",
            show_default=False,
        ),
    ] = None,
    pareto: Annotated[
        str | None,
        typer.Option(metavar="A,B", help="Only what nothing beats in all of these metrics.", show_default=False),
    ] = None,
    sort: Annotated[
        str | None,
        typer.Option(metavar="COLUMN [asc|desc]", help="Best first unless given.", show_default=False),
    ] = None,
    columns: Annotated[
        str | None, typer.Option(metavar="A,B,C", help="Exactly these columns.", show_default=False)
    ] = None,
    format: Annotated[_PaperFormat, typer.Option("--format", help="How to write it.")] = _PaperFormat.TABLE,
    raw: RawOption = False,
    store: StoreOption = None,
) -> None:
    """Put many runs side by side: the columns that vary, best first.

    \b
    python -m tracking compare --sweep latest
    python -m tracking compare --experiment ridge --group-by '!seed'
    python -m tracking compare --sweep 1f9a --group-by model --format latex
    python -m tracking compare --sweep 1f9a --pareto rmse,fit_seconds
    """
    from tracking.compare import table as tables
    from tracking.compare.factors import spell_alike
    from tracking.pages.reading import read_winner_lines
    from tracking.records.selection import select_runs, with_mean_times

    with opened(store) as source:
        chosen = select_runs(source, runs or [], sweep, filter, experiment, tell=note)
        chosen = with_mean_times(source, chosen, _names(pareto, sort, columns))
        selection = tables.Selection(tuple(spell_alike(chosen)), _experiment_names(source, chosen))
        judged = format == _PaperFormat.TABLE and not (group_by or pareto or columns)
        said = read_winner_lines(source, selection.runs, uri=store) if judged else []
    groups = _names(*(group_by or ()))
    table = tables.group_runs(selection, groups) if groups else tables.list_runs(selection)
    if (sets := tables.count_sets(table)) > 1:
        note(_say_sets(sets, "front" if pareto else "sorted" if sort else "ranked"))
    if goals := _names(pareto):
        table = tables.keep_front(table, selection, goals)
    if sort:
        table = tables.sort_rows(table, sort)
    if picked := _names(columns):
        table = tables.pick_columns(table, picked)
    if groups and format not in (_PaperFormat.CSV, _PaperFormat.JSON):
        table = tables.join_spreads(table)
    bars = {metric: shares(table.rows, metric) for metric in table.metrics if metric in table.columns}
    text = render_table(table.rows, table.columns, format=format, width=terminal_width(), raw=raw, bars=bars)
    emit(text, exact=format == _PaperFormat.CSV)
    if groups and format == _PaperFormat.TABLE:
        note("±: standard deviation over the runs of a group, with one less than their number as the divisor.")
    if said:
        emit("\n".join(["", *said]))


def _say_sets(number: int, how: str) -> str:
    said = {
        "front": "the front is that of set 1",
        "sorted": "they are sorted as asked, across the sets",
        "ranked": "each set is ranked by itself",
    }[how]
    return (
        f"These runs were scored on {number} different sets of data or splits, whose scores say nothing about each"
        f" other (column 'scored on'; 1 is the newest): {said}."
    )


def _names(*texts: str | None) -> list[str]:
    """Split what was typed at commas."""
    return [name for text in texts if text for part in text.split(",") if (name := part.strip())]


def _experiment_names(source: Store, runs: Sequence[Run]) -> dict[str, str]:
    ids = {run.info.experiment_id for run in runs}
    return {experiment_id: source.get_experiment(experiment_id).name for experiment_id in ids}


# effects ---------------------------------------------------------------------------------------
def effects(
    runs: _RunsArgument = None,
    sweep: _SweepOption = None,
    filter: _FilterOption = "",
    experiment: _ExperimentOption = None,
    metric: Annotated[
        str | None, typer.Option(metavar="NAME", help="By default the objective.", show_default=False)
    ] = None,
    every: Annotated[
        bool, typer.Option("--all", help="All pairs of values, not only neighbours and the ends.")
    ] = False,
    format: FormatOption = Format.TABLE,
    raw: RawOption = False,
    store: StoreOption = None,
) -> None:
    """Say what each config key does to a metric, over all pairs of runs that differ in that key alone.

    \b
    python -m tracking effects --sweep latest
    python -m tracking effects --experiment elasticnet --metric mae
    """
    from tracking.compare.effects import find_effects, find_trends
    from tracking.compare.table import Selection
    from tracking.pages.effects import effect_rows, trend_footnote, trend_sentence
    from tracking.records.selection import select_runs, with_mean_times

    with opened(store) as source:
        chosen = select_runs(source, runs or [], sweep, filter, experiment, tell=note)
        chosen = with_mean_times(source, chosen, _names(metric))
        selection = Selection(tuple(chosen), {})
    name = selection.find_metric(metric) if metric else selection.objective
    if name is None:
        raise InvalidValue("These runs have no objective. Say which metric: --metric NAME.")
    found = find_effects(chosen, name, every=every)
    rows = effect_rows(found, exact=format in (Format.JSON, Format.CSV))
    columns = list(rows[0]) if rows else ["key", "from", "to", "change", "pairs"]
    empty = f"No two of these {len(chosen)} runs with {name} differ in exactly one key."
    emit_table(rows, columns, format, title=f"What changes {name}" if rows else None, empty=empty, raw=raw)
    if format in (Format.TABLE, Format.MD) and (trends := [] if every else find_trends(chosen, name)):
        emit("\n".join(["", *(trend_sentence(trend, name) for trend in trends), trend_footnote()]))
    if rows and format == Format.TABLE and selection.direction(name) is None:
        note(f"Which way {name} is better is not known: tag the runs with objective.direction.")
