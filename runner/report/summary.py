"""The end of a sweep: the table of the best points, what failed, and what one would type next. On stdout."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from runner.report.commands import resume_command, tracking_command
from runner.report.results import Results

if TYPE_CHECKING:
    from runner.planning.plan import Planned
    from runner.trial.outcome import Outcome

LONGEST_ERROR = 300  # characters of an error in the list of failures
FIRST = ("experiment", "model")  # keys whose columns come first
SPREAD = "+-: standard deviation over the folds, with their number as the divisor"
NARROWEST = 12  # characters that a column of texts is cut to before another is left out


@dataclass(frozen=True, slots=True)
class Ending:
    """How a request ended, beside its results."""

    total: int
    seconds: float
    store: str
    command: str | None = None  # of a sweep: typed again with resume=true it runs what is missing
    interrupted: bool = False
    stopped: bool = False  # by fail_fast
    elsewhere: int = 0  # points that another process runs


def render_results(results: Results, varying: Sequence[str], *, width: int | None) -> str:
    """Return the table of the best points: what varies, the objective with its spread, run and duration.

    On a narrow terminal the name of the run goes first, then what else is not the objective or the id.
    """
    from tracking.text.tables import ShortId

    best = results.best
    if not best:
        return ""
    if len(best) == 1 and results.finished + results.reused == 1:
        return _render_single(best[0], width)
    varying = sorted(varying, key=lambda key: FIRST.index(key) if key in FIRST else len(FIRST))
    rows: list[dict[str, object]] = [
        {
            **{key: _number(outcome.varied.get(key)) for key in varying},
            outcome.metric: outcome.objective,
            "+-": outcome.spread,
            "run": outcome.name,
            "id": ShortId(outcome.run_id),
            "took": timedelta(seconds=outcome.seconds),
            "from": "reused" if outcome.reused else None,
        }
        for outcome in best
    ]
    metrics = list(dict.fromkeys(outcome.metric for outcome in best))
    source = ["from"] if results.reused else []
    columns = [*varying, *metrics, "+-", "run", "id", "took", *source]
    return _render_fitting(
        rows, columns, width, cut_first="run", dropped_first=["run", "took", "from", "+-", *reversed(varying)]
    )


def render_ending(results: Results, ending: Ending) -> list[str]:
    """Return the lines under the table: what failed, the sum, and what one would type next."""
    lines = _render_failures(results) if ending.total > 1 else []
    if results.warned:
        lines.append(_render_warning(results, ending.store))
    counts = {
        "finished": results.finished,
        "reused": results.reused,
        "failed": results.failed,
        "ended early": results.killed,
        "running in another sweep": ending.elsewhere,
        "not run": ending.total - results.ended - ending.elsewhere,
    }
    how = "Interrupted: " if ending.interrupted else "Stopped by fail_fast: " if ending.stopped else ""
    shown = ", ".join(f"{count} {word}" for word, count in counts.items() if count > 0)
    shortened = results.finished + results.reused - len(results.best)
    more = f" The best {len(results.best)} are shown." if shortened > 0 else ""
    lines.append(f"{how}{shown or 'nothing to run'} in {_duration(ending.seconds)}.{more}")
    return lines + [f"  {command}" for command in next_commands(results, ending)]


def next_commands(results: Results, ending: Ending) -> list[str]:
    """Return the commands one would type next; only what has something to show."""
    best = [outcome.run_id[:8] for outcome in results.best]
    failed = [outcome.run_id[:8] for outcome in results.failures if outcome.run_id]
    lacking = ending.total > results.finished + results.reused
    commands: list[tuple[str, ...]] = [("show", run) for run in (failed or best)[:1]]
    if not lacking and len(best) > 1:
        commands.append(("diff", best[1], best[0]))
    elif not lacking and best:
        commands.append(("runs",))
    lines = [tracking_command(*words, store=ending.store) for words in commands]
    return [*lines, resume_command(ending.command)] if lacking and ending.command else lines


def render_plan(
    planned: Iterable[Planned], *, resume: bool, jobs: int, width: int | None, shares: bool = False
) -> list[str]:
    """Return the lines of a dry run: every point with its state and reason, the counts, the time it should take.

    What counts as to be run is what the command would run without `dry_run`: also what is done, but for `resume`.
    """
    from tracking.text.tables import ShortId

    rows: list[Mapping[str, object]] = []
    counts: dict[str, int] = {}
    seconds: list[float] = []
    sharing: list[tuple[Hashable, Hashable]] = []
    for point in planned:
        if shares and not (resume and point.state == "done"):
            sharing.append(point.shares)
        counts[point.state] = counts.get(point.state, 0) + 1
        run = point.run
        if run is not None and run.info.status == "FINISHED" and run.info.end_time is not None:
            seconds.append((run.info.end_time - run.info.start_time) / 1000)
        rows.append(
            {
                "point": point.spec.number,
                "run": point.spec.name,
                "experiment": point.spec.experiment,
                "state": point.state,
                "why": point.reason or None,
                "id": ShortId(run.info.run_id) if run is not None else None,
            }
        )
    columns = ["point", "run", "experiment", "state", "id", "why"]
    shown = [c for c in columns if any(row[c] is not None for row in rows)]
    done = counts.get("done", 0)
    to_run = sum(counts.values()) - (done if resume else 0)
    lines = [_render_fitting(rows, shown, width, dropped_first=["experiment", "id", "point"], cut_first="why"), ""]
    offer = f" With resume=true {done} of them {'is' if done == 1 else 'are'} reused." if done and not resume else ""
    lines.append(", ".join(f"{count} {state}" for state, count in counts.items()) + f": {to_run} to run.{offer}")
    lines += _render_sharing(sharing)
    if to_run and seconds:
        mean = sum(seconds) / len(seconds)
        several = "1 job" if jobs == 1 else f"{jobs} jobs"
        lines.append(f"Past runs took {_duration(mean)} each: about {_duration(to_run * mean / jobs)} with {several}.")
    elif to_run:
        lines.append("No run of these was recorded before: how long they take is not known.")
    return lines


def _render_sharing(shares: Sequence[tuple[Hashable, Hashable]]) -> list[str]:
    """Say how many preparations points share, and how many groups of points share more than that; nothing of none."""
    if not shares:
        return []
    preparations, groups = ([key for key in keys if key is not None] for keys in zip(*shares, strict=True))
    if len(set(groups)) == len(groups):
        return []
    counted = {"preparation": len(set(preparations)), "group": len(set(groups))}
    parts = [f"{count} {name}{'s' if count > 1 else ''}" for name, count in counted.items() if count]
    return [f"{len(shares)} points: {', '.join(parts)}, each computed once per fold and process. share=off: per point."]


def _render_single(outcome: Outcome, width: int | None) -> str:
    from tracking.text.tables import render_table

    names = [name.removesuffix("_mean") for name in outcome.metrics if name.endswith("_mean")]
    rows = [
        {"metric": name, "mean": outcome.metrics[f"{name}_mean"], "+-": outcome.metrics[f"{name}_std"]}
        for name in names
    ]
    table = render_table(rows, ["metric", "mean", "+-"], width=width)
    return f"{outcome.name}  ({outcome.experiment}, run {outcome.run_id[:8]})\n{table}"


def _render_fitting(
    rows: Sequence[Mapping[str, object]],
    columns: Sequence[str],
    width: int | None,
    *,
    dropped_first: Iterable[str],
    cut_first: str,
) -> str:
    """Return a table that fits the width: one column is cut, then columns are left out in the given order."""
    from tracking.text.tables import cut, render_table

    shown = list(columns)
    if width is None:
        return str(render_table(rows, shown))
    sizes = {column: len(render_table(rows, [column]).split("\n")[1]) for column in shown}  # the rule's length
    sizes[cut_first] = min(sizes.get(cut_first, 0), NARROWEST)
    waiting = [column for column in dropped_first if column in shown]
    while waiting and sum(sizes[column] + 2 for column in shown) - 2 > width:
        shown.remove(waiting.pop(0))
    hidden = [column for column in columns if column not in shown]
    table = str(render_table(rows, shown, width=width))
    return f"{table}\n{cut(f'(+{len(hidden)} more: ' + ', '.join(hidden) + ')', width)}" if hidden else table


def _render_failures(results: Results) -> list[str]:
    lines = []
    for status, heading in (("FAILED", "Failed:"), ("KILLED", "Ended early:")):
        of_kind = [outcome for outcome in results.failures if outcome.status == status]
        lines += [heading] * bool(of_kind)
        for outcome in of_kind:
            lines.append(f"  {outcome.run_id[:8] or '-':8}  {outcome.name}: {_shortened(outcome.error or '')}")
    hidden = results.failed + results.killed - len(results.failures)
    return lines + [f"  ... and {hidden} more"] * (hidden > 0)


def _render_warning(results: Results, store: str) -> str:
    first = results.first_warned
    assert first is not None
    where = tracking_command("show", first.run_id[:8], store=store)
    many = f"{results.warned} runs raised warnings, e.g." if results.warned > 1 else "1 run raised a warning:"
    return f"{many} {first.warning} ({where})"


def _shortened(text: str) -> str:
    return text if len(text) <= LONGEST_ERROR else text[: LONGEST_ERROR - 1] + "…"


def _number(value: Any) -> object:
    from tracking.text.tables import NumberText

    return None if value is None else NumberText(value)


def _duration(seconds: float) -> str:
    from tracking.text.tables import format_duration

    return str(format_duration(timedelta(seconds=seconds)))
