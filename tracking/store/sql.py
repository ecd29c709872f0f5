"""Conditions and orders to SQL.

Values are always bound, never spliced into the SQL; only names from fixed tables are.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from tracking.entities import LifecycleStage, ViewType
from tracking.records.names import DATA_NAME, FINGERPRINT_DATA
from tracking.store.conditions import Both, Comparison, Condition, Either, Not, Order, Value

# The stored status of a run is RUNNING also when its process was killed; asking for its process tells.
STATUS = (
    "CASE r.status WHEN 'RUNNING' THEN CASE WHEN process_gone(r.host, r.pid, r.started) THEN 'KILLED'"
    " ELSE 'RUNNING' END ELSE r.status END"
)
_LOCATION = "(SELECT location FROM experiments WHERE id = r.experiment)"
_RUN_ATTRIBUTES = {
    "run_id": "r.run_id",
    "run_name": "r.name",
    "user_id": "r.user",
    "status": STATUS,
    "artifact_uri": f"artifact_uri(r.experiment, {_LOCATION}, r.run_id)",
    "start_time": "r.start_time",
    "end_time": "r.end_time",
    "recorded": "r.n",
}
_TABLES = {"metric": "latest", "param": "params", "tag": "tags"}
_MOST_JOINS = 20  # SQLite joins up to 64 tables; sorting needs some too
_KEY = "(SELECT id FROM keys WHERE name = ?)"


SortColumn = tuple[str, bool]  # an expression, and whether it ascends


@dataclass(slots=True)
class Sql:
    """A piece of SQL and the values bound in it, in order."""

    text: str
    values: list[Any] = field(default_factory=list)


def run_scope(condition: Condition | None, experiments: Sequence[str] | None, view_type: int) -> tuple[Sql, Sql]:
    """Return the joins and the condition that leave the runs (as r) that are asked for."""
    parts = [in_stage("r", view_type)]
    joins: list[Sql] = []
    if experiments is not None:
        ids = [int(text) for text in experiments if text.isdecimal() and len(text) < 19]
        parts.append(Sql("r.experiment IN (SELECT value FROM json_each(?))", [json.dumps(ids)]))
    for operand in condition.operands if isinstance(condition, Both) else [condition] if condition else []:
        # What every run must have is joined, a fifth faster than EXISTS; the number of joins is limited.
        if isinstance(operand, Comparison) and _can_be_joined(operand) and len(joins) < _MOST_JOINS:
            joins.append(_joined_comparison(f"c{len(joins)}", operand))
        else:
            parts.append(translated(operand, _run_comparison))
    values = [value for join in joins for value in join.values]
    return Sql(" ".join(join.text for join in joins), values), joined(" AND ", parts)


def run_order(orders: tuple[Order, ...]) -> tuple[Sql, list[SortColumn]]:
    """Return the joins that sorting needs, and the columns. What a run lacks comes last both ways."""
    joins: list[str] = []
    values: list[Any] = []
    columns: list[SortColumn] = []
    for number, order in enumerate(orders):
        if order.kind == "attribute":
            column = _RUN_ATTRIBUTES[order.key]
            columns += [(f"({column} IS NULL)", True)] * (order.key == "end_time") + [(column, order.ascending)]
            continue
        name = f"o{number}"
        joins.append(f"LEFT JOIN {_TABLES[order.kind]} {name} ON {name}.run = r.n AND {name}.key = {_KEY}")
        values.append(order.key)
        columns += [
            (f"({name}.run IS NULL)", True),
            (f"({name}.value IS NULL)", True),
            (f"{name}.value", order.ascending),
        ]
    if all((order.kind, order.key) != ("attribute", "start_time") for order in orders):
        columns.append(("r.start_time", False))
    return Sql(" ".join(joins), values), [*columns, ("r.run_id", True)]


def beyond(columns: Sequence[SortColumn], values: Sequence[Any]) -> Sql:
    """Return whether a row comes after one that has these values in the columns that are sorted by.

    The last column tells all rows apart. The bound on the first lets an index begin there.
    """
    (first, ascending), *_ = columns
    found = joined(" OR ", [_beyond_at(columns, values, place) for place in range(len(columns))])
    if values[0] is None:
        return found
    return joined(" AND ", [Sql(f"{first} {'>=' if ascending else '<='} ?", [values[0]]), found])


def _beyond_at(columns: Sequence[SortColumn], values: Sequence[Any], place: int) -> Sql:
    """Return whether a row is equal in the columns before a place, and after in that one."""
    column, ascending = columns[place]
    equal = [Sql(f"{name} IS ?", [value]) for (name, _), value in zip(columns[:place], values, strict=False)]
    return joined(" AND ", [*equal, Sql(f"{column} {'>' if ascending else '<'} ?", [values[place]])])


def direction(order: Order) -> str:
    """Return the keyword of an order."""
    return "ASC" if order.ascending else "DESC"


def in_stage(table: str, view_type: int) -> Sql:
    """Return whether a row is in the view; an unknown view shows nothing."""
    stages = {ViewType.ACTIVE_ONLY: LifecycleStage.ACTIVE, ViewType.DELETED_ONLY: LifecycleStage.DELETED}
    if view_type == ViewType.ALL:
        return Sql("1")
    if view_type not in stages:
        return Sql("0")
    return Sql(f"{table}.lifecycle = ?", [str(stages[view_type])])


def translated(condition: Condition, compare: Callable[[Comparison], Sql]) -> Sql:
    """Return a condition as SQL, given how single comparisons are."""
    match condition:
        case Comparison():
            return compare(condition)
        case Not(operand):
            inner = translated(operand, compare)
            # IS NOT TRUE, because a comparison with NULL (no end time yet) is not true either.
            return Sql(f"({inner.text}) IS NOT TRUE", inner.values)
        case Both(operands):
            return joined(" AND ", [translated(operand, compare) for operand in operands])
        case Either(operands):
            return joined(" OR ", [translated(operand, compare) for operand in operands])


def joined(word: str, parts: list[Sql]) -> Sql:
    """Return the parts in parentheses, with the word between them.

    Divided like a tree, because SQLite limits how deep an expression may be.
    """
    if len(parts) > 50:
        half = len(parts) // 2
        parts = [joined(word, parts[:half]), joined(word, parts[half:])]
    text = word.join(f"({part.text})" for part in parts)
    return Sql(text, [value for part in parts for value in part.values])


def _can_be_joined(comparison: Comparison) -> bool:
    return comparison.kind in _TABLES and not comparison.operator.endswith("NULL")


def _joined_comparison(name: str, comparison: Comparison) -> Sql:
    """Join the value that satisfies a comparison; CROSS keeps the planner from beginning with it."""
    inner = compared(f"{name}.value", comparison)
    table = _TABLES[comparison.kind]
    text = f"CROSS JOIN {table} {name} ON {name}.run = r.n AND {name}.key = {_KEY} AND ({inner.text})"
    return Sql(text, [comparison.key, *inner.values])


def _run_comparison(comparison: Comparison) -> Sql:
    kind, key, operator = comparison.kind, comparison.key, comparison.operator
    if kind == "dataset":
        return _dataset_comparison(comparison)
    if kind == "attribute":
        return compared(_RUN_ATTRIBUTES[key], comparison)
    exists = f"EXISTS (SELECT 1 FROM {_TABLES[kind]} v WHERE v.run = r.n AND v.key = {_KEY}"
    if operator.endswith("NULL"):
        return Sql(f"{'NOT ' if operator == 'IS NULL' else ''}{exists})", [key])
    inner = compared("v.value", comparison)
    return Sql(f"{exists} AND ({inner.text}))", [key, *inner.values])


# What is told of the data sets of a run (r): by log_input in one tag each, by the runner in tags of its own.
_GIVEN = "SELECT {} AS it FROM tags v JOIN keys k ON k.id = v.key WHERE v.run = r.n AND k.name GLOB 'data.input.*'"
_RECORDED = "SELECT {} AS it FROM tags v JOIN keys k ON k.id = v.key WHERE v.run = r.n AND k.name = '{}'"
_JSON = "CASE WHEN json_valid(v.value) THEN json_extract(v.value, '$.{}') END"  # other tags are looked at too
_DATASETS = {
    "name": (_GIVEN.format(_JSON.format("name")), _RECORDED.format("v.value", DATA_NAME)),
    "digest": (_GIVEN.format(_JSON.format("digest")), _RECORDED.format("v.value", FINGERPRINT_DATA)),
    "context": (_GIVEN.format(_JSON.format('tags."mlflow.data.context"')), _RECORDED.format("'training'", DATA_NAME)),
}


def _dataset_comparison(comparison: Comparison) -> Sql:
    exists = f"EXISTS (SELECT 1 FROM ({' UNION ALL '.join(_DATASETS[comparison.key])})"
    if comparison.operator.endswith("NULL"):
        return Sql(f"{'NOT ' if comparison.operator == 'IS NULL' else ''}{exists} WHERE it IS NOT NULL)")
    inner = compared("it", comparison)
    return Sql(f"{exists} WHERE {inner.text})", inner.values)


def compared(column: str, comparison: Comparison) -> Sql:
    """Compare an expression with the value of a comparison."""
    operator, value = comparison.operator, comparison.value
    if value is None:
        return Sql(f"{column} {operator}")
    if isinstance(value, tuple):
        return _compared_with_list(column, comparison, value)
    if operator == "LIKE":
        return Sql(f"{column} GLOB ?", [_glob(str(value))])  # LIKE of SQLite does not heed case
    if operator == "ILIKE":
        if str(value).isascii():
            return Sql(f"{column} LIKE ?", [value])
        return Sql(f"lowered({column}) LIKE ?", [str(value).lower()])  # SQLite folds only ASCII
    if isinstance(value, str):
        return Sql(f"{column} {operator} ?", [value])
    return _compared_with_number(column, comparison.kind, operator, value)


def _compared_with_number(column: str, kind: str, operator: str, value: Value) -> Sql:
    if kind == "metric" and operator == "!=":
        return Sql(f"{column} IS NOT ?", [value])  # NaN is NULL there and differs from every number
    if kind in ("metric", "attribute"):
        return Sql(f"{column} {operator} ?", [value])
    # Compared with something of numeric affinity, text that is a number becomes one, and other text stays
    # text, which is more than any number. Infinities are not numbers to SQLite.
    found = f"{column} {operator} CAST(? AS NUMERIC)"
    if operator in ("<", "<="):
        found = f"{found} OR {column} = '-inf'"
    elif operator in (">", ">="):
        found = f"{found} AND {column} <= CAST(9e999 AS REAL) OR {column} = 'inf'"
    return Sql(found, [value])


def _compared_with_list(column: str, comparison: Comparison, values: tuple[Value, ...]) -> Sql:
    kind, operator = comparison.kind, comparison.operator
    if isinstance(values[0], str):
        # One bound value for the whole list: the number of those is limited.
        return Sql(f"{column} {operator} (SELECT value FROM json_each(?))", [json.dumps(values)])
    # Numbers would lose digits as JSON.
    found = joined(" OR ", [_compared_with_number(column, kind, "=", value) for value in values])
    if operator == "IN":
        return found
    present = f"{column} IS NOT NULL AND " if kind == "attribute" else ""  # there, NULL is not NaN: it is missing
    return Sql(f"{present}({found.text}) IS NOT TRUE", found.values)


def _glob(pattern: str) -> str:
    """Translate a LIKE pattern: % to *, _ to ?, and what GLOB takes for a sign to itself."""
    return "".join({"%": "*", "_": "?", "*": "[*]", "?": "[?]", "[": "[[]"}.get(sign, sign) for sign in pattern)
