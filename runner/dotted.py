"""Dotted names such as `sklearn.linear_model.Ridge`: what they name, and one spelling for each thing."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from types import ModuleType
from typing import Any

from runner.errors import ModelError, RunnerError
from runner.suggest import suggest

_ZEN = "hydra_zen.funcs.zen_processing"  # what hydra-zen's builds() writes where it has more to do than to call


def locate(target: str, asked: str, error: type[RunnerError] = ModelError) -> Any:
    """Return what a dotted name names: a class, a function, or what is in a class.

    Raises `error`, which begins with `asked` and says which part is missing, and what to do.
    """
    if "." not in target or ":" in target:
        raise error(f"{asked}: not a dotted name. Give the module too, as package.{target.rpartition(':')[2]}.")
    try:
        return pkgutil.resolve_name(target)
    except Exception as caught:  # a module of one's own may raise anything while it is imported
        raise error(f"{asked}: {_explain(target, caught)}") from caught


def _explain(target: str, caught: Exception) -> str:
    found: Any = None
    where = ""
    for name in target.split("."):
        module, where = where, f"{where}.{name}".lstrip(".")
        if hasattr(found, name):
            found = getattr(found, name)
            continue
        if found is not None and not isinstance(found, ModuleType):
            return f"{found.__name__} has no {name}.{suggest(name, dir(found))}"
        try:
            found = importlib.import_module(where)
        except ModuleNotFoundError as missing:
            if missing.name and not where.startswith(missing.name):
                return f"importing it needs {missing.name}. Install it."
            if found is None or where != target:
                return "no such module. Check the spelling, and that it is installed or in the folder you start from."
            return f"{module} has no {name}.{suggest(name, dir(found))}"
        except Exception as raised:
            return f"importing {where} raised {type(raised).__name__}: {raised}"
    return str(caught)


def public_name(target: str) -> str:
    """Return the name without private modules where it names the same: `sklearn.linear_model._ridge.Ridge`."""
    module, _, name = target.rpartition(".")
    parts = module.split(".")
    private = next((i for i, part in enumerate(parts) if part.startswith("_") and part != "__main__"), 0)
    if not private:
        return target
    shorter = ".".join((*parts[:private], name))
    try:
        same = pkgutil.resolve_name(shorter) is pkgutil.resolve_name(target)
    except (ImportError, AttributeError, ValueError):
        return target
    return shorter if same else target


def unwrapped(node: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what hydra-zen would call itself, where its processing does nothing but call it."""
    if node.get("_target_") != _ZEN or node.get("_zen_wrappers") or node.get("_zen_partial"):
        return node
    hidden = node.get("_zen_exclude") or ()
    kept = {key: value for key, value in node.items() if not key.startswith("_zen_") and key not in hidden}
    return {"_target_": node["_zen_target"], **{key: value for key, value in kept.items() if key != "_target_"}}


def public_targets(node: Any) -> Any:
    """Return a part of a config in which every `_target_` has its public name: no spelling makes two configs differ."""
    if isinstance(node, Mapping):
        return {
            key: public_name(value) if key == "_target_" and isinstance(value, str) else public_targets(value)
            for key, value in unwrapped(node).items()
        }
    return [public_targets(item) for item in node] if isinstance(node, list) else node
