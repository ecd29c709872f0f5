"""Typed plain values: unfold, compare, show. Pure; knows neither runs nor files.

To be compared a config is unfolded to dotted keys (`model.alpha`); a dot inside a name is written `\\.`.
A list of scalars is one value; a list with mappings or lists in it is unfolded by position
(`steps.0.name`). Two values are the same when they are equal *and* of one type: 1, 1.0, True and
"1" are four values.
"""

from __future__ import annotations

import fnmatch
import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from tracking.records.names import is_bookkeeping


class _Absent(Enum):
    ABSENT = "absent"

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT: Final = _Absent.ABSENT


class Kind(Enum):
    """How the values of one key relate; `MIXED` is for more than two runs."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"
    TYPE = "type"
    MIXED = "mixed"
    SAME = "same"


@dataclass(frozen=True, slots=True)
class Change:
    """One key whose value is not the same in all; `ABSENT` where a run has no such key.

    `origins` says for each value where it came from (a config file, "sweep", "command line"),
    None where that was not recorded. `also` names further keys that have these very values because
    they follow this one (`model.alpha: ${alpha}`).
    """

    key: str
    values: tuple[Any, ...]
    origins: tuple[str | None, ...] = ()
    also: tuple[str, ...] = ()

    @property
    def kind(self) -> Kind:
        """Say how the values relate."""
        if len(self.values) != 2:
            return Kind.MIXED
        old, new = self.values
        if old is ABSENT:
            return Kind.ADDED
        if new is ABSENT:
            return Kind.REMOVED
        if identity(old) == identity(new):
            return Kind.SAME
        return Kind.TYPE if is_type_change(old, new) else Kind.CHANGED


def identity(value: Any) -> str:
    """Return a text that two plain values share exactly when they are the same value of one type."""
    return repr(value)  # types differ in their repr, NaN equals itself, lists and dicts recurse


def is_type_change(old: Any, new: Any) -> bool:
    """Tell whether two values differ in type: `1 -> 1.0`, `"1" -> 1`, `5 -> "five"`.

    Another number (`1 -> 0.5`) and anything to or from null is an ordinary change.
    """
    if type(old) is type(new) or old is None or new is None:
        return False
    if _is_number(old) and _is_number(new):
        return bool(old == new)
    return True


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


# Leaves --------------------------------------------------------------------------------------
def unfold(config: Mapping[Any, Any]) -> dict[str, Any]:
    """Return the leaves of a nested config by dotted key, to be compared; an empty mapping is a leaf."""
    flat: dict[str, Any] = {}
    _unfold_into(flat, "", config)
    return flat


def _unfold_into(flat: dict[str, Any], prefix: str, node: Any) -> None:
    items: Iterable[tuple[Any, Any]]
    if isinstance(node, Mapping) and (node or not prefix):
        items = node.items()
    elif isinstance(node, list | tuple) and any(isinstance(item, Mapping | list | tuple) for item in node):
        items = enumerate(node)
    else:
        flat[prefix] = list(node) if isinstance(node, tuple) else node
        return
    for name, child in items:
        step = str(name).replace("\\", "\\\\").replace(".", "\\.")
        _unfold_into(flat, f"{prefix}.{step}" if prefix else step, child)


_SINGLE = (str, int, float, type(None))  # known sooner to be no mapping than by asking whether they are


def leaves(tree: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield (dotted key, value) for every leaf; lists and empty mappings are leaves, dots in names stay as they are.

    So keys are recorded: as params, and in the fingerprints by which runs are found again. Unlike `unfold`, which
    only serves comparisons, it may therefore not change.
    """
    if not isinstance(tree, _SINGLE) and isinstance(tree, Mapping) and (tree or not prefix):
        for key, value in tree.items():
            yield from leaves(value, f"{prefix}.{key}" if prefix else str(key))
    else:
        yield prefix, tree


def matches(key: str, patterns: Iterable[str]) -> bool:
    """Tell whether a dotted key, or a section above it, matches a shell pattern (`model.*`, `verbose`)."""
    parts = key.split(".")
    heads = [".".join(parts[: n + 1]) for n in range(len(parts))]
    return any(fnmatch.fnmatchcase(head, pattern) for pattern in patterns for head in heads)


# Comparing -------------------------------------------------------------------------------------
def find_varying(flats: Sequence[Mapping[str, Any]]) -> dict[str, tuple[Any, ...]]:
    """Return the keys whose value is not the same in all mappings, each with its values in order.

    Keys keep the order in which they first appear; a mapping without the key gives `ABSENT`.
    """
    keys = dict.fromkeys(key for flat in flats for key in flat)
    rows = {key: tuple(flat.get(key, ABSENT) for flat in flats) for key in keys}
    return {key: row for key, row in rows.items() if len({identity(value) for value in row}) > 1}


def diff_configs(
    old: Mapping[str, Any], new: Mapping[str, Any], *, ignore: Iterable[str] = (), bookkeeping: bool = False
) -> tuple[Change, ...]:
    """Return what changes from one nested plain config to another, key by key.

    Keys that match a pattern of `ignore` are left out, and so are bookkeeping keys unless asked for.

    >>> diff_configs({"model": {"alpha": 1}}, {"model": {"alpha": 1.0}})[0].kind
    <Kind.TYPE: 'type'>
    """
    patterns = tuple(ignore)
    return tuple(
        Change(key, values)
        for key, values in find_varying([unfold(old), unfold(new)]).items()
        if (bookkeeping or not is_bookkeeping(key)) and not matches(key, patterns)
    )


# Showing ---------------------------------------------------------------------------------------
_SIGNS = tuple(" \"'#[]{},&*!|>%@`-")
_WORDS = frozenset(("", "null", "~", "true", "false", "yes", "no", "on", "off", "none", "absent"))


def show_value(value: Any) -> str:
    """Write a value so that its type can be read: text is quoted where it looks like something else."""
    match value:
        case str():
            return _show_text(value)
        case float():
            return show_number(value)
        case None | bool():
            return {None: "null", True: "true", False: "false"}[value]
        case list() | tuple():
            return "[" + ", ".join(show_value(item) for item in value) + "]"
        case dict():
            return "{" + ", ".join(f"{key}: {show_value(item)}" for key, item in value.items()) + "}"
        case _:
            return "(absent)" if value is ABSENT else str(value)


def _show_text(text: str) -> str:
    looks_plain = text.isprintable() and not text.startswith(_SIGNS) and not text.endswith(" ")
    if looks_plain and text.lower() not in _WORDS and not _reads_as_number(text):
        return text
    return json.dumps(text, ensure_ascii=not text.isprintable()).replace("\x7f", "\\u007f")


def _reads_as_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def show_number(value: float) -> str:
    """Write a float so that it reads back as the same float, and never as an integer."""
    if math.isnan(value):
        return ".nan"
    if math.isinf(value):
        return ".inf" if value > 0 else "-.inf"
    return repr(value)


def show_change(change: Change) -> str:
    """Write a two-sided change on one line, without its key."""
    old, new = change.values
    match change.kind:
        case Kind.ADDED:
            return f"added: {show_value(new)}"
        case Kind.REMOVED:
            return f"removed (was {show_value(old)})"
        case Kind.TYPE:
            return f"{show_value(old)} -> {show_value(new)}  (type: {show_type(old)} -> {show_type(new)})"
        case _:
            return f"{show_value(old)} -> {show_value(new)}"


def show_type(value: Any) -> str:
    """Name the type of a plain value."""
    return "null" if value is None else type(value).__name__


def show_key(key: str) -> str:
    """Write a dotted key; one with control characters is quoted."""
    return key if key.isprintable() else json.dumps(key)


def show_changes(changes: Sequence[Change], *, indent: str = "  ") -> str:
    """Write two-sided changes as aligned lines, one per key; '' when there are none."""
    keys = [show_key(change.key) for change in changes]
    width = max(map(len, keys), default=0)
    return "\n".join(
        f"{indent}{key:<{width}}  {show_change(change)}" for key, change in zip(keys, changes, strict=True)
    )
