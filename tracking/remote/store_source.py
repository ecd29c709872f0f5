"""Runs of another store of ours, with everything that it has of them."""

from __future__ import annotations

from collections.abc import Sequence

from tracking.remote.folders import copier
from tracking.remote.foreign import Foreign, Listed
from tracking.remote.kept import kept_of
from tracking.store.sqlite import Store


class StoreSource:
    """Another store, read and not changed."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._runs = {run.info.run_id: run for run in store.search_runs(None)}
        self._names = {e.experiment_id: e.name for e in store.search_experiments()}

    def listing(self) -> list[Listed]:
        """Return its runs that are not deleted."""
        infos = [run.info for run in self._runs.values() if run.info.experiment_id in self._names]
        return [Listed(info.run_id, self._names[info.experiment_id], str(info.status)) for info in infos]

    def read(self, listed: Sequence[Listed]) -> list[Foreign]:
        """Return these runs, whole."""
        ids = [entry.run_id for entry in listed]
        histories = self._store.get_metric_histories(ids)
        blobs = kept_of(self._store, ids)
        found = []
        for entry in listed:
            info, data = self._runs[entry.run_id].info, self._runs[entry.run_id].data
            found.append(
                Foreign(
                    listed=entry,
                    name=info.run_name,
                    user=info.user_id,
                    start_time=info.start_time,
                    end_time=info.end_time,
                    tags=data.tags,
                    params=data.params,
                    points=[point for points in histories.get(entry.run_id, {}).values() for point in points],
                    location=info.artifact_uri,
                    fill=copier({"": self._store.artifact_dir(entry.run_id)}),
                    blobs=blobs.get(entry.run_id, {}),
                )
            )
        return found
