"""What may import what. The table of the design, held by walking the imports of every room.

All imports count, also those inside functions, except those under `if TYPE_CHECKING:`. Rooms that do not
exist yet are held from the day they do. A new module that needs Hydra, scikit-learn or `tracking` is added
here on purpose.
"""

import ast
import sys
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

# package: the modules that may import it (patterns); no other module may
HYDRA_EDGE = ["runner.__main__", "runner.compose.*", "runner.spec", "runner.plugins.*"]
ALLOWED = {
    "hydra": HYDRA_EDGE,
    "omegaconf": HYDRA_EDGE,
    "sklearn": ["runner.evaluate", "runner.data.*", "runner.prepare", "runner.spec"],
    "tracking": [
        "tracking.*",
        "runner.__init__",
        "runner.__main__",
        "runner.api",
        "runner.commands",
        "runner.record",
        "runner.plan",
        "runner.preview",
        "runner.progress",
        "runner.report",
        "runner.reproducing.*",
        "runner.store",
        "runner.engine.crew",
        "runner.resume",
    ],
    "runner": ["runner.*"],
    "sqlite3": ["tracking.sqlite.*"],
}

# the pure rooms of the sweep import these rooms of ours, and of others nothing but the standard library
POINTS = "runner.points"
PURE = {
    "runner.errors": [],
    "runner.nearest": [],
    f"{POINTS}.grammar": ["runner.errors"],
    f"{POINTS}.spacing": ["runner.errors"],
    f"{POINTS}.expression": ["runner.errors"],
    f"{POINTS}.axes": ["runner.errors", f"{POINTS}.expression", f"{POINTS}.grammar"],
    f"{POINTS}.applicability": ["runner.errors", "runner.nearest", f"{POINTS}.axes"],
    f"{POINTS}.expansion": [
        "runner.errors", "runner.nearest", f"{POINTS}.applicability", f"{POINTS}.axes", f"{POINTS}.exclusion",
        f"{POINTS}.sameness",
    ],
    f"{POINTS}.exclusion": [
        "runner.errors", "runner.nearest", f"{POINTS}.axes", f"{POINTS}.expression", f"{POINTS}.sameness",
    ],
    f"{POINTS}.sameness": ["runner.errors", f"{POINTS}.axes", f"{POINTS}.grammar"],
    f"{POINTS}.grids": [
        "runner.errors", "runner.nearest", f"{POINTS}.axes", f"{POINTS}.expression", f"{POINTS}.spacing",
    ],
    f"{POINTS}.naming": [f"{POINTS}.axes"],
    "tracking.errors": [],
    "tracking.entities": ["tracking.errors"],
}  # fmt: skip

MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts): path
    for package in ("runner", "tracking")
    for path in sorted((ROOT / package).rglob("*.py"))
}


def imports_of(path: Path, *, at_start: bool = False) -> Iterator[str]:
    """Yield the dotted names that a file imports, `from runner import spec` as runner.spec.

    `at_start` leaves out imports inside functions, which run when they are needed.
    """
    tree = ast.parse(path.read_text(encoding="utf-8"))
    package = path.relative_to(ROOT).parent.parts
    for node in _walk(tree, at_start):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join([*above, *([node.module] if node.module else [])])
            for alias in node.names:
                inner = f"{module}.{alias.name}"
                yield inner if inner in MODULES else module


def _walk(node: ast.AST, at_start: bool) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and ast.unparse(child.test).endswith("TYPE_CHECKING"):
            continue
        if at_start and isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        yield child
        yield from _walk(child, at_start)


def may_import(module: str, package: str) -> bool:
    return any(fnmatchcase(module, pattern) for pattern in ALLOWED[package])


@pytest.mark.parametrize("module", MODULES)
def test_a_module_imports_only_what_its_room_may(module: str) -> None:
    for name in imports_of(MODULES[module]):
        package = name.partition(".")[0]
        if package in ALLOWED:
            assert may_import(module, package), f"{module} imports {name}; only {ALLOWED[package]} may"


@pytest.mark.parametrize("module", [module for module in PURE if module in MODULES])
def test_a_pure_module_imports_its_neighbours_and_the_standard_library(module: str) -> None:
    for name in imports_of(MODULES[module]):
        ours = name.partition(".")[0] in ("runner", "tracking")
        assert name in PURE[module] if ours else name.partition(".")[0] in sys.stdlib_module_names, name


# the rooms of tracking that are offered to other programs beside what `import tracking` hands on
OFFERED = {
    "tracking.render",
    "tracking.refs",
    "tracking.record",
    "tracking.diff.config",
    "tracking.diff.runs",
    "tracking.diff.page",
    "tracking.sweeps",
    "tracking.state",  # `runner.api` gives back the caller's store and experiment
}


def test_the_runner_uses_public_names_of_tracking_only() -> None:
    for module, path in MODULES.items():
        if module.startswith("runner"):
            inner = {name for name in imports_of(path) if name.startswith("tracking.")} - OFFERED
            assert not inner, f"{module} reaches into {sorted(inner)}; use what `import tracking` offers"


def test_no_two_modules_import_each_other_in_a_circle() -> None:
    graph = {
        module: {name for name in imports_of(path, at_start=True) if name in MODULES and name != module}
        for module, path in MODULES.items()
    }
    while graph:
        leaves = {module for module, needs in graph.items() if not needs & graph.keys()}
        assert leaves, f"a circle among {sorted(graph)}"
        graph = {module: needs for module, needs in graph.items() if module not in leaves}


def test_the_walk_sees_imports_of_every_form() -> None:
    assert {"runner.errors", "runner.points.expression", "dataclasses"} <= set(
        imports_of(MODULES["runner.points.axes"])
    )
    assert "sklearn.base" in set(imports_of(MODULES["runner.data.checks"]))
    assert "sklearn.base" not in set(imports_of(MODULES["runner.data.checks"], at_start=True))
