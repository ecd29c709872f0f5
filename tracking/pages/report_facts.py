"""What a report says in words before its pictures: what was asked, and the commands that go on from here. Pure."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from tracking.entities import Run
from tracking.pages.points import Points
from tracking.records.names import (
    DATA_NAME,
    DATA_SHAPE,
    DATA_TARGET,
    GIT_COMMIT,
    GIT_DIRTY,
    OBJECTIVE_DIRECTION,
    OBJECTIVE_METRIC,
    PYTHON,
    SOURCE_NAME,
    WORKER,
)
from tracking.text.formatting import format_duration, local_time

_SPLITS = ("n_splits", "n_repeats", "shuffle", "random_state", "test_size", "gap")
_MOST_WORKERS = 8


def asked_facts(runs: Sequence[Run], command: str, experiments: Mapping[str, str]) -> dict[str, str]:
    """Return what was asked, on what, when and by which code; what the runs do not agree on is said so."""
    if not runs:
        return {"command": command}
    started = min(run.info.start_time for run in runs)
    ended = [run.info.end_time for run in runs if run.info.end_time is not None]
    names = sorted({experiments.get(run.info.experiment_id, "") for run in runs})
    return {
        "command": command,
        "experiment": ", ".join(filter(None, names)),
        "data": _data(runs),
        "splits": _splits(runs),
        "scoring": _scoring(runs),
        "when": f"{local_time(started):%Y-%m-%d %H:%M}" + (_took(max(ended) - started) if ended else ""),
        "code": _code(runs),
        "workers": say_workers(runs),
        "by": _agreed(runs, [run.info.user_id for run in runs]),
    }


def say_workers(runs: Iterable[Run]) -> str:
    """Return the workers of a cluster that ran points, those with most first; "" where this machine did."""
    ran = Counter(run.data.tags[WORKER] for run in runs if WORKER in run.data.tags)
    shown = ", ".join(f"{worker} ({points})" for worker, points in ran.most_common(_MOST_WORKERS))
    more = len(ran) - _MOST_WORKERS
    return f"{len(ran)}: {shown}{f', {more} more' if more > 0 else ''}" if ran else ""


def commands(points: Points, command: str, store: str) -> list[tuple[str, str]]:
    """Return the commands to show, repeat and go on from the winner, each with what it does."""
    if not points.scored:
        return []
    winner, where = points.runs[0].info.run_id[:8], f" --store {shlex.quote(store)}" if store else ""
    found = [
        ("everything about it", f"python -m tracking show {winner}{where}"),
        ("does it still hold?", f"python -m runner.reproduce {winner}{where}"),
    ]
    if points.keys:
        found.append(("with a change", f"python -m runner.reproduce {winner}{where} {points.keys[0].title}=..."))
    if command and "resume=" not in command:
        found.append(("the sweep, only what is not done", f"{command} resume=true"))
    return found


def _took(milliseconds: int) -> str:
    return f", in {format_duration(milliseconds / 1000)}"


def _data(runs: Sequence[Run]) -> str:
    name, shape, target = (
        _agreed(runs, [run.data.tags.get(tag, "") for run in runs]) for tag in (DATA_NAME, DATA_SHAPE, DATA_TARGET)
    )
    return ", ".join(filter(None, [name, shape.replace("x", " × "), f"target {target}" if target else ""]))


def _splits(runs: Sequence[Run]) -> str:
    kind = _agreed(runs, [run.data.params.get("cv._target_", "").rpartition(".")[2] for run in runs])
    options = [
        f"{name} {value}"
        for name in _SPLITS
        if (value := _agreed(runs, [run.data.params.get(f"cv.{name}", "") for run in runs]))
    ]
    return ", ".join(filter(None, [kind, *options]))


def _scoring(runs: Sequence[Run]) -> str:
    metric = _agreed(runs, [run.data.tags.get(OBJECTIVE_METRIC, "") for run in runs])
    if not metric:
        return ""
    direction = _agreed(runs, [run.data.tags.get(OBJECTIVE_DIRECTION, "minimize") for run in runs])
    way = {"minimize": ", less is better", "maximize": ", more is better"}.get(direction, "")
    return f"{metric}{way}"


def _code(runs: Sequence[Run]) -> str:
    commit = _agreed(runs, [run.data.tags.get(GIT_COMMIT, "")[:12] for run in runs])
    dirty = any(run.data.tags.get(GIT_DIRTY) == "true" for run in runs)
    python = _agreed(runs, [run.data.tags.get(PYTHON, "") for run in runs])
    parts = [
        _agreed(runs, [run.data.tags.get(SOURCE_NAME, "") for run in runs]),
        f"commit {commit}{' with uncommitted changes' if dirty else ''}" if commit else "no git commit recorded",
        f"Python {python}" if python else "",
    ]
    return ", ".join(filter(None, parts))


def _agreed(runs: Sequence[Run], values: Sequence[str]) -> str:
    """Return the value that all runs have; of a few different ones each, of many their number."""
    distinct = sorted(set(filter(None, values)))
    return " / ".join(distinct) if len(distinct) <= 3 else f"{len(distinct)} different ones"
