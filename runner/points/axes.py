"""What a sweep is: overrides, axes, grids and points, and how a command line joins the grids of a file.

Pure data: imports nothing of Hydra. Reading the `sweep:` section is `grids`, turning grids into points is
`expansion`, and parsing overrides into axes happens at the Hydra edge.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from runner.errors import SweepError
from runner.points.expression import Expression
from tracking.records.overrides import Override, key_of

COMMAND_LINE: Final = "command line"
SEED: Final = "seed"
RESERVED_WORDS: Final = ("exclude", "repeat")  # words of a grid that are not keys


@dataclass(frozen=True, slots=True)
class Axis:
    """Keys that move together; a plain override is an axis with a single value."""

    spelled: tuple[str, ...]  # with their prefix
    values: tuple[tuple[Override, ...], ...]  # each value sets all keys
    origin: str  # for messages: "command line", "sweep[2]"
    repeats: bool = False  # seeds made by `repeat`; a seed given later moves their start

    @classmethod
    def of(cls, key: str, values: Sequence[object], origin: str = COMMAND_LINE) -> "Axis":
        """Make an axis of one key."""
        return cls((key,), tuple((Override.of(key, value),) for value in values), origin)

    @classmethod
    def plain(cls, override: Override, origin: str = COMMAND_LINE) -> "Axis":
        """Make the axis of an override that is not swept."""
        return cls((override.spelled,), ((override,),), origin)

    @property
    def keys(self) -> frozenset[str]:
        """The keys without `+`, `++` or `~`."""
        return frozenset(map(key_of, self.spelled))


@dataclass(frozen=True, slots=True)
class Grid:
    """Axes that are multiplied, and conditions whose points are left out."""

    axes: tuple[Axis, ...]
    exclude: tuple[Expression, ...] = ()
    origin: str = COMMAND_LINE
    replaced: frozenset[str] = frozenset()  # keys of the file that the command line took over

    @property
    def keys(self) -> frozenset[str]:
        """The keys of all axes without `+`, `++` or `~`."""
        return frozenset(name for axis in self.axes for name in axis.keys)

    def locate(self, message: str, suspects: Sequence[Override] = ()) -> str:
        """Put the grid in front of a message about one of its keys; one that names no key gets the suspects too.

        What was typed on the command line is left as it is.
        """
        if self.origin == COMMAND_LINE or message.startswith(self.origin):
            return message
        own = [axis for axis in self.axes if axis.origin == self.origin]
        for axis in self.axes:
            if any(message.startswith((f"{name}=", f"{name}:")) for name in axis.keys):
                return f"{self.origin}: {message}" if axis in own else message
        names = frozenset(name for axis in own for name in axis.keys)
        texts = [override.text for override in suspects if override.key in names]
        return f"{self.origin} ({' '.join(texts)}): {message}" if texts else message


@dataclass(frozen=True, slots=True)
class Point:
    """One run to be: its number in the sweep and its overrides, in order."""

    number: int
    overrides: tuple[Override, ...]
    grid: Grid | None = field(default=None, compare=False, repr=False)  # where it comes from

    @property
    def texts(self) -> list[str]:
        """The overrides as Hydra reads them."""
        return [override.text for override in self.overrides]


def repeat_axis(base: int, times: int, origin: str) -> Axis:
    """Make the axis of `repeat`: seeds base, base + 1, ..."""
    seeds = range(base, base + times)
    return replace(Axis.of(SEED, seeds, origin), repeats=True)


def merge_command_line(grids: Sequence[Grid], axes: Sequence[Axis], fixed: Sequence[Override] = ()) -> tuple[Grid, ...]:
    """Multiply the axes of a command line into every grid, or put them in place of the grid's keys.

    `axes` in the order they were typed; plain overrides go in between as `Axis.plain`, or before all as
    `fixed`. A key typed twice counts as typed last. A key that a grid has keeps its place there, a new one
    comes last (moves fastest). A key of a grid's zip leaves the zip, whose other keys go on. A plain `seed=`
    moves the start of the grid's `repeat`; a swept one replaces it. Without grids the command line is the
    one grid.
    """
    typed: dict[tuple[str, ...], Axis] = {}
    for axis in (*map(Axis.plain, fixed), *axes):
        typed.pop(axis.spelled, None)
        typed[axis.spelled] = axis
    if not grids:
        return (Grid(tuple(typed.values())),)
    return tuple(_merge(grid, list(typed.values())) for grid in grids)


def _merge(grid: Grid, typed: list[Axis]) -> Grid:
    waiting = list(typed)
    taken = frozenset(name for new in typed for name in new.keys)
    merged: list[Axis] = []
    for axis in grid.axes:
        base = next((new for new in waiting if axis.repeats and _is_plain_seed(new)), None)
        if base is not None:
            waiting.remove(base)
            merged.append(_rebase(axis, base))
            continue
        in_place = next((new for new in waiting if new.keys == axis.keys), None)
        if in_place is not None:
            waiting.remove(in_place)
            merged.append(in_place)
            continue
        rest = _without(axis, taken)
        if rest is not None:
            merged.append(rest)
    return replace(grid, axes=(*merged, *waiting), replaced=grid.keys & taken)


def _is_plain_seed(axis: Axis) -> bool:
    return axis.spelled == (SEED,) and len(axis.values) == 1


def _rebase(axis: Axis, base: Axis) -> Axis:
    seed = base.values[0][0].value
    if isinstance(seed, bool) or not isinstance(seed, int):
        raise SweepError(
            f"{axis.origin}: repeat starts from a whole number, and seed is {seed!r} ({base.origin}). "
            "Give a seed such as seed=42, or drop repeat."
        )
    return repeat_axis(seed, len(axis.values), axis.origin)


def _without(axis: Axis, taken: frozenset[str]) -> Axis | None:
    spelled = tuple(key for key in axis.spelled if key_of(key) not in taken)
    if len(spelled) == len(axis.spelled):
        return axis
    if not spelled:
        return None
    values = tuple(tuple(s for s in value if s.key not in taken) for value in axis.values)
    return replace(axis, spelled=spelled, values=values)
