"""Which runs are meant, chosen by name or by options; `tell` hears what a person should know of it. Reads the store."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from tracking.entities import LifecycleStage, Run, ViewType
from tracking.errors import InvalidValue, RunNotFound
from tracking.records.hints import known_metrics, spell_metrics
from tracking.records.names import REPRODUCES, SWEEP_ID
from tracking.records.refs import resolve_experiment, resolve_runs
from tracking.records.sweep_search import find_sweep, search_sweep
from tracking.store.sqlite import Store

Tell = Callable[[str], None]

_TIMES = ("fit_seconds", "score_seconds")


def select_runs(
    source: Store,
    references: Sequence[str],
    sweep: str | None,
    filter: str,
    experiment: str | None,
    *,
    tell: Tell,
) -> list[Run]:
    """Return the runs that were asked for. Raises InvalidValue, or RunNotFound where there are none.

    Runs that reproduce others are no evidence of their own: they are left out, and `tell` is told so, unless
    named, in a sweep that is named, or asked for by a filter on their tag.
    """
    if references and (sweep or filter or experiment):
        raise InvalidValue("Choose runs by name or by --sweep, --filter and --experiment, not both.")
    if references:
        return resolve_runs(source, references, tell=tell)
    if not (sweep or filter or experiment):
        raise InvalidValue("Which runs? Name them, or choose: --sweep ID, --filter TEXT, --experiment NAME.")
    scope = [resolve_experiment(source, experiment).experiment_id] if experiment else None
    wants_repeats = bool(sweep) or REPRODUCES in filter
    if sweep and not scope and not filter.strip():
        return list(reversed(find_sweep(source, sweep).runs))  # newest first, as runs are searched
    if sweep:
        chosen = find_sweep(source, sweep)
        wanted = {run.info.run_id for run in search_sweep(source, chosen, scope, filter_string=filter)}
        found = [run for run in reversed(chosen.runs) if run.info.run_id in wanted]
    else:
        found = source.search_runs(scope, filter_string=filter)
    if not found:
        raise RunNotFound("No run is like that. See: python -m tracking runs")
    return found if wants_repeats else _without_repeats(found, tell)


def pick_runs(
    source: Store, references: Sequence[str], sweep: str | None, filter: str, *, stage: LifecycleStage, tell: Tell
) -> list[Run]:
    """Return the runs to change: by name, which has to mean one, or all of a sweep or a filter that are at this stage.

    Of a sweep those that it ran itself, not what it reused. Raises InvalidValue, or RunNotFound where there are none.
    """
    if bool(references) == bool(sweep or filter.strip()):
        raise InvalidValue("Which runs? Name them, or choose: --sweep ID, --filter TEXT.")
    if references:
        return resolve_runs(source, references, stage=stage, tell=tell, one_only=True)
    view = ViewType.ACTIVE_ONLY if stage == LifecycleStage.ACTIVE else ViewType.DELETED_ONLY
    spelled = spell_metrics(filter, known_metrics(source, None, view)) if filter else ""
    found = source.search_runs(None, filter_string=spelled, view_type=view)
    if sweep:
        chosen = _sweep_id([run.data.tags[SWEEP_ID] for run in found if SWEEP_ID in run.data.tags], sweep)
        found = [run for run in found if run.data.tags.get(SWEEP_ID) == chosen]
    if not found:
        kind = "" if stage == LifecycleStage.ACTIVE else " in the trash"
        raise RunNotFound(f"No run{kind} is like that. See: python -m tracking runs{' --deleted' if kind else ''}")
    return found


def _sweep_id(newest_first: Sequence[str], asked: str) -> str:
    """Return the one id that is meant, among those of runs. Raises RunNotFound, InvalidValue."""
    ids = list(dict.fromkeys(newest_first))
    fitting = ids[:1] if asked == "latest" else [name for name in ids if len(asked) >= 4 and name.startswith(asked)]
    if len(fitting) > 1:
        raise InvalidValue(f"{len(fitting)} sweeps start with {asked!r}: {', '.join(fitting)}. Give more of the id.")
    if not fitting:
        raise RunNotFound(f"No sweep {asked!r} has such runs. See: python -m tracking sweeps")
    return fitting[0]


def _without_repeats(found: list[Run], tell: Tell) -> list[Run]:
    kept = [run for run in found if REPRODUCES not in run.data.tags]
    if not kept or len(kept) == len(found):
        return found
    number = len(found) - len(kept)
    said = "1 run that reproduces another is" if number == 1 else f"{number} runs that reproduce others are"
    tell(f"{said} left out. To see them: name the runs, or --filter \"tags.reproduces != ''\".")
    return kept


def with_mean_times(source: Store, runs: Sequence[Run], asked: Iterable[str]) -> list[Run]:
    """Return the runs with the mean over the folds of each time that was asked for.

    The runner records times fold by fold, without a summary, and a run shows the last fold's.
    """
    missing = [name for name in _TIMES if any(text.startswith(name) for text in asked)]
    return [_with_means(source, run, missing) for run in runs] if missing else list(runs)


def _with_means(source: Store, run: Run, names: Iterable[str]) -> Run:
    means = {}
    for name in names:
        values = {point.step: point.value for point in source.get_metric_history(run.info.run_id, name)}
        if values and f"{name}_mean" not in run.data.metrics:
            means[f"{name}_mean"] = math.fsum(values.values()) / len(values)
    return replace(run, data=replace(run.data, metrics={**run.data.metrics, **means})) if means else run
