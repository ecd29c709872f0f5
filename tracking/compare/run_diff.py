"""N-way comparison of recorded runs: config, metrics, data, code, environment, outcome. Pure.

The core is `values.find_varying`: of all values, what is not shared by all. Every section is that
core over another flat view of the runs. Configs and requests are in `config.py`, metrics in
`metrics.py`.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from tracking.compare.config import ConfigDiff, compare_configs
from tracking.compare.making import Making, are_comparable, changed_by_packages, making_of, mattering, read_alike
from tracking.compare.metrics import MetricsDiff, compare_metrics
from tracking.entities import Run
from tracking.records.names import (
    BLAS,
    DATA_DTYPES,
    DATA_FEATURES,
    DATA_NAME,
    DATA_SHAPE,
    DATA_TARGET,
    ERROR,
    FINGERPRINT_CODE,
    FINGERPRINT_SPLITS,
    GIT_COMMIT,
    GIT_DIRTY,
    GIT_PATCH,
    PATH_TOLERANCE,
    PYTHON,
    THREADS,
    WARNINGS,
)
from tracking.records.reading import RunRecord
from tracking.records.request import read_json
from tracking.records.values import Change, find_varying

SECTIONS: Final = ("config", "metrics", "data", "code", "env")


@dataclass(frozen=True, slots=True)
class Section:
    """One kind of thing that can differ: its changes, and what to say where there are none.

    `unknown` is why nobody can tell whether it is the same although nothing that was recorded differs;
    '' where everything was recorded.
    """

    changes: tuple[Change, ...]
    summary: str
    notes: tuple[str, ...] = ()
    unknown: str = ""
    minor: frozenset[str] = field(default=frozenset(), kw_only=True)  # keys that matter less, and come last

    @property
    def same(self) -> bool:
        """Tell whether nothing that was recorded differs."""
        return not self.changes


@dataclass(frozen=True, slots=True)
class CodeDiff(Section):
    """How the code differs; `patch` turns the first run's uncommitted state into the second's.

    '' where the runs have different commits, or there are more than two of them.
    """

    patch: str = ""


@dataclass(frozen=True, slots=True)
class RunDiff:
    """Everything that was compared. `durations` are seconds, None for a run without an end.

    `store` is the URI that commands have to name, '' where they find the store without.
    """

    runs: tuple[Run, ...]
    experiments: tuple[str, ...]
    config: ConfigDiff
    metrics: MetricsDiff
    data: Section
    code: CodeDiff
    env: Section
    outcome: Section
    durations: tuple[float | None, ...]
    notes: tuple[str, ...] = ()
    store: str = ""

    def is_same(self, only: Iterable[str] = ()) -> bool:
        """Tell whether the runs agree in the given sections, by default in all and in how they ended.

        Times never count: they differ from run to run.
        """
        chosen = tuple(only) or (*SECTIONS, "outcome")
        return all(getattr(self, name).same for name in chosen)


def compare_runs(records: Sequence[RunRecord], *, ignore: Iterable[str] = (), store: str = "") -> RunDiff:
    """Compare two or more runs; `ignore` are patterns of config keys that do not matter.

    `store` is the URI that commands have to name, '' where they find the store without.
    """
    makings = [making_of(record) for record in records]
    return RunDiff(
        runs=tuple(record.run for record in records),
        experiments=tuple(record.experiment for record in records),
        config=compare_configs(records, ignore=tuple(ignore), store=store),
        metrics=compare_metrics(records),
        data=_compare_data(records, makings),
        code=_compare_code(records, makings),
        env=_compare_environments(records, makings),
        outcome=_compare_outcomes(records),
        durations=tuple(_duration(record.run) for record in records),
        store=store,
        notes=(
            *(f"{record.run.info.run_name}: {problem}" for record in records for problem in record.problems),
            *_say_computed([record.run for record in records], makings),
        ),
    )


def _say_computed(runs: Sequence[Run], makings: Sequence[Making]) -> Iterator[str]:
    """Say which runs were computed along a path, and whether the means of the scores agree within its tolerance."""
    tolerances = [float(run.data.tags.get(PATH_TOLERANCE, 0)) for run in runs]
    if not any(tolerances) or len({making.computed for making in makings}) == 1:
        return
    tolerance = max(tolerances)
    means = [{name: x for name, x in run.data.metrics.items() if name.endswith("_mean")} for run in runs]
    off = [name for name, values in find_varying(means).items() if not _are_near(values, tolerance)]
    verdict = f"these differ by more: {', '.join(off)}" if off else "all mean scores agree within that"
    ways = ", ".join(f"{run.info.run_name} {making.computed}" for run, making in zip(runs, makings, strict=True))
    yield f"computed: {ways}. A path is exact to a tolerance, {tolerance:.2g}, not to the bit: {verdict}."


def _are_near(values: Sequence[object], tolerance: float) -> bool:
    numbers = [value for value in values if isinstance(value, float)]
    if len(numbers) < len(values):
        return False
    gap = max(numbers) - min(numbers)
    return gap <= tolerance * max(1.0, *map(abs, numbers))


def _changes(views: Iterable[Mapping[str, Any]]) -> tuple[Change, ...]:
    return tuple(Change(*item) for item in find_varying(list(views)).items())


def _tags(record: RunRecord, names: Mapping[str, str]) -> dict[str, Any]:
    tags = record.run.data.tags
    return {shown: tags[tag] for shown, tag in names.items() if tag in tags}


# Data ------------------------------------------------------------------------------------------
_DATA_TAGS = {"name": DATA_NAME, "shape": DATA_SHAPE, "target": DATA_TARGET, "splits": FINGERPRINT_SPLITS}


def _compare_data(records: Sequence[RunRecord], makings: Sequence[Making]) -> Section:
    first = _tags(records[0], _DATA_TAGS)
    known = [*(first[key] for key in ("name", "shape") if key in first), *filter(None, [makings[0].data])]
    notes = []
    lacking = [record for record, making in zip(records, makings, strict=True) if not making.data]
    unknown = f"no fingerprint of the data was recorded by {_named(lacking, records)}" if lacking else ""
    comparable = are_comparable(makings)
    if not (comparable or lacking) and len({making.data for making in makings}) > 1:
        unknown = "its values were fingerprinted in different ways, or with different versions of numpy and pandas"
    types = read_alike(makings)  # another version of pandas reads the same text as a column of another type
    contents = [{"content": making.data} if comparable and making.data else {} for making in makings]
    changes = _changes(
        _tags(record, _DATA_TAGS) | content | _columns(record, typed=types)
        for record, content in zip(records, contents, strict=True)
    )
    names = [list(_columns(record)) for record in records]
    if any(sorted(own) == sorted(names[0]) and own != names[0] for own in names):
        notes.append("The columns are in another order.")
    return Section(changes, ", ".join(known) or "nothing recorded", tuple(notes), unknown)


def _named(chosen: Sequence[RunRecord], records: Sequence[RunRecord]) -> str:
    if len(chosen) == len(records):
        return "any run"
    return ", ".join(record.run.info.run_name for record in chosen)


def _columns(record: RunRecord, *, typed: bool = True) -> dict[str, str]:
    """Return the columns of the data, with their types if asked for, as far as recorded."""
    names = read_json(record.run.data.tags.get(DATA_FEATURES))
    types = read_json(record.run.data.tags.get(DATA_DTYPES))
    types = types if isinstance(types, dict) else {}
    if not isinstance(names, list):
        names = list(types)
    return {f"column {name}": str(types.get(str(name), "present")) if typed else "present" for name in names}


# Code ------------------------------------------------------------------------------------------
_CODE_TAGS = {"commit": GIT_COMMIT, "dirty": GIT_DIRTY, "uncommitted": GIT_PATCH}


def _compare_code(records: Sequence[RunRecord], makings: Sequence[Making]) -> CodeDiff:
    commits = [record.run.data.tags.get(GIT_COMMIT) for record in records]
    known = [commit for commit in dict.fromkeys(commits) if commit]
    notes: list[str] = []
    patch = ""
    if len(known) > 1:
        notes.append(f"What was committed between: git diff {' '.join(commit[:12] for commit in known[:2])}")
    elif len(records) == 2 and None not in commits:
        patch = diff_patches(records[0].patch, records[1].patch)
    ran = [making.part("code") or _code_fingerprint(making) for making in makings]
    lacking = [r for r, code, commit in zip(records, ran, commits, strict=True) if not (code or commit)]
    unknown = f"neither a git commit nor the code itself was recorded by {_named(lacking, records)}" if lacking else ""
    changes = _changes(_code(record, making) for record, making in zip(records, makings, strict=True))
    return CodeDiff(changes, _code_summary(records[0].run.data.tags, ran[0]), tuple(notes), unknown, patch)


def _code(record: RunRecord, making: Making) -> dict[str, Any]:
    """Return commit and own modules; of an installed package the section about the environment tells."""
    own = making.modules if making.part("code") else _code_fingerprint(making)
    return _tags(record, _CODE_TAGS) | {f"module {name}": text for name, text in own.items()}


def _code_fingerprint(making: Making) -> dict[str, str]:
    text = making.tags.get(FINGERPRINT_CODE)
    return {"fingerprint": text} if text else {}


def _code_summary(tags: Mapping[str, str], ran: Mapping[str, Any]) -> str:
    modules = ", ".join(f"{name} {str(text)[:19]}" for name, text in ran.items())
    commit = tags.get(GIT_COMMIT)
    if commit is None:
        return f"{modules} (no git commit recorded)" if modules else "no git commit recorded"
    states = {"true": ", the same uncommitted changes", "false": ", clean"}
    state = states.get(tags.get(GIT_DIRTY, ""), "" if modules else "; uncommitted changes not recorded")
    return f"commit {commit[:12]}{state}"


def diff_patches(first: str, second: str) -> str:
    """Return what leads from one uncommitted state to another on the same commit, as text to read.

    Where only the second has changes this is its patch; otherwise a unified diff of the two patches.
    """
    if first == second:
        return ""
    if not first:
        return second
    lines = difflib.unified_diff(
        first.splitlines(),
        second.splitlines(),
        "first/uncommitted.patch",
        "second/uncommitted.patch",
        lineterm="",
    )
    return "\n".join(lines)


# Environment and outcome -----------------------------------------------------------------------
def _compare_environments(records: Sequence[RunRecord], makings: Sequence[Making]) -> Section:
    """Compare machines and packages, with the defaults that other packages brought."""
    first = makings[0]
    known = [f"{key} {first.host[key]}" for key in (PYTHON, BLAS, THREADS) if key in first.host]
    if first.versions:
        known.append(f"{len(first.versions)} packages")
    lacking = [record for record, making in zip(records, makings, strict=True) if not making.versions]
    unknown = f"no packages were recorded by {_named(lacking, records)}" if lacking else ""
    defaults = changed_by_packages(makings)
    changes = [*_changes(map(_environment, makings)), *(Change(f"default {key}", row) for key, row in defaults.items())]
    matter = {f"package {name}" for name in mattering(makings)}
    minor = frozenset(c.key for c in changes if c.key.startswith("package ") and c.key not in matter)
    changes.sort(key=lambda change: change.key in minor)
    return Section(tuple(changes), ", ".join(known) or "nothing recorded", (), unknown, minor=minor)


def _environment(making: Making) -> dict[str, str]:
    """Return host facts, then packages. The name of the host is no ingredient of a result."""
    host = {key: value for key, value in making.host.items() if key != "host"}
    return host | {f"package {name}": str(version) for name, version in making.versions.items()}


def _compare_outcomes(records: Sequence[RunRecord]) -> Section:
    warnings = _warnings(records[0])
    ended = records[0].run.info.status
    summary = f"{ended}, {len(warnings) or 'no'} warning{'' if len(warnings) == 1 else 's'}"
    return Section(_changes(map(_outcome, records)), summary)


def _warnings(record: RunRecord) -> list[str]:
    return [line for line in record.run.data.tags.get(WARNINGS, "").splitlines() if line.strip()]


def _outcome(record: RunRecord) -> dict[str, str]:
    ended = {"status": record.run.info.status} | _tags(record, {"error": ERROR})
    return ended | {f"warning: {line.strip()}": "raised" for line in _warnings(record)}


def _duration(run: Run) -> float | None:
    if run.info.end_time is None:
        return None
    return (run.info.end_time - run.info.start_time) / 1000
