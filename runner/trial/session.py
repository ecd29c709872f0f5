"""What all points of one command share: where they are recorded, what they are made with, their data."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import tracking
from runner.data.dataset import Dataset, load
from runner.provenance.capture import capture_provenance
from runner.store import folder_of
from runner.trial.identity import data_key
from runner.trial.memory import on_reset
from runner.trial.sharing import Sharing
from runner.trial.spec import Spec
from tracking.records.names import BACKEND, N_JOBS, SOURCE_NAME, SWEEP_ID


@dataclass(frozen=True, slots=True)
class Session:
    """What all points of one command share; plain and picklable."""

    store: str
    threads: int
    tags: Mapping[str, str]  # sweep id and command, host, git, packages that matter
    packages: Mapping[str, str]
    environment: str
    patch: bytes = b""
    checked: bool = False  # parameters were validated before the first point: half of the time that building takes
    datasets: Mapping[str, Any] = field(default_factory=dict)  # config of the data -> Dataset or where it lies
    share_bytes: int = 0  # of what points share, in each process; 0: each point computes alone
    path: bool = False  # linear models are fitted along the path of their alphas


def open_session(
    store: str,
    datasets: Mapping[str, Any],
    *,
    threads: int,
    n_jobs: str = "1",
    backend: str = "loky",
    tags: Mapping[str, str] | None = None,
    checked: bool = False,
    share_bytes: int = 0,
    path: bool = False,
) -> Session:
    """Return the session of runs that are recorded in `store`, made with what this process is made of.

    `threads` is how many BLAS and OpenMP threads each may use; `n_jobs` and `backend` are only recorded.
    """
    provenance = capture_provenance(exclude=folder_of(store))
    asked = {N_JOBS: n_jobs, BACKEND: backend, SOURCE_NAME: sys.argv[0]}
    return Session(
        store,
        threads,
        {**provenance.tags(threads=threads), **asked, **(tags or {})},
        provenance.packages,
        provenance.environment_text(threads=threads),
        provenance.patch,
        checked=checked,
        datasets=dict(datasets),
        share_bytes=share_bytes,
        path=path,
    )


def flushed_together(session: Session) -> AbstractContextManager[None]:
    """Flush runs that end in the block together: waiting for the disk costs more than a small point."""
    return tracking.TrackingClient(session.store).flush_together()


@lru_cache(maxsize=64)
def experiment_id(store: str, name: str) -> str:
    """Return the experiment of this name, made if missing."""
    client = tracking.TrackingClient(store)
    found = client.get_experiment_by_name(name)
    if found is not None:
        return found.experiment_id
    try:
        return str(client.create_experiment(name))
    except tracking.TrackingError:  # another process was faster
        found = client.get_experiment_by_name(name)
        assert found is not None
        return found.experiment_id


def sharing_of(session: Session) -> Sharing | None:
    """Return what points of this sweep share in this process; None where each computes alone."""
    sweep = session.tags.get(SWEEP_ID)
    return _sharing(sweep, session.share_bytes, session.path) if session.share_bytes else None


def forget_shared() -> None:
    """Free what points have shared."""
    _sharing.cache_clear()


@lru_cache(maxsize=1)
def _sharing(sweep: str | None, limit: int, path: bool) -> Sharing:
    return Sharing(limit, path=path)


@lru_cache(maxsize=4)
def _mapped(path: Path) -> Dataset:
    import joblib

    data = joblib.load(path, mmap_mode="r")
    assert isinstance(data, Dataset)
    return data


for _kept in (experiment_id, _sharing, _mapped):
    on_reset(_kept.cache_clear)


def dataset_of(spec: Spec, session: Session) -> Dataset:
    """Return the point's dataset: the one that the engine shares, or loaded here."""
    shared = session.datasets.get(data_key(spec.config))
    if isinstance(shared, Dataset):
        return shared
    if isinstance(shared, Path):
        return _mapped(shared)
    return load(spec.config["data"])
