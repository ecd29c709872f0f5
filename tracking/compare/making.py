"""What differs in how runs were made, the first suspect in front. Pure.

The one answer to that question: why a point is stale (`dry_run`, `resume`), what `reproduce` suspects, and what
`diff` says of code, environment and defaults.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from tracking.records.names import (
    BLAS,
    CPU,
    DATA_DTYPES,
    DATA_FEATURES,
    DATA_SHAPE,
    DATA_TARGET,
    FINGERPRINT_CODE,
    FINGERPRINT_CONFIG,
    FINGERPRINT_DATA,
    FINGERPRINT_SPLITS,
    GIT_COMMIT,
    GIT_DIRTY,
    GIT_PATCH,
    PLATFORM,
    PYTHON,
    THREADS,
    is_bookkeeping,
)
from tracking.records.reading import RunRecord
from tracking.records.values import ABSENT, find_varying, leaves

MANY: Final = 4  # so many keys or packages are named in a sentence, the rest is counted
SUSPECTS: Final = (
    *("config", "data", "splits", "code", "packages that matter", "defaults", "python", "blas", "threads", "cpu"),
    *("platform", "other packages"),
)
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
    def versions(self) -> Mapping[str, str]:
        """The versions that are known: of everything, or else of what the identity names."""
        return self.packages or self.part("environment")

    @property
    def modules(self) -> dict[str, str]:
        """{module: content hash} of the user's own code; installed code is told by its version."""
        installed = {"python", *self.packages, *self.part("environment")}
        own = {name: str(text) for name, text in self.part("code").items() if name not in installed}
        return {name: text for name, text in own.items() if name.partition(".")[0] not in _PROGRAM}


@dataclass(frozen=True, slots=True)
class Difference:
    """One ingredient that is not the same."""

    ingredient: str  # one of SUSPECTS
    then: str
    now: str
    sentence: str
    short: str = ""  # for a table's cell


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


def find_differences(then: Making, now: Making) -> tuple[Difference, ...]:
    """Return the ingredients that differ, the first to suspect in front.

    What only one side knows is no difference, but for git; `find_unknown` names it.
    """
    found = [*find_identity_differences(then, now), *_compare_splits(then, now), *_compare_machine(then, now)]
    found.sort(key=lambda difference: SUSPECTS.index(difference.ingredient))
    git = list(_compare_git(then, now))
    if then.part("code") and now.part("code"):  # a commit that changed no module of the estimator is a late suspect
        return (*found, *git)
    place = sum(SUSPECTS.index(difference.ingredient) <= SUSPECTS.index("code") for difference in found)
    return (*found[:place], *git, *found[place:])


def find_identity_differences(then: Making, now: Making) -> tuple[Difference, ...]:
    """Return what differs of that by which two points count as the same, the first to suspect in front.

    A default that is another one is told with what changed it: the packages, or the user's own code.
    """
    code, packages = list(_compare_modules(then, now)), list(_compare_packages(then, now, matter=True))
    changed = _changes(varying_defaults([then, now]))
    if changed:
        said = f"with other defaults: {_some(changed)}"
        blamed = code if code and (_is_own(changed, now) or not packages) else packages
        if blamed:
            sentence = f"{blamed[0].sentence.removesuffix('.')}, {said}."
            blamed[0] = replace(blamed[0], sentence=sentence)
        else:
            sentence = f"Parameters that no config gives are other ones: {_some(changed)}."
            packages.append(Difference("defaults", *_sides(changed), sentence, f"defaults changed: {_keys(changed)}"))
    return (*_compare_config(then, now), *_compare_data(then, now), *code, *packages)


def find_unknown(then: Making, now: Making) -> tuple[str, ...]:
    """Name the ingredients that cannot be compared, because a side did not record them or in another way."""
    compared = {
        "config": _same_tag(FINGERPRINT_CONFIG, then, now) or _both(then.part("config"), now.part("config")),
        "data": _same_tag(FINGERPRINT_DATA, then, now) or any(_compare_data(then, now)),
        "code": _same_tag(FINGERPRINT_CODE, then, now) or _both(then.part("code"), now.part("code")),
        "packages": _both(then.packages, now.packages),
    }
    for name, key in (("Python", PYTHON), ("BLAS", BLAS), ("threads", THREADS), ("CPU", CPU)):
        compared[name] = _both(then.host.get(key), now.host.get(key))
    return tuple(name for name, is_compared in compared.items() if not is_compared)


def _both(then: object, now: object) -> bool:
    return bool(then) and bool(now)


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
    mattering = _MATTER.union(*(making.part("environment") for making in makings))
    versions = [{name: making.versions[name] for name in mattering & making.versions.keys()} for making in makings]
    return varying_defaults(makings) if find_varying(versions) else {}


# Config and data -----------------------------------------------------------------------------------
def _compare_config(then: Making, now: Making) -> Iterator[Difference]:
    """Compare what the configs give; the effective parameters beside it are `varying_defaults`."""
    if then.params and now.params:
        given = {key for side in (then, now) for key in side.params}
        whole = bool(then.part("config") and now.part("config"))
        sides = [side.part("config") if whole else side.params for side in (then, now)]
        rows = find_varying([{key: side[key] for key in given if key in side} for side in sides])
        order = [key for key in {**sides[0], **sides[1]} if key in rows]
        changed = {key: rows[key] for key in order if not is_bookkeeping(key) and not key.startswith("data.")}
    else:
        changed = find_varying([then.part("config"), now.part("config")])
    if changed:
        texts = _changes(changed)
        yield Difference(
            "config",
            *_sides(texts),
            f"The configuration is another one: {_some(texts)}.",
            f"config changed: {_keys(texts)}",
        )


def _compare_data(then: Making, now: Making) -> Iterator[Difference]:
    before, after = fingerprint_of_data(then), fingerprint_of_data(now)
    if not (before and after) or before == after:
        return
    comparable = are_comparable([then, now])
    said = _say_shape(then.tags, now.tags, types=comparable)
    if not (said or comparable):
        return
    shape = then.tags.get(DATA_SHAPE, "")
    said = said or (f"values changed, the shape is still {shape}" if shape else "values changed")
    sentence = f"The data has other content: {said} ({before[:11]} -> {after[:11]})."
    yield Difference("data", before, after, sentence, "data changed")


def are_comparable(makings: Sequence[Making]) -> bool:
    """Tell whether fingerprints of data that differ mean that the data does.

    Those of another version say nothing. Version 1 hashed what numpy and pandas make of the data: a date column
    had another one with another version of numpy.
    """
    kinds = {fingerprint_of_data(making).partition(":")[0] for making in makings} - {""}
    return len(kinds) <= 1 and (kinds != {"v1"} or read_alike(makings))


def fingerprint_of_data(making: Making) -> str:
    """Return the fingerprint of the data, '' where there is none."""
    return str(making.identity.get("data") or making.tags.get(FINGERPRINT_DATA, ""))


def read_alike(makings: Sequence[Making]) -> bool:
    """Tell whether the same versions of numpy and pandas read the data, as far as is known."""
    known = [{making.versions.get(name, "") for making in makings} - {""} for name in ("numpy", "pandas")]
    return all(len(versions) <= 1 for versions in known)


def _say_shape(then: Mapping[str, str], now: Mapping[str, str], *, types: bool) -> str:
    said = []
    for tag, what in ((DATA_SHAPE, "rows x columns"), (DATA_TARGET, "target")):
        old, new = then.get(tag), now.get(tag)
        if old and new and old != new:
            said.append(f"{what} {old} -> {new}")
    for tag, what in ((DATA_FEATURES, "its columns changed"), (DATA_DTYPES, "the types of its columns changed")):
        if (types or tag == DATA_FEATURES) and None not in (old := then.get(tag), new := now.get(tag)) and old != new:
            said.append(what)
    return ", ".join(said)


def _compare_splits(then: Making, now: Making) -> Iterator[Difference]:
    before, after = (side.tags.get(FINGERPRINT_SPLITS, "") for side in (then, now))
    if before and after and before != after:
        yield Difference("splits", before, after, f"The folds are other ones: {before} -> {after}.")


# Code ----------------------------------------------------------------------------------------------
def _compare_modules(then: Making, now: Making) -> Iterator[Difference]:
    if not (then.part("code") and now.part("code")):
        return
    before, after = then.modules, now.modules
    if before != after:
        names = [name for name in sorted(before | after) if before.get(name) != after.get(name)]
        sentence = f"The estimator's code differs: {_describe(before, after, versions=False)}."
        short = "; ".join(f"code of {name} changed" for name in names)
        yield Difference("code", _join(before, after), _join(after, before), sentence, short)


def _compare_git(then: Making, now: Making) -> Iterator[Difference]:
    before, after = (side.tags.get(GIT_COMMIT, "") for side in (then, now))
    if before != after:
        names = [f"commit {text[:12]}" if text else "no git repository" for text in (before, after)]
        yield Difference("code", before, after, f"The code is another one: {names[0]} -> {names[1]}.")
    was, is_ = (side.tags.get(GIT_PATCH, "") for side in (then, now))
    if was != is_ and before and after:
        yield Difference("code", was, is_, _say_patch(was, is_))


def _say_patch(was: str, is_: str) -> str:
    if not is_:
        return f"The run had uncommitted changes (patch {was[:12]}); now there are none."
    if not was:
        return f"The run had no uncommitted changes; now there are some (patch {is_[:12]})."
    return f"The uncommitted changes are other ones: patch {was[:12]} -> {is_[:12]}."


def _is_own(keys: Mapping[str, object], making: Making) -> bool:
    """Tell whether all parameters are of classes in the user's own code."""
    own = {name.partition(".")[0] for name in making.modules}
    targets = [str(making.part("config").get(f"{key.partition('.')[0]}._target_", "")) for key in keys]
    return all(target.partition(".")[0] in own for target in targets)


# Packages and machine ------------------------------------------------------------------------------
def _compare_packages(then: Making, now: Making, *, matter: bool) -> Iterator[Difference]:
    mattering = _MATTER.union(*(side.part("environment") for side in (then, now)))
    whole = bool(then.packages and now.packages)
    before, after = (
        {name: str(text) for name, text in side.versions.items() if (name in mattering) == matter}
        for side in (then, now)
    )
    if not whole:  # a package that only one identity names may well be there for the other
        before, after = ({k: v for k, v in side.items() if k in before and k in after} for side in (before, after))
    if before != after:
        kind = "packages that matter" if matter else "other packages"
        said = _describe(before, after)
        yield Difference(kind, _join(before, after), _join(after, before), f"{kind.capitalize()}: {said}.", said)


def _compare_machine(then: Making, now: Making) -> Iterator[Difference]:
    yield from _compare_packages(then, now, matter=False)
    for key, said in (
        (PYTHON, "Python"),
        (PLATFORM, "The platform"),
        (BLAS, "BLAS"),
        (THREADS, "Threads of BLAS and OpenMP"),
        (CPU, "The CPU"),
    ):
        before, after = then.host.get(key), now.host.get(key)
        if before and after and before != after:
            yield Difference(key, before, after, f"{said}: {before} -> {after}.")


# Words ---------------------------------------------------------------------------------------------
def _same_tag(tag: str, then: Making, now: Making) -> bool:
    return tag in then.tags and then.tags[tag] == now.tags.get(tag)


def _changes(rows: Mapping[str, tuple[Any, ...]]) -> dict[str, tuple[str, str]]:
    """Write both values of each key."""
    return {key: (_text(old), _text(new)) for key, (old, new) in rows.items()}


def _text(value: object) -> str:
    return "absent" if value is ABSENT else json.dumps(value, default=repr)


def _sides(changed: Mapping[str, tuple[str, str]]) -> tuple[str, str]:
    return (
        ", ".join(f"{key} {old}" for key, (old, _) in changed.items()),
        ", ".join(f"{key} {new}" for key, (_, new) in changed.items()),
    )


def _keys(changed: Mapping[str, object]) -> str:
    return ", ".join(changed)


def _some(changed: Mapping[str, tuple[str, str]]) -> str:
    return _shorten([f"{key} {old} -> {new}" for key, (old, new) in changed.items()])


def _join(these: Mapping[str, str], others: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {text}" for name, text in sorted(these.items()) if others.get(name) != text)


def _describe(before: Mapping[str, str], after: Mapping[str, str], *, versions: bool = True) -> str:
    """Say what was added, removed and changed: `numpy 2.1 -> 2.2, foo 1.0 removed`."""
    said = []
    for name in sorted(before.keys() | after.keys()):
        old, new = before.get(name), after.get(name)
        if old is None:
            said.append(f"{name} {new} added" if versions else f"{name} added")
        elif new is None:
            said.append(f"{name} {old} removed" if versions else f"{name} removed")
        elif old != new:
            said.append(f"{name} {old} -> {new}" if versions else f"{name} changed")
    return _shorten(said)


def _shorten(said: Sequence[str]) -> str:
    more = len(said) - MANY
    return ", ".join(said[:MANY]) + (f" and {more} more" if more > 0 else "")
