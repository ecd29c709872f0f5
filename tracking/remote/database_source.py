"""Runs of an MLflow database, with the files that lie on this machine."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from tracking.entities import Metric
from tracking.records.names import RUN_NAME
from tracking.remote.folders import copier, local_path
from tracking.remote.foreign import Foreign, Listed, value_of
from tracking.store.mlflow_file import MlflowFile


class DatabaseSource:
    """An `mlflow.db`."""

    def __init__(self, path: Path) -> None:
        self._file = MlflowFile(path)
        self._beside = path.absolute().parent

    def listing(self) -> list[Listed]:
        """Return its runs that are not deleted."""
        return [Listed(*row) for row in self._file.runs()]

    def read(self, listed: Sequence[Listed]) -> list[Foreign]:
        """Return these runs, whole."""
        ids = [entry.run_id for entry in listed]
        params, tags = self._pairs("params", ids), self._pairs("tags", ids)
        points: dict[str, list[Metric]] = defaultdict(list)
        for run_id, key, value, timestamp, step, is_nan in self._file.points(ids):
            points[run_id].append(Metric(key, value_of(value, is_nan=bool(is_nan)), timestamp, step))
        models: dict[str, dict[str, str]] = defaultdict(dict)
        for run_id, name, location in self._file.models(ids):
            models[run_id][name] = location
        details = {row[0]: row[1:] for row in self._file.details(ids)}
        found = []
        for entry in listed:
            name, user, start, end, location = details[entry.run_id]
            folders = {"": location or "", **models[entry.run_id]}
            places = {path: local_path(place, self._beside) for path, place in folders.items()}
            found.append(
                Foreign(
                    listed=entry,
                    name=tags[entry.run_id].get(RUN_NAME) or name or "",
                    user=user or "",
                    start_time=start or 0,
                    end_time=end,
                    tags=tags[entry.run_id],
                    params=params[entry.run_id],
                    points=points[entry.run_id],
                    location=location or "",
                    is_elsewhere=any(location and places[path] is None for path, location in folders.items()),
                    fill=copier({path: place for path, place in places.items() if place is not None}),
                )
            )
        return found

    def _pairs(self, table: str, ids: Sequence[str]) -> dict[str, dict[str, str]]:
        found: dict[str, dict[str, str]] = defaultdict(dict)
        for run_id, key, value in self._file.pairs(table, ids):
            found[run_id][key] = value or ""
        return found
