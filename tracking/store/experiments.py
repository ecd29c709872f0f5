"""Experiments in SQLite: functions over a connection that is in a transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any

from tracking.entities import Experiment, LifecycleStage
from tracking.errors import AlreadyExists, ExperimentDeleted, ExperimentNotFound
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
EXPERIMENT = "SELECT e.id, e.name, e.location, e.lifecycle, e.created, e.updated FROM experiments e"
_MOST = 2**63 - 1


def number_of(connection: sqlite3.Connection, experiment_id: str) -> int:
    """Return the row number of an experiment. Raises ExperimentNotFound."""
    if experiment_id.isdecimal() and len(experiment_id) < 19:
        row = connection.execute("SELECT id FROM experiments WHERE id = ?", (int(experiment_id),)).fetchone()
        if row is not None:
            return int(row[0])
    raise ExperimentNotFound(f"No experiment has the id '{experiment_id}'. See: python -m tracking experiments")


def require_open(connection: sqlite3.Connection, experiment_id: str) -> tuple[int, str | None]:
    """Return the number and location of an experiment. Raises ExperimentDeleted if it is in the trash."""
    number = number_of(connection, experiment_id)
    location, lifecycle = connection.execute(
        "SELECT location, lifecycle FROM experiments WHERE id = ?", (number,)
    ).fetchone()
    if lifecycle == LifecycleStage.DELETED:
        raise ExperimentDeleted(
            f"Experiment {experiment_id} is in the trash: no run can be started in it. Restore it first, "
            "or choose another experiment."
        )
    return number, location


def require_free(connection: sqlite3.Connection, name: str, *, but: int | None = None) -> None:
    """Raise AlreadyExists if another experiment has the name."""
    row = connection.execute("SELECT id, lifecycle FROM experiments WHERE name = ?", (name,)).fetchone()
    if row is None or row[0] == but:
        return
    remedy = (
        "it is in the trash: restore it, or choose another name"
        if row[1] == LifecycleStage.DELETED
        else "choose another name"
    )
    raise AlreadyExists(f"An experiment named '{name}' exists already (id {row[0]}); {remedy}.")


def require_elsewhere(connection: sqlite3.Connection, number: int, stage: str) -> None:
    """Raise ExperimentNotFound if an experiment is in this stage already: its runs may have moved one by one."""
    name, lifecycle = connection.execute("SELECT name, lifecycle FROM experiments WHERE id = ?", (number,)).fetchone()
    if lifecycle == stage:
        raise ExperimentNotFound(
            f"Experiment '{name}' (id {number}) is {stage} already. See: python -m tracking experiments --deleted"
            if stage == LifecycleStage.DELETED
            else f"Experiment '{name}' (id {number}) is {stage}, not in the trash. Its deleted runs: "
            "python -m tracking runs --deleted"
        )


def set_tags(connection: sqlite3.Connection, number: int, tags: Mapping[str, str]) -> None:
    """Set tags, replacing."""
    connection.executemany(
        "INSERT OR REPLACE INTO experiment_tags VALUES (?, ?, ?)", [(number, *item) for item in tags.items()]
    )


def count_runs(connection: sqlite3.Connection, view_type: int) -> dict[str, tuple[int, int]]:
    """Return number of runs and time of the last activity by experiment."""
    stage = in_stage("r", view_type)
    rows = connection.execute(
        "SELECT r.experiment, COUNT(*), MAX(MAX(r.start_time, COALESCE(r.end_time, 0))) FROM runs r"
        f" WHERE {stage.text} GROUP BY r.experiment",
        stage.values,
    )
    return {str(experiment): (count, last) for experiment, count, last in rows}


def purgeable(connection: sqlite3.Connection) -> list[tuple[int, str]]:
    """Return number and name of deleted experiments that have no active runs, but not the default one."""
    rows = connection.execute(
        "SELECT id, name FROM experiments e WHERE lifecycle = 'deleted' AND id <> 0"
        " AND NOT EXISTS (SELECT 1 FROM runs WHERE experiment = e.id AND lifecycle = 'active')"
    ).fetchall()
    return [(number, name) for number, name in rows if name != _left_behind(number)]


def purge(connection: sqlite3.Connection) -> list[str]:
    """Remove deleted experiments without runs; return the names that are free again.

    The one with the greatest id leaves its row behind, in the trash and under another name, until there is
    a greater one: its id would be given to the next experiment.
    """
    greatest = connection.execute("SELECT MAX(id) FROM experiments").fetchone()[0]
    freed = []
    for number, name in purgeable(connection):
        if connection.execute("SELECT 1 FROM runs WHERE experiment = ?", (number,)).fetchone() is None:
            connection.execute("DELETE FROM experiment_tags WHERE experiment = ?", (number,))
            connection.execute("UPDATE OR IGNORE experiments SET name = ? WHERE id = ?", (_left_behind(number), number))
            freed.append(name)
    connection.execute(
        "DELETE FROM experiments WHERE lifecycle = 'deleted' AND name = '(removed experiment ' || id || ')' AND id < ?",
        (greatest,),
    )
    return freed


def _left_behind(number: int) -> str:
    return f"(removed experiment {number})"


def find_experiments(
    connection: sqlite3.Connection,
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
    rows = connection.execute(
        f"{EXPERIMENT} WHERE {where.text} ORDER BY {', '.join(columns)}, e.id ASC LIMIT ? OFFSET ?",
        [*where.values, limit, offset],
    ).fetchall()
    return [experiment_of(connection, row, locations) for row in rows]


def experiment_of(connection: sqlite3.Connection, row: tuple[Any, ...], locations: Locations) -> Experiment:
    """Return the entity of a row of `EXPERIMENT`."""
    id_, name, location, lifecycle, created, updated = row
    tags = dict(connection.execute("SELECT key, value FROM experiment_tags WHERE experiment = ?", (id_,)))
    return Experiment(str(id_), name, locations.experiment_uri(id_, location), lifecycle, created, updated, tags)


def _experiment_comparison(comparison: Comparison) -> Sql:
    if comparison.kind == "attribute":
        return compared(_EXPERIMENT_ATTRIBUTES[comparison.key], comparison)
    exists = "EXISTS (SELECT 1 FROM experiment_tags v WHERE v.experiment = e.id AND v.key = ?"
    if comparison.operator.endswith("NULL"):
        return Sql(f"{'NOT ' if comparison.operator == 'IS NULL' else ''}{exists})", [comparison.key])
    inner = compared("v.value", comparison)
    return Sql(f"{exists} AND ({inner.text}))", [comparison.key, *inner.values])
