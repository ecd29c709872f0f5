"""Runs counted by the value of a tag, without reading them: how a page names thousands of sweeps at once."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, field

from tracking.entities import ViewType
from tracking.store.sql import STATUS, in_stage


@dataclass(frozen=True, slots=True)
class Group:
    """The active runs that have one value of a tag: how many in each status, and when the first and last started."""

    value: str
    first_start: int  # in milliseconds
    last_start: int
    statuses: dict[str, int] = field(default_factory=dict)

    @property
    def runs(self) -> int:
        """How many runs there are."""
        return sum(self.statuses.values())


def group_by_tag(sql: sqlite3.Connection, tag: str) -> list[Group]:
    """Return the groups of active runs by the value of a tag, the one that started last first."""
    stage = in_stage("r", ViewType.ACTIVE_ONLY)
    rows = sql.execute(
        f"SELECT t.value, {STATUS}, COUNT(*), MIN(r.start_time), MAX(r.start_time) FROM runs r JOIN tags t"
        " ON t.run = r.n AND t.key = (SELECT id FROM keys WHERE name = ?)"
        f" WHERE {stage.text} GROUP BY 1, 2",
        [tag, *stage.values],
    ).fetchall()
    groups: dict[str, Group] = {}
    for value, status, count, first, last in rows:
        before = groups.get(value, Group(value, first, last))
        groups[value] = Group(
            value,
            min(first, before.first_start),
            max(last, before.last_start),
            {**before.statuses, status: count},
        )
    return sorted(groups.values(), key=lambda group: group.first_start, reverse=True)
