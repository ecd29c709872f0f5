"""Write the table of all keys, docs/keys.md, from the comments in conf/.

python tests/docs/keys.py > docs/keys.md
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

CONF = Path(__file__).resolve().parents[2] / "conf"
_KEY = re.compile(r"(?P<indent> *)(?P<key>[\w.-]+):(?: (?P<value>[^#]*?))?\s*(?:# (?P<comment>.*))?$")
_NOT_KEYS = ("hydra", "defaults")


def write() -> str:
    """Return docs/keys.md."""
    lines = [
        "# Every key and every choice",
        "",
        "Made from the comments in `conf/` by `python tests/docs/keys.py > docs/keys.md`; a test keeps it true.",
        "Set a key with `key=value`, choose from a group with `group=choice`; `--cfg job` shows what would run.",
        "",
        "## The main file, `conf/config.yaml`",
        "",
        *_table(CONF / "config.yaml", prefix=""),
    ]
    for folder in sorted(path for path in CONF.iterdir() if path.is_dir()):
        lines += ["", f"## `{folder.name}=`", ""]
        for file in sorted(folder.glob("*.yaml")):
            lines += [f"**{folder.name}={file.stem}**: {_first_comment(file)}", ""]
            table = _table(file, prefix=f"{folder.name}.")
            lines += [*table, ""] if len(table) > 2 else []
        lines.pop()
    return "\n".join(lines) + "\n"


def _first_comment(file: Path) -> str:
    comments = [line[2:] for line in file.read_text(encoding="utf-8").splitlines() if line.startswith("# ")]
    return next((line for line in comments if not line.startswith("@package")), "")


def _table(file: Path, *, prefix: str) -> list[str]:
    return [
        "| key | default | meaning |",
        "|---|---|---|",
        *(f"| `{key}` | {f'`{value}`' if value else ''} | {comment} |" for key, value, comment in _keys(file, prefix)),
    ]


def _keys(file: Path, prefix: str) -> Iterator[tuple[str, str, str]]:
    """Yield key, default and comment of the lines that have a value, with the sections above them."""
    text = file.read_text(encoding="utf-8")
    if text.startswith("# @package _global_"):
        prefix = ""
    above: list[tuple[int, str]] = []
    for line in text.splitlines():
        match = _KEY.match(line)
        if not match:
            continue
        indent = len(match["indent"])
        above = [(column, key) for column, key in above if column < indent] + [(indent, match["key"])]
        path = [key for _, key in above]
        if path[0] in _NOT_KEYS or match["value"] is None:
            continue
        yield prefix + ".".join(path), match["value"].replace("|", "\\|"), (match["comment"] or "").replace("|", "\\|")


if __name__ == "__main__":
    print(write(), end="")
