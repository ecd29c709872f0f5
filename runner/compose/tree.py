"""Plain nested data by paths of keys: look up, list, set; and which values interpolate. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

KeyPath = tuple[str, ...]
ABSENT: Final = object()


def look_up(tree: Any, path: Sequence[str]) -> Any:
    """Return what stands at a path, ABSENT where nothing does."""
    for name in path:
        if not isinstance(tree, dict) or name not in tree:
            return ABSENT
        tree = tree[name]
    return tree


def leaf_paths(tree: Any, path: KeyPath = ()) -> Iterator[tuple[KeyPath, Any]]:
    """Yield every leaf with its path; a list and an empty mapping are leaves."""
    if isinstance(tree, dict) and (tree or not path):
        for key, value in tree.items():
            yield from leaf_paths(value, (*path, str(key)))
    else:
        yield path, tree


def put(result: dict[str, Any], owned: dict[KeyPath, dict[str, Any]], path: KeyPath, value: Any) -> None:
    """Set a leaf in a tree that shares its branches with others: copy each branch once, then write."""
    for depth in range(1, len(path)):
        branch = path[:depth]
        if branch not in owned:
            parent = owned[branch[:-1]]
            owned[branch] = parent[branch[-1]] = dict(parent[branch[-1]])
    owned[path[:-1]][path[-1]] = value


def dotted(tree: Mapping[str, Any]) -> list[str]:
    """Return the dotted key of every leaf."""
    return [".".join(path) for path, _ in leaf_paths(tree)]


def interpolates(value: object) -> bool:
    """Tell whether a value has `${...}` in it, however deep."""
    if isinstance(value, str):
        return "${" in value
    if isinstance(value, list | tuple):
        return any(interpolates(item) for item in value)
    return isinstance(value, dict) and any(interpolates(item) for item in value.values())


def repeated_key(value: object) -> str | None:
    """Return the key of a value that is just `${key}`, None for any other."""
    match = re.fullmatch(r"\$\{([A-Za-z_][\w.]*)\}", value) if isinstance(value, str) else None
    return match[1] if match else None


def overlap(one: str, other: str) -> bool:
    """Tell whether two dotted keys are the same, or one is below the other."""
    return one == other or one.startswith(f"{other}.") or other.startswith(f"{one}.")
