"""Which code a point is made of: what is hashed for it. Runs none of it.

Code from an installed distribution is identified by the distribution's version. So is this program's own
(`runner`, `tracking`), also where it is installed in place from a folder. The user's own code, which changes
without a version, is identified by the content of the module and of every module of their own that it imports,
however deep: a changed helper is a changed estimator.
Names are module names, never paths, so that another folder or machine gives the same identity. Not seen are
modules that code imports by a computed name, and files that an estimator reads from a path.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import platform
import sys
import sysconfig
from collections.abc import Iterable, Iterator, Mapping
from functools import cache, lru_cache, partial
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import FunctionType, MethodType, ModuleType

from runner.errors import ModelError
from runner.provenance.packages import list_packages, name_distribution

MATTERING = ("scikit-learn", "numpy", "scipy")
PROGRAM = frozenset(("runner", "tracking"))
# What objects are made of everywhere: told by the versions that always matter, or of no matter to a result.
_EVERYWHERE = frozenset(("sklearn", "numpy", "scipy", "joblib", "hydra", "omegaconf")) | PROGRAM
_PLAIN = (type(None), bool, int, float, complex, str, bytes, ModuleType)


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
    interactive = [target for target in targets if _top(target) == "__main__"]
    if interactive:
        found["__main__"] = _hash_interactive(interactive)
    for target in targets:
        if target not in interactive:
            found |= _identify(target, tuple(sys.path))
    return dict(sorted(found.items()))


def find_code(*things: object) -> tuple[str, ...]:
    """Return the dotted names of the classes and functions that built objects hold, however deep.

    So code counts that no `_target_` names: a function inside an estimator, a scorer's metric. Left out are the
    standard library, scikit-learn and what else is the same everywhere, and modules that cannot be found again.
    """
    found: dict[str, None] = {}
    waiting = list(things)
    seen: dict[int, object] = {}  # keeps what it has seen alive, so that no number is given twice
    while waiting:
        thing = waiting.pop()
        if isinstance(thing, _PLAIN) or id(thing) in seen:
            continue
        seen[id(thing)] = thing
        code = thing if isinstance(thing, type) or hasattr(thing, "__qualname__") else type(thing)
        module = getattr(code, "__module__", None) or "builtins"
        top = _top(module)
        if not (top in _EVERYWHERE or _is_standard(top)) and (top == "__main__" or _find_top(top)):
            found[f"{module}.{getattr(code, '__qualname__', '')}"] = None
        if not (isinstance(thing, FunctionType) and top in _EVERYWHERE):  # they hold nothing of the user's
            waiting += _parts(thing)
    return tuple(sorted(found))


def _parts(thing: object) -> Iterable[object]:
    """Return what an object holds; of a class and of data nothing."""
    match thing:
        case dict():
            return thing.values()
        case list() | tuple() | set() | frozenset():
            return thing
        case partial():
            return (thing.func, thing.args, thing.keywords)
        case MethodType():
            return (thing.__self__, thing.__func__)
        case FunctionType():
            cells = (cell for cell in thing.__closure__ or () if cell != type(cell)())  # an empty one has no content
            held = [cell.cell_contents for cell in cells]
            return (*held, thing.__defaults__, thing.__kwdefaults__, thing.__dict__)
        case type():
            return ()
    return tuple(getattr(thing, "__dict__", {}).values())


def _top(name: str) -> str:
    return name.partition(".")[0]


@lru_cache(maxsize=256)
def _identify(target: str, path: tuple[str, ...]) -> Mapping[str, str]:
    top = _top(target)
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


def own_sources(*targets: str) -> dict[str, bytes]:
    """Return the user's own modules behind dotted names, and all of their own that these import, as files.

    {path below a folder of the import path: content}, as `models/mine.py`: enough to import them elsewhere.
    Raises ModelError if a module is not there.
    """
    found: dict[str, bytes] = {}
    for target in targets:
        if _find_top(_top(target)) is None:
            code_identity(target)  # says it
        for name, spec, content in _own_modules(target):
            place = name.replace(".", "/")
            if spec.submodule_search_locations is not None:
                found[f"{place}/__init__.py"] = content
            else:
                found[place + Path(str(spec.origin)).name.removeprefix(name.rpartition(".")[2])] = content
    return dict(sorted(found.items()))


def _hash_modules(target: str) -> Iterator[tuple[str, str]]:
    for name, _, content in _own_modules(target):
        yield name, hashlib.sha256(content.replace(b"\r\n", b"\n")).hexdigest()[:16]


def _own_modules(target: str) -> Iterator[tuple[str, ModuleSpec, bytes]]:
    """Yield the user's own modules behind a dotted name: its own, and those that they import, however deep."""
    waiting = [target]
    seen: set[str] = set()
    while waiting:
        for name, spec in _resolve(waiting.pop()):
            if name in seen:
                continue
            seen.add(name)
            if spec.origin is None or not spec.has_location:  # a namespace package has no content
                continue
            content = Path(spec.origin).read_bytes()
            yield name, spec, content
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
    if _is_standard(spec.name) or _top(spec.name) in PROGRAM:
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
    return _top(name) in sys.stdlib_module_names or _top(name) in sys.builtin_module_names


def _hash_interactive(targets: Iterable[str]) -> str:
    """Hash what was typed at a prompt or in a notebook, or the script that is running."""
    main = sys.modules["__main__"]
    file = getattr(main, "__file__", None)
    if file is not None and Path(file).is_file():
        return hashlib.sha256(Path(file).read_bytes().replace(b"\r\n", b"\n")).hexdigest()[:16]
    import inspect

    sources = []
    for name in sorted({target.split(".")[1] for target in targets if "." in target}):
        try:
            sources.append(inspect.getsource(getattr(main, name)))
        except (AttributeError, OSError, TypeError):
            return "unknown"
    return hashlib.sha256("".join(sources).encode()).hexdigest()[:16] if sources else "unknown"


def forget() -> None:
    """Read the modules again at the next call."""
    _identify.cache_clear()
