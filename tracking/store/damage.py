"""What no program of ours writes into a store: rows that belong to nothing, values of another kind.

Looked for by `check`, and where reading has failed: then the store is to blame, and not the program.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

from tracking.entities import LifecycleStage, RunStatus
from tracking.store import schema

_KINDS = {"INTEGER": ("integer",), "TEXT": ("text",), "REAL": ("real", "integer"), "BLOB": ("blob",)}
_WORDS: dict[tuple[str, str], list[str]] = {
    ("runs", "status"): [status.value for status in RunStatus],
    ("runs", "lifecycle"): [LifecycleStage.ACTIVE, LifecycleStage.DELETED],
    ("experiments", "lifecycle"): [LifecycleStage.ACTIVE, LifecycleStage.DELETED],
    ("points", "value"): ["NaN"],
}


def find_damage(sql: sqlite3.Connection) -> list[str]:
    """Return one line for each kind of damage, [] for none."""
    torn = [line for (line,) in sql.execute("PRAGMA quick_check").fetchall() if line != "ok"]
    own = schema.own_tables()
    if missing := own - set(schema.table_names(sql)):
        return [*torn, f"there is no table {', '.join(sorted(missing))}"]
    # Of our tables only: with those of another program the check as a whole may fail.
    strays = [row[0] for table in sorted(own) for row in sql.execute(f"PRAGMA foreign_key_check({table})")]
    strays += [table for table in ("params", "tags", "latest", "points") if _any(sql, table, _NAMELESS)]
    return [*torn, *(f"a row of {table} belongs to nothing" for table in dict.fromkeys(strays)), *_odd_values(sql, own)]


_NAMELESS = "key NOT IN (SELECT id FROM keys)"


def _odd_values(sql: sqlite3.Connection, tables: set[str]) -> Iterator[str]:
    for table in sorted(tables):
        for _, column, kind, required, _, _ in sql.execute(f"PRAGMA table_info({table})").fetchall():
            kinds = [*_KINDS.get(kind, ()), *([] if required else ["null"])]
            odd = f"typeof({column}) NOT IN ({_listed(kinds)})"
            if words := _WORDS.get((table, column)):
                known = f"{column} IN ({_listed(words)})"
                odd = f"{odd} AND NOT {known}" if kind != "TEXT" else f"NOT {known}"
            if _any(sql, table, odd):
                yield f"a row of {table} has a {column} that is none"


def _any(sql: sqlite3.Connection, table: str, condition: str) -> bool:
    return sql.execute(f"SELECT 1 FROM {table} WHERE {condition} LIMIT 1").fetchone() is not None


def _listed(words: list[str]) -> str:
    return ", ".join(f"'{word}'" for word in words)
