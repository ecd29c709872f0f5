"""A report of a sweep or of any runs: one HTML file that asks for nothing. Pure: what it shows was read before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tracking.compare.effects import find_effects, find_trends
from tracking.compare.run_diff import compare_runs
from tracking.compare.table import Selection
from tracking.entities import Run, RunStatus
from tracking.pages import charts
from tracking.pages.diff_text import diff_blocks, say_verdict
from tracking.pages.effects import effect_rows, trend_footnote, trend_sentence
from tracking.pages.figures import draw
from tracking.pages.outcomes import add_outcomes
from tracking.pages.points import Histories, Points, pack, read_points
from tracking.pages.report_facts import asked_facts, commands
from tracking.pages.templating import LIBRARIES, asset, digest, render_page
from tracking.records.names import ERROR, SWEEP_POINT, WARNINGS
from tracking.records.predictions import Predictions
from tracking.records.reading import RunRecord
from tracking.text.formatting import ShortId, format_number

MOST_ROWS = 100  # of the table without JavaScript; with it all are there
_LONGEST_CONFIG = 50_000
_MOST_EFFECTS = 1_000_000  # runs times keys squared; above, comparing them takes longer than all the rest


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportSource:
    """What a report is made of: the runs that count, what was read of them, and how they were chosen.

    `planned` is the number of points of a sweep; `records` has the winner and the next best; `config` is the text of
    the winner's config.yaml, `predictions` are its own; `left_out` counts runs that were scored on other data or
    splits.
    """

    title: str
    selection: Selection
    histories: Histories
    command: str = ""
    sweep: str = ""
    planned: int = 0
    store: str = ""
    metric: str | None = None
    records: Sequence[RunRecord] = ()
    predictions: Predictions | None = None
    config: str = ""
    left_out: int = 0
    worth: Sequence[str] = ()  # what `compare` says of the winner under its table
    made: str = ""


def render_report(source: ReportSource) -> str:
    """Return the report as the text of one HTML file."""
    return render_page(
        "report.html",
        **report_content(source),
        css=asset("page.css"),
        scripts=[asset(name) for name in (*LIBRARIES, "page.js")],
        digests=" ".join(digest(name) for name in (*LIBRARIES, "page.js")),
    )


def report_content(source: ReportSource) -> dict[str, Any]:
    """Return what the template of a report shows, in a file of its own or on a page."""
    points = read_points(source.selection, source.histories, metric=source.metric)
    drawn = draw(points, source.histories)
    add_outcomes(drawn, source.predictions)
    datasets = {name: {key: pack(values) for key, values in data.items()} for name, data in drawn.datasets.items()}
    chart_data = {
        name: [{"caption": each.caption, "spec": each.spec} for each in choices]
        for name, choices in drawn.figures.items()
    }
    headers = table_headers(points)
    return {
        "source": source,
        "points": points,
        "winner": points.runs[0] if points.scored else None,
        "spread": points.columns.get("s0", [None])[0] if points.scored else None,
        "facts": asked_facts(points.runs, source.command, source.selection.experiments),
        "commands": commands(points, source.command, source.store),
        "figures": drawn.figures,
        "statuses": Counter(run.info.status for run in points.runs),
        "failures": failure_rows(points.runs),
        "warnings": warning_rows(points.runs),
        "effects": key_effects(source.selection.runs, points),
        "verdict": _verdict(source.records),
        "headers": headers,
        "rows": table_rows(points, headers, MOST_ROWS),
        "most_rows": MOST_ROWS,
        "config": source.config[:_LONGEST_CONFIG],
        "config_cut": max(len(source.config) - _LONGEST_CONFIG, 0),
        "data": datasets,
        "charts": chart_data,
        "themes": {"light": charts.theme(), "dark": charts.theme(dark=True)},
    }


# The table ---------------------------------------------------------------------------------------
def table_headers(points: Points) -> list[tuple[str, str, bool]]:
    """Return the columns of the table: name in the data, heading, whether it holds numbers."""
    lead = [("no", "rank", True), ("id", "run", False)]
    if len({run.info.status for run in points.runs}) > 1:
        lead.append(("status", "status", False))
    keys = [(key.name, key.title, key.numeric) for key in points.keys]
    metrics = [(metric.name, metric.title, True) for metric in points.metrics]
    times = [] if points.time is None else [("t", "fit s", True)]
    return [*lead, *keys, *metrics[:1], *([("s0", "±", True)] if "s0" in points.columns else []), *metrics[1:], *times]


def table_rows(points: Points, headers: Sequence[tuple[str, str, bool]], limit: int) -> list[list[str]]:
    """Return the cells of the first rows, as text."""
    columns = {**points.columns, "no": list(range(1, len(points.runs) + 1))}
    columns["status"] = [run.info.status for run in points.runs]
    return [[_cell(columns[name][place]) for name, _, _ in headers] for place in range(min(limit, len(points.runs)))]


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    return value if isinstance(value, str) else format_number(value)


# What went wrong ---------------------------------------------------------------------------------
def failure_rows(runs: Sequence[Run]) -> list[dict[str, object]]:
    """Return a row for each run that failed or was killed."""
    return [
        {
            "run": ShortId(run.info.run_id),
            "name": run.info.run_name,
            "point": run.data.tags.get(SWEEP_POINT),
            "status": run.info.status,
            "error": run.data.tags.get(ERROR),
        }
        for run in runs
        if run.info.status in (RunStatus.FAILED, RunStatus.KILLED)
    ]


def warning_rows(runs: Sequence[Run]) -> list[dict[str, object]]:
    """Return each warning with the number of runs that raised it, the most frequent first, and one run as example."""
    lines = [
        (line, run) for run in runs for line in dict.fromkeys(run.data.tags.get(WARNINGS, "").splitlines()) if line
    ]
    examples = {line: ShortId(run.info.run_id) for line, run in reversed(lines)}
    return [
        {"runs": count, "for example": examples[line], "warning": line}
        for line, count in Counter(line for line, _ in lines).most_common()
    ]


def key_effects(runs: Sequence[Run], points: Points) -> Mapping[str, Any] | None:
    """Return what each key does, as rows and sentences; None where there is nothing to say, or too much to find out."""
    if points.score is None or len(runs) * len(points.keys) ** 2 > _MOST_EFFECTS:
        return None
    name = points.score.title
    rows = effect_rows(find_effects(runs, name))
    sentences = [trend_sentence(trend, name) for trend in find_trends(runs, name)]
    return {"rows": rows, "trends": sentences, "footnote": trend_footnote()} if rows else None


def _verdict(records: Sequence[RunRecord]) -> Mapping[str, Any] | None:
    """Return how the winner differs from the next best: a sentence, and the sections that have lines."""
    if len(records) < 2:
        return None
    diff = compare_runs([records[1], records[0]])
    return {"says": say_verdict(diff), "blocks": [block for block in diff_blocks(diff) if block.lines]}
