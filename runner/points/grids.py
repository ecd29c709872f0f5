"""The `sweep:` section of a config file -> grids. Reads plain data, as it comes out of the YAML.

A grid is a mapping of keys to a value or a list of values, multiplied as in scikit-learn's ParameterGrid.
Values may be `linspace(a, b, n)`, `logspace(a, b, n)` (powers of ten), `range(a, b[, step])` (without b, like
Hydra's), or as on the command line `interval(a, b)` and `tag(log, interval(a, b))`; `zip(a, b): [[1, 2], [3, 4]]`
moves keys together, `repeat: N` runs seeds seed, seed + 1, ..., and `exclude:` leaves points out. Every mistake
names the grid, the key and the value, and says what to do.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from runner.errors import SweepError
from runner.points.axes import RESERVED_WORDS, SEED, Axis, Grid, repeat_axis
from runner.points.expression import Expression, parse_expression
from runner.points.ranges import LARGEST_AXIS, interval_points, linspace_points, logspace_points, range_points
from runner.suggest import suggest
from tracking.records.overrides import Override

_CALL: Final = re.compile(r"\s*([A-Za-z_]\w*)\s*\((.*)\)\s*", re.DOTALL)
_INTEGER: Final = re.compile(r"[+-]?\d+(_\d+)*", re.ASCII)

# function: what it is written like, the numbers of arguments it takes, the computation
_FUNCTIONS: Final[dict[str, tuple[str, tuple[int, ...], Callable[..., Sequence[int | float]]]]] = {
    "linspace": ("linspace(first, last, n)", (3,), linspace_points),
    "logspace": ("logspace(first exponent, last exponent, n)", (3,), logspace_points),
    "range": ("range(start, stop) or range(start, stop, step)", (2, 3), range_points),
}
_LOG: Final = re.compile(r"\s*log\s*,\s*interval\s*\((.*)\)\s*", re.DOTALL)
_KNOWN: Final = (*_FUNCTIONS, "interval")
_WORDS: Final = (*RESERVED_WORDS, "zip")


@dataclass(frozen=True, slots=True)
class _Defaults:
    """What a sweep need not say."""

    base_seed: int = 42
    points_per_interval: int = 10


def read_sweep(section: object, *, base_seed: int = 42, points_per_interval: int = 10) -> tuple[Grid, ...]:
    """Read the resolved `sweep:` section: a list of grids, or one mapping; null gives no grids.

    `base_seed` is where `repeat` starts in a grid that sets no seed of its own.

    >>> [grid] = read_sweep({"model": ["ridge", "lasso"], "alpha": "logspace(-1, 1, 3)"})
    >>> [value[0].text for value in grid.axes[1].values]
    ['alpha=0.1', 'alpha=1.0', 'alpha=10.0']
    """
    if section is None:
        return ()
    if section in ({}, [], ()):
        raise SweepError(
            "sweep: it is empty, so there is nothing to run. Write a grid (alpha: [0.1, 1]), or sweep: null."
        )
    defaults = _Defaults(base_seed, points_per_interval)
    if isinstance(section, Mapping):
        return (_read_grid(section, "sweep", defaults),)
    if not isinstance(section, list | tuple):
        raise SweepError(
            f"sweep: {section!r} is not a sweep. Write a list of grids (- model: [ridge, lasso]), "
            "or one mapping of keys to values."
        )
    return tuple(_read_grid(grid, f"sweep[{number}]", defaults) for number, grid in enumerate(section))


def _read_grid(grid: object, origin: str, defaults: _Defaults) -> Grid:
    if not isinstance(grid, Mapping):
        raise SweepError(f"{origin}: {grid!r} is not a grid. Write a mapping of keys to values: alpha: [0.1, 1]")
    axes: list[Axis] = []
    exclude: tuple[Expression, ...] = ()
    for key, value in grid.items():
        where = f"{origin}: {key}: {_show(value)}"
        if not isinstance(key, str) or not key.strip():
            raise SweepError(f"{where}: the key is not text. Write a config key such as alpha or model.max_depth.")
        if key == "repeat":
            axes.append(repeat_axis(defaults.base_seed, _read_repeat(value, where), origin))
        elif key == "exclude":
            exclude = _read_exclude(value, where, origin)
        elif call := _CALL.fullmatch(key):
            axes.append(_read_zip(call, value, where, origin))
        else:
            values = _read_values(value, where, defaults.points_per_interval)
            with _at(where):
                axes.append(Axis.of(key, values, origin))
    return Grid(tuple(_start_repeat(axes, origin)), exclude, origin)


def _read_values(value: object, where: str, points: int) -> Sequence[object]:
    if isinstance(value, Mapping):
        raise SweepError(
            f"{where}: a mapping is not a value of a grid. Write dotted keys (model.max_depth: [3, 5]), "
            "or put a mapping that is meant as the value into a list."
        )
    if isinstance(value, list | tuple):
        if not value:
            raise SweepError(f"{where}: the list is empty, so the grid has no points. Give a value, or drop the key.")
        for item in value:
            if isinstance(item, str) and (call := _CALL.fullmatch(item)) and call[1] in _KNOWN:
                raise SweepError(f"{where}: {call[1]}(...) stands alone, not inside a list. Write two grids instead.")
        return value
    if isinstance(value, str) and (call := _CALL.fullmatch(value)):
        if call[1] == "interval" or (call[1] == "tag" and _LOG.fullmatch(call[2])):
            return _compute_interval(call, where, points)
        return _compute(call[1], call[2], where)
    return [value]


def _compute_interval(call: re.Match[str], where: str, points: int) -> Sequence[float]:
    inside = _LOG.fullmatch(call[2])
    usage = "tag(log, interval(first, last))" if inside else "interval(first, last)"
    parts = (inside[1] if inside else call[2]).split(",")
    if len(parts) != 2:
        raise SweepError(f"{where}: interval has two ends. Write {usage}.")
    low, high = (float(_read_number(part.strip(), where, usage)) for part in parts)
    with _at(where):
        return interval_points(low, high, points, bool(inside))


def read_range(text: str, where: str) -> Sequence[object]:
    """Compute the values of `linspace(...)`, `logspace(...)` or `range(...)`, written anywhere."""
    call = _CALL.fullmatch(text)
    if call is None:
        raise SweepError(f"{where}: the closing ) is missing.")
    return _compute(call[1], call[2], where)


def _compute(name: str, arguments: str, where: str) -> Sequence[object]:
    if name not in _FUNCTIONS:
        raise SweepError(
            f"{where}: no function '{name}'.{suggest(name, _KNOWN)} There are {', '.join(_KNOWN)}. "
            "For several values, or for this very text, write a list: [...]"
        )
    usage, lengths, compute = _FUNCTIONS[name]
    parts = [part.strip() for part in arguments.split(",")] if arguments.strip() else []
    if len(parts) not in lengths:
        raise SweepError(f"{where}: {name} with {len(parts)} argument{'' if len(parts) == 1 else 's'}. Write {usage}.")
    numbers = [_read_number(part, where, usage) for part in parts]
    with _at(where):
        return compute(*numbers)


def _read_number(text: str, where: str, usage: str) -> int | float:
    try:
        return int(text) if _INTEGER.fullmatch(text) else float(text)
    except ValueError:
        raise SweepError(f"{where}: '{text}' is not a number. Write {usage}.") from None


def _read_zip(call: re.Match[str], rows: object, where: str, origin: str) -> Axis:
    name, inside = call.groups()
    if name != "zip":
        raise SweepError(
            f"{where}: '{name}(...)' is not a key.{suggest(name, _WORDS)} "
            "Keys that move together are written zip(a, b): [[1, 2], [3, 4]]"
        )
    keys = tuple(key.strip() for key in inside.split(","))
    if len(keys) < 2 or not all(keys) or len(set(keys)) < len(keys):
        raise SweepError(f"{where}: zip needs two or more different keys. Write zip(a, b): [[1, 2], [3, 4]]")
    if not isinstance(rows, list | tuple) or not rows:
        raise SweepError(f"{where}: zip needs a list with one list of {len(keys)} values for each point.")
    values = []
    for number, row in enumerate(rows):
        if not isinstance(row, list | tuple) or len(row) != len(keys):
            length = (
                f"has {len(row)} value{'' if len(row) == 1 else 's'}"
                if isinstance(row, list | tuple)
                else "is not a list"
            )
            hint = " One list for each point, not for each key." if len(rows) == len(keys) else ""
            raise SweepError(
                f"{where}: entry {number + 1}, {_show(row)}, {length}, and the keys are {len(keys)} "
                f"({', '.join(keys)}).{hint} Give every entry one value for each key."
            )
        with _at(where):
            values.append(tuple(Override.of(k, v) for k, v in zip(keys, row, strict=True)))
    return Axis(keys, tuple(values), origin)


def _read_repeat(value: object, where: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= LARGEST_AXIS:
        raise SweepError(f"{where}: repeat is the number of seeds to run. Give a whole number, 1 or more.")
    return value


def _read_exclude(value: object, where: str, origin: str) -> tuple[Expression, ...]:
    expressions = []
    for condition in value if isinstance(value, list | tuple) else [value]:
        if not isinstance(condition, str) or not condition.strip():
            raise SweepError(
                f"{where}: exclude is a condition, or a list of them. Write: alpha > 1 and model == 'ridge'"
            )
        expressions.append(parse_expression(condition, origin))
    return tuple(expressions)


def _start_repeat(axes: list[Axis], origin: str) -> list[Axis]:
    """Check that no key stands twice, and let a plain `seed` of the grid be the first of `repeat`."""
    repeat = next((axis for axis in axes if axis.repeats), None)
    seed = next((axis for axis in axes if not axis.repeats and axis.spelled == (SEED,)), None)
    if repeat is not None and seed is not None:
        base = seed.values[0][0].value
        if len(seed.values) > 1 or isinstance(base, bool) or not isinstance(base, int):
            raise SweepError(
                f"{origin}: repeat and seed: {_show([v[0].value for v in seed.values])} do not go together. "
                "Give one whole number as seed to start from, or drop one of the two."
            )
        started = repeat_axis(base, len(repeat.values), origin)
        axes = [started if axis is repeat else axis for axis in axes if axis is not seed]
    taken: set[str] = set()
    for axis in axes:
        for name in sorted(axis.keys & taken):
            raise SweepError(f"{origin}: {name} stands twice in the grid. Keep one of the two.")
        taken |= axis.keys
    return axes


@contextmanager
def _at(where: str) -> Iterator[None]:
    """Put the place in front of a mistake found further down."""
    try:
        yield
    except (SweepError, ValueError) as error:  # ValueError: a value that the grammar cannot express
        raise SweepError(f"{where}: {error}") from None


def _show(value: object) -> str:
    text = repr(value) if not isinstance(value, str) else value
    return text if len(text) <= 120 else f"{text[:117]}..."
