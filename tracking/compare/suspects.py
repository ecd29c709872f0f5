"""What differs in how two runs were made, the first suspect in front, in sentences. Pure.

The one answer to that question: why a point is stale (`dry_run`, `resume`), and what `reproduce` suspects.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from tracking.compare.making import Making, are_comparable, mattering, varying_defaults
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
    GIT_PATCH,
    PLATFORM,
    PYTHON,
    THREADS,
    is_bookkeeping,
)
from tracking.records.values import ABSENT, find_varying

MANY: Final = 4  # so many keys or packages are named in a sentence, the rest is counted
SUSPECTS: Final = (
    *("config", "computed", "data", "splits", "code"),
    *("packages that matter", "defaults", "python", "blas", "threads", "cpu"),
    *("platform", "other packages"),
)
THREADS_KEY: Final = "threads_per_run"  # version 0.1.0 took it into the identity; the tag `threads` tells it


@dataclass(frozen=True, slots=True)
class Difference:
    """One ingredient that is not the same."""

    ingredient: str  # one of SUSPECTS
    then: str
    now: str
    sentence: str
    short: str = ""  # for a table's cell


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
    return (
        *_compare_config(then, now),
        *_compare_computed(then, now),
        *_compare_data(then, now),
        *code,
        *packages,
    )


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


# Config and data -----------------------------------------------------------------------------------
def _compare_config(then: Making, now: Making) -> Iterator[Difference]:
    """Compare what the configs give; the effective parameters beside it are `varying_defaults`."""
    if then.params and now.params:
        given = {key for side in (then, now) for key in side.params}
        whole = bool(then.part("config") and now.part("config"))
        sides = [side.part("config") if whole else side.params for side in (then, now)]
        rows = find_varying([{key: side[key] for key in given if key in side} for side in sides])
        order = [key for key in {**sides[0], **sides[1]} if key in rows]
        changed = {key: rows[key] for key in order if not _is_told_elsewhere(key, then, now)}
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


def _is_told_elsewhere(key: str, then: Making, now: Making) -> bool:
    """Tell whether a key of the config is no difference: bookkeeping, the data's, or one class under two names."""
    if is_bookkeeping(key) or key.startswith("data.") or key == THREADS_KEY:
        return True
    return key.endswith("_target_") and then.params.get(key) == now.params.get(key)


def _compare_computed(then: Making, now: Making) -> Iterator[Difference]:
    if then.identity and now.identity and then.computed != now.computed:
        sides = then.computed, now.computed
        said = f"computed: {sides[0]} -> {sides[1]}"
        yield Difference("computed", *sides, f"{said}. Along a path fits are those of alone to a tolerance only.", said)


def _compare_data(then: Making, now: Making) -> Iterator[Difference]:
    before, after = then.data, now.data
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
    names = mattering([then, now])
    whole = bool(then.packages and now.packages)
    before, after = (
        {name: str(text) for name, text in side.versions.items() if (name in names) == matter} for side in (then, now)
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
