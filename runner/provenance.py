"""What a result was made with: git state, packages, Python, BLAS, CPU and host. Captured once per process.

What provenance is made of, and what becomes of it
--------------------------------------------------
Recorded with every run, as tags, `environment.txt` and `uncommitted.patch`:

=============  =========================================================================================
git            commit, branch, origin (without passwords), and everything not committed: changes to
               tracked files, binary ones too, and untracked files that `.gitignore` does not ignore, up
               to 1 MiB each and 10 MiB together. Larger ones, and files that look like secrets, are
               named in the patch's header. The tree is that of the working directory: the user's code
packages       every installed distribution with its version, from the metadata on `sys.path`
Python         the version; the platform; the host's name
arithmetic     the CPU's model; the BLAS that numpy computes with, its version, the kernel it chose for
               this CPU and its threading; the threads it was limited to
=============  =========================================================================================

Part of identity (the fingerprint, by which `resume` decides that a point is done) is only what decides
the result and what a person would call a different experiment:

* `code`: content hashes of the estimator's module and of the user's own modules that it imports, or
  the version of its distribution when it is installed code (`code_identity`);
* `environment`: the versions of scikit-learn, numpy, scipy and the estimator's own package (`matters`).

Left out of identity, though recorded: the commit and the patch (a commit that touches a README repeats
no sweep), other packages, Python, BLAS, its threads, the CPU and the host. They may move the last bits
of a score; `python -m runner.reproduce` compares bits and names the one that differs
(`first_difference`). Neither recorded nor hashed: files that git ignores, what compiled libraries outside
Python's packages contain, modules that code imports by a computed name, environment variables.

The config's and the data's part of the fingerprint is described in `runner/spec.py`.
"""

from __future__ import annotations

import hashlib
import os
import platform
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from pathlib import Path

from runner.code_identity import code_identity, matters
from runner.code_identity import forget as _forget_code
from runner.git_state import GitState, read_git_state
from runner.ingredients import Difference, Recorded, first_difference
from runner.packages import forget as _forget_packages
from runner.packages import list_packages
from runner.restore import restore, unrecorded

__all__ = [
    "Difference",
    "GitState",
    "Provenance",
    "Recorded",
    "capture_provenance",
    "code_identity",
    "first_difference",
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
            "python": self.python,
            "platform": self.platform,
            "cpu": self.cpu,
            "blas": self.blas,
            "threads": "" if threads is None else str(threads),
            "host": self.host,
        }
        lines = [f"# {key}: {value}" for key, value in header.items() if value]
        lines += [f"{name}=={version}" for name, version in self.packages.items()]
        return "\n".join(lines) + "\n"

    def tags(self, *, threads: int | None = None) -> dict[str, str]:
        """Return the tags of a run made with this; those of git are absent outside a repository."""
        tags = {"python": self.python, "platform": self.platform, "cpu": self.cpu, "blas": self.blas}
        if threads is not None:
            tags["threads"] = str(threads)
        return tags | self._git_tags

    @cached_property
    def _git_tags(self) -> dict[str, str]:
        if self.git is None:
            return {}
        tags = {
            "mlflow.source.git.commit": self.git.commit,
            "mlflow.source.git.branch": self.git.branch,
            "mlflow.source.git.repoURL": self.git.url,
            "git.dirty": "true" if self.git.dirty else "false",
            "git.patch": hashlib.sha256(self.git.patch).hexdigest() if self.git.dirty else None,
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
