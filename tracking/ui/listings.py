"""The pages that list: experiments, sweeps, runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from starlette.requests import Request
from starlette.responses import Response

from tracking.entities import Experiment, Run, RunStatus, ViewType
from tracking.errors import FilterError, InvalidValue, NotFound
from tracking.pages.run_table import INFO, all_columns, labels, run_rows, telling_columns
from tracking.records.hints import known_metrics, last_folds, spell_metrics, unknown_names
from tracking.records.names import NOTE, SWEEP_COMMAND, SWEEP_ID, SWEEP_POINTS
from tracking.records.ranking import NEWEST_FIRST, objective
from tracking.records.refs import resolve_experiment
from tracking.records.sweep_search import own_runs
from tracking.store.groups import Group
from tracking.store.sqlite import Store
from tracking.text.formatting import local_time
from tracking.ui.page import Query, address, looking, render, text, texts

ROWS = 50  # of a page of runs
_SWEEPS = 20
_MOST_COLUMNS = 30
_ORDERABLE = {"id": "run_id", "name": "run_name", "status": "status", "started": "start_time", "user": "user_id"}


def experiments(request: Request) -> Response:
    """Show the experiments, newest first."""
    deleted = bool(text(request, "deleted"))
    view = ViewType.DELETED_ONLY if deleted else ViewType.ACTIVE_ONLY
    store = looking(request).store
    counts = store.count_runs(view_type=view)
    rows = [_experiment(each, counts) for each in store.search_experiments(view_type=view)]
    return render(request, "experiments.html", rows=rows, deleted=deleted)


def _experiment(experiment: Experiment, counts: dict[str, tuple[int, int]]) -> dict[str, object]:
    runs, last = counts.get(experiment.experiment_id, (0, None))
    return {
        "name": experiment.name,
        "runs": runs,
        "last activity": None if last is None else local_time(last),
        "created": local_time(experiment.creation_time),
        "note": experiment.tags.get(NOTE),
    }


# Sweeps ----------------------------------------------------------------------------------------
def sweeps(request: Request) -> Response:
    """Show the sweeps, newest first."""
    store = looking(request).store
    groups = store.group_runs(SWEEP_ID)
    start = int(number) if (number := text(request, "from")).isdecimal() and len(number) < 9 else 0
    rows = [_sweep(store, group) for group in groups[start : start + _SWEEPS]]
    older = start + _SWEEPS if len(groups) > start + _SWEEPS else None
    newer = max(start - _SWEEPS, 0) if start else None
    return render(request, "sweeps.html", rows=rows, older=older, newer=newer, count=len(groups))


def _sweep(store: Store, group: Group) -> dict[str, object]:
    """Return the row of a sweep: read are its first run and its best, found by when they started."""
    own = own_runs(group)
    first = store.search_runs(None, filter_string=own, order_by=["start_time ASC"], max_results=1)[:1]
    tags = first[0].data.tags if first else {}
    best, metric = _best(store, own, first)
    row: dict[str, object] = {
        "id": group.value,
        "started": local_time(group.first_start),
        "points": int(points) if (points := tags.get(SWEEP_POINTS, "")).isdecimal() else group.runs,
        "done": group.statuses.get(RunStatus.FINISHED, 0),
        "failed": group.statuses.get(RunStatus.FAILED, 0) + group.statuses.get(RunStatus.KILLED, 0),
        "running": group.statuses.get(RunStatus.RUNNING, 0),
        "best": None if best is None else best.data.metrics[metric],
        "best run": None if best is None else best.info.run_id,
        "objective": metric or None,
        "command": tags.get(SWEEP_COMMAND),
    }
    return row


def _best(store: Store, own: str, first: Sequence[Run]) -> tuple[Run | None, str]:
    try:
        metric, direction = objective(first[0]) if first else ("", "")
    except InvalidValue:
        return None, ""
    where = f"{own} AND status = '{RunStatus.FINISHED}' AND metrics.`{metric}` IS NOT NULL"
    order = [f"metrics.`{metric}` {'DESC' if direction == 'maximize' else 'ASC'}"]
    if not metric or "`" in metric:
        return None, ""
    found = store.search_runs(None, filter_string=where, order_by=order, max_results=1)
    return (found[0] if found else None), metric


# Runs --------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the address of a list of runs asks for."""

    experiment: str = ""
    filter: str = ""
    order: Sequence[str] = ()
    columns: Sequence[str] = ()
    after: str = ""
    before: str = ""
    deleted: bool = False

    def query(self, **changes: object) -> Query:
        """Return the query of the same list with changes; where it begins is only kept if it is among them."""
        asked = {
            "experiment": self.experiment,
            "filter": self.filter,
            "order": self.order,
            "column": self.columns,
            "deleted": "yes" if self.deleted else "",
            **changes,
        }
        pairs = [(key, [value] if isinstance(value, str) else value) for key, value in asked.items()]
        return [(key, str(value)) for key, values in pairs for value in values if value]  # type: ignore[attr-defined]


@dataclass(slots=True)
class Listing:
    """A page of runs: as rows, with what to say about them and whether there are more either way."""

    rows: list[dict[str, object]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    error: str = ""
    newer: str = ""
    older: str = ""


def runs(request: Request) -> Response:
    """Show runs: the columns that vary first, a page of them."""
    asked = Asked(
        experiment=text(request, "experiment"),
        filter=text(request, "filter"),
        order=texts(request, "order"),
        columns=texts(request, "column"),
        after=text(request, "after"),
        before=text(request, "before"),
        deleted=bool(text(request, "deleted")),
    )
    store = looking(request).store
    listing = read_listing(store, asked)
    known = all_columns(listing.rows)
    chosen = [column for column in asked.columns if column in known] or telling_columns(listing.rows)
    shown = ["id", *(column for column in chosen if column != "id")][: max(_MOST_COLUMNS, len(asked.columns) + 1)]
    names = labels(known)
    return render(
        request,
        "runs.html",
        status=400 if listing.error else 200,
        asked=asked,
        listing=listing,
        columns=[
            (column, names.get(column, column), sort_link(asked, column), sorted_by(asked, column)) for column in shown
        ],
        hidden=len(chosen) + ("id" not in chosen) - len(shown),
        every=[(column, names[column], column in shown) for column in known if column != "id"],
        experiments=[each.name for each in store.search_experiments(max_results=200)],
        running=any(row["status"] == RunStatus.RUNNING for row in listing.rows),
    )


def read_listing(store: Store, asked: Asked) -> Listing:
    """Read a page of runs; a filter or order that cannot be read is told, not raised."""
    view = ViewType.DELETED_ONLY if asked.deleted else ViewType.ACTIVE_ONLY
    listing = Listing()
    try:
        scope = [resolve_experiment(store, asked.experiment).experiment_id] if asked.experiment else None
        filter, order = asked.filter, list(asked.order)
        if filter or order:
            known = known_metrics(store, scope, view)
            filter, order = spell_metrics(filter, known), [spell_metrics(each, known) for each in order]
            listing.notes = last_folds(filter, [], [], known)
        found = store.search_runs(
            scope,
            filter_string=filter,
            view_type=view,
            order_by=order or NEWEST_FIRST,
            max_results=ROWS + 1,
            after=asked.after or None,
            before=asked.before or None,
        )
        listing.notes += unknown_names(store, found, scope, filter, order)
    except (FilterError, NotFound) as error:
        listing.error = str(error)
        return listing
    more = len(found) > ROWS
    found = found[-ROWS:] if asked.before else found[:ROWS]
    if found and (asked.after or (asked.before and more)):
        listing.newer = found[0].info.run_id
    if found and (asked.before or more):
        listing.older = found[-1].info.run_id
    names = {
        experiment.experiment_id: experiment.name for experiment in store.search_experiments(view_type=ViewType.ALL)
    }
    listing.rows = run_rows(found, names)
    return listing


def sort_link(asked: Asked, column: str) -> str | None:
    """Return the address of the list sorted by a column, the other way round where it is sorted by it already."""
    term = _ORDERABLE.get(column)
    if column not in INFO and "`" not in column:
        kind, _, key = column.partition(".")
        term = f"{kind}.`{key}`"
    if term is None:
        return None
    way = "DESC" if sorted_by(asked, column) == "ascending" else "ASC"
    return address("runs", query=asked.query(order=f"{term} {way}"))


def sorted_by(asked: Asked, column: str) -> str:
    """Return `ascending` or `descending` where a list is sorted by a column first, else ""."""
    if not asked.order:
        return "descending" if column == "started" else ""
    term, _, way = asked.order[0].rpartition(" ")
    if way.upper() not in ("ASC", "DESC"):
        term, way = asked.order[0], "ASC"
    if term.replace("`", "") not in (column, _ORDERABLE.get(column)):
        return ""
    return "descending" if way.upper() == "DESC" else "ascending"
