"""Reading many runs from SQLite: which, in which order, and rows to entities and columns."""

from __future__ import annotations

import json
import math
import sqlite3
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, TypedDict

from tracking.entities import Metric, Run, RunColumns, RunData, RunInfo, ViewType
from tracking.store.conditions import RUNS, Condition, Order
from tracking.store.locations import Locations
from tracking.store.query import parse_filter, parse_order
from tracking.store.runs import not_found
from tracking.store.sql import STATUS, SortColumn, Sql, beyond, joined, run_order, run_scope

Row = tuple[Any, ...]  # of _INFO

_BATCH = 500
_MOST = 2**63 - 1

_INFO = (
    f"SELECT r.n, r.run_id, r.experiment, r.name, r.user, {STATUS}, r.start_time, r.end_time, r.lifecycle FROM runs r"
)
_OF_BATCH = "FROM json_each(?) j CROSS JOIN {table} v ON v.run = j.value"  # CROSS keeps the order of the list
_VALUES = f"SELECT j.key, v.key, v.value {_OF_BATCH}"
_PAIRS = f"SELECT v.key, v.value {_OF_BATCH}"
_LISTED_VALUES = f"SELECT json_group_array(v.key), json_group_array(v.value) {_OF_BATCH}"
_PLACES = f"SELECT json_group_array(j.key) {_OF_BATCH}"


@dataclass(frozen=True, slots=True)
class Selection:
    """Which runs, in which order; parsed before the store is touched."""

    experiments: Sequence[str] | None
    condition: Condition | None
    orders: tuple[Order, ...]
    view_type: int
    limit: int
    offset: int
    after: str | None = None
    before: str | None = None
    only_tags: Collection[str] | None = None


class SearchOptions(TypedDict, total=False):
    """What a search of runs may be asked, with the defaults of `select`."""

    filter_string: str
    view_type: int
    order_by: Sequence[str]
    max_results: int | None
    offset: int
    after: str | None
    before: str | None
    only_tags: Collection[str] | None


def select(
    experiments: Sequence[str] | None,
    *,
    filter_string: str = "",
    view_type: int = ViewType.ACTIVE_ONLY,
    order_by: Sequence[str] = (),
    max_results: int | None = None,
    offset: int = 0,
    after: str | None = None,
    before: str | None = None,
    only_tags: Collection[str] | None = None,
) -> Selection:
    """Parse what a caller asked for. Raises FilterError.

    `after` and `before` are the ids of runs: those that follow one in the order, or the nearest that precede one. A
    page further back costs no more than the first, as it does with `offset`.
    With `only_tags` runs are read without their params and other tags.
    """
    condition, orders = parse_filter(filter_string, RUNS), parse_order(order_by, RUNS)
    limit = _MOST if max_results is None else max(max_results, 0)
    return Selection(experiments, condition, orders, view_type, limit, offset, after, before, only_tags)


def _find_rows(sql: sqlite3.Connection, selection: Selection) -> list[Row]:
    """Return the rows of `_INFO` of the selected runs, in order. Raises RunNotFound for the run that a page is at."""
    sorting, columns = run_order(selection.orders)
    joins, where = run_scope(selection.condition, selection.experiments, selection.view_type)
    if selection.before is not None:
        columns = [(column, not ascending) for column, ascending in columns]
    if (edge := selection.before or selection.after) is not None:
        where = joined(" AND ", [where, beyond(columns, _values_of(sql, edge, sorting, columns))])
    order = ", ".join(f"{column} {'ASC' if ascending else 'DESC'}" for column, ascending in columns)
    found = sql.execute(
        f"{_INFO} {joins.text} {sorting.text} WHERE {where.text} ORDER BY {order} LIMIT ? OFFSET ?",
        [*joins.values, *sorting.values, *where.values, selection.limit, selection.offset],
    ).fetchall()
    return found[::-1] if selection.before is not None else found


def _values_of(sql: sqlite3.Connection, run_id: str, sorting: Sql, columns: Sequence[SortColumn]) -> Row:
    """Return what a run has in the columns that are sorted by. Raises RunNotFound."""
    names = ", ".join(column for column, _ in columns)
    row: Row | None = sql.execute(
        f"SELECT {names} FROM runs r {sorting.text} WHERE r.run_id = ?", [*sorting.values, run_id]
    ).fetchone()
    if row is None:
        raise not_found(run_id)
    return row


def _artifact_uris(sql: sqlite3.Connection, locations: Locations) -> dict[int, str]:
    """Return the folder of each experiment as a file URI; there are few experiments."""
    rows = sql.execute("SELECT id, location FROM experiments").fetchall()
    return {id_: locations.experiment_uri(id_, location) for id_, location in rows}


def _run_info(row: Row, uris: dict[int, str]) -> RunInfo:
    """Return the entity of a row of `_INFO`."""
    _, run_id, experiment, name, user, status, start, end, lifecycle = row
    if not (isinstance(start, int) and isinstance(end, int | None)):
        raise TypeError(f"{start!r} to {end!r}: times of a run are numbers")  # whoever reads blames the store
    uri = f"{uris[experiment]}/{run_id}"
    return RunInfo(run_id, str(experiment), user, status, start, end, lifecycle, uri, name)


def find_runs(sql: sqlite3.Connection, selection: Selection, locations: Locations) -> list[Run]:
    """Return runs, in order: complete unless the selection says what of them is read."""
    return _read_runs(sql, _find_rows(sql, selection), locations, selection.only_tags)


def get_run(sql: sqlite3.Connection, run_id: str, locations: Locations) -> Run:
    """Return one complete run. Raises RunNotFound."""
    row = sql.execute(f"{_INFO} WHERE r.run_id = ?", (run_id,)).fetchone()
    if row is None:
        raise not_found(run_id)
    return _read_runs(sql, [row], locations)[0]


def _read_runs(
    sql: sqlite3.Connection, rows: list[Row], locations: Locations, only_tags: Collection[str] | None = None
) -> list[Run]:
    uris = _artifact_uris(sql, locations)
    runs = [Run(_run_info(row, uris), RunData({}, {}, {})) for row in rows]
    names = _key_names(sql)
    narrowed = ""
    if only_tags is not None:
        narrowed = f" AND v.key IN ({', '.join(str(key) for key, name in names.items() if name in only_tags)})"
    for start, batch in _batches(rows):
        for place, key, value in sql.execute(_VALUES.format(table="latest"), (batch,)):
            runs[start + place].data.metrics[names[key]] = math.nan if value is None else value
        if only_tags is None:
            for place, key, value in sql.execute(_VALUES.format(table="params"), (batch,)):
                runs[start + place].data.params[names[key]] = value
        for place, key, value in sql.execute(_VALUES.format(table="tags") + narrowed, (batch,)):
            runs[start + place].data.tags[names[key]] = value
    return runs


def find_columns(sql: sqlite3.Connection, selection: Selection, locations: Locations) -> RunColumns:
    """Return runs by column, in order."""
    rows = _find_rows(sql, selection)
    names = _key_names(sql)
    metrics, params, tags = (
        {names[key]: column for key, column in _columns(sql, table, rows, missing).items()}
        for table, missing in (("latest", math.nan), ("params", None), ("tags", None))
    )
    return RunColumns(_info_columns(rows, _artifact_uris(sql, locations)), metrics, params, tags)


def _info_columns(rows: list[Row], uris: dict[int, str]) -> dict[str, list[Any]]:
    width = len(RunInfo.__slots__)
    flat = list(chain.from_iterable(rows))  # zip(*rows) takes several times as long for many rows
    _, ids, experiments, names, users, statuses, starts, ends, lifecycles = (
        flat[position::width] for position in range(width)
    )
    places = [f"{uris[experiment]}/{run_id}" for run_id, experiment in zip(ids, experiments, strict=True)]
    texts = {experiment: str(experiment) for experiment in uris}
    ids_of_experiments = [texts[experiment] for experiment in experiments]
    values = (ids, ids_of_experiments, users, statuses, starts, ends, lifecycles, places, names)
    return dict(zip(RunInfo.__slots__, values, strict=True))


def _columns(sql: sqlite3.Connection, table: str, rows: list[Row], missing: float | None) -> dict[int, list[Any]]:
    """Return a column for each key; where all runs of a batch have the same keys, by slices."""
    columns: dict[int, list[Any]] = {}
    for start, batch in _batches(rows):
        keys, values = _listed(sql, table, batch)
        count = min(_BATCH, len(rows) - start)
        width = len(keys) // count
        for key in dict.fromkeys(keys):
            if key not in columns:
                columns[key] = [missing] * len(rows)
        # Keys ascend within a run, so that the first ones repeated `count` times means: the same in each.
        if keys == keys[:width] * count:
            for position in range(width):
                columns[keys[position]][start : start + count] = values[position::width]
        else:
            places = json.loads(sql.execute(_PLACES.format(table=table), (batch,)).fetchone()[0])
            for place, key, value in zip(places, keys, values, strict=True):
                columns[key][start + place] = value
    return columns


def _listed(sql: sqlite3.Connection, table: str, batch: str) -> tuple[list[int], list[Any]]:
    """Return keys and values of a batch, run by run.

    Texts come as one JSON list, which takes half the time of a row each: most of that goes into making
    tuples. Numbers would lose digits that way.
    """
    if table != "latest":
        keys, texts = sql.execute(_LISTED_VALUES.format(table=table), (batch,)).fetchone()
        return json.loads(keys), json.loads(texts)
    flat = list(chain.from_iterable(sql.execute(_PAIRS.format(table=table), (batch,))))
    keys, values = flat[::2], flat[1::2]
    if None in values:
        values = [math.nan if value is None else value for value in values]
    return keys, values


def get_histories(
    sql: sqlite3.Connection, run_ids: Sequence[str], keys: Sequence[str] | None
) -> dict[str, dict[str, list[Metric]]]:
    """Return the points of runs by run and name, of all metrics or of `keys`, ordered by step and time."""
    names = _key_names(sql)
    chosen = None if keys is None else [number for number, name in names.items() if name in keys]
    return {run_id: _history(sql, run_id, names, chosen) for run_id in dict.fromkeys(run_ids)}


def get_history(sql: sqlite3.Connection, run_id: str, key: str) -> list[Metric]:
    """Return the points of one metric, ordered by time, step and value."""
    rows = sql.execute(
        "SELECT value, timestamp, step FROM points WHERE run = (SELECT n FROM runs WHERE run_id = ?)"
        " AND key = (SELECT id FROM keys WHERE name = ?) ORDER BY timestamp, step, value",
        (run_id, key),
    ).fetchall()
    return [Metric(key, float(value), timestamp, step, run_id) for value, timestamp, step in rows]


def _history(
    sql: sqlite3.Connection, run_id: str, names: dict[int, str], chosen: Sequence[int] | None
) -> dict[str, list[Metric]]:
    found: dict[str, list[Metric]] = {}
    only = "" if chosen is None else f" AND key IN ({', '.join('?' * len(chosen))})"
    rows = sql.execute(
        "SELECT key, value, timestamp, step FROM points"
        f" WHERE run = (SELECT n FROM runs WHERE run_id = ?){only} ORDER BY key, step, timestamp, value",
        (run_id, *(chosen or ())),
    )
    for key, value, timestamp, step in rows:
        name = names[key]
        found.setdefault(name, []).append(Metric(name, float(value), timestamp, step, run_id))
    return found


def change_count(sql: sqlite3.Connection) -> int:
    """Return SQLite's count of what other connections than this one have committed."""
    return int(sql.execute("PRAGMA data_version").fetchone()[0])


# Reading values ----------------------------------------------------------------------------------
def _batches(rows: list[Row]) -> Iterator[tuple[int, str]]:
    """Divide rows; give where each batch starts and its row numbers as a JSON list.

    A list is one bound value, so that no limit on variables applies, and keeps the order.
    """
    for start in range(0, len(rows), _BATCH):
        yield start, json.dumps([row[0] for row in rows[start : start + _BATCH]])


def _key_names(sql: sqlite3.Connection) -> dict[int, str]:
    """Return the names of params, metrics and tags by number."""
    return dict(sql.execute("SELECT id, name FROM keys"))
