"""What may import what: the map of the rooms, held by walking the imports of every module.

All imports count, also those inside functions, except those under `if TYPE_CHECKING:`. A room is a package or a
module directly below `runner` or `tracking`. A room may import itself and the rooms that its line names.
"""

import ast
import sys
from collections.abc import Iterator
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

# Each line: a room, and the rooms to its left in the flow that it may import.
_BASE = "errors unavailable text inputs entities validation context state store stores registry"
TRACKING = {
    "errors": "",
    "text": "errors",
    "inputs": "",
    "entities": "errors text inputs unavailable",
    "validation": "errors text inputs entities",
    "git": "",
    "context": "errors text inputs entities validation git state",
    "store": "errors text inputs entities validation context",
    "state": "",
    "stores": "errors text inputs entities validation context state store",
    "registry": "errors entities validation store",
    "reading": f"{_BASE} records",
    "client": f"{_BASE} reading",
    "mirror": _BASE,
    "parcels": _BASE,
    "active": f"{_BASE} client mirror",
    "types": "errors validation",
    "models": f"{_BASE} client active records types data",
    "data": f"{_BASE} context types",
    "fluent": f"{_BASE} client active records data",
    "frames": f"{_BASE} client records",
    "artifacts": f"{_BASE} client active models",
    "sklearn": f"{_BASE} client active models data",  # autolog and evaluate call scikit-learn when they are called
    **dict.fromkeys(("xgboost", "lightgbm", "catboost", "pyfunc"), f"{_BASE} client active models types sklearn"),
    "tracking": "client fluent unavailable",
    "unavailable": "errors",
    "exceptions": "errors unavailable",
    "records": _BASE,
    "compare": f"{_BASE} records",
    "pages": f"{_BASE} records compare",
    "diff": f"{_BASE} records compare pages",
    "remote": f"{_BASE} records",
    "ui": f"{_BASE} client records compare pages",
    "cli": f"{_BASE} client records compare pages diff models remote ui",
    "shadows": "",
    "__main__": "errors shadows cli",
    "__init__": "*",
}
# Constants without an import: every room writes or reads some of the record's names, also those before `records`.
NAMES = "tracking.records.names"
_FLOOR = "errors suggest dotted"
RUNNER = {
    "errors": "",
    "suggest": "",
    "dotted": "errors suggest",
    "points": _FLOOR,
    "data": _FLOOR,
    "provenance": _FLOOR,
    "prepare": _FLOOR,
    "categories": f"{_FLOOR} prepare",
    "store": _FLOOR,
    "rules": _FLOOR,
    "settings": f"{_FLOOR} rules",
    "project": _FLOOR,
    "compose": f"{_FLOOR} rules settings project points data provenance",
    "trial": f"{_FLOOR} points data provenance prepare categories store",
    "planning": f"{_FLOOR} settings points data provenance compose trial store",
    "engine": f"{_FLOOR} settings points data provenance trial",
    "report": f"{_FLOOR} points data provenance trial planning engine store",
    "invocation": f"{_FLOOR} settings points compose trial",
    "study": f"{_FLOOR} settings points data provenance compose trial planning engine report invocation store",
    "flow": f"{_FLOOR} settings points compose trial engine report invocation study",
    "reproducing": f"{_FLOOR} settings points data provenance compose trial planning engine report invocation store",
    "reproduce": "__init__ shadows reproducing",
    "test": "reproducing",
    "api": f"{_FLOOR} points data compose provenance trial report invocation flow reproducing store",
    "plugins": f"{_FLOOR} compose trial invocation study flow report",
    "cli": "*",
    "shadows": "",
    "__main__": "shadows cli",
    "__init__": "errors api",
}

# a package -> the modules that may import it (patterns); no other module may
ONLY = {
    "hydra": ["runner.compose.*", "runner.plugins.*", "runner.cli"],
    "omegaconf": ["runner.compose.*", "runner.plugins.*", "runner.cli"],
    "sklearn": [
        "runner.trial.*",
        "runner.data.*",
        "runner.prepare",
        "runner.categories",
        "tracking.sklearn.*",
        "tracking.models.evaluation",
    ],
    "sqlite3": ["tracking.store.*"],
    "httpx": ["tracking.remote.rest"],
    "distributed": ["runner.engine.dask_cluster"],
    "ray": ["runner.engine.ray_cluster"],
    "starlette": ["tracking.ui.*"],
    "uvicorn": ["tracking.ui.server"],
    "runner": ["runner", "runner.*"],
}
OFFERED = (
    "tracking.records",
    "tracking.compare",
    "tracking.pages",
    "tracking.text",
    "tracking.git",
    "tracking.parcels",  # what a worker of a cluster recorded, on its way to the store
    "tracking.mirror",  # starts the sender of a sweep; the sending itself is a process of its own
)  # to the runner, beside `tracking`
OVER_THE_CLIENT = (
    *("tracking.active", "tracking.fluent", "tracking.frames", "tracking.models", "tracking.artifacts"),
    *("tracking.sklearn", "tracking.pyfunc", "tracking.cli"),
)
PURE = ("runner.errors", "runner.suggest", "runner.points", "tracking.errors", "tracking.text", "tracking.entities")

MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for package in ("runner", "tracking")
    for path in sorted((ROOT / package).rglob("*.py"))
}


@cache
def imports_of(path: Path) -> tuple[str, ...]:
    """Return the dotted names that a file imports, `from runner import api` as runner.api."""
    return tuple(_find_imports(path))


def _find_imports(path: Path) -> Iterator[str]:
    package = path.relative_to(ROOT).parent.parts
    for node in _walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join([*above, *([node.module] if node.module else [])])
            for alias in node.names:
                inner = f"{module}.{alias.name}"
                yield inner if inner in MODULES else module


def _walk(node: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and ast.unparse(child.test).endswith("TYPE_CHECKING"):
            continue
        yield child
        yield from _walk(child)


def room_of(module: str) -> tuple[str, str]:
    package, _, rest = module.partition(".")
    return package, rest.partition(".")[0] or "__init__"


@pytest.mark.parametrize("module", MODULES)
def test_a_module_imports_only_the_rooms_before_its_own(module: str) -> None:
    package, room = room_of(module)
    rooms = {"runner": RUNNER, "tracking": TRACKING}[package]
    assert room in rooms, f"{module}: a new room. Give it a line here, and in the map."
    allowed = rooms[room].split()
    for name in imports_of(MODULES[module]):
        theirs, other = room_of(name)
        if theirs == package and other != room and "*" not in allowed and name != NAMES:
            assert other in allowed, f"{module} imports {name}; the room {room} may import {', '.join(allowed)}"


@pytest.mark.parametrize("module", MODULES)
def test_heavy_packages_are_imported_by_their_own_rooms_only(module: str) -> None:
    for name in imports_of(MODULES[module]):
        package = name.partition(".")[0]
        if package in ONLY:
            assert any(fnmatchcase(module, pattern) for pattern in ONLY[package]), f"{module} imports {name}"


@pytest.mark.parametrize("module", [module for module in MODULES if module.startswith(PURE)])
def test_a_pure_room_imports_nothing_but_ours_and_the_standard_library(module: str) -> None:
    for name in imports_of(MODULES[module]):
        top = name.partition(".")[0]
        assert top in ("runner", "tracking") or top in sys.stdlib_module_names, f"{module} imports {name}"


@pytest.mark.parametrize("module", [module for module in MODULES if module.startswith("runner")])
def test_the_runner_is_an_ordinary_client_of_tracking(module: str) -> None:
    for name in imports_of(MODULES[module]):
        if name.startswith("tracking."):
            assert name.startswith(OFFERED), f"{module} reaches into {name}; use what `import tracking` offers"


@pytest.mark.parametrize("module", [m for m in MODULES if m.startswith(("runner", *OVER_THE_CLIENT))])
def test_what_has_a_client_does_not_reach_past_it(module: str) -> None:
    for node in ast.walk(ast.parse(MODULES[module].read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute) and node.attr == "store":
            owner = ast.unparse(node.value).partition("(")[0]
            assert not owner.lower().endswith("client"), f"{module}: {ast.unparse(node)}; give the client a method"


def test_there_is_no_circle_of_imports() -> None:
    graph = {
        module: {name for name in imports_of(path) if name in MODULES and name != module}
        for module, path in MODULES.items()
    }
    while graph:
        leaves = {module for module, needs in graph.items() if not needs & graph.keys()}
        heads = graph.keys() - {need for needs in graph.values() for need in needs}  # nobody needs them
        assert leaves | heads, f"a circle among {sorted(graph)}"
        graph = {module: needs for module, needs in graph.items() if module not in leaves | heads}


def test_the_names_of_the_record_import_nothing_of_ours() -> None:
    assert set(imports_of(MODULES[NAMES])) == {"typing"}


def test_the_walk_sees_imports_of_every_form() -> None:
    assert {"runner.errors", "runner.points.expression", "dataclasses"} <= set(
        imports_of(MODULES["runner.points.axes"])
    )
    assert "sklearn.base" in set(imports_of(MODULES["runner.data.checks"]))  # inside a function
