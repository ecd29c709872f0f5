"""Importing: the runs of a source that the store does not have, under the ids that they have there.

A run that was pushed from one of our stores gets back its own id, so that push and import undo each other. A run
that the store has, or has in its trash, is never imported again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tracking.entities import LifecycleStage, Run, RunData, RunInfo, WholeRun
from tracking.errors import AlreadyExists, ExperimentDeleted
from tracking.records.names import PARENT_RUN_ID, RUN_NAME
from tracking.remote.foreign import Foreign, Source
from tracking.remote.kept import take_out
from tracking.remote.names import OURS
from tracking.store.sqlite import Store

IMPORTED_ARTIFACTS = "artifacts.at"  # where the files of a run are that were not copied

_AT_ONCE = 200  # runs in one transaction


@dataclass(slots=True)
class Imported:
    """What came of an import, in numbers of runs."""

    added: int = 0
    known: int = 0
    running: int = 0
    without_files: int = 0  # whose files lie where they cannot be had from


def import_runs(
    store: Store, source: Source, *, copies: bool = True, tell: Callable[[int, int], None] = lambda done, total: None
) -> Imported:
    """Add the runs that the store does not have; what has not ended yet is left out.

    Without `copies` files stay where they are, and the tag `artifacts.at` says where. `tell` is told how many of how
    many were added. Raises StoreError, ServerError, and ExperimentDeleted where runs would go to the trash.
    """
    listed = [entry for entry in source.listing() if not entry.is_sweep]
    there = store.known_run_ids([entry.key for entry in listed])
    ended = [entry for entry in listed if entry.has_ended]
    new = list({entry.key: entry for entry in ended if entry.key not in there}.values())
    keys = {entry.run_id: entry.key for entry in listed}
    counts = Imported(known=len(there), running=sum(entry.key not in there for entry in listed if not entry.has_ended))
    experiments = {name: _experiment(store, name) for name in dict.fromkeys(entry.experiment for entry in new)}
    for start in range(0, len(new), _AT_ONCE):
        found = source.read(new[start : start + _AT_ONCE])
        counts.without_files += sum(run.is_elsewhere for run in found) if copies else 0
        counts.added += store.add_runs([_whole(run, experiments, keys, copies=copies) for run in found])
        tell(counts.added, len(new))
    return counts


def _experiment(store: Store, name: str) -> str:
    """Return the id of the experiment of a name, made if missing. Raises ExperimentDeleted."""
    found = store.get_experiment_by_name(name)
    if found is None:
        try:
            return store.create_experiment(name)
        except AlreadyExists:  # another process was faster
            found = store.get_experiment_by_name(name)
            assert found is not None
    if found.lifecycle_stage == LifecycleStage.DELETED:
        raise ExperimentDeleted(
            f"Experiment '{name}' is in the trash of this store, and the source has runs of it. Restore it first: "
            f"python -m tracking restore --experiment {found.experiment_id}"
        )
    return found.experiment_id


def _whole(foreign: Foreign, experiments: Mapping[str, str], keys: Mapping[str, str], *, copies: bool) -> WholeRun:
    listed = foreign.listed
    tags = {key: value for key, value in foreign.tags.items() if not key.startswith(OURS)}
    if parent := tags.get(PARENT_RUN_ID):
        tags[PARENT_RUN_ID] = keys.get(parent, parent)
        if _is_sweeps(foreign, keys):
            del tags[PARENT_RUN_ID]
    if foreign.location and (foreign.is_elsewhere or not copies):
        tags[IMPORTED_ARTIFACTS] = foreign.location
    name = foreign.name or listed.key[:8]
    tags.setdefault(RUN_NAME, name)
    info = RunInfo(
        listed.key,
        experiments[listed.experiment],
        foreign.user,
        listed.status,
        foreign.start_time,
        foreign.end_time,
        str(LifecycleStage.ACTIVE),
        "",
        name,
    )
    blobs = dict(foreign.blobs)

    def fill(folder: Path) -> None:  # before the run itself is added, with what it is told of the blobs
        if copies:
            foreign.fill(folder)
            blobs.update(take_out(folder))

    return WholeRun(
        run=Run(info, RunData({}, dict(foreign.params), tags)), points=foreign.points, blobs=blobs, fill=fill
    )


def _is_sweeps(foreign: Foreign, keys: Mapping[str, str]) -> bool:
    """Tell whether a pushed run is nested only because its sweep has a run on the server."""
    return foreign.listed.pushed_as is not None and foreign.tags[PARENT_RUN_ID] not in keys
