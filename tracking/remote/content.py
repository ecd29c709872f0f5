"""What is pushed of a run: its content as plain values and files, and a digest that changes when any of it does."""

from __future__ import annotations

import hashlib
import json
import math
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tracking.entities import DatasetInput, Metric, Run
from tracking.remote.kept import FILE as KEPT
from tracking.remote.kept import kept_of, packed
from tracking.store.contents import list_folder, open_regular
from tracking.store.sqlite import Store

_PIECE: Final = 1 << 20  # bytes

# Of one log-batch: https://mlflow.org/docs/latest/rest-api.html#log-batch, with room for what surrounds the values.
MOST_METRICS: Final = 1000
MOST_PAIRS: Final = 100  # params, and tags
MOST_IN_ALL: Final = 1000
MOST_BYTES: Final = 900_000


@dataclass(frozen=True, slots=True)
class File:
    """One artifact on this machine; `path` is relative to the run's folder."""

    path: str
    place: str
    size: int
    content: bytes | None = None  # of a file that is only made for the server

    def pieces(self) -> Iterator[bytes]:
        """Yield the content."""
        if self.content is not None:
            yield self.content
            return
        with open_regular(self.place) as file:
            while piece := file.read(_PIECE):
                yield piece

    def copy_to(self, place: str) -> None:
        """Write the content to another place of this machine."""
        if self.content is None:
            shutil.copyfile(self.place, place)
        else:
            Path(place).write_bytes(self.content)


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """A run as it is pushed. `parent` is the key of the run that it is nested in, "" for none."""

    key: str  # our run id, or that of a sweep's parent run
    experiment: str
    name: str
    user: str
    status: str
    start_time: int  # ms
    end_time: int | None  # ms
    parent: str
    tags: Mapping[str, str]
    params: Mapping[str, str]
    metrics: Sequence[Metric]
    files: Sequence[File]

    def digest(self) -> str:
        """Return what differs as soon as anything of the run does, its files included."""
        plain: list[Any] = [self.experiment, self.name, self.user, self.status, self.start_time, self.end_time]
        plain += [self.parent, sorted(self.tags.items()), sorted(self.params.items())]
        plain += sorted([m.key, m.step, m.timestamp, repr(m.value)] for m in self.metrics)
        total = hashlib.sha256(json.dumps(plain).encode())
        for file in self.files:
            content = hashlib.sha256()
            for piece in file.pieces():
                content.update(piece)
            total.update(f"\n{file.path}\0".encode() + content.digest())
        return f"1:{total.hexdigest()[:32]}"


def read_contents(
    store: Store,
    runs: Sequence[Run],
    experiments: Mapping[str, str],
    parents: Mapping[str, str],
    *,
    with_files: bool = True,
) -> Iterator[Content]:
    """Yield the contents of runs; `experiments` has names by id, `parents` keys by run id."""
    ids = [run.info.run_id for run in runs]
    histories = store.get_metric_histories(ids)
    kept = kept_of(store, ids) if with_files else {}
    for run in runs:
        info = run.info
        yield Content(
            key=info.run_id,
            experiment=experiments[info.experiment_id],
            name=info.run_name,
            user=info.user_id,
            status=str(info.status),
            start_time=info.start_time,
            end_time=info.end_time,
            parent=parents.get(info.run_id, ""),
            tags=run.data.tags,
            params=run.data.params,
            metrics=[point for points in histories.get(info.run_id, {}).values() for point in points],
            files=_all_files(store, info.run_id, kept.get(info.run_id)) if with_files else [],
        )


def _all_files(store: Store, run_id: str, kept: Mapping[str, bytes] | None) -> list[File]:
    files = list(_files(str(store.artifact_dir(run_id))))
    if kept:
        content = packed(kept)
        files.append(File(KEPT, "", len(content), content))
    return files


def _files(root: str, path: str | None = None) -> Iterator[File]:
    for entry in list_folder(root, path):
        place = os.path.join(root, entry.path)
        if os.path.islink(place):
            continue  # whatever it points to is not the run's own
        if entry.is_dir:
            yield from _files(root, entry.path)
        else:
            yield File(entry.path, place, entry.file_size or 0)


def batches(content: Content, tags: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """Yield bodies of log-batch that together hold the values of a run, each within the server's limits."""
    batch = _Batch()
    for kind, entity in _entities(content, tags):
        if not batch.take(kind, entity):
            yield batch.body
            batch = _Batch()
            batch.take(kind, entity)
    if any(batch.body.values()):
        yield batch.body


def _entities(content: Content, tags: Mapping[str, str]) -> Iterator[tuple[str, dict[str, Any]]]:
    yield from (("params", {"key": key, "value": value}) for key, value in content.params.items())
    yield from (("tags", {"key": key, "value": value}) for key, value in tags.items())
    for point in content.metrics:
        value = {"key": point.key, "value": number(point.value), "timestamp": point.timestamp, "step": point.step}
        yield "metrics", value


class _Batch:
    _MOST: Final = {"metrics": MOST_METRICS, "params": MOST_PAIRS, "tags": MOST_PAIRS}

    def __init__(self) -> None:
        self.body: dict[str, list[dict[str, Any]]] = {kind: [] for kind in self._MOST}
        self._bytes = 0

    def take(self, kind: str, entity: dict[str, Any]) -> bool:
        """Add one entity, unless a limit is in the way."""
        size = len(json.dumps(entity)) + 2
        full = len(self.body[kind]) >= self._MOST[kind] or sum(map(len, self.body.values())) >= MOST_IN_ALL
        if full or (self._bytes and self._bytes + size > MOST_BYTES):
            return False
        self.body[kind].append(entity)
        self._bytes += size
        return True


def number(value: float) -> float | str:
    """Return a number as MLflow's JSON has it: what JSON has no number for is a word."""
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def input_body(given: DatasetInput) -> dict[str, Any]:
    """Return a data set of a run as log-inputs takes it."""
    known = {name: value for name, value in given.dataset if value is not None}
    return {"tags": [dict(tag) for tag in given.tags], "dataset": known}
