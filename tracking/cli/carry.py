"""The verb that carries an MLflow script over: carry. Reads the script, and neither runs nor changes it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

from tracking.cli.terminal import emit, note
from tracking.errors import ArtifactNotFound, InvalidValue

OURS, THEIRS = "tracking", "mlflow"


def register(app: typer.Typer) -> None:
    """Add this verb to the program."""
    app.command()(carry)


def carry(script: Annotated[Path, typer.Argument(metavar="SCRIPT.py", help="A Python file that uses mlflow.")]) -> None:
    """Print a script with its imports of mlflow changed to tracking; what does not carry over goes to stderr.

    Exit code 1 says that something does not.

    \b
    python -m tracking carry train.py > train_here.py
    """
    try:
        text = script.read_text(encoding="utf-8")
        tree = ast.parse(text)
    except OSError as problem:
        raise ArtifactNotFound(f"{script} cannot be read: {problem.strerror}.") from problem
    except (SyntaxError, UnicodeDecodeError) as problem:
        raise InvalidValue(f"{script} is not a Python file: {problem}.") from problem
    emit(change_imports(text, tree).rstrip("\n"))
    problems = list(find_problems(tree))
    for line, sentence in sorted(problems):
        note(f"{script}:{line}: {sentence}")
    if problems:
        raise typer.Exit(1)


def change_imports(text: str, tree: ast.Module) -> str:
    """Return a script in which every import of mlflow is one of tracking."""
    lines = text.splitlines(keepends=True)
    for node in sorted(_imports(tree), key=lambda node: node.lineno, reverse=True):
        first, last = lines[node.lineno - 1].encode(), lines[(node.end_lineno or node.lineno) - 1].encode()
        before, after = first[: node.col_offset].decode(), last[node.end_col_offset :].decode()
        lines[node.lineno - 1 : node.end_lineno] = [before + ast.unparse(_changed(node)) + after]
    return "".join(lines)


def _imports(tree: ast.Module) -> Iterator[ast.Import | ast.ImportFrom]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            theirs = any(_is_theirs(alias.name) for alias in node.names)
        else:
            theirs = isinstance(node, ast.ImportFrom) and not node.level and _is_theirs(node.module or "")
        if theirs:
            assert isinstance(node, ast.Import | ast.ImportFrom)
            yield node


def _changed(node: ast.Import | ast.ImportFrom) -> ast.Import | ast.ImportFrom:
    if isinstance(node, ast.ImportFrom):
        return ast.ImportFrom(_ours(node.module or ""), node.names, 0)
    names: list[ast.alias] = []
    for alias in node.names:
        if not _is_theirs(alias.name):
            names.append(alias)
        elif alias.asname or alias.name == THEIRS:
            names.append(ast.alias(_ours(alias.name), alias.asname or THEIRS))
        else:  # `import mlflow.sklearn` binds mlflow
            names += [ast.alias(OURS, THEIRS), ast.alias(_ours(alias.name))]
    return ast.Import(names)


def _is_theirs(module: str) -> bool:
    return module == THEIRS or module.startswith(f"{THEIRS}.")


def _ours(module: str) -> str:
    return OURS + module.removeprefix(THEIRS)


def find_problems(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield the line and a sentence for every name of mlflow that a script uses and that is not here."""
    bound: dict[str, str] = {}  # what the script calls a module -> its dotted name
    for node in _imports(tree):
        for alias in node.names:
            if isinstance(node, ast.Import):
                if _is_theirs(alias.name):
                    bound[alias.asname or THEIRS] = alias.name if alias.asname else THEIRS
                    yield from _missing(node.lineno, alias.name)
            elif alias.name != "*":
                bound[alias.asname or alias.name] = f"{node.module}.{alias.name}"
                yield from _missing(node.lineno, f"{node.module}.{alias.name}")
    inner = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    for found in ast.walk(tree):
        if isinstance(found, ast.Attribute) and id(found) not in inner:
            name, _, rest = ast.unparse(found).partition(".")
            if name in bound and rest.replace(".", "").isidentifier():
                yield from _missing(found.lineno, f"{bound[name]}.{rest}")


def _missing(line: int, dotted: str) -> Iterator[tuple[int, str]]:
    """Yield the sentence for a dotted name of mlflow, if it is not here. What lies in an object is not looked at."""
    there = import_module(OURS)
    for part in dotted.split(".")[1:]:
        if isinstance(there, type) or (not hasattr(there, "__path__") and not hasattr(there, "__file__")):
            return
        try:
            there = getattr(there, part)
        except AttributeError as problem:
            try:
                there = import_module(f"{there.__name__}.{part}")
            except ImportError:
                said = str(problem) if "MLflow" in str(problem) else "There is nothing of this name here."
                yield line, f"{dotted} does not carry over. {said}"
                return
