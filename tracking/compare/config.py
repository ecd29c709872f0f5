"""How the configs of runs differ, and the command that leads from one run to another. Pure.

Compared are the typed configs; if a run has none, the params of all, as text. A changed group choice
(`model: ridge -> elasticnet`) is one `GroupChange` that holds the keys which merely follow from it.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import Any

from tracking.compare.following import Rows, find_followed, gather_followers, is_namesake
from tracking.compare.making import changed_by_packages, making_of, varying_defaults
from tracking.records.names import GIT_COMMIT, GIT_DIRTY, is_bookkeeping
from tracking.records.overrides import change_request, render_value
from tracking.records.reading import RunRecord
from tracking.records.request import COMMAND_LINE, SWEEP, Request
from tracking.records.values import ABSENT, Change, find_varying, matches, unfold


@dataclass(frozen=True, slots=True)
class GroupChange:
    """A config group whose choice is not the same in all.

    `knobs` are top-level keys that come or go with the choice (`l1_ratio`); `implied` are the keys
    below the group that the chosen files set (`model._target_`).
    """

    choice: Change
    knobs: tuple[Change, ...]
    implied: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Command:
    """How to make a run: `run` composes its config anew, `from_first` changes the first run's.

    Either is None where the run does not say how it was asked for.
    """

    run: str | None
    from_first: str | None
    note: str = ""


@dataclass(frozen=True, slots=True)
class ConfigDiff:
    """What differs in the configs.

    The changed groups, then single keys that belong to none. `every` has each differing key by itself, in config
    order; `commands` one for each run; `keys` is how many keys were compared.
    """

    groups: tuple[GroupChange, ...]
    changes: tuple[Change, ...]
    every: tuple[Change, ...]
    commands: tuple[Command, ...]
    keys: int
    bookkeeping: tuple[Change, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def same(self) -> bool:
        """Tell whether no key differs that is not bookkeeping or ignored."""
        return not self.every


def compare_configs(records: Sequence[RunRecord], *, ignore: Sequence[str] = (), store: str = "") -> ConfigDiff:
    """Compare the configs of the runs, leaving out keys that match a pattern of `ignore`.

    `store` is the URI that commands have to name, '' where they find the store without.
    """
    flats, notes = _flat_configs(records)
    requests = [record.request for record in records]
    varied = find_varying(flats)
    recorded = [request.follows for request in requests]
    followed = find_followed(varied, recorded)
    rows = _without_ignored(varied, followed, ignore=ignore, guessed=None in recorded)
    sections = {name: place for place, name in enumerate(dict.fromkeys(key.partition(".")[0] for key in rows))}
    varying = [
        Change(key, rows[key], tuple(map(_origin, repeat(key), rows[key], requests)))
        for key in sorted(rows, key=lambda key: sections[key.partition(".")[0]])
    ]
    counted = [change for change in varying if not is_bookkeeping(change.key)]
    counted += [change for change in _changed_defaults(records) if not matches(change.key, ignore)]
    groups, rest = _group_changes(
        gather_followers(counted, followed), flats, [record.request.choices for record in records]
    )
    return ConfigDiff(
        groups=groups,
        changes=rest,
        every=tuple(counted),
        commands=tuple(_command(record, records[0], flat, store) for record, flat in zip(records, flats, strict=True)),
        keys=len(dict.fromkeys(key for flat in flats for key in flat if not is_bookkeeping(key))),
        bookkeeping=tuple(change for change in varying if is_bookkeeping(change.key)),
        notes=notes,
    )


def _without_ignored(rows: Rows, followed: Mapping[str, str], *, ignore: Sequence[str], guessed: bool) -> Rows:
    """Leave out what matches a pattern, and what repeats a key that does (`model.alpha` of `alpha`).

    Where that is guessed, only what has its name too: equal values alone may be chance.
    """

    def is_ignored(key: str) -> bool:
        leader = followed.get(key)
        goes_with_it = leader is not None and matches(leader, ignore) and (not guessed or is_namesake(key, leader))
        return goes_with_it or matches(key, ignore)

    return {key: values for key, values in rows.items() if not is_ignored(key)}


def _flat_configs(records: Sequence[RunRecord]) -> tuple[list[dict[str, Any]], tuple[str, ...]]:
    configs = [record.config for record in records]
    known = [unfold(config) for config in configs if config is not None]
    if len(known) == len(configs):
        return known, ()
    without = ", ".join(r.run.info.run_name for r, c in zip(records, configs, strict=True) if c is None)
    note = f"No config.yaml in: {without}. Compared are the params, as text." if known else ""
    return [dict(record.run.data.params) for record in records], (note,) if note else ()


def _origin(key: str, value: Any, request: Request) -> str | None:
    """Return the origin of a key, or else of the nearest section above it.

    The origin of a group (`model`) is that of its choice, not of what the chosen file holds.
    """
    while value is not ABSENT and key:
        if key in request.origins and key not in request.choices:
            return request.origins[key]
        key = key.rpartition(".")[0]
    return None


def _changed_defaults(records: Sequence[RunRecord]) -> Iterable[Change]:
    """Yield parameters that no config gives and whose default the code changed; what packages do is told there."""
    makings = [making_of(record) for record in records]
    if not changed_by_packages(makings):
        for key, values in varying_defaults(makings).items():
            yield Change(key, values, ("default of the class",) * len(values))


# Groups --------------------------------------------------------------------------------------
def _group_changes(
    changes: Iterable[Change], flats: Sequence[Mapping[str, Any]], choices: Sequence[Mapping[str, str]]
) -> tuple[tuple[GroupChange, ...], tuple[Change, ...]]:
    """Divide the changes into those that belong to a changed group choice and the rest."""
    changed = {g: values for g, values in find_varying(choices).items() if not is_bookkeeping(g)}
    knobs: dict[str, list[Change]] = {group: [] for group in changed}
    implied: dict[str, list[Change]] = {group: [] for group in changed}
    rest = []
    for change in changes:
        if (group := _followed_group(change, changed)) is not None:
            implied[group].append(change)
        elif (group := _knob_group(change, changed, flats)) is not None:
            knobs[group].append(change)
        else:
            rest.append(change)
    groups = [
        GroupChange(Change(group, values), tuple(knobs[group]), tuple(implied[group]))
        for group, values in changed.items()
        if knobs[group] or implied[group]
    ]
    return tuple(groups), tuple(rest)


def _followed_group(change: Change, groups: Iterable[str]) -> str | None:
    """Return the changed group that a key below it follows, unless somebody asked for its value."""
    for group in groups:
        section = group.replace("/", ".") + "."
        if change.key.startswith(section):
            asked = any(origin in (SWEEP, COMMAND_LINE) for origin in change.origins)
            return None if asked else group
    return None


def _knob_group(change: Change, groups: Iterable[str], flats: Sequence[Mapping[str, Any]]) -> str | None:
    """Return the group with which a top-level key comes and goes.

    A group's file that puts a knob at the top (`alpha`) also uses it below (`model.alpha`), or is
    named as its origin.
    """
    if ABSENT not in change.values:
        return None
    for group in groups:
        from_file = any(origin and origin.startswith(f"{group}/") for origin in change.origins)
        mirrored = any(f"{group}.{change.key}" in flat for flat in flats)
        if "." not in change.key and (from_file or mirrored):
            return group
    return None


# Commands --------------------------------------------------------------------------------------
def _command(record: RunRecord, first: RunRecord, flat: Mapping[str, Any], store: str) -> Command:
    asked = record.request.minimal
    note = _code_note(record)
    if asked is None:
        overrides = record.request.overrides
        if not overrides:
            return Command(None, None, "The run does not say how it was asked for (no overrides.yaml).")
        texts = [override.text for override in overrides]
        return Command(_shell("python -m runner", [*_searched(record.request), *texts]), None, note)
    run = _shell("python -m runner", [*_searched(record.request), *(override.text for override in asked)])
    if record is first or first.request.minimal is None or first.request.config_name != record.request.config_name:
        return Command(run, None, note)
    delta = change_request(
        first.request.minimal, asked, before=first.request.choices, choices=record.request.choices, values=flat
    )
    if delta is None:
        return Command(run, None, note)
    # Those of the first run are known to it.
    folders = [folder for folder in record.request.config_dir if folder not in first.request.config_dir]
    own = [word for folder in folders for word in ("--config-dir", folder)]
    own += ["--store", store] if store else []
    return Command(run, _shell(f"python -m runner.reproduce {first.run.info.run_id[:8]}", [*own, *delta]), note)


def _searched(request: Request) -> list[str]:
    """Return the options that have the user's own configs found; Hydra takes only one --config-dir."""
    folders = [folder for folder in request.config_dir if "://" not in folder]
    more = [folder for folder in request.config_dir if folder not in folders[:1]]
    options = ["--config-dir", folders[0]] if folders else []
    options += ["--config-name", request.config_name] if request.config_name != "config" else []
    return options + ([f"hydra.searchpath={render_value(more)}"] if more else [])


def _shell(program: str, overrides: Iterable[str]) -> str:
    return " ".join([program, *map(shlex.quote, overrides)])


def _code_note(record: RunRecord) -> str:
    tags = record.run.data.tags
    commit = tags.get(GIT_COMMIT)
    if commit is None:
        return ""
    dirty = " with its uncommitted changes" if tags.get(GIT_DIRTY) == "true" else ""
    return f"at commit {commit[:12]}{dirty}"
