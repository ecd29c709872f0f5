"""The pages about many runs: a sweep with its report, live; two or more runs side by side; what each key does."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from math import ceil

from starlette.requests import Request
from starlette.responses import Response

from tracking.compare import table as tables
from tracking.compare.factors import spell_alike
from tracking.compare.run_diff import compare_runs
from tracking.compare.table import Selection, Table
from tracking.entities import Run, RunStatus, ViewType
from tracking.errors import InvalidValue
from tracking.pages.diff_page import run_names
from tracking.pages.diff_text import diff_blocks, say_again, say_verdict
from tracking.pages.points import read_points
from tracking.pages.reading import experiment_names, read_report
from tracking.pages.report_facts import say_workers
from tracking.records.names import ERROR
from tracking.records.reading import load_records
from tracking.records.refs import resolve_runs
from tracking.records.selection import select_runs
from tracking.records.sweep_search import read_sweep
from tracking.records.sweeps import Sweep
from tracking.store.sqlite import Store
from tracking.text.formatting import format_duration
from tracking.ui.page import Query, looking, render, text, texts

_MOST_COMPARED = 1_000
_MOST_DIFFED = 12
_SHOWN = 10  # failures
_FULL_ID = re.compile(r"[0-9a-f]{32}")


# A sweep -----------------------------------------------------------------------------------------
def sweep(request: Request) -> Response:
    """Show a sweep: how far it is, and its report. With `part=progress` only how far it is."""
    from tracking.pages.report import report_content  # numpy

    here = looking(request)
    found = read_sweep(here.store, request.path_params["sweep"])
    progress = sweep_progress(found, time.time_ns() // 1_000_000)
    if text(request, "part") == "progress":
        return render(request, "progress.html", progress=progress)
    made = here.command("report", found.id[:8])
    source = read_report(
        here.store,
        found.ranked(),
        title=found.title,
        sweep=found,
        metric=text(request, "metric") or None,
        uri=here.uri,
        made=made,
    )
    return render(request, "sweep.html", sweep=found, progress=progress, **report_content(source))


def sweep_progress(found: Sweep, now: int) -> dict[str, object]:
    """Return how far a sweep is: points by what became of them, the time left, what failed last."""
    row, ended = found.row(), found.done + found.failed
    took = max(now - found.started, 0) / 1000
    failed = found.in_status(RunStatus.FAILED, RunStatus.KILLED)
    return {
        "planned": found.planned,
        "ended": found.planned - found.left,
        "left": found.left,
        "running": row["running"],
        "workers": say_workers(found.latest.values()),
        "words": ", ".join(
            f"{row[word]} {word}" for word in ("done", "failed", "running", "missing", "reused") if row[word]
        ),
        "time_left": format_duration(ceil(took / ended * found.left)) if ended and row["running"] else "",
        "failed": [(run.info.run_id, run.info.run_name, run.data.tags.get(ERROR, "")) for run in failed[-_SHOWN:]],
    }


# Differences --------------------------------------------------------------------------------------
def diff(request: Request) -> Response:
    """Show what differs between runs, as on the command line."""
    here, references = looking(request), texts(request, "run")
    if not 2 <= len(references) <= _MOST_DIFFED:
        raise InvalidValue(
            f"A diff takes 2 to {_MOST_DIFFED} runs; {len(references)} were chosen. Choose them in the list of runs."
        )
    notes: list[str] = []
    found = resolve_runs(here.store, references, tell=notes.append)
    differences = compare_runs(load_records(here.store, found))
    return render(
        request,
        "diff.html",
        runs=found,
        names=run_names(differences),
        verdict=say_verdict(differences),
        again=say_again(differences),
        blocks=diff_blocks(differences),
        notes=notes,
        command=here.command("diff", *(run.info.run_id[:8] for run in found)),
        comparison=[("run", run.info.run_id) for run in found],
    )


# Comparison ---------------------------------------------------------------------------------------
def compare(request: Request) -> Response:
    """Show many runs side by side, in groups where asked, and what each key does."""
    from tracking.pages.report import key_effects  # numpy

    here = looking(request)
    notes: list[str] = []
    asked = {name: text(request, name) for name in ("sweep", "filter", "experiment", "group_by", "sort", "metric")}
    references = texts(request, "run")
    runs = _chosen(here.store, references, asked, notes.append)
    if len(runs) > _MOST_COMPARED:
        notes.append(f"The newest {_MOST_COMPARED} of {len(runs)} runs. Fewer: a filter.")
        runs = runs[:_MOST_COMPARED]
    selection = Selection(tuple(spell_alike(runs)), experiment_names(here.store, runs))
    problem, table = "", tables.list_runs(selection)
    try:
        table = _table(selection, table, asked)
    except InvalidValue as error:
        problem = str(error)
    points = read_points(selection, {}, metric=None)
    chosen: Query = [("run", each) for each in references] + [
        (key, value) for key in ("sweep", "filter", "experiment") if (value := asked[key])
    ]
    return render(
        request,
        "compare.html",
        status=400 if problem else 200,
        asked=asked,
        chosen=chosen,
        selection=selection,
        table=table,
        metric=selection.objective,
        effects=key_effects(selection.runs, points),
        notes=notes,
        problem=problem,
        grouped=bool(asked["group_by"]) and not problem,
        command=here.command("compare", *_options(references, asked)),
    )


def _chosen(store: Store, references: list[str], asked: dict[str, str], tell: Callable[[str], None]) -> list[Run]:
    """Return the runs that an address names: by whole ids in one search, of one sweep without reading the others."""
    only = {key for key in ("sweep", "filter", "experiment") if asked[key]}
    if references and not only and all(map(_FULL_ID.fullmatch, references)):
        ids = ", ".join(f"'{reference}'" for reference in references)
        found = store.search_runs(None, filter_string=f"run_id IN ({ids})", view_type=ViewType.ALL)
        runs = {run.info.run_id: run for run in found}
        if len(runs) == len(set(references)):
            return [runs[reference] for reference in dict.fromkeys(references)]
    return select_runs(
        store, references, asked["sweep"] or None, asked["filter"], asked["experiment"] or None, tell=tell
    )


def _table(selection: Selection, table: Table, asked: dict[str, str]) -> Table:
    if groups := [name.strip() for name in asked["group_by"].split(",") if name.strip()]:
        table = tables.join_spreads(tables.group_runs(selection, groups))
    return tables.sort_rows(table, asked["sort"]) if asked["sort"] else table


def _options(references: list[str], asked: dict[str, str]) -> list[str]:
    words = [reference[:8] for reference in references]
    for option in ("sweep", "filter", "experiment", "group_by", "sort"):
        words += [f"--{option.replace('_', '-')}", asked[option]] if asked[option] else []
    return words
