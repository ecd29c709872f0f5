"""What differs between the makings of two runs, first suspect first. Pure: tags in, sentences out."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from tracking.records.names import (
    BLAS,
    CPU,
    FINGERPRINT_CONFIG,
    FINGERPRINT_DATA,
    FINGERPRINT_SPLITS,
    GIT_COMMIT,
    GIT_PATCH,
    IDENTITY,
    PLATFORM,
    PYTHON,
    THREADS,
)

MANY = 4  # so many packages are named in a sentence, the rest is counted


@dataclass(frozen=True)
class Recorded:
    """What a run says about its making: its tags and the text of its `environment.txt`."""

    tags: Mapping[str, str]
    environment: str = ""

    @cached_property
    def packages(self) -> dict[str, str]:
        """{name: version} of the environment's lines."""
        pairs = (line.split("==", 1) for line in self.environment.splitlines() if "==" in line)
        return {name.strip(): version.strip() for name, version in pairs if not name.startswith("#")}

    @cached_property
    def identity(self) -> dict[str, dict[str, str]]:
        """The `code` and `environment` parts of the run's identity; {} for what it does not say."""
        try:
            identity = json.loads(self.tags.get(IDENTITY, "{}"))
        except ValueError:
            return {}
        parts = identity.items() if isinstance(identity, dict) else ()
        return {key: value for key, value in parts if key in ("code", "environment") and isinstance(value, dict)}

    @cached_property
    def modules(self) -> dict[str, str]:
        """{module: content hash} of the user's own code; installed code is told by `packages`."""
        installed = {"python", *self.packages, *self.identity.get("environment", {})}
        return {name: text for name, text in self.identity.get("code", {}).items() if name not in installed}

    def get(self, key: str) -> str:
        """Return a tag, or the environment's header line of that name, or ""."""
        start = f"# {key}: "
        lines = (line for line in self.environment.splitlines() if line.startswith(start))
        return self.tags.get(key) or next(lines, start).removeprefix(start)


@dataclass(frozen=True, slots=True)
class Difference:
    """One ingredient that is not the same."""

    ingredient: str
    """config, data, code, packages that matter, other packages, python, platform, blas, threads or cpu."""
    then: str
    now: str
    sentence: str


def first_difference(recorded: Recorded, current: Recorded) -> list[Difference]:
    """Return the ingredients that differ, the one to suspect first in front; [] when all are the same.

    What only one side knows, such as a tag that an older run lacks, is a difference only for git.
    """
    steps: tuple[Callable[[Recorded, Recorded], Iterator[Difference]], ...] = (
        _compare_config_and_data,
        _compare_modules,
        _compare_git,
        _compare_packages,
        _compare_machine,
    )
    return [difference for step in steps for difference in step(recorded, current)]


def _compare_config_and_data(then: Recorded, now: Recorded) -> Iterator[Difference]:
    for ingredient, key, said in (
        ("config", FINGERPRINT_CONFIG, "The configuration is another one: {}"),
        ("data", FINGERPRINT_DATA, "The data has other content: {}"),
        ("splits", FINGERPRINT_SPLITS, "The folds are other ones: {}"),
    ):
        yield from _compare(ingredient, then.tags.get(key, ""), now.tags.get(key, ""), said)


def _compare_modules(then: Recorded, now: Recorded) -> Iterator[Difference]:
    if not (then.identity.get("code") and now.identity.get("code")):
        return
    before, after = then.modules, now.modules
    if before != after:
        changed = _describe(before, after, versions=False)
        yield Difference(
            "code", _join(before, after), _join(after, before), f"The estimator's code differs: {changed}."
        )


def _compare_git(then: Recorded, now: Recorded) -> Iterator[Difference]:
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


def _compare_packages(then: Recorded, now: Recorded) -> Iterator[Difference]:
    before, after = then.packages, now.packages
    mattering = {"scikit-learn", "numpy", "scipy"}
    for side in (then, now):
        mattering |= set(side.identity.get("environment", {}))
    if not before or not after:
        before, after = (side.packages or side.identity.get("environment", {}) for side in (then, now))
        before, after = ({k: v for k, v in side.items() if k in mattering} for side in (before, after))
    if not before or not after:
        return
    for ingredient, chosen in (("packages that matter", True), ("other packages", False)):
        old, new = ({k: v for k, v in side.items() if (k in mattering) == chosen} for side in (before, after))
        if old != new:
            changed = _describe(old, new)
            yield Difference(ingredient, _join(old, new), _join(new, old), f"{ingredient.capitalize()}: {changed}.")


def _compare_machine(then: Recorded, now: Recorded) -> Iterator[Difference]:
    for key, said in (
        (PYTHON, "Python: {}"),
        (PLATFORM, "The platform: {}"),
        (BLAS, "BLAS: {}"),
        (THREADS, "Threads of BLAS and OpenMP: {}"),
        (CPU, "The CPU: {}"),
    ):
        yield from _compare(key, then.get(key), now.get(key), said)


def _compare(ingredient: str, then: str, now: str, said: str) -> Iterator[Difference]:
    if then and now and then != now:
        yield Difference(ingredient, then, now, said.format(f"{then} -> {now}."))


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
    more = len(said) - MANY
    return ", ".join(said[:MANY]) + (f" and {more} more" if more > 0 else "")
