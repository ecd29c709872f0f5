"""Keys that a config does not have, in words: which are near, who brings them, and which nothing reads."""

from __future__ import annotations

import inspect
import pkgutil
import re
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from omegaconf import DictConfig

from runner.compose.schema import root
from runner.suggest import suggest

Owners = Callable[[str], Sequence[str]]
BUILT = ("model", "prepare")  # sections that take what their `_target_` takes
_MOST = 8  # choices named in a message


def no_such_key(key: str, asked: str, names: Iterable[str], owners: Owners) -> str:
    """Say that a config lacks a key, and what to do. `names` are the keys that it has or can take."""
    known = list(names)
    if key in known:
        return f"{asked}: the config does not set '{key}' so far. Add it with a +: +{asked}"
    missing = f"{asked}: the config has no key '{key}'."
    if brought := name_owners(owners(key)):
        return missing + brought
    return missing + (suggest(key, known) or _name_places(key, known))


def _name_places(key: str, known: Sequence[str]) -> str:
    """Write which keys there are where the key would be: in its section, or at the top."""
    section = key.rpartition(".")[0]
    inside = [name.removeprefix(f"{section}.") for name in known if name.startswith(f"{section}.")]
    if section:
        return f" Keys of {section}: {', '.join(inside)}." if inside else ""
    tops = dict.fromkeys(name.partition(".")[0] for name in known)
    return f" Keys of this config: {', '.join(tops)}." if tops else ""


def name_owners(choices: Sequence[str]) -> str:
    """Write ` It is a key of model=lasso, model=ridge.` for a message, or nothing."""
    more = f" and {len(choices) - _MOST} more" if len(choices) > _MOST else ""
    return f" It is a key of {', '.join(choices[:_MOST])}{more}." if choices else ""


def find_unread(raw: Mapping[str, Any], brought: Callable[[], Container[str]], texts: Sequence[str]) -> list[str]:
    """Return the keys that neither the schema nor an interpolation knows.

    `brought()` are the keys where chosen files were put; `texts` are overrides that may interpolate.
    """
    spelled = repr(raw) + " ".join(texts)
    read = {word for inside in re.findall(r"\$\{([^{}]*)", spelled) for word in re.findall(r"\w+", inside)}
    unread = []
    for place, allowed in closed_sections().items():
        section: Any = raw
        for name in place.split(".") if place else ():
            section = section.get(name) if isinstance(section, Mapping) else None
        for name in section if isinstance(section, Mapping) else ():
            if name not in allowed and name not in read and (place or name not in brought()):
                unread.append(f"{place}.{name}".lstrip("."))
    return unread


@lru_cache(maxsize=1)
def closed_sections() -> dict[str, frozenset[str]]:
    """Return the sections, "" for the top, whose keys the schema lists completely."""
    closed: dict[str, frozenset[str]] = {}
    waiting: list[tuple[str, DictConfig]] = [("", root())]
    while waiting:
        place, node = waiting.pop()
        closed[place] = frozenset(map(str, node))
        for name in map(str, node):
            inner = node._get_node(name)
            if isinstance(inner, DictConfig) and len(inner):
                waiting.append((f"{place}.{name}".lstrip("."), inner))
    return closed


def takes(section: DictConfig, name: str) -> bool:
    """Tell whether the class of a section has the parameter: `model.max_depth` is for forests only."""
    target = section.get("_target_")
    if target is None or name.startswith("_"):
        return target is not None or name == "_target_"
    parameters = parameters_of(str(target))
    return parameters is None or name in parameters or "**" in parameters


@lru_cache(maxsize=1024)
def parameters_of(target: str) -> tuple[str, ...] | None:
    """Return the names that a class or function takes, None if that is not known: building it says more."""
    try:
        found = inspect.signature(pkgutil.resolve_name(target)).parameters
    except Exception:  # importing runs any code
        return None
    return tuple("**" if p.kind is p.VAR_KEYWORD else name for name, p in found.items())
