"""Which sweeps a store has, and the runs of those that are asked for. Reads the store, and no more of it than that."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Unpack

from tracking.entities import Run
from tracking.errors import InvalidValue, RunNotFound
from tracking.records.names import (
    OBJECTIVE_DIRECTION,
    OBJECTIVE_METRIC,
    REPRODUCES_SWEEP,
    SWEEP_ALSO,
    SWEEP_COMMAND,
    SWEEP_ID,
    SWEEP_POINT,
    SWEEP_POINTS,
    SWEEP_REUSED,
)
from tracking.records.ranking import equals
from tracking.records.refs import SHORTEST_PREFIX, nearest_names
from tracking.records.sweeps import Sweep, group_sweeps, read_reuses
from tracking.store.conditions import RUNS
from tracking.store.groups import Group
from tracking.store.query import parse_filter
from tracking.store.search import SearchOptions
from tracking.store.sqlite import Store

_OF_A_ROW = (
    *(SWEEP_ID, SWEEP_ALSO, SWEEP_POINT, SWEEP_POINTS, SWEEP_REUSED, SWEEP_COMMAND, REPRODUCES_SWEEP),
    *(OBJECTIVE_METRIC, OBJECTIVE_DIRECTION),
)


def read_sweeps(source: Store) -> list[Sweep]:
    """Return the sweeps of a store, newest first, each with the runs that it started and those that it reused."""
    in_a_sweep = f"tags.`{SWEEP_ID}` IS NOT NULL OR tags.`{SWEEP_ALSO}` IS NOT NULL"
    return group_sweeps(source.search_runs(None, filter_string=in_a_sweep))


def read_newest_sweeps(source: Store, limit: int) -> tuple[list[Sweep], int]:
    """Return the newest sweeps, all for a limit of 0, and how many there are.

    Their runs have what a row of a listing needs: metrics, the tags of sweeps and objectives, no params.
    """
    listed = _list_sweeps(source, _OF_A_ROW)
    chosen = listed.ids[:limit] if limit else listed.ids
    return [sweep for sweep_id in chosen if (sweep := listed.read(sweep_id)) is not None], len(listed.ids)


def read_sweep(source: Store, sweep_id: str) -> Sweep:
    """Return the sweep of an id. Raises RunNotFound where all its runs were deleted."""
    return _list_sweeps(source).require(sweep_id)


def find_sweep(source: Store, reference: str) -> Sweep:
    """Return the sweep that `latest` or the start of an id names.

    `latest` is the newest that does not merely run another one again.
    Raises RunNotFound with the nearest, or InvalidValue where several ids start so.
    """
    listed = _list_sweeps(source)
    if not listed.ids:
        raise RunNotFound(f"No sweep {reference!r}: the store has none. Start one: python -m runner -m ...")
    if reference != "latest":
        return listed.require(_match(listed.ids, reference))
    for sweep_id in listed.ids:
        sweep = listed.read(sweep_id)
        if sweep is not None and not sweep.repeats:
            return sweep
    return listed.require(listed.ids[0])


def _match(ids: Sequence[str], reference: str) -> str:
    long_enough = len(reference) >= SHORTEST_PREFIX
    match [each for each in ids if each == reference or (long_enough and each.startswith(reference))]:
        case [sweep_id]:
            return sweep_id
        case []:
            nearest = ", ".join(nearest_names(reference, ids))
            raise RunNotFound(f"No sweep {reference!r}. Nearest: {nearest}. See: python -m tracking sweeps")
        case several:
            raise InvalidValue(f"Several sweeps start with {reference!r}: {', '.join(several)}.")


def own_runs(group: Group) -> str:
    """Return the filter for the runs that a sweep started; their times let an index begin there."""
    times = f"start_time >= {group.first_start} AND start_time <= {group.last_start}"
    return f"{times} AND {equals(f'tags.`{SWEEP_ID}`', group.value)}"


def search_sweep(
    source: Store, sweep: Sweep, experiment_ids: Sequence[str] | None, **options: Unpack[SearchOptions]
) -> list[Run]:
    """Search the runs of a sweep, also those that it reused, as `search_runs` of a store. Raises FilterError."""
    typed = options.get("filter_string", "")
    parse_filter(typed, RUNS)  # a mistake is told of what was typed
    starts = [run.info.start_time for run in sweep.runs]
    times = f"start_time >= {min(starts)} AND start_time <= {max(starts)}"  # leaves the sweep's runs and few others
    options["filter_string"] = f"{times} AND ({typed})" if typed.strip() else times
    members = {run.info.run_id for run in sweep.runs}
    return [run for run in source.search_runs(experiment_ids, **options) if run.info.run_id in members]


@dataclass(frozen=True, slots=True)
class _Listed:
    """The sweeps of a store: their ids, newest first, the runs they started, counted, and the runs they reused."""

    source: Store
    ids: Sequence[str]
    groups: Mapping[str, Group]
    reused: Sequence[Run]
    only_tags: Collection[str] | None

    def read(self, sweep_id: str) -> Sweep | None:
        """Return a sweep; None where all its runs were deleted."""
        group = self.groups.get(sweep_id)
        found = []
        if group is not None:
            found = self.source.search_runs(None, filter_string=own_runs(group), only_tags=self.only_tags)
        also = [run for run in self.reused if sweep_id in _reusers(run)]
        members = {run.info.run_id: run for run in [*found, *also]}
        return next((sweep for sweep in group_sweeps(members.values()) if sweep.id == sweep_id), None)

    def require(self, sweep_id: str) -> Sweep:
        """Return a sweep. Raises RunNotFound where all its runs were deleted."""
        sweep = self.read(sweep_id)
        if sweep is None:
            raise RunNotFound(f"Sweep {sweep_id} has no runs any more. See: python -m tracking sweeps")
        return sweep


def _list_sweeps(source: Store, only_tags: Collection[str] | None = None) -> _Listed:
    groups = {group.value: group for group in source.group_runs(SWEEP_ID)}
    reused = source.search_runs(None, filter_string=f"tags.`{SWEEP_ALSO}` IS NOT NULL", only_tags=only_tags)
    # Of a sweep that only reused runs: when the oldest started, which comes last.
    started = {sweep_id: run.info.start_time for run in reused for sweep_id in _reusers(run)}
    started |= {sweep_id: group.first_start for sweep_id, group in groups.items()}
    started |= {sweep_id: at for run in reused for sweep_id, at in _reusers(run).items() if at}
    ids = sorted(started, key=started.__getitem__, reverse=True)
    return _Listed(source, ids, groups, reused, only_tags)


def _reusers(run: Run) -> dict[str, int]:
    """Return the sweeps that reused a run, with when they started where it says so, else 0."""
    return {reuse.sweep_id: reuse.started for reuse in read_reuses(run.data.tags.get(SWEEP_ALSO, ""))}
