"""Registered models in SQLite: names, their versions, aliases and tags. Functions over a connection.

A version is an address, `runs:/<run id>/<path>`: the files stay those of the run.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from tracking.entities import ModelVersion, RegisteredModel
from tracking.errors import AlreadyExists, ModelNotFound

if TYPE_CHECKING:  # importing the client stays light
    import sqlite3

OWN = 0  # in model_tags: the model itself rather than one of its versions


def create(sql: sqlite3.Connection, name: str, description: str, now: int) -> None:
    """Add a model without versions. Raises AlreadyExists."""
    if sql.execute("SELECT 1 FROM registered_models WHERE name = ?", (name,)).fetchone():
        raise AlreadyExists(f"A model is registered as {name!r} already.")
    sql.execute(
        "INSERT INTO registered_models(name, created, updated, description) VALUES (?, ?, ?, ?)",
        (name, now, now, description),
    )


def add_version(
    sql: sqlite3.Connection, name: str, source: str, run_id: str | None, description: str, now: int
) -> ModelVersion:
    """Add a version, one more than the greatest there ever was. Raises ModelNotFound."""
    model = _number(sql, name)
    version = sql.execute(
        "UPDATE registered_models SET versions = versions + 1, updated = ? WHERE id = ? RETURNING versions",
        (now, model),
    ).fetchone()[0]
    sql.execute(
        "INSERT INTO model_versions(model, version, created, updated, description, source, run_id, stage)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, 'None')",
        (model, version, now, now, description, source, run_id),
    )
    return get_version(sql, name, str(version))


def get(sql: sqlite3.Connection, name: str) -> RegisteredModel:
    """Return a model. Raises ModelNotFound."""
    model = _number(sql, name)
    created, updated, description = sql.execute(
        "SELECT created, updated, description FROM registered_models WHERE id = ?", (model,)
    ).fetchone()
    newest: dict[str, ModelVersion] = {}
    for version in versions(sql, name):  # newest first
        newest.setdefault(version.current_stage, version)
    return RegisteredModel(
        name, created, updated, description, _tags(sql, model, OWN), _aliases(sql, model), list(newest.values())
    )


def names(sql: sqlite3.Connection) -> list[str]:
    """Return the names of all models, sorted."""
    return [name for (name,) in sql.execute("SELECT name FROM registered_models ORDER BY name")]


def versions(sql: sqlite3.Connection, name: str | None = None) -> list[ModelVersion]:
    """Return the versions of a model, or of all, newest first."""
    rows = sql.execute(
        "SELECT m.id, m.name, v.version, v.created, v.updated, v.description, v.source, v.run_id, v.stage"
        " FROM model_versions v JOIN registered_models m ON m.id = v.model WHERE ?1 IS NULL OR m.name = ?1"
        " ORDER BY m.name, v.version DESC",
        (name,),
    ).fetchall()
    found = []
    for model, title, version, created, updated, description, source, run_id, stage in rows:
        aliases = [alias for alias, number in _aliases(sql, model).items() if number == str(version)]
        tags = _tags(sql, model, version)
        found.append(
            ModelVersion(
                title, str(version), created, updated, description, source, run_id, stage, tags=tags, aliases=aliases
            )
        )
    return found


def get_version(sql: sqlite3.Connection, name: str, version: str) -> ModelVersion:
    """Return a version by its number, as text. Raises ModelNotFound."""
    _number(sql, name)
    found = next((one for one in versions(sql, name) if one.version == version), None)
    if found is None:
        there = ", ".join(one.version for one in versions(sql, name)) or "none"
        raise ModelNotFound(f"Model {name!r} has no version {version}. There are: {there}.")
    return found


def change_version(sql: sqlite3.Connection, name: str, version: str, changes: Mapping[str, str], now: int) -> None:
    """Set the `description` or `stage` of a version. Raises ModelNotFound."""
    get_version(sql, name, version)
    for column in ("description", "stage"):
        if column in changes:
            sql.execute(
                f"UPDATE model_versions SET {column} = ?, updated = ? WHERE model = ? AND version = ?",
                (changes[column], now, _number(sql, name), version),
            )


def describe(sql: sqlite3.Connection, name: str, description: str, now: int) -> None:
    """Set the description of a model. Raises ModelNotFound."""
    sql.execute(
        "UPDATE registered_models SET description = ?, updated = ? WHERE id = ?",
        (description, now, _number(sql, name)),
    )


def set_alias(sql: sqlite3.Connection, name: str, alias: str, version: str) -> None:
    """Give a version an alias, which another may have had. Raises ModelNotFound."""
    get_version(sql, name, version)
    sql.execute("INSERT OR REPLACE INTO model_aliases VALUES (?, ?, ?)", (_number(sql, name), alias, version))


def delete_alias(sql: sqlite3.Connection, name: str, alias: str) -> None:
    """Take an alias away; one that is not there is as well. Raises ModelNotFound."""
    sql.execute("DELETE FROM model_aliases WHERE model = ? AND alias = ?", (_number(sql, name), alias))


def set_tag(sql: sqlite3.Connection, name: str, version: str | None, key: str, value: str) -> None:
    """Set a tag of a model, or of one of its versions. Raises ModelNotFound."""
    model = _number(sql, name)
    if version is not None:
        get_version(sql, name, version)
    sql.execute("INSERT OR REPLACE INTO model_tags VALUES (?, ?, ?, ?)", (model, version or OWN, key, value))


def delete(sql: sqlite3.Connection, name: str, version: str | None) -> None:
    """Remove a model with all its versions, or one version. Files stay. Raises ModelNotFound."""
    model = _number(sql, name)
    if version is None:
        sql.execute("DELETE FROM registered_models WHERE id = ?", (model,))
        return
    get_version(sql, name, version)
    for table in ("model_versions", "model_aliases", "model_tags"):
        sql.execute(f"DELETE FROM {table} WHERE model = ? AND version = ?", (model, version))


def _number(sql: sqlite3.Connection, name: str) -> int:
    row = sql.execute("SELECT id FROM registered_models WHERE name = ?", (name,)).fetchone()
    if row is None:
        there = ", ".join(names(sql)[:20]) or "none"
        raise ModelNotFound(f"No model is registered as {name!r}. There are: {there}.")
    return int(row[0])


def _tags(sql: sqlite3.Connection, model: int, version: int) -> dict[str, str]:
    rows = sql.execute("SELECT key, value FROM model_tags WHERE model = ? AND version = ?", (model, version))
    return dict(rows.fetchall())


def _aliases(sql: sqlite3.Connection, model: int) -> dict[str, str]:
    rows = sql.execute("SELECT alias, version FROM model_aliases WHERE model = ? ORDER BY alias", (model,))
    return {alias: str(version) for alias, version in rows}
