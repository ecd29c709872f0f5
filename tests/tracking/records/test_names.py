"""The names of tags, files and bookkeeping keys stand in `tracking.records.names`, and as literals nowhere else."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tracking.records import names

ROOT = Path(__file__).resolve().parents[3]
HOME = ROOT / "tracking/records/names.py"
FILES = [path for room in ("runner", "tracking") for path in sorted((ROOT / room).rglob("*.py")) if path != HOME]
CONSTANTS = {
    value for name, value in vars(names).items() if name.isupper() and isinstance(value, str) and value[-1] != "."
}
TELLING = {name for name in CONSTANTS if "." in name}  # nothing else is called so
# `data.dtypes`, `data.features` and `data.target` are keys of the config as well.
SAME_WORD = {
    "runner/api.py": {names.DATA_TARGET},
    "runner/data/columns.py": {names.DATA_DTYPES, names.DATA_FEATURES, names.DATA_TARGET},
}


def literals(path: Path) -> Iterator[str]:
    """Yield every text of a module that is one of the names: anywhere, or as the key of tags."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        match node:
            case ast.Constant(value=str() as text) if text in TELLING:
                yield text
            case ast.Constant(value=str() as text):
                yield from (name for name in re.findall(r"tags\.`([^`{]+)`", text) if "IS NOT NULL" in text)
            case ast.Subscript(value=holder, slice=ast.Constant(value=str() as text)) if _is_tags(holder):
                yield text
            case ast.Call(func=ast.Attribute(value=holder, attr="get"), args=[ast.Constant(value=str() as text), *_]):
                if _is_tags(holder):
                    yield text
            case ast.Call(func=ast.Attribute(attr="set_tag"), args=[*_, ast.Constant(value=str() as text), _]):
                yield text
            case ast.Compare(left=ast.Constant(value=str() as text), comparators=[holder]) if _is_tags(holder):
                yield text


def _is_tags(node: ast.expr) -> bool:
    return ast.unparse(node).endswith(("tags", "_tags_of(record)"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_name_of_the_record_format_is_a_literal_elsewhere(path: Path) -> None:
    exempt = SAME_WORD.get(path.relative_to(ROOT).as_posix(), set())
    assert [text for text in literals(path) if text in CONSTANTS and text not in exempt] == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_bookkeeping_keys_are_listed_once(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Set | ast.Tuple | ast.List):
            texts = {item.value for item in node.elts if isinstance(item, ast.Constant)}
            assert len(texts & names.BOOKKEEPING) < 8, ast.unparse(node)


def test_every_name_is_said_once() -> None:
    said = [value for name, value in vars(names).items() if name.isupper() and isinstance(value, str)]

    assert len(set(said)) == len(said)


FILES_OF_A_RUN = {value for name, value in vars(names).items() if name.endswith("_FILE")}


@pytest.mark.parametrize("tag", sorted(TELLING - FILES_OF_A_RUN))
def test_a_dotted_tag_is_known_as_the_recorders(tag: str) -> None:
    assert names.is_recorders_tag(tag)


def test_a_persons_own_tags_are_not_the_recorders() -> None:
    assert not any(map(names.is_recorders_tag, ["note", "team", "database", "errors", "sweeping"]))
