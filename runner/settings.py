"""How a sweep is run: jobs, backend, limits, and whether it is only shown. Nothing here changes a result.

A setting of a sweep is added here. From the fields of `Settings` follow the schema of the config
(`runner.compose.schema`), the reading, and the check that the whole sweep agrees on it (`runner.planning.check`).
Its default, with a comment for people, is a line of `conf/config.yaml`. `tracking`, which knows nothing of the
runner, has the names too: in `tracking.records.names.BOOKKEEPING`; a test compares all three.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, fields, replace
from functools import cache, partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal, Self

from runner import rules
from runner.errors import ConfigError
from runner.suggest import suggest

LOCAL = "local"  # the engine that needs no cluster
CLUSTERS = ("dask", "ray")
PROCESS_BACKENDS = ("loky", "multiprocessing")
BACKENDS = {  # joblib's names -> the package that has to be installed
    "loky": "joblib",
    "threading": "joblib",
    "multiprocessing": "joblib",
    "sequential": "joblib",
    "dask": "distributed",
    "ray": "ray",
}


def _setting(default: Any, rule: Callable[[Any], Any], kind: type, *, null: bool = False) -> Any:
    return field(default=default, metadata={"rule": rule, "kind": kind, "null": null})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How a sweep is run; changes no result. The fields are keys of the config, with its values."""

    n_jobs: int | Literal["auto"] = _setting("auto", rules.jobs, int)
    backend: str = _setting("loky", partial(rules.text, words=()), str)
    threads_per_run: int = _setting(1, partial(rules.whole, minimum=1, maximum=None, words=()), int)
    resume: bool = _setting(False, partial(rules.yes_no, words=()), bool)
    dry_run: bool = _setting(False, partial(rules.yes_no, words=()), bool)
    fail_fast: bool = _setting(False, partial(rules.yes_no, words=()), bool)
    retries: int = _setting(0, partial(rules.whole, minimum=0, maximum=None, words=()), int)
    timeout_per_point: float | None = _setting(None, rules.positive, float, null=True)  # seconds
    share: str = _setting("exact", partial(rules.text, words=("exact", "path", "off")), str)
    share_memory: float | None = _setting(None, rules.positive, float, null=True)  # MB; None: a quarter of what is free
    progress: bool | Literal["auto"] = _setting("auto", partial(rules.yes_no, words=("auto",)), bool)
    keep_predictions: bool | Literal["auto"] = _setting("auto", partial(rules.yes_no, words=("auto",)), bool)
    keep_importances: bool = _setting(True, partial(rules.yes_no, words=()), bool)
    diff: str | None = _setting(None, partial(rules.text, words=()), str, null=True)  # a recorded run

    def __post_init__(self) -> None:
        """Refuse a backend that is not there, and a limit that it cannot keep."""
        _check_backend(self.backend)
        if self.timeout_per_point is not None and self.backend not in PROCESS_BACKENDS:
            raise ConfigError(
                f"timeout_per_point={self.timeout_per_point:g}: backend={self.backend} cannot end a running point."
                f" Use backend={' or backend='.join(PROCESS_BACKENDS)}."
            )

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> Self:
        """Read how a sweep is run from the config of its first point. Raises ConfigError."""
        return cls(**{setting.name: config[setting.name] for setting in fields(cls)})

    @property
    def runs(self) -> bool:
        """Whether anything is run, and not only shown."""
        return not (self.dry_run or self.diff)

    @property
    def size(self) -> int:
        """How many points side by side at most."""
        cores = _count_cores()
        if self.n_jobs == "auto":
            return cores
        return self.n_jobs if self.n_jobs > 0 else max(1, cores + 1 + self.n_jobs)

    @property
    def share_bytes(self) -> int:
        """How much each process may keep of what points share; 0 where they share nothing."""
        if self.share == "off":
            return 0
        workers = self.size if self.backend in PROCESS_BACKENDS else 1
        return int((_free_bytes() / 4 if self.share_memory is None else self.share_memory * 2**20) / workers)

    def fitted(self, targets: Iterable[str], *, points: int) -> Settings:
        """Return settings that run this code: what is defined in a notebook or script stays in this process.

        Raises ConfigError where that was asked to run in another one.
        """
        own = next((target for target in targets if target.startswith("__main__.")), None)
        if own is None or self.backend not in PROCESS_BACKENDS:
            return self
        limit = self.timeout_per_point
        asked = f"n_jobs={self.n_jobs}" if limit is None else f"timeout_per_point={limit:g}"
        if limit is not None or (self.n_jobs != "auto" and min(self.size, points) > 1):
            name = own.removeprefix("__main__.")
            raise ConfigError(
                f"{asked}: worker processes cannot import {own}, which only this program has. Put {name} in a module"
                f" (a file mymodule.py: mymodule.{name}){'' if limit else ', or use backend=threading'}."
            )
        return replace(self, n_jobs=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterSettings:
    """Which cluster runs the points: the section `engine`, or what `backend=dask` and `backend=ray` mean."""

    name: str  # dask or ray
    address: str | None = None  # of one that runs
    cluster: Mapping[str, Any] = field(default_factory=dict)  # what is made for the sweep otherwise
    mixed: bool = False  # whether workers may be made of something else than this process
    size: int | None = None  # workers to use at most; None: all that there are

    @classmethod
    def of(cls, config: Mapping[str, Any], settings: Settings) -> Self | None:
        """Read which cluster a config asks for, None for this machine. Raises ConfigError."""
        section = config.get("engine") or {}
        name = section.get("name", LOCAL)
        if name == LOCAL and settings.backend not in CLUSTERS:
            return None
        if name == LOCAL:
            section, name = {}, settings.backend
        elif settings.backend not in (name, "loky"):
            raise ConfigError(f"engine={name} and backend={settings.backend} contradict each other. Leave out backend.")
        if settings.runs and find_spec(BACKENDS[name]) is None:
            raise ConfigError(f"engine={name} needs a package: pip install 'experiment-runner[{name}]'")
        if settings.timeout_per_point is not None:
            raise ConfigError(
                f"timeout_per_point={settings.timeout_per_point:g}: engine={name} cannot end a running point."
                f" Use engine={LOCAL}."
            )
        return cls(
            name=name,
            address=section.get("address"),
            cluster=section.get("cluster") or {},
            mixed=bool(section.get("mixed")),
            size=None if settings.n_jobs == "auto" else settings.size,
        )


@cache
def _count_cores() -> int:
    import joblib

    return int(joblib.cpu_count())


def _free_bytes() -> int:
    """Return the memory that is free; where the system does not say that, a quarter of all."""
    with suppress(OSError):
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 4


def _check_backend(name: str) -> None:
    package = BACKENDS.get(name)
    if package is not None and find_spec(package) is None:
        raise ConfigError(f"backend={name}: it needs the package {package}. Install it, or use backend=loky.")
    if package is None and not _is_registered(name):
        there = f"{suggest(name, BACKENDS)} There are: {', '.join(BACKENDS)}."
        raise ConfigError(f"backend={name}: there is no such backend.{there}")


def _is_registered(name: str) -> bool:
    """Tell whether `joblib.register_parallel_backend` was called for it; then joblib is imported."""
    return "joblib" in sys.modules and name in sys.modules["joblib"].parallel.BACKENDS
