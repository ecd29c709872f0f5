"""Whole runs on their way to the store: recorded where that cannot be written, added by the one process that writes.

A worker of a cluster records in a store of its own, in memory; `take_runs` empties that into plain, picklable values,
and `put_runs` adds these elsewhere, with what the worker said of them unchanged: ids, times, values, files.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tracking.context import system_tags
from tracking.entities import Metric, Process, Run, WholeRun
from tracking.errors import AlreadyExists
from tracking.store import contents, files
from tracking.store.process import current_process
from tracking.store.sqlite import Store
from tracking.stores import shared_store

IN_MEMORY = "sqlite://"


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """One run with all that was recorded of it."""

    experiment: str  # by name: ids count per store
    run: Run
    points: Sequence[Metric]
    blobs: Mapping[str, bytes]
    files: Mapping[str, bytes]  # path in the run's folder -> content
    shared: frozenset[str]  # those of the files that runs with the same content may share
    process: Process  # that recorded it


def own_tags() -> dict[str, str]:
    """Return the tags that every run of this process gets; to be given to one that records on its behalf."""
    return system_tags()


def take_runs() -> list[Parcel]:
    """Return the runs of the store in memory, and leave it empty; what was deleted is left out.

    Ids of experiments begin again with it. Raises TrackingError.
    """
    store = shared_store(IN_MEMORY)
    names = {experiment.experiment_id: experiment.name for experiment in store.search_experiments()}
    runs = [run for run in store.search_runs(None) if run.info.experiment_id in names]
    histories = store.get_metric_histories([run.info.run_id for run in runs])
    parcels = [_packed(store, run, names, histories.get(run.info.run_id, {})) for run in runs]
    store.close()
    return parcels


def put_runs(uri: str, parcels: Sequence[Parcel]) -> int:
    """Add runs under their ids, all in one transaction, their files first; return how many were not there yet.

    Raises TrackingError.
    """
    store = shared_store(uri)
    there = store.known_run_ids([parcel.run.info.run_id for parcel in parcels])
    parcels = [parcel for parcel in parcels if parcel.run.info.run_id not in there]
    ids = {name: _experiment_id(store, name) for name in {parcel.experiment for parcel in parcels}}
    return store.add_runs([_unpacked(parcel, ids[parcel.experiment]) for parcel in parcels])


# -----------------------------------------------------------------------------------------------
def _packed(store: Store, run: Run, names: Mapping[str, str], points: Mapping[str, Sequence[Metric]]) -> Parcel:
    run_id = run.info.run_id
    folder = store.artifact_dir(run_id)
    found = contents.read_all(str(folder))
    return Parcel(
        experiment=names[run.info.experiment_id],
        run=run,
        points=[point for of_one in points.values() for point in of_one],
        blobs={name: store.get_blobs([run_id], name)[run_id] for name in store.list_blobs(run_id)},
        files=found,
        shared=frozenset(name for name, content in found.items() if files.is_shared(str(folder), content)),
        process=current_process(),
    )


def _unpacked(parcel: Parcel, experiment_id: str) -> WholeRun:
    info = replace(parcel.run.info, experiment_id=experiment_id)
    return WholeRun(
        run=Run(info, parcel.run.data),
        points=parcel.points,
        blobs=parcel.blobs,
        fill=_writer(parcel),
        process=parcel.process,
    )


def _writer(parcel: Parcel) -> Callable[[Path], None]:
    return lambda folder: files.write_new(str(folder), parcel.files, parcel.shared)


def _experiment_id(store: Store, name: str) -> str:
    """Return the experiment of this name, made if missing."""
    found = store.get_experiment_by_name(name)
    if found is not None:
        return found.experiment_id
    try:
        return store.create_experiment(name)
    except AlreadyExists:  # another process was faster
        return _experiment_id(store, name)
