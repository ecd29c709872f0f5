"""Comparing runs from Python: the few functions that `import tracking` offers on top of `diff`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from html import escape
from typing import Any

from tracking.compare import run_diff
from tracking.compare.config import ConfigDiff, compare_configs
from tracking.entities import Run
from tracking.pages.diff_page import render_config, render_diff, run_names
from tracking.pages.diff_text import diff_blocks, say_verdict
from tracking.pages.reading import read_winner_lines
from tracking.records.names import SWEEP_ALSO, SWEEP_ID
from tracking.records.overrides import parse_overrides
from tracking.records.reading import RunRecord, load_records
from tracking.records.refs import resolve_run
from tracking.records.request import Request
from tracking.records.values import Change, diff_configs, show_changes, unfold
from tracking.records.yaml_text import parse_yaml
from tracking.store.sqlite import Store
from tracking.stores import needed_uri, shared_store
from tracking.text.html import render_html_table


@dataclass(frozen=True, slots=True)
class RunDiff(run_diff.RunDiff):
    """Everything that was compared; `print` shows the page."""

    def __str__(self) -> str:
        return render_diff(self)

    def _repr_html_(self) -> str:
        names = [f"{number} {name}" for number, name in enumerate(run_names(self), start=1)]
        columns = ["key", *names, "remark"]
        tables = [
            render_html_table(
                [dict(zip(columns, (line.key, *line.cells, line.remark), strict=True)) for line in block.lines],
                columns,
                title=f"{block.heading}: {block.summary}",
            )
            for block in diff_blocks(self)
            if block.lines
        ]
        return f"<p>{escape(say_verdict(self))}</p>{''.join(tables)}"


def diff_runs(*runs: str | Run, ignore: Iterable[str] = (), uri: str | None = None) -> RunDiff:
    """Compare two or more runs of a store, by default the current one; `print` shows the page.

    A run is one of `search_runs`, or what the command line takes: an id or its start, a name,
    `latest`, `best`. `ignore` are patterns of config keys. Raises RunNotFound.
    """
    store = shared_store(uri)
    records = load_records(store, [_run(store, run) for run in runs])
    diff = run_diff.compare_runs(records, ignore=ignore, store=needed_uri(uri))
    return RunDiff(**{field.name: getattr(diff, field.name) for field in fields(diff)})


def describe_winner(sweep: str, *, uri: str | None = None) -> list[str]:
    """Return what the best run of a sweep is worth, line by line: best, honest, as good as.

    `sweep` is the sweep's whole id. [] for fewer than three points that can be ranked.
    """
    store = shared_store(uri)
    own, reused = f"tags.`{SWEEP_ID}` = '{sweep}'", f"tags.`{SWEEP_ALSO}` LIKE '%{sweep}%'"
    return read_winner_lines(store, store.search_runs(None, filter_string=f"{own} OR {reused}"), uri=uri)


def preview_diff(
    run: str | Run,
    config: Mapping[str, Any],
    *,
    minimal: Sequence[str] = (),
    choices: Mapping[str, str] | None = None,
    origins: Mapping[str, str] | None = None,
    ignore: Iterable[str] = (),
    uri: str | None = None,
) -> ConfigDiff:
    """Compare a recorded run with a config that has not run yet: what would change if it did.

    `config` is nested and plain; `minimal`, `choices` and `origins` are what overrides.yaml would
    hold of it. A run without a recorded config is compared by its params, as text. Raises RunNotFound.
    """
    store = shared_store(uri)
    (recorded,) = load_records(store, [_run(store, run)])
    asked = parse_overrides(minimal)
    request = Request(asked, asked, (), choices or {}, origins or {})
    planned = RunRecord(_planned_run(recorded, config), recorded.experiment, config, request)
    return compare_configs([recorded, planned], ignore=tuple(ignore))


def _planned_run(recorded: RunRecord, config: Mapping[str, Any]) -> Run:
    data = replace(recorded.run.data, params={key: str(value) for key, value in unfold(config).items()}, tags={})
    return replace(recorded.run, data=data)


def _run(store: Store, run: str | Run) -> Run:
    return run if isinstance(run, Run) else resolve_run(store, run)


__all__ = [
    "Change",
    "ConfigDiff",
    "RunDiff",
    "diff_configs",
    "diff_runs",
    "parse_yaml",
    "preview_diff",
    "render_config",
    "render_diff",
    "show_changes",
]
