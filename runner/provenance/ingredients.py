"""What has to be the same in two processes for their results to be the same to the last bit, and what is not."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

from runner.errors import ModelError
from runner.provenance.capture import capture_provenance
from runner.provenance.code import PROGRAM, code_identity, matters

MISSING = "missing"


def find_ingredients(targets: Iterable[str], *, threads: int) -> dict[str, str]:
    """Return what results of this process are made of: interpreter, BLAS, threads, packages that matter, code.

    `targets` are the dotted names of the code that runs; what cannot be found here is "missing". `threads` is how
    many BLAS has now, where it is asked.
    """
    provenance = capture_provenance(exclude=())
    found = {"python": provenance.python, "BLAS": provenance.blas, "BLAS threads": str(threads)}
    found |= matters(provenance.packages)
    for target in sorted(targets):
        try:
            found |= code_identity(target)
        except ModelError:
            found[target.partition(".")[0]] = MISSING
    found["experiment-runner"] = _program()
    return found


def differences(here: Mapping[str, str], there: Mapping[str, str]) -> list[str]:
    """Return what differs, as `numpy 2.1.0 here and 2.0.2 there`, sorted by name."""
    return [
        f"{name} {here.get(name, MISSING)} here and {there.get(name, MISSING)} there"
        for name in sorted(here.keys() | there.keys())
        if here.get(name) != there.get(name)
    ]


@cache
def _program() -> str:
    """Return a hash of this program's own code: two states of it may have one version."""
    package = Path(__file__).parents[1]
    digest = hashlib.sha256()
    for name in sorted(PROGRAM):
        for path in sorted((package.parent / name).rglob("*.py")):
            digest.update(path.relative_to(package.parent).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()[:16]
