"""Ranges of numbers, computed in decimals so that 0.1 + 0.2 is 0.3. Pure arithmetic.

Every number is read at its shortest decimal form ("0.1" is one tenth, not the binary float next to it),
computed with 50 digits and rounded once. So `range(0.1, 0.5, 0.1)` is 0.1, 0.2, 0.3, 0.4 and an axis never
contains 0.30000000000000004. NumPy's linspace and logspace do not serve: of logspace(-3, 1, 950) 832 numbers have
another last bit than what earlier versions recorded, so that `resume` would find none of those points.
"""

import decimal
import math
from collections.abc import Callable
from decimal import Decimal

from runner.errors import SweepError

LARGEST_AXIS = 1_000_000  # an axis is held in memory; a longer one is a slip of the keyboard

_EXACT = decimal.Context(prec=50)
_Number = int | float


def range_points(start: _Number, stop: _Number, step: _Number = 1) -> list[int] | list[float]:
    """List start, start + step, ... without `stop`, as Python's and Hydra's range; integers stay integers.

    >>> range_points(0.1, 0.5, 0.1)
    [0.1, 0.2, 0.3, 0.4]
    """
    if step == 0:
        raise SweepError("The step is 0. Give a step that leads from the first number towards the second.")
    first, last, width = _decimal(start), _decimal(stop), _decimal(step)
    length = math.ceil((last - first) / width)
    if length < 1:
        raise SweepError(
            f"No number from {start} to {stop} in steps of {step}: the stop itself is never included. "
            "Check the order of the ends and the sign of the step."
        )
    _check_length(length)
    if isinstance(start, int) and isinstance(stop, int) and isinstance(step, int):
        return list(range(start, stop, step))
    return [float(first + k * width) for k in range(length)]


def linspace_points(first: _Number, last: _Number, n: int) -> list[float]:
    """List `n` numbers evenly spaced from `first` to `last`, both included.

    >>> linspace_points(0, 1, 5)
    [0.0, 0.25, 0.5, 0.75, 1.0]
    """
    low, high = _decimal(first), _decimal(last)
    return _spread(low, high, n, lambda value: value)


def logspace_points(first: _Number, last: _Number, n: int) -> list[float]:
    """List `n` powers of ten with exponents evenly spaced from `first` to `last`, both included.

    >>> logspace_points(-3, 1, 5)
    [0.001, 0.01, 0.1, 1.0, 10.0]
    """
    low, high = _decimal(first), _decimal(last)
    return _spread(low, high, n, lambda exponent: _EXACT.power(Decimal(10), exponent))


def interval_points(low: float, high: float, n: int, log: bool) -> list[float]:
    """List `n` numbers from `low` to `high`, both included, evenly spaced or (`log`) in equal ratios.

    >>> interval_points(0.001, 10, 5, log=True)
    [0.001, 0.01, 0.1, 1.0, 10.0]
    """
    if not log:
        return linspace_points(low, high, n)
    if low <= 0 or high <= 0:
        raise SweepError(f"interval({low}, {high}) in log needs both ends above 0. Drop tag(log, ...), or move them.")
    first, last = _EXACT.log10(_decimal(low)), _EXACT.log10(_decimal(high))
    points = _spread(first, last, n, lambda exponent: _EXACT.power(Decimal(10), exponent))
    points[0] = float(low)  # the ends as they were written, whatever the logarithm did to the last bit
    if len(points) > 1:
        points[-1] = float(high)
    return points


def _spread(low: Decimal, high: Decimal, n: int, scale: Callable[[Decimal], Decimal]) -> list[float]:
    if isinstance(n, bool) or not isinstance(n, int) or n < 1:
        raise SweepError(f"The number of points is {n}. Give a whole number, 1 or more.")
    _check_length(n)
    if n == 1:
        exponents = [low]
    else:
        width = _EXACT.subtract(high, low)
        exponents = [_EXACT.add(low, _EXACT.divide(width * k, Decimal(n - 1))) for k in range(n)]
    try:
        points = [float(scale(exponent)) for exponent in exponents]
    except decimal.Overflow:
        points = [math.inf]
    if not all(math.isfinite(point) for point in points):
        raise SweepError("The points are too large for a number. Give smaller ends; logspace takes exponents.")
    return points


def _decimal(number: _Number) -> Decimal:
    if isinstance(number, float) and not math.isfinite(number):
        raise SweepError(f"{number} is not an end or a step of a range. Give finite numbers.")
    return Decimal(repr(number))


def _check_length(n: int) -> None:
    if n > LARGEST_AXIS:
        raise SweepError(f"{n:,} values on one axis; at most {LARGEST_AXIS:,} are possible. Use a larger step.")
