"""How a run was made, as far as it says so, and what of that is not the same in several runs. Pure.

The sentences about two runs are in `tracking.compare.suspects`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from tracking.records.names import FINGERPRINT_DATA, GIT_COMMIT, GIT_DIRTY, is_bookkeeping
from tracking.records.reading import RunRecord
from tracking.records.values import find_varying, leaves

_MATTER: Final = frozenset(("scikit-learn", "numpy", "scipy", "pandas"))
_PROGRAM: Final = ("runner", "tracking")  # of version 0.1.0, where it was installed in place, they counted as own code


@dataclass(frozen=True, slots=True, kw_only=True)
class Making:
    """What a run says about how it was made; what it does not say is empty."""

    tags: Mapping[str, str]
    params: Mapping[str, str] = field(default_factory=dict)  # what the config gives
    identity: Mapping[str, Any] = field(default_factory=dict)  # {} where it was not recorded whole
    packages: Mapping[str, str] = field(default_factory=dict)  # name -> version, everything installed
    host: Mapping[str, str] = field(default_factory=dict)

    def part(self, name: str) -> Mapping[str, Any]:
        """Return the `config`, `code` or `environment` of the identity."""
        found = self.identity.get(name)
        return found if isinstance(found, Mapping) else {}

    @property
    def computed(self) -> str:
        """How the fits were computed: each for itself to the last bit, `exact`, or along a `path`, to a tolerance."""
        return str(self.identity.get("computed") or "exact")

    @property
    def versions(self) -> Mapping[str, str]:
        """The versions that are known: of everything, or else of what the identity names."""
        return self.packages or self.part("environment")

    @property
    def data(self) -> str:
        """The fingerprint of the data, '' where there is none."""
        return str(self.identity.get("data") or self.tags.get(FINGERPRINT_DATA, ""))

    @property
    def modules(self) -> dict[str, str]:
        """{module: content hash} of the user's own code; installed code is told by its version."""
        installed = {"python", *self.packages, *self.part("environment")}
        own = {name: str(text) for name, text in self.part("code").items() if name not in installed}
        return {name: text for name, text in own.items() if name.partition(".")[0] not in _PROGRAM}


def making_of(record: RunRecord) -> Making:
    """Return what a recorded run says about its making."""
    tags = record.run.data.tags
    if GIT_DIRTY not in tags:  # the commit is then that of the program's folder, not of the user's code
        tags = {key: value for key, value in tags.items() if key != GIT_COMMIT}
    packages = record.environment.packages
    return Making(
        tags=tags,
        params=record.run.data.params if record.config is None else {k: str(v) for k, v in leaves(record.config)},
        identity=record.identity,
        packages={} if packages == record.identity.get("environment") else packages,  # those stand in for a lost file
        host=record.environment.host,
    )


def mattering(makings: Sequence[Making]) -> frozenset[str]:
    """Return the names of the packages that matter to a result: the libraries, and what the identities name."""
    return _MATTER.union(*(making.part("environment") for making in makings))


def varying_defaults(makings: Sequence[Making]) -> dict[str, tuple[Any, ...]]:
    """Return the effective parameters that no config gives and that are not the same in all, with their values.

    Another class has other defaults: those below a section whose `_target_` differs are left out.
    """
    configs = [making.part("config") for making in makings]
    if not all(configs):
        return {}
    varying = find_varying(configs)
    asked = find_varying([making.params for making in makings])
    classes = tuple(key.removesuffix("_target_") for key in {**varying, **asked} if key.endswith("_target_"))
    given = {key for making in makings for key in making.params}
    return {
        key: values
        for key, values in varying.items()
        if key not in given and not is_bookkeeping(key) and not (classes and key.startswith(classes))
    }


def changed_by_packages(makings: Sequence[Making]) -> dict[str, tuple[Any, ...]]:
    """Return the defaults that differ where packages that matter do: other versions brought them."""
    names = mattering(makings)
    versions = [{name: making.versions[name] for name in names & making.versions.keys()} for making in makings]
    return varying_defaults(makings) if find_varying(versions) else {}


def are_comparable(makings: Sequence[Making]) -> bool:
    """Tell whether fingerprints of data that differ mean that the data does.

    Those of another version say nothing. Version 1 hashed what numpy and pandas make of the data: a date column
    had another one with another version of numpy.
    """
    kinds = {making.data.partition(":")[0] for making in makings} - {""}
    return len(kinds) <= 1 and (kinds != {"v1"} or read_alike(makings))


def read_alike(makings: Sequence[Making]) -> bool:
    """Tell whether the same versions of numpy and pandas read the data, as far as is known."""
    known = [{making.versions.get(name, "") for making in makings} - {""} for name in ("numpy", "pandas")]
    return all(len(versions) <= 1 for versions in known)
