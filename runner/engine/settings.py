"""How a sweep is run: jobs, backend, limits. Nothing here changes a result."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.util import find_spec
from typing import Any, Self

from runner.engine.process_pool import PROCESS_BACKENDS
from runner.errors import ConfigError
from runner.suggest import suggest

BACKENDS = {  # joblib's names -> the package that has to be installed
    "loky": "joblib",
    "threading": "joblib",
    "multiprocessing": "joblib",
    "sequential": "joblib",
    "dask": "distributed",
    "ray": "ray",
}


@dataclass(frozen=True, slots=True)
class Settings:
    """How a sweep is run; changes no result."""

    n_jobs: int | None = None  # None: auto
    backend: str = "loky"
    timeout: float | None = None  # seconds a point may take
    fail_fast: bool = False
    retries: int = 0
    threads: int = 1

    def __post_init__(self) -> None:
        """Refuse a backend that is not there, and a limit that it cannot keep."""
        _check_backend(self.backend)
        if self.timeout is not None and self.backend not in PROCESS_BACKENDS:
            raise ConfigError(
                f"timeout_per_point={self.timeout:g}: backend={self.backend} cannot end a running point."
                f" Use backend={' or backend='.join(PROCESS_BACKENDS)}."
            )

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> Self:
        """Read how a sweep is run from the config of its first point. Raises ConfigError."""
        n_jobs = config["n_jobs"]
        return cls(
            None if n_jobs == "auto" else int(n_jobs),
            config["backend"],
            config["timeout_per_point"],
            config["fail_fast"],
            config["retries"],
            config["threads_per_run"],
        )

    @property
    def size(self) -> int:
        """How many points side by side at most."""
        cores = _count_cores()
        if self.n_jobs is None:
            return cores
        return self.n_jobs if self.n_jobs > 0 else max(1, cores + 1 + self.n_jobs)

    def fitted(self, targets: Iterable[str], *, points: int) -> Settings:
        """Return settings that run this code: what is defined in a notebook or script stays in this process.

        Raises ConfigError where that was asked to run in another one.
        """
        own = next((target for target in targets if target.startswith("__main__.")), None)
        if own is None or self.backend not in PROCESS_BACKENDS:
            return self
        asked = f"timeout_per_point={self.timeout:g}" if self.timeout is not None else f"n_jobs={self.n_jobs}"
        if self.timeout is not None or (self.n_jobs is not None and min(self.size, points) > 1):
            name = own.removeprefix("__main__.")
            raise ConfigError(
                f"{asked}: worker processes cannot import {own}, which only this program has. Put {name} in a module"
                f" (a file mymodule.py: mymodule.{name}){'' if self.timeout else ', or use backend=threading'}."
            )
        return replace(self, n_jobs=1)


@cache
def _count_cores() -> int:
    import joblib

    return int(joblib.cpu_count())


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
