"""Experiments in SQLite: functions over a connection that is in a transaction."""

from __future__ import annotations

import operator
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tracking.entities import Experiment, LifecycleStage
from tracking.errors import AlreadyExists, ExperimentDeleted, ExperimentNotFound, TagNotFound
from tracking.store.conditions import EXPERIMENTS, Comparison
from tracking.store.locations import Locations
from tracking.store.query import parse_filter, parse_order
from tracking.store.sql import Sql, compared, direction, in_stage, joined, translated

_EXPERIMENT_ATTRIBUTES = {
    "name": "e.name",
    "experiment_id": "CAST(e.id AS TEXT)",
    "creation_time": "e.created",
    "last_update_time": "e.updated",
}
_EXPERIMENT = "SELECT e.id, e.name, e.location, e.lifecycle, e.created, e.updated FROM experiments e"
_MOST = 2**63 - 1


def create(sql: sqlite3.Connection, name: str, location: str | None, tags: Mapping[str, str], now: int) -> str:
    """Add an experiment and return its id. Raises AlreadyExists."""
    _require_free(sql, name)
    # The id is one more than the greatest, which `purge` keeps: an id is not used twice.
    number = sql.execute(
        "INSERT INTO experiments(name, location, lifecycle, created, updated)"
        " VALUES (?, ?, 'active', ?, ?) RETURNING id",
        (name, location, now, now),
    ).fetchone()[0]
    _set_tags(sql, number, tags)
    return str(number)


def get(sql: sqlite3.Connection, experiment_id: str, locations: Locations) -> Experiment:
    """Return an experiment. Raises ExperimentNotFound."""
    row = sql.execute(f"{_EXPERIMENT} WHERE e.id = ?", (_number_of(sql, experiment_id),)).fetchone()
    return _experiment_of(sql, row, locations)


def get_by_name(sql: sqlite3.Connection, name: str, locations: Locations) -> Experiment | None:
    """Return the experiment of a name, or None."""
    row = sql.execute(f"{_EXPERIMENT} WHERE e.name = ?", (name,)).fetchone()
    return _experiment_of(sql, row, locations) if row else None


def update(sql: sqlite3.Connection, experiment_id: str, name: str | None, stage: str | None, now: int) -> None:
    """Rename an experiment, or move it and its runs. Raises ExperimentNotFound, AlreadyExists."""
    number = _number_of(sql, experiment_id)
    if name is not None:
        _require_free(sql, name, but=number)
        sql.execute("UPDATE experiments SET name = ? WHERE id = ?", (name, number))
    if stage is not None:
        _require_elsewhere(sql, number, stage)
        sql.execute("UPDATE experiments SET lifecycle = ? WHERE id = ?", (stage, number))
        sql.execute("UPDATE runs SET lifecycle = ? WHERE experiment = ?", (stage, number))
    sql.execute("UPDATE experiments SET updated = ? WHERE id = ?", (now, number))


def set_tags(sql: sqlite3.Connection, experiment_id: str, tags: Mapping[str, str]) -> None:
    """Set tags, replacing. Raises ExperimentNotFound."""
    _set_tags(sql, _number_of(sql, experiment_id), tags)


def delete_tag(sql: sqlite3.Connection, experiment_id: str, key: str) -> None:
    """Remove one tag. Raises TagNotFound."""
    number = _number_of(sql, experiment_id)
    rows = sql.execute("SELECT key FROM experiment_tags WHERE experiment = ?", (number,)).fetchall()
    require_tag(f"Experiment {experiment_id}", key, [there for (there,) in rows])
    sql.execute("DELETE FROM experiment_tags WHERE experiment = ? AND key = ?", (number, key))


def require_tag(subject: str, key: str, there: Iterable[str]) -> None:
    """Raise TagNotFound unless a key is among those that are there."""
    if key not in there:
        known = ", ".join(sorted(there)) or "none"
        raise TagNotFound(f"{subject} has no tag '{key}'. Its tags: {known}.")


def _number_of(sql: sqlite3.Connection, experiment_id: str) -> int:
    """Return the row number of an experiment. Raises ExperimentNotFound."""
    if experiment_id.isdecimal() and len(experiment_id) < 19:
        row = sql.execute("SELECT id FROM experiments WHERE id = ?", (int(experiment_id),)).fetchone()
        if row is not None:
            return int(row[0])
    raise ExperimentNotFound(f"No experiment has the id '{experiment_id}'. See: python -m tracking experiments")


def require_open(sql: sqlite3.Connection, experiment_id: str) -> tuple[int, str | None]:
    """Return the number and location of an experiment. Raises ExperimentDeleted if it is in the trash."""
    number = _number_of(sql, experiment_id)
    location, lifecycle = sql.execute("SELECT location, lifecycle FROM experiments WHERE id = ?", (number,)).fetchone()
    if lifecycle == LifecycleStage.DELETED:
        raise ExperimentDeleted(
            f"Experiment {experiment_id} is in the trash: no run can be started in it. Restore it first, "
            "or choose another experiment."
        )
    return number, location


def _require_free(sql: sqlite3.Connection, name: str, *, but: int | None = None) -> None:
    """Raise AlreadyExists if another experiment has the name."""
    row = sql.execute("SELECT id, lifecycle FROM experiments WHERE name = ?", (name,)).fetchone()
    if row is None or row[0] == but:
        return
    remedy = (
        "it is in the trash: restore it, or choose another name"
        if row[1] == LifecycleStage.DELETED
        else "choose another name"
    )
    raise AlreadyExists(f"An experiment named '{name}' exists already (id {row[0]}); {remedy}.")


def _require_elsewhere(sql: sqlite3.Connection, number: int, stage: str) -> None:
    """Raise ExperimentNotFound if an experiment is in this stage already: its runs may have moved one by one."""
    name, lifecycle = sql.execute("SELECT name, lifecycle FROM experiments WHERE id = ?", (number,)).fetchone()
    if lifecycle == stage:
        raise ExperimentNotFound(
            f"Experiment '{name}' (id {number}) is {stage} already. See: python -m tracking experiments --deleted"
            if stage == LifecycleStage.DELETED
            else f"Experiment '{name}' (id {number}) is {stage}, not in the trash. Its deleted runs: "
            "python -m tracking runs --deleted"
        )


def _set_tags(sql: sqlite3.Connection, number: int, tags: Mapping[str, str]) -> None:
    """Set tags, replacing."""
    sql.executemany(
        "INSERT OR REPLACE INTO experiment_tags VALUES (?, ?, ?)", [(number, *item) for item in tags.items()]
    )


def count_runs(sql: sqlite3.Connection, view_type: int) -> dict[str, tuple[int, int]]:
    """Return number of runs and time of the last activity by experiment."""
    stage = in_stage("r", view_type)
    rows = sql.execute(
        "SELECT r.experiment, COUNT(*), MAX(MAX(r.start_time, COALESCE(r.end_time, 0))) FROM runs r"
        f" WHERE {stage.text} GROUP BY r.experiment",
        stage.values,
    )
    # index() raises for a time that is no number: whoever reads blames the store
    return {str(experiment): (count, operator.index(last)) for experiment, count, last in rows}


def purgeable(sql: sqlite3.Connection) -> list[tuple[int, str]]:
    """Return number and name of deleted experiments that have no active runs, but not the default one."""
    rows = sql.execute(
        "SELECT id, name FROM experiments e WHERE lifecycle = 'deleted' AND id <> 0"
        " AND NOT EXISTS (SELECT 1 FROM runs WHERE experiment = e.id AND lifecycle = 'active')"
    ).fetchall()
    return [(number, name) for number, name in rows if name != _left_behind(number)]


def purge(sql: sqlite3.Connection) -> list[str]:
    """Remove deleted experiments without runs; return the names that are free again.

    The one with the greatest id leaves its row behind, in the trash and under another name, until there is
    a greater one: its id would be given to the next experiment.
    """
    greatest = sql.execute("SELECT MAX(id) FROM experiments").fetchone()[0]
    freed = []
    for number, name in purgeable(sql):
        if sql.execute("SELECT 1 FROM runs WHERE experiment = ?", (number,)).fetchone() is None:
            sql.execute("DELETE FROM experiment_tags WHERE experiment = ?", (number,))
            sql.execute("UPDATE OR IGNORE experiments SET name = ? WHERE id = ?", (_left_behind(number), number))
            freed.append(name)
    sql.execute(
        "DELETE FROM experiments WHERE lifecycle = 'deleted' AND name = '(removed experiment ' || id || ')' AND id < ?",
        (greatest,),
    )
    return freed


def _left_behind(number: int) -> str:
    return f"(removed experiment {number})"


def find_experiments(
    sql: sqlite3.Connection,
    locations: Locations,
    *,
    view_type: int,
    filter_string: str | None,
    order_by: Sequence[str],
    max_results: int | None,
    offset: int,
) -> list[Experiment]:
    """Return the experiments that satisfy a filter, newest first unless ordered otherwise."""
    condition, orders = parse_filter(filter_string, EXPERIMENTS), parse_order(order_by, EXPERIMENTS)
    where = in_stage("e", view_type)
    if condition is not None:
        where = joined(" AND ", [where, translated(condition, _experiment_comparison)])
    columns = [f"{_EXPERIMENT_ATTRIBUTES[order.key]} {direction(order)}" for order in orders]
    if all(order.key != "creation_time" for order in orders):
        columns.append("e.created DESC")
    limit = _MOST if max_results is None else max(max_results, 0)
    rows = sql.execute(
        f"{_EXPERIMENT} WHERE {where.text} ORDER BY {', '.join(columns)}, e.id ASC LIMIT ? OFFSET ?",
        [*where.values, limit, offset],
    ).fetchall()
    return [_experiment_of(sql, row, locations) for row in rows]


def _experiment_of(sql: sqlite3.Connection, row: tuple[Any, ...], locations: Locations) -> Experiment:
    """Return the entity of a row of `_EXPERIMENT`."""
    id_, name, location, lifecycle, created, updated = row
    tags = dict(sql.execute("SELECT key, value FROM experiment_tags WHERE experiment = ?", (id_,)))
    return Experiment(str(id_), name, locations.experiment_uri(id_, location), lifecycle, tags, created, updated)


def _experiment_comparison(comparison: Comparison) -> Sql:
    if comparison.kind == "attribute":
        return compared(_EXPERIMENT_ATTRIBUTES[comparison.key], comparison)
    exists = "EXISTS (SELECT 1 FROM experiment_tags v WHERE v.experiment = e.id AND v.key = ?"
    if comparison.operator.endswith("NULL"):
        return Sql(f"{'NOT ' if comparison.operator == 'IS NULL' else ''}{exists})", [comparison.key])
    inner = compared("v.value", comparison)
    return Sql(f"{exists} AND ({inner.text}))", [comparison.key, *inner.values])
