"""What runs in a worker of a cluster: points are recorded in memory, and the records handed back to the driver.

Nothing here knows which cluster it is. One process runs one point at a time, however many threads its cluster gives
it: random generators, warnings and the printed output are one for a process.
"""

from __future__ import annotations

import hashlib
import importlib
import os
import platform
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from runner.data.dataset import Dataset, load
from runner.engine.worker import Task
from runner.errors import RunnerError
from runner.provenance.capture import capture_provenance, forget
from runner.provenance.ingredients import find_ingredients
from runner.trial.outcome import Outcome
from runner.trial.record import record
from runner.trial.session import Session, experiment_id, forget_shared
from runner.trial.threads import limited_threads
from tracking.parcels import IN_MEMORY, Parcel, take_runs
from tracking.records.names import HOST_TAGS, WORKER

_MOST_SWEEPS = 4  # that a worker remembers the data of


class NotBegun(RunnerError):
    """The worker does not know the sweep: its process is a new one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Beginning:
    """What a worker has to know of a sweep before its first point."""

    sweep: str
    session: Session  # with the datasets that are small
    elsewhere: Mapping[str, tuple[Mapping[str, Any], str]]  # key of a big dataset -> its config, its fingerprint
    targets: tuple[str, ...]  # the code that the points name
    code: Mapping[str, bytes]  # what of it is the user's own: file -> content


@dataclass(frozen=True, slots=True)
class Begun:
    """What a worker is, and which datasets it has to be sent."""

    process: str  # host and process, as `node7:4242`
    ingredients: Mapping[str, str]
    lacking: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Done:
    """How tasks ended, and everything that was recorded of them."""

    outcomes: Sequence[Outcome]
    parcels: Sequence[Parcel]


@dataclass(slots=True)
class _Sweep:
    session: Session
    code: Mapping[str, bytes]
    datasets: dict[str, Dataset] = field(default_factory=dict)


_lock = threading.Lock()
_sweeps: dict[str, _Sweep] = {}
_code: list[tempfile.TemporaryDirectory[str]] = []  # the folder of the user's modules that are in use now


def begin(beginning: Beginning) -> Begun:
    """Take what all points of a sweep share; load the datasets that lie where this process can read them."""
    with _lock:
        _use(beginning.code)
        while len(_sweeps) >= _MOST_SWEEPS:
            del _sweeps[next(iter(_sweeps))]
        sweep = _sweeps[beginning.sweep] = _Sweep(_session_here(beginning.session), beginning.code)
        for key, (config, fingerprint) in beginning.elsewhere.items():
            if (data := _load(config, fingerprint)) is not None:
                sweep.datasets[key] = data
        return Begun(
            f"{platform.node()}:{os.getpid()}",
            ingredients(beginning.targets, beginning.session.threads),
            tuple(key for key in beginning.elsewhere if key not in sweep.datasets),
        )


def take_data(sweep: str, key: str, data: Dataset) -> None:
    """Keep a dataset that was sent."""
    with _lock:
        _known(sweep).datasets[key] = data


def run_tasks(sweep: str, tasks: Sequence[Task]) -> Done:
    """Run tasks one after the other. Raises NotBegun, and StoreError where there is no room for their files."""
    with _lock:
        known = _known(sweep)
        _use(known.code)
        session = replace(known.session, datasets={**known.session.datasets, **known.datasets})
        experiment_id.cache_clear()  # ids begin again with every batch
        outcomes = [record(task.spec, session, attempt=task.attempt) for task in tasks]
        return Done(outcomes, take_runs())


def end(sweep: str) -> None:
    """Forget a sweep and what its points shared."""
    with _lock:
        if _sweeps.pop(sweep, None) is not None:
            forget_shared()


def ingredients(targets: Sequence[str], threads: int) -> dict[str, str]:
    """Return what results of this process are made of, with so many threads allowed."""
    from threadpoolctl import threadpool_info

    with limited_threads(threads):
        used = {library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"}
        return find_ingredients(targets, threads=max(used, default=threads))


# -----------------------------------------------------------------------------------------------
def _known(sweep: str) -> _Sweep:
    if sweep not in _sweeps:
        raise NotBegun(f"process {os.getpid()} was not told of sweep {sweep}")
    return _sweeps[sweep]


def _session_here(session: Session) -> Session:
    """Return the session as runs of this process are recorded: made with what is here, in memory."""
    provenance = capture_provenance(exclude=())
    own = {tag: text for tag, text in provenance.tags(threads=session.threads).items() if tag in HOST_TAGS}
    return replace(
        session,
        store=IN_MEMORY,
        tags={**session.tags, **own, WORKER: f"{platform.node()}:{os.getpid()}"},
        packages=provenance.packages,
        environment=provenance.environment_text(threads=session.threads),
    )


def _load(config: Mapping[str, Any], fingerprint: str) -> Dataset | None:
    """Load a dataset from where the driver has it; None where it is not there, or not the same."""
    try:
        data = load(config)
    except Exception:  # whatever is wrong with it here: the driver has it, and sends it
        return None
    return data if data.fingerprint == fingerprint else None


def _use(code: Mapping[str, bytes]) -> None:
    """Put the user's modules of a sweep on the import path, in place of those of another sweep."""
    digest = hashlib.sha256(repr(sorted(code.items())).encode()).hexdigest()[:16]
    if _code and _code[0].name.endswith(digest):
        return
    for old in _code:
        sys.path.remove(old.name)
        old.cleanup()
    folder = tempfile.TemporaryDirectory(prefix="runner-code-", suffix=f"-{digest}")
    for name, content in code.items():
        path = Path(folder.name, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    _code[:] = [folder]
    sys.path.insert(0, folder.name)
    tops = {name.partition("/")[0].partition(".")[0] for name in code}
    for module in [name for name in sys.modules if name.partition(".")[0] in tops]:
        del sys.modules[module]
    importlib.invalidate_caches()
    forget()
