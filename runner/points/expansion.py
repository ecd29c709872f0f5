"""Grids -> points, as a stream: conditional axes, exclusions, duplicates. Pure; the caller knows the configs.

Group choices decide which keys exist, so they are fixed first: every combination of them is a branch, and
an axis or plain override whose key the branch does not have is dropped there. The branches are then merged
back into the order of `itertools.product` over the axes as written, first axis slowest.
"""

import heapq
import itertools
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from math import prod
from operator import itemgetter

from runner.errors import ConfigError, SweepError
from runner.points.axes import Axis, Grid, Point
from runner.points.conditional import ConditionalKeys
from runner.points.duplicates import MASK, Configs, Digest, Wording, effect_digest, hash_words
from runner.points.expression import Expression
from runner.suggest import suggest
from tracking.records.overrides import Override, key_of

Asks = Callable[[Sequence[Override]], Mapping[str, object]]


@dataclass(frozen=True, slots=True)
class _Entry:
    """A value of an axis as one branch sees it."""

    index: int  # place on the axis as written
    overrides: tuple[Override, ...]
    digest: int


@dataclass(frozen=True, slots=True)
class _Branch:
    """One combination of group choices of a grid."""

    axes: tuple[tuple[_Entry, ...], ...]
    base: int = 0  # the digest of what the choices compose

    def stream(self) -> Iterator[tuple[tuple[int, ...], int, tuple[_Entry, ...]]]:
        for entries in itertools.product(*self.axes):
            yield tuple(entry.index for entry in entries), self.base, entries


@dataclass(frozen=True, slots=True)
class _Plan:
    """A grid and its branches."""

    grid: Grid
    branches: tuple[_Branch, ...]
    distinct: bool  # no two points of the grid can be equal
    asks: Asks | None = None  # for values that `exclude` speaks about and the grid does not set
    verdicts: bytearray = field(default_factory=bytearray)  # of `asks`, in the order of the stream

    def stream(self) -> Iterator[tuple[int, tuple[_Entry, ...]]]:
        # Each branch is sorted by its indices, so merging by them restores the order of the whole product
        # without holding it, and without walking the axes that a branch does not have.
        streams = [branch.stream() for branch in self.branches]
        merged = streams[0] if len(streams) == 1 else heapq.merge(*streams, key=itemgetter(0))
        return ((sum([entry.digest for entry in entries], base) & MASK, entries) for _, base, entries in merged)

    def excludes(self, place: int, overrides: tuple[Override, ...]) -> bool:
        """Tell whether conditions leave out the point at a place of the stream."""
        if self.asks is None:
            return is_excluded(self.grid.exclude, {override.key: override.value for override in overrides})
        if place >= len(self.verdicts):  # composing a point for every condition is dear: it is asked once
            self.verdicts.extend(bytes(place - len(self.verdicts)))
            self.verdicts.append(is_excluded(self.grid.exclude, self.asks(overrides)))
        return bool(self.verdicts[place])


@dataclass(slots=True)
class Expansion:
    """The points of a sweep; iterate as often as needed, nothing is held but one hash per point."""

    notes: tuple[str, ...]  # "l1_ratio applies to elasticnet only"
    varying: tuple[str, ...]  # keys (without prefix) that differ between points, in order of appearance
    branches: tuple[Mapping[str, str], ...]  # the distinct combinations of group choices
    _plans: tuple[_Plan, ...] = field(repr=False)
    _count: int | None = field(default=None, repr=False)

    def __iter__(self) -> Iterator[Point]:
        return self.points()

    def points(self) -> Iterator[Point]:
        """Yield the points in order: grids as written, first axis slowest; equal points once."""
        seen: set[int] = set()
        number = 0
        for plan in self._plans:
            for place, (digest, entries) in enumerate(plan.stream()):
                if digest in seen:
                    continue
                overrides = tuple(override for entry in entries for override in entry.overrides)
                # Excluded points are not remembered: another grid may ask for them.
                if plan.grid.exclude and plan.excludes(place, overrides):
                    continue
                seen.add(digest)
                yield Point(number, overrides, plan.grid)
                number += 1
        self._count = number
        if number == 0:
            raise SweepError(_nothing_left(self._plans))

    @property
    def overrides(self) -> Iterator[Override]:
        """Every override that points may have, once for each axis that has it."""
        axes = (axis for plan in self._plans for axis in plan.grid.axes)
        return (override for axis in axes for value in axis.values for override in value)

    def count(self) -> int:
        """Count the points: by multiplication where that is exact, else by walking them once."""
        if self._count is None and len(self._plans) == 1:
            plan = self._plans[0]
            if plan.distinct and not plan.grid.exclude:
                self._count = sum(prod(len(axis) for axis in branch.axes) for branch in plan.branches)
        if self._count is None:
            self._count = sum(1 for _ in self.points())
        return self._count


def expand(
    grids: Sequence[Grid],
    *,
    applies: Callable[[Mapping[str, str], str], bool],
    groups: Callable[[str], bool],
    known_keys: Callable[[Mapping[str, str]], Collection[str]] = lambda choices: (),
    place: Callable[[Sequence[Mapping[str, str]], str], str] = lambda branches, key: "",
    configs: Configs | None = None,
) -> Expansion:
    """Plan the points of the grids; every mistake in a key is found here, before the first point.

    `groups(name)` tells whether a key (without prefix and `@package`) is a config group.
    `applies(choices, key)` tells whether the config composed from these group choices has the key; asked once
    for each pair. `choices` maps group keys as spelled ("model", "+extra", "model@y") to the choice.
    `known_keys(choices)` lists names for suggestions, `place(branches, key)` says what there is instead of a key
    that none of these branches has. Keys with `+`, `++` or `~` always apply.
    With `configs` points are the same if their configs are, and `exclude` may speak about every key of theirs;
    without, if their overrides are, and about the keys of the grid.
    """
    conditional = ConditionalKeys(applies)
    planner = _Planner(groups, conditional, configs)
    plans = tuple(planner.plan(grid) for grid in grids)
    conditional.check(known_keys, place)
    notes = tuple(dict.fromkeys([*conditional.notes(), *_repeated(grids, Wording()), *planner.notes]))
    return Expansion(notes, _varying(grids, conditional.partial()), conditional.branches(), plans)


def _repeated(grids: Iterable[Grid], digest: Wording) -> Iterator[str]:
    """Yield a note for each axis on which a value is there twice."""
    for axis in itertools.chain.from_iterable(grid.axes for grid in grids):
        distinct = len({digest(value) for value in axis.values})
        if distinct < len(axis.values):
            keys = ", ".join(axis.spelled)
            yield f"{keys}: {distinct} different values among {len(axis.values)}; equal points run once"


class _Planner:
    """Makes the branches of grids."""

    def __init__(self, groups: Callable[[str], bool], conditional: ConditionalKeys, configs: Configs | None) -> None:
        self._groups = groups
        self._conditional = conditional
        self._configs = configs
        self._wording = Wording()
        self.notes: dict[str, None] = {}

    def plan(self, grid: Grid) -> _Plan:
        """Plan a grid. Raises ConfigError that names it."""
        structural = frozenset(key for axis in grid.axes for key in axis.spelled if self._groups(_group_name(key)))
        columns = [_Column(axis, self._wording) for axis in grid.axes]
        deciding = [column.entries(column.axis.spelled) for column in columns if structural & set(column.axis.spelled)]
        branches, choices_of = [], []
        for chosen in itertools.product(*deciding):
            choices = {s.spelled: _choice(s) for entry in chosen for s in entry.overrides if s.spelled in structural}
            choices_of.append(choices)
            try:
                branches.append(self._branch(grid, columns, chosen, choices, structural))
            except ConfigError as error:
                raise type(error)(grid.locate(str(error))) from error
        asks = find_asks(grid, choices_of, self._configs)
        mixed = any(0 < len(structural & set(axis.spelled)) < len(axis.spelled) for axis in grid.axes)
        alike = self._configs is not None and len({branch.base for branch in branches}) < len(branches)
        return _Plan(grid, tuple(branches), distinct=not (mixed or alike), asks=asks)

    def _branch(
        self,
        grid: Grid,
        columns: Sequence["_Column"],
        chosen: tuple[_Entry, ...],
        choices: Mapping[str, str],
        structural: frozenset[str],
    ) -> _Branch:
        self._conditional.add_branch(choices)
        # Once the command line has replaced a group of the file, the file's other keys need not fit any more.
        uprooted = any(_group_name(key) == name for key in structural for name in grid.replaced)
        decided = iter(chosen)
        axes = []
        for column in columns:
            axis = column.axis
            own = axis.origin == grid.origin
            ask = partial(self._conditional.ask, choices, axis=axis, scope=grid.origin if own else None)
            kept = tuple(key for key in axis.spelled if key in structural or ask(key, required=not (own and uprooted)))
            entries = column.entries(kept)
            if structural & set(axis.spelled):
                entries = (column.entry(next(decided).index, kept),)
            axes.append(entries)
        if self._configs is None:
            return _Branch(tuple(axes))
        every = [override for entries in axes for entry in entries for override in entry.overrides]
        digest = effect_digest(self._configs, choices, every, self._wording)
        distinct = tuple(self._distinct(entries, digest) for entries in axes)
        return _Branch(distinct, hash_words(self._configs.identity(choices)))

    def _distinct(self, entries: Iterable[_Entry], digest: Digest) -> tuple[_Entry, ...]:
        """Keep one entry of those that come to the same config, and note the others: `alpha=1` and `alpha=1.0`."""
        found: dict[int, _Entry] = {}
        for entry in entries:
            numbered = replace(entry, digest=digest(entry.overrides))
            kept = found.setdefault(numbered.digest, numbered)
            if kept is not numbered:
                self.notes[f"{_show(entry)} comes to the same as {_show(kept)}, and runs once"] = None
        return tuple(found.values())


def _show(entry: _Entry) -> str:
    return " ".join(override.text for override in entry.overrides)


def _group_name(key: str) -> str:
    return key_of(key).partition("@")[0]


def _choice(override: Override) -> str:
    return override.value if isinstance(override.value, str) else override.written


class _Column:
    """The values of an axis, narrowed to the keys that a branch has, without repetitions."""

    def __init__(self, axis: Axis, digest: Wording) -> None:
        self.axis = axis
        self._digest = digest
        self._narrowed: dict[tuple[str, ...], tuple[_Entry, ...]] = {}

    def entry(self, index: int, kept: tuple[str, ...]) -> _Entry:
        overrides = self.axis.values[index]
        if kept != self.axis.spelled:
            overrides = tuple(override for override in overrides if override.spelled in kept)
        return _Entry(index, overrides, self._digest(overrides))

    def entries(self, kept: tuple[str, ...]) -> tuple[_Entry, ...]:
        if kept not in self._narrowed:
            distinct: dict[int, _Entry] = {}
            for index in range(len(self.axis.values)):
                entry = self.entry(index, kept)
                distinct.setdefault(entry.digest, entry)
            self._narrowed[kept] = tuple(distinct.values())
        return self._narrowed[kept]


def _varying(grids: Sequence[Grid], partial: frozenset[str]) -> tuple[str, ...]:
    texts: dict[str, set[str]] = {}
    for grid in grids:
        for axis in grid.axes:
            for override in itertools.chain.from_iterable(axis.values):
                texts.setdefault(override.key, set()).add(override.text)
    everywhere = frozenset.intersection(*(grid.keys for grid in grids)) if grids else frozenset()
    return tuple(name for name in texts if len(texts[name]) > 1 or name in partial or name not in everywhere)


def _nothing_left(plans: Sequence[_Plan]) -> str:
    conditions = [f"{plan.grid.origin}: exclude: {c.text}" for plan in plans for c in plan.grid.exclude]
    return f"No point is left. Every one is excluded by {'; '.join(conditions)}. Narrow the condition."


def find_asks(grid: Grid, branches: Sequence[Mapping[str, str]], configs: Configs | None) -> Asks | None:
    """Return how to ask for the values of keys that the conditions name and the grid does not set, if there are."""
    foreign = frozenset(name for condition in grid.exclude for name in condition.names - grid.keys)
    if not foreign:
        return None
    known = {key for choices in branches for key in configs.keys(choices)} if configs else set()
    # What was typed beside it, as dry_run=true, is no matter of the grid's.
    axes = {name for a in grid.axes if a.origin == grid.origin or len(a.values) > 1 for name in a.keys}
    for condition in grid.exclude:
        for name in sorted((condition.names & foreign) - known):
            raise SweepError(
                f"{grid.origin}: exclude: {condition.text}: no point of this grid has a key '{name}'. "
                f"Its axes are: {', '.join(sorted(axes)) or 'none'}.{suggest(name, axes | known)} "
                f"Text goes in quotes: '{name}'"
            )
    assert configs is not None
    return partial(_ask_values, configs, foreign)


def _ask_values(configs: Configs, names: Iterable[str], overrides: Sequence[Override]) -> Mapping[str, object]:
    absent = object()
    asked = {name: configs.value(overrides, name, absent) for name in names}
    values = {override.key: override.value for override in overrides}
    return values | {name: value for name, value in asked.items() if value is not absent}


def is_excluded(conditions: Iterable[Expression], values: Mapping[str, object]) -> bool:
    """Tell whether a condition holds for the values of a point."""
    return any(condition.holds(values) for condition in conditions)
