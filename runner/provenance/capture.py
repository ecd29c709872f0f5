"""Captures what a result is made with, once per process. What that is: the page in `runner.provenance`."""

from __future__ import annotations

import hashlib
import os
import platform
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from pathlib import Path

from runner.provenance.code import code_identity, find_code, matters
from runner.provenance.code import forget as _forget_code
from runner.provenance.git import GitState, read_git_state
from runner.provenance.packages import forget as _forget_packages
from runner.provenance.packages import list_packages
from runner.provenance.restore import restore, unrecorded
from tracking.records.environment import Environment, write_environment
from tracking.records.names import (
    BLAS,
    CPU,
    GIT_BRANCH,
    GIT_COMMIT,
    GIT_DIRTY,
    GIT_PATCH,
    GIT_REPO_URL,
    PLATFORM,
    PYTHON,
    THREADS,
)

__all__ = [
    "GitState",
    "Provenance",
    "capture_provenance",
    "code_identity",
    "find_code",
    "forget",
    "matters",
    "restore",
    "unrecorded",
]

STORE = Path("runs")  # where `conf/tracking/local` keeps its store, seen from the working directory


@dataclass(frozen=True)
class Provenance:
    """What the results of this process are made with. Picklable, so that workers are handed it."""

    python: str
    """The version, with the implementation's name when it is not CPython."""
    platform: str
    cpu: str
    host: str
    blas: str
    """Name, version, kernel and threading layer of numpy's BLAS; "unknown" where it does not say."""
    packages: Mapping[str, str]
    """{normalised name: version} of everything installed, sorted."""
    git: GitState | None
    """None outside a repository."""

    @property
    def patch(self) -> bytes:
        """The uncommitted changes, for `uncommitted.patch`; empty when there are none."""
        return self.git.patch if self.git else b""

    def environment_text(self, *, threads: int | None = None) -> str:
        """Return the text of `environment.txt`: commented header lines, then one `name==version` a line."""
        header = {
            PYTHON: self.python,
            PLATFORM: self.platform,
            CPU: self.cpu,
            BLAS: self.blas,
            THREADS: "" if threads is None else str(threads),
            "host": self.host,
        }
        return write_environment(Environment(header, self.packages))

    def tags(self, *, threads: int | None = None) -> dict[str, str]:
        """Return the tags of a run made with this; those of git are absent outside a repository."""
        tags = {PYTHON: self.python, PLATFORM: self.platform, CPU: self.cpu, BLAS: self.blas}
        if threads is not None:
            tags[THREADS] = str(threads)
        return tags | self._git_tags

    @cached_property
    def _git_tags(self) -> dict[str, str]:
        if self.git is None:
            return {}
        tags = {
            GIT_COMMIT: self.git.commit,
            GIT_BRANCH: self.git.branch,
            GIT_REPO_URL: self.git.url,
            GIT_DIRTY: "true" if self.git.dirty else "false",
            GIT_PATCH: hashlib.sha256(self.git.patch).hexdigest() if self.git.dirty else None,
        }
        return {key: value for key, value in tags.items() if value}


def capture_provenance(*, exclude: Sequence[Path] = (STORE,)) -> Provenance:
    """Return the provenance of this process in its working directory; the second call costs nothing.

    `exclude` names folders, such as the store, whose files are no source even where git does not ignore
    them. Imports numpy, which every run needs, to ask it for its BLAS.
    """
    return _capture(Path.cwd(), tuple(path.absolute() for path in exclude), tuple(sys.path))


def forget() -> None:
    """Look again at the next call. For sweeps from a notebook, where files change while a process lives."""
    _capture.cache_clear()
    _forget_code()
    _forget_packages()


@lru_cache(maxsize=8)
def _capture(directory: Path, exclude: tuple[Path, ...], path: tuple[str, ...]) -> Provenance:
    name = platform.python_implementation()
    return Provenance(
        python=platform.python_version() + ("" if name == "CPython" else f" {name}"),
        platform=platform.platform(),
        cpu=_read_cpu(),
        host=platform.node(),
        blas=_read_blas(),
        packages=list_packages(),
        git=read_git_state(directory, exclude=exclude),
    )


@cache
def _read_cpu() -> str:
    """Return the CPU's model as the system names it, without starting a process."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as lines:
            names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
            if name := next(names, ""):
                return name
    except OSError:  # not Linux
        pass
    return os.environ.get("PROCESSOR_IDENTIFIER") or platform.machine()


@cache
def _read_blas() -> str:
    import numpy as np
    from threadpoolctl import threadpool_info

    found = [library for library in threadpool_info() if library["user_api"] == "blas"]
    # scipy ships a BLAS too, loaded or not as the case may be: only numpy's makes a steady answer.
    home = str(Path(np.__file__).parent)
    ours = [library for library in found if str(library["filepath"]).startswith(home)] or found
    keys = ("internal_api", "version", "architecture", "threading_layer")
    texts = {" ".join(str(library[key]) for key in keys if library.get(key)) for library in ours}
    return ", ".join(sorted(texts)) or "unknown"
