"""Which code an estimator is made of: what is hashed for it. Runs none of it.

Code from an installed distribution is identified by the distribution's version. The user's own code,
which changes without a version, is identified by the content of the module and of every module of
their own that it imports, however deep: a changed helper is a changed estimator.
Names are module names, never paths, so that another folder or machine gives the same identity.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import platform
import sys
import sysconfig
from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path

from runner.errors import ModelError
from runner.provenance.packages import list_packages, name_distribution

MATTERING = ("scikit-learn", "numpy", "scipy")


def matters(packages: Mapping[str, str], *targets: str) -> dict[str, str]:
    """Return the packages that are part of a point's identity, with their versions.

    These are scikit-learn, numpy and scipy, and the distributions that `targets` (dotted names of
    estimators, transformers, ...) come from.
    """
    names = [*MATTERING, *(name for target in targets for name in code_identity(target) if name in packages)]
    return {name: packages[name] for name in sorted(set(names)) if name in packages}


def code_identity(*targets: str) -> dict[str, str]:
    """Return what identifies the code behind dotted names such as `sklearn.linear_model.Ridge`.

    {distribution: version} for installed code, {module: content hash} for the user's own.
    Raises ModelError if a module is not there.
    """
    found: dict[str, str] = {}
    for target in targets:
        found |= _identify(target, tuple(sys.path))
    return dict(sorted(found.items()))


@lru_cache(maxsize=256)
def _identify(target: str, path: tuple[str, ...]) -> Mapping[str, str]:
    top = target.partition(".")[0]
    if top == "__main__":
        return {"__main__": _hash_interactive(target)}
    spec = _find_top(top)
    if spec is None:
        todo = "Install its package, or run from the folder it is in."
        raise ModelError(f"There is no module '{top}' for '{target}'. {todo}")
    if _is_standard(top):
        return {"python": platform.python_version()}
    if not _is_own(spec):
        name = name_distribution(top)
        return {name: list_packages().get(name, "unknown")}
    return dict(_hash_modules(target))


def _hash_modules(target: str) -> Iterator[tuple[str, str]]:
    waiting = [target]
    seen: set[str] = set()
    while waiting:
        for name, spec in _resolve(waiting.pop()):
            if name in seen:
                continue
            seen.add(name)
            if spec.origin is None or not spec.has_location:  # a namespace package has no content
                continue
            content = Path(spec.origin).read_bytes().replace(b"\r\n", b"\n")
            yield name, hashlib.sha256(content).hexdigest()[:16]
            if spec.origin.endswith(".py"):
                waiting += _imports(content, name, package=spec.submodule_search_locations is not None)


def _resolve(target: str) -> Iterator[tuple[str, ModuleSpec]]:
    """Yield the user's own modules along a dotted name: packages, the module, not what is inside it."""
    name, _, rest = target.partition(".")
    spec = _find_top(name)
    while spec is not None and _is_own(spec):
        yield name, spec
        if not rest or spec.submodule_search_locations is None:
            return
        part, _, rest = rest.partition(".")
        name = f"{name}.{part}"
        # importlib.util.find_spec would import the parent, and so run the user's code just to plan.
        spec = PathFinder.find_spec(name, list(spec.submodule_search_locations))


def _imports(content: bytes, module: str, *, package: bool) -> list[str]:
    try:
        tree = ast.parse(content)
    except (SyntaxError, ValueError):  # the import itself says it better
        return []
    names = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            up = module.split(".")[: len(module.split(".")) - node.level + package] if node.level else []
            base = ".".join([*up, *([node.module] if node.module else [])])
            names += [f"{base}.{alias.name}" for alias in node.names]
    return names


def _find_top(name: str) -> ModuleSpec | None:
    try:
        return importlib.util.find_spec(name)
    except (ImportError, ValueError):  # ValueError: a module that was made by hand has no spec
        return None


def _is_own(spec: ModuleSpec) -> bool:
    if _is_standard(spec.name):
        return False
    places = [spec.origin] if spec.has_location and spec.origin else [*(spec.submodule_search_locations or [])]
    return bool(places) and not any(_is_installed(place) for place in places)


@cache
def _is_installed(place: str) -> bool:
    parts = Path(place).parts
    installed = (Path(sysconfig.get_path(key)) for key in ("purelib", "platlib"))
    return (
        "site-packages" in parts
        or "dist-packages" in parts
        or any(Path(place).is_relative_to(folder) for folder in installed)
    )


def _is_standard(name: str) -> bool:
    top = name.partition(".")[0]
    return top in sys.stdlib_module_names or top in sys.builtin_module_names


def _hash_interactive(target: str) -> str:
    """Hash what was typed at a prompt or in a notebook, or the script that is running."""
    main = sys.modules["__main__"]
    file = getattr(main, "__file__", None)
    if file is not None and Path(file).is_file():
        return hashlib.sha256(Path(file).read_bytes().replace(b"\r\n", b"\n")).hexdigest()[:16]
    import inspect

    try:
        source = inspect.getsource(getattr(main, target.split(".")[1]))
    except (AttributeError, IndexError, OSError, TypeError):
        return "unknown"
    return hashlib.sha256(source.encode()).hexdigest()[:16]


def forget() -> None:
    """Read the modules again at the next call."""
    _identify.cache_clear()
