"""How a person names a run: `latest`, `latest~2`, `best:ridge`, the start of an id, or a run name.

Everything that takes a RUN on a command line resolves it here, so that all of them accept the same
and explain the same. Reads the store; never writes.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterable, Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING

from tracking.entities import Experiment, LifecycleStage, Run, ViewType
from tracking.errors import ExperimentNotFound, RunAmbiguous, RunNotFound
from tracking.records.names import REPRODUCES
from tracking.records.ranking import NEWEST_FIRST, best_run, equals
from tracking.text.formatting import plain

if TYPE_CHECKING:
    from tracking.store.sqlite import Store

SHORTEST_PREFIX = 4

_LATEST = re.compile(r"latest(?:~(\d{1,9}))?")
_BEST = re.compile(r"best(?::(.+))?", re.DOTALL)
_FULL_ID = re.compile(r"[0-9a-f]{32}")
_SEE = "See: python -m tracking runs"
_VIEWS = {LifecycleStage.ACTIVE: ViewType.ACTIVE_ONLY, LifecycleStage.DELETED: ViewType.DELETED_ONLY}


def _warn(message: str) -> None:
    """Tell whoever called this from Python."""
    warnings.warn(message, stacklevel=4)


def resolve_run(
    store: Store,
    reference: str,
    *,
    stage: LifecycleStage = LifecycleStage.ACTIVE,
    tell: Callable[[str], None] = _warn,
    one_only: bool = False,
) -> Run:
    """Return the run that a reference names.

    `latest` is the run started last (in one millisecond: recorded last), `latest~N` the N-th before it.
    `best` is the finished run with the best objective (tags `objective.metric` and `objective.direction`; that of the
    newest run) among those that were scored on the data and splits of the newest; `best:EXPERIMENT` looks in one
    experiment only. Where runs were scored on others too, `tell` is told so.
    Anything else is a run id, the first four or more characters of one, or a run name; a name means the run itself
    rather than those that reproduce it (tag `reproduces`), which have it too. Of several runs of one name it is the
    newest, and `tell` is told so; with `one_only`, for what cannot be undone, none is. `stage` says which runs are
    meant where both active and deleted ones would do.

    Raises RunNotFound, RunAmbiguous or ExperimentNotFound, naming the nearest there is.
    """
    if found := _LATEST.fullmatch(reference):
        return _latest(store, int(found[1] or 0), stage)
    if found := _BEST.fullmatch(reference):
        return _best(store, found[1], tell)
    candidates = _candidates(store, reference)
    chosen = [run for run in candidates if run.info.lifecycle_stage == stage] or candidates
    if len(chosen) > 1:
        chosen = [run for run in chosen if not _only_repeats(run, reference)] or chosen
    match chosen:
        case []:
            raise RunNotFound(_unknown(store, reference))
        case [run]:
            return run
        case [newest, *others] if not one_only and all(run.info.run_name == reference for run in chosen):
            count = f"{len(others)} more run{'' if len(others) == 1 else 's'}"
            tell(f"{count} of the name {reference!r}: this is about the newest, {newest.info.run_id[:8]}.")
            return newest
    raise RunAmbiguous(f"{len(chosen)} runs answer to {reference!r}: {_listed(chosen)}. Give an id, or more of it.")


def resolve_runs(
    store: Store,
    references: Iterable[str],
    *,
    stage: LifecycleStage = LifecycleStage.ACTIVE,
    tell: Callable[[str], None] = _warn,
    one_only: bool = False,
) -> list[Run]:
    """Return the runs that the references name, in order; all must resolve."""
    return [resolve_run(store, reference, stage=stage, tell=tell, one_only=one_only) for reference in references]


def find_run(store: Store, reference: str) -> Run:
    """Return the run of this id, or else the one that a reference names. Raises what `resolve_run` does."""
    return store.get_run(reference) if _FULL_ID.fullmatch(reference) else resolve_run(store, reference)


def resolve_experiment(store: Store, reference: str) -> Experiment:
    """Return the experiment of this name, or else of this id. Raises ExperimentNotFound with the nearest."""
    if (named := store.get_experiment_by_name(reference)) is not None:
        return named
    experiments = store.search_experiments(view_type=ViewType.ALL)
    for experiment in experiments:
        if experiment.experiment_id == reference:
            return experiment
    names = [experiment.name for experiment in experiments]
    nearest = nearest_names(reference, names)
    raise ExperimentNotFound(
        f"No experiment {reference!r}. Nearest: {_quoted(nearest) or 'none'}. See: python -m tracking experiments"
    )


def nearest_names(asked: str, names: Sequence[str], *, limit: int = 5) -> list[str]:
    """Return the names most like the asked one, or the first few where none is alike."""
    by_folded = {name.casefold(): name for name in reversed(names)}
    close = get_close_matches(asked.casefold(), by_folded, n=limit, cutoff=0.5)
    return [by_folded[folded] for folded in close] or list(dict.fromkeys(names))[:limit]


def _best(store: Store, experiment: str | None, tell: Callable[[str], None]) -> Run:
    if experiment is None:
        return best_run(store, None, "the store", tell)
    scope = [resolve_experiment(store, experiment).experiment_id]
    return best_run(store, scope, f"experiment {experiment!r}", tell)


def _latest(store: Store, back: int, stage: LifecycleStage) -> Run:
    found = store.search_runs(None, view_type=_VIEWS[stage], order_by=NEWEST_FIRST, max_results=1, offset=back)
    if found:
        return found[0]
    there = len(store.search_runs(None, view_type=_VIEWS[stage], max_results=back))
    kind = "" if stage == LifecycleStage.ACTIVE else "deleted "
    if there == 0:
        raise RunNotFound(f"No 'latest' run: the store has no {kind}runs. Record one: python -m runner")
    raise RunNotFound(f"No run 'latest~{back}': the store has {there} {kind}runs, the oldest is 'latest~{there - 1}'.")


def _candidates(store: Store, reference: str) -> list[Run]:
    """Return the run of exactly this id; else all whose id starts so and all of this name, newest first."""
    ids = store.find_run_ids(reference) if len(reference) >= SHORTEST_PREFIX else []
    if reference in ids:
        return [store.get_run(reference)]
    runs = {run_id: store.get_run(run_id) for run_id in ids}
    if reference:
        named = equals("run_name", reference)
        for clause in (f"{named} AND tags.`{REPRODUCES}` IS NULL", named):  # repetitions may be many, and newer
            found = store.search_runs(None, filter_string=clause, view_type=ViewType.ALL, max_results=20)
            runs |= {run.info.run_id: run for run in found if run.info.run_name == reference}
    return sorted(runs.values(), key=lambda run: -run.info.start_time)


def _only_repeats(run: Run, reference: str) -> bool:
    """Tell whether a run answers to a name because it was made from the run of that name."""
    return REPRODUCES in run.data.tags and not run.info.run_id.startswith(reference)


def _unknown(store: Store, reference: str) -> str:
    recent = store.search_runs(None, view_type=ViewType.ALL, max_results=1000)
    if not recent:
        return f"No run {reference!r}: the store has no runs. Record one: python -m runner"
    ids = [run.info.run_id for run in recent]
    alike = [i for i in ids if reference and i.startswith(reference[:3])][:3]
    names = [run.info.run_name for run in recent]
    nearest = [i[:8] for i in alike] or nearest_names(reference, [*names, *ids])
    if reference and any(i.startswith(reference) for i in ids) and len(reference) < SHORTEST_PREFIX:
        return f"{reference!r} is too short for an id: give {SHORTEST_PREFIX} characters or more. {_SEE}"
    return f"No run {reference!r}. Nearest: {_quoted(nearest)}. {_SEE}"


def _listed(runs: Sequence[Run], limit: int = 5) -> str:
    ids = [run.info.run_id for run in runs]
    length = next((n for n in range(8, 256, 4) if len({i[:n] for i in ids}) == len(ids)), 256)
    shown = [f"{run.info.run_id[:length]} ({plain(run.info.run_name)})" for run in runs[:limit]]
    return ", ".join(shown) + (", ..." if len(runs) > limit else "")


def _quoted(names: Sequence[str]) -> str:
    return ", ".join(repr(name) for name in names)
