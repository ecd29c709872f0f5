"""By what runs are ranked: their objective, and only among runs that were scored on the same data and splits."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from math import isnan, nan
from typing import TYPE_CHECKING, Final

from tracking.entities import Run, RunStatus
from tracking.errors import InvalidValue, RunNotFound
from tracking.records.names import (
    FINGERPRINT_DATA,
    FINGERPRINT_SPLITS,
    OBJECTIVE_DIRECTION,
    OBJECTIVE_METRIC,
    OBJECTIVE_OTHERS,
)

if TYPE_CHECKING:
    from tracking.store.sqlite import Store

NEWEST_FIRST: Final = ("start_time DESC", "recorded DESC")  # many runs may start in one millisecond
_MOST_COUNTED: Final = 10

ScoredOn = tuple[str | None, str | None]


def scored_on(run: Run) -> ScoredOn:
    """Return the fingerprints of the data and the splits that a run was scored on; None where not recorded."""
    return run.data.tags.get(FINGERPRINT_DATA), run.data.tags.get(FINGERPRINT_SPLITS)


def objective(run: Run) -> tuple[str, str]:
    """Return the run's objective metric and its direction, "minimize" unless tagged otherwise.

    Raises InvalidValue where the run has none or the direction is another word.
    """
    metric = run.data.tags.get(OBJECTIVE_METRIC)
    direction = run.data.tags.get(OBJECTIVE_DIRECTION, "minimize")
    if not metric:
        raise InvalidValue(f"Run {run.info.run_id} has no objective: its tag objective.metric is not set.")
    if direction not in ("minimize", "maximize"):
        raise InvalidValue(f"Run {run.info.run_id} has objective.direction {direction!r}. Allowed: minimize, maximize.")
    return metric, direction


def objectives(run: Run) -> list[tuple[str, str]]:
    """Return all objectives of a run with their directions, the first first; [] where it has none, or they are no such.

    A run that has several says the others in a tag: `{"mae_mean": "minimize"}`.
    """
    try:
        others = json.loads(run.data.tags.get(OBJECTIVE_OTHERS, "{}"))
        return [objective(run), *(others.items() if isinstance(others, dict) else ())]
    except (InvalidValue, json.JSONDecodeError):
        return []


def best_run(store: Store, scope: Sequence[str] | None, where: str, tell: Callable[[str], None]) -> Run:
    """Return the finished run with the best objective in some experiments, all for None.

    The objective is that of the newest run that has one. Ranked are the runs that were scored on the data and the
    splits of the newest finished one; where there are others too, `tell` is told how many groups there are.
    Raises RunNotFound, speaking of `where`.
    """
    tagged = store.search_runs(
        scope, filter_string=f"tags.`{OBJECTIVE_METRIC}` IS NOT NULL", order_by=NEWEST_FIRST, max_results=1
    )
    if not tagged:
        raise RunNotFound(
            f"No 'best' run in {where}: no run there has an objective. Tag the runs with objective.metric "
            "(a metric's name) and objective.direction (minimize or maximize)."
        )
    metric, direction = objective(tagged[0])
    alike = (
        f"{equals(f'tags.`{OBJECTIVE_METRIC}`', metric)} AND status = '{RunStatus.FINISHED}'"
        f" AND metrics.`{metric}` IS NOT NULL"
    )
    groups = _groups(store, scope, alike)
    order = [f"metrics.`{metric}` {'DESC' if direction == 'maximize' else 'ASC'}", "start_time ASC"]
    ranked = f"{alike} AND {groups[0]}" if groups else alike
    found = store.search_runs(scope, filter_string=ranked, order_by=order, max_results=1)
    if not found or isnan(found[0].data.metrics.get(metric, nan)):
        raise RunNotFound(
            f"No 'best' run in {where}: no finished run has the objective {metric!r}. See: python -m tracking runs"
        )
    if len(groups) > 1:
        number = f"{len(groups)}" if len(groups) < _MOST_COUNTED else f"{_MOST_COUNTED} or more"
        tell(
            f"The runs of {where} were scored on {number} different sets of data or splits, which are not ranked with"
            f" each other: 'best' is the best of the newest set."
        )
    return found[0]


def _groups(store: Store, scope: Sequence[str] | None, alike: str) -> list[str]:
    """Return a filter for each set of runs that were scored on the same, newest first; at most ten."""
    groups: list[str] = []
    while len(groups) < _MOST_COUNTED:
        others = "".join(f" AND NOT ({group})" for group in groups)
        found = store.search_runs(scope, filter_string=alike + others, order_by=NEWEST_FIRST, max_results=1)
        if not found:
            break
        pairs = zip((FINGERPRINT_DATA, FINGERPRINT_SPLITS), scored_on(found[0]), strict=True)
        groups.append(
            " AND ".join(
                f"tags.`{tag}` IS NULL" if value is None else equals(f"tags.`{tag}`", value) for tag, value in pairs
            )
        )
    return groups


def equals(column: str, text: str) -> str:
    """Return a filter clause; the grammar has no escapes, so text with both quotes is only matched alike."""
    if "'" not in text:
        return f"{column} = '{text}'"
    if '"' not in text:
        return f'{column} = "{text}"'
    pattern = text.replace("'", "_")
    return f"{column} LIKE '{pattern}'"
