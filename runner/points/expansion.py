"""Grids -> points, as a stream: conditional axes, exclusions, duplicates. Pure; the caller knows the configs.

Group choices decide which keys exist, so they are fixed first: every combination of them is a branch, and
an axis or plain setting whose key the branch does not have is dropped there. The branches are then merged
back into the order of `itertools.product` over the axes as written, first axis slowest.
"""

import heapq
import itertools
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from hashlib import blake2b
from math import prod
from operator import itemgetter

from runner.errors import SweepError
from runner.nearest import suggest
from runner.points.applicability import Applicability
from runner.points.axes import Axis, Grid, Point, Setting, plain_name
from runner.points.grammar import render_value

_MASK = (1 << 128) - 1


@dataclass(frozen=True, slots=True)
class _Entry:
    """A value of an axis as one branch sees it."""

    index: int  # place on the axis as written
    settings: tuple[Setting, ...]
    digest: int


@dataclass(frozen=True, slots=True)
class _Branch:
    """One combination of group choices of a grid."""

    axes: tuple[tuple[_Entry, ...], ...]

    def stream(self) -> Iterator[tuple[tuple[int, ...], tuple[_Entry, ...]]]:
        for entries in itertools.product(*self.axes):
            yield tuple(entry.index for entry in entries), entries


@dataclass(frozen=True, slots=True)
class _Plan:
    """A grid and its branches."""

    grid: Grid
    branches: tuple[_Branch, ...]
    distinct: bool  # no two points of the grid can be equal

    def stream(self) -> Iterator[tuple[_Entry, ...]]:
        # Each branch is sorted by its indices, so merging by them restores the order of the whole product
        # without holding it, and without walking the axes that a branch does not have.
        streams = [branch.stream() for branch in self.branches]
        merged = streams[0] if len(streams) == 1 else heapq.merge(*streams, key=itemgetter(0))
        return (entries for _, entries in merged)


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
            for entries in plan.stream():
                digest = sum([entry.digest for entry in entries]) & _MASK
                if digest in seen:
                    continue
                settings = tuple(setting for entry in entries for setting in entry.settings)
                # Excluded points are not remembered: another grid may ask for them.
                if plan.grid.exclude and _is_excluded(plan.grid, settings):
                    continue
                seen.add(digest)
                yield Point(number, settings)
                number += 1
        self._count = number
        if number == 0:
            raise SweepError(_nothing_left(self._plans))

    @property
    def settings(self) -> Iterator[Setting]:
        """Every setting that points may have, once for each axis that has it."""
        axes = (axis for plan in self._plans for axis in plan.grid.axes)
        return (setting for axis in axes for value in axis.values for setting in value)

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
) -> Expansion:
    """Plan the points of the grids; every mistake in a key is found here, before the first point.

    `groups(name)` tells whether a key (without prefix and `@package`) is a config group.
    `applies(choices, key)` tells whether the config composed from these group choices has the key; asked once
    for each pair. `choices` maps group keys as spelled ("model", "+extra", "model@y") to the choice.
    `known_keys(choices)` lists names for suggestions, `place(branches, key)` says what there is instead of a key
    that none of these branches has. Keys with `+`, `++` or `~` always apply.
    """
    for grid in grids:
        _check_exclude(grid)
    applicability = Applicability(applies)
    digest = _Digest()
    plans = tuple(_plan(grid, groups, applicability, digest) for grid in grids)
    applicability.check(known_keys, place)
    notes = tuple(dict.fromkeys([*applicability.notes(), *_repeated(grids, digest)]))
    return Expansion(notes, _varying(grids, applicability.partial()), applicability.branches(), plans)


def _repeated(grids: Iterable[Grid], digest: "_Digest") -> Iterator[str]:
    """Yield a note for each axis on which a value is there twice."""
    for axis in itertools.chain.from_iterable(grid.axes for grid in grids):
        distinct = len({digest(value) for value in axis.values})
        if distinct < len(axis.values):
            yield f"{', '.join(axis.keys)}: {distinct} different values among {len(axis.values)}; equal points run once"


def _plan(grid: Grid, groups: Callable[[str], bool], applicability: Applicability, digest: "_Digest") -> _Plan:
    structural = frozenset(key for axis in grid.axes for key in axis.keys if groups(_group_name(key)))
    columns = [_Column(axis, digest) for axis in grid.axes]
    deciding = [column.entries(column.axis.keys) for column in columns if structural & set(column.axis.keys)]
    # Once the command line has replaced a group of the file, the file's other keys need not fit any more.
    uprooted = any(_group_name(key) == name for key in structural for name in grid.replaced)
    branches = []
    for chosen in itertools.product(*deciding):
        choices = {s.key: _choice(s) for entry in chosen for s in entry.settings if s.key in structural}
        applicability.add_branch(choices)
        decided = iter(chosen)
        axes = []
        for column in columns:
            axis = column.axis
            own = axis.origin == grid.origin
            ask = partial(applicability.ask, choices, axis=axis, scope=grid.origin if own else None)
            kept = tuple(key for key in axis.keys if key in structural or ask(key, required=not (own and uprooted)))
            entries = column.entries(kept)
            if structural & set(axis.keys):
                entries = (column.entry(next(decided).index, kept),)
            axes.append(entries)
        branches.append(_Branch(tuple(axes)))
    mixed = any(0 < len(structural & set(axis.keys)) < len(axis.keys) for axis in grid.axes)
    return _Plan(grid, tuple(branches), distinct=not mixed)


def _group_name(key: str) -> str:
    return plain_name(key).partition("@")[0]


def _choice(setting: Setting) -> str:
    return setting.value if isinstance(setting.value, str) else setting.text.partition("=")[2]


class _Digest:
    """Hash settings by key and typed value, so that 1 and 1.0 differ and `1e-1` is 0.1."""

    def __init__(self) -> None:
        self._known: dict[str, int] = {}

    def __call__(self, settings: Iterable[Setting]) -> int:
        # A sum, so that the order in which two grids name their keys does not matter.
        return sum(self._of(setting) for setting in settings) & _MASK

    def _of(self, setting: Setting) -> int:
        if setting.text not in self._known:
            try:
                value = render_value(setting.value)
            except SweepError:  # beyond the grammar as a value, yet given as text
                value = setting.text
            data = f"{setting.key}\0{value}".encode(errors="surrogatepass")
            self._known[setting.text] = int.from_bytes(blake2b(data, digest_size=16).digest())
        return self._known[setting.text]


class _Column:
    """The values of an axis, narrowed to the keys that a branch has, without repetitions."""

    def __init__(self, axis: Axis, digest: _Digest) -> None:
        self.axis = axis
        self._digest = digest
        self._narrowed: dict[tuple[str, ...], tuple[_Entry, ...]] = {}

    def entry(self, index: int, kept: tuple[str, ...]) -> _Entry:
        settings = self.axis.values[index]
        if kept != self.axis.keys:
            settings = tuple(setting for setting in settings if setting.key in kept)
        return _Entry(index, settings, self._digest(settings))

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
            for setting in itertools.chain.from_iterable(axis.values):
                texts.setdefault(setting.name, set()).add(setting.text)
    everywhere = frozenset.intersection(*(grid.names for grid in grids)) if grids else frozenset()
    return tuple(name for name in texts if len(texts[name]) > 1 or name in partial or name not in everywhere)


def _check_exclude(grid: Grid) -> None:
    for condition in grid.exclude:
        for name in sorted(condition.names - grid.names):
            raise SweepError(
                f"{grid.origin}: exclude: {condition.text}: no point of this grid has a key '{name}'. "
                f"It has: {', '.join(sorted(grid.names)) or 'none'}.{suggest(name, grid.names)} "
                f"Text goes in quotes: '{name}'"
            )


def _is_excluded(grid: Grid, settings: tuple[Setting, ...]) -> bool:
    values = {setting.name: setting.value for setting in settings}
    return any(condition.holds(values) for condition in grid.exclude)


def _nothing_left(plans: Sequence[_Plan]) -> str:
    conditions = [f"{plan.grid.origin}: exclude: {c.text}" for plan in plans for c in plan.grid.exclude]
    return f"No point is left. Every one is excluded by {'; '.join(conditions)}. Narrow the condition."
