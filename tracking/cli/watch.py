"""A sweep shown again every second while it runs, in a terminal."""

from __future__ import annotations

import sys
import time
from math import ceil

from tracking.cli.terminal import terminal_width
from tracking.errors import InvalidValue
from tracking.pages.report_facts import say_workers
from tracking.records.sweep_search import find_sweep, read_sweep
from tracking.records.sweeps import Sweep
from tracking.store.sqlite import Store
from tracking.text.formatting import format_duration, plain_lines
from tracking.text.tables import Row, render_page, render_table

_SECONDS = 1.0
_SHOWN = 10


def watch(source: Store, reference: str) -> None:
    """Show a sweep until all its points have ended; Ctrl-C leaves it. Raises InvalidValue without a terminal."""
    if not sys.stdout.isatty():
        raise InvalidValue("--watch needs a terminal. Without one: python -m tracking sweeps SWEEP")
    from rich.live import Live
    from rich.text import Text

    sweep_id = find_sweep(source, reference).id
    with Live(auto_refresh=False) as live:
        while True:
            sweep = read_sweep(source, sweep_id)
            text = plain_lines(watch_text(sweep, time.time_ns() // 1_000_000, width=terminal_width()))
            live.update(Text(text, no_wrap=True), refresh=True)
            if sweep.left == 0:
                return
            time.sleep(_SECONDS)


def watch_text(sweep: Sweep, now: int, *, width: int | None) -> str:
    """Return what is shown of a sweep: how far it is, the time left, the best points, what failed last."""
    ended = sweep.done + sweep.failed
    took = max(now - sweep.started, 0) / 1000
    row = sweep.row()
    words = ("done", "failed", "running", "missing", "reused")
    facts: Row = {
        "command": sweep.command,
        "points": f"{sweep.planned}: " + ", ".join(f"{row[word]} {word}" for word in words if row[word]),
        "left": f"about {format_duration(ceil(took / ended * sweep.left))}" if ended and sweep.left else None,
        "workers": say_workers(sweep.latest.values()),
        "failed": ", ".join(run.info.run_name for run in sweep.latest.values() if run.info.status == "FAILED")[:200],
    }
    page = render_page(
        f"sweep {sweep.id}", [("sweep", {key: value for key, value in facts.items() if value})], width=width
    )
    metric = str(row["objective"] or "")
    best = [
        {"run": run.info.run_name, metric: run.data.metrics[metric]}
        for run in sweep.ranked()[:_SHOWN]
        if metric in run.data.metrics
    ]
    return f"{page}\n\n{render_table(best, ['run', metric], width=width)}" if best else page
