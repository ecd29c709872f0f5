"""A `RunDiff` as text: a page for two runs, columns for more, Markdown. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from tracking.compare.config import ConfigDiff
from tracking.compare.run_diff import RunDiff
from tracking.pages.diff_text import Block, Line, config_block, diff_blocks, say_again, say_verdict
from tracking.text.formatting import local_time, plain
from tracking.text.tables import render_table

_MOST_LINES = 20
_LONGEST = 140


def render_diff(
    diff: RunDiff,
    *,
    only: Sequence[str] = (),
    full: bool = False,
    format: str = "table",
    width: int | None = None,
) -> str:
    """Return the comparison as text, without a final newline; `format` is table or md.

    `only` chooses sections; `full` unfolds group choices, shows bookkeeping keys, and cuts nothing.
    """
    names = run_names(diff)
    blocks = [block for block in diff_blocks(diff, full=full) if not only or block.heading in only]
    if not only:
        blocks.insert(0, Block("in short", say_verdict(diff), after=tuple(filter(None, [say_again(diff)]))))
    if format == "md":
        return "\n\n".join([_head(diff, names, "md"), *(_markdown(block, names) for block in blocks)])
    margin = max(len(block.heading) for block in blocks) + 2
    body = [_text(block, names, margin, full, width) for block in blocks]
    return "\n".join([_head(diff, names, "table", width), *(f"\n{text}" if "\n" in text else text for text in body)])


def run_names(diff: RunDiff) -> list[str]:
    """Return a heading for each run: its name, with the start of its id where names repeat."""
    uses = Counter(run.info.run_name for run in diff.runs)
    return [
        run.info.run_name if uses[run.info.run_name] == 1 else f"{run.info.run_name} {run.info.run_id[:8]}"
        for run in diff.runs
    ]


def render_config(config: ConfigDiff, *, full: bool = False) -> str:
    """Return the comparison of two configs alone as text."""
    return _text(config_block(config, full=full), ("", ""), len("config") + 2, full, None)


# Text ------------------------------------------------------------------------------------------
def _head(diff: RunDiff, names: Sequence[str], format: str, width: int | None = None) -> str:
    rows = [
        {
            "no": str(number),
            "run": name,
            "id": run.info.run_id if format == "md" else run.info.run_id[:8],
            "experiment": experiment or None,
            "status": run.info.status,
            "started": local_time(run.info.start_time),
        }
        for number, (name, run, experiment) in enumerate(zip(names, diff.runs, diff.experiments, strict=True), 1)
    ]
    return render_table(rows, list(rows[0]), format=format, width=width)


def _text(block: Block, names: Sequence[str], margin: int, full: bool, width: int | None) -> str:
    lines = block.lines if full else block.lines[:_MOST_LINES]
    text = [f"{block.heading:<{margin}}{plain(block.summary)}"]
    if lines and len(names) == 2:
        text += _pair_lines(lines, full)
    elif lines:
        table = render_table(*_columns(lines, names), width=None if width is None else width - 2)
        text += [f"  {line}" for line in table.splitlines()]
    if len(lines) < len(block.lines):
        text.append(f"  ... and {len(block.lines) - len(lines)} more (--full)")
    return "\n".join([*text, *(f"  {line}" for line in block.after)])


def _pair_lines(lines: Sequence[Line], full: bool) -> list[str]:
    keys = max(len(line.key) for line in lines)
    texts = [line.text if full else _cut(line.text) for line in lines]
    column = max(map(len, texts))
    return [
        f"  {line.key:<{keys}}  {text:<{column}}  {f'({line.remark})' if line.remark else ''}".rstrip()
        for line, text in zip(lines, texts, strict=True)
    ]


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _columns(lines: Sequence[Line], names: Sequence[str]) -> tuple[list[dict[str, object]], list[str]]:
    heads = [f"{number} {name}" for number, name in enumerate(names, start=1)]
    rows = [{"key": line.key, **dict(zip(heads, line.cells, strict=True)), "remark": line.remark} for line in lines]
    remarks = ["remark"] if any(line.remark for line in lines) else []
    return [dict(row) for row in rows], ["key", *heads, *remarks]


def _markdown(block: Block, names: Sequence[str]) -> str:
    parts = [f"**{block.heading}**: {plain(block.summary)}"]
    if block.lines:
        parts.append(render_table(*_columns(block.lines, names), format="md"))
    if block.after:
        parts.append("```\n" + "\n".join(block.after).replace("```", "'''") + "\n```")
    return "\n\n".join(parts)
