"""Ranges of numbers come out clean: no 0.30000000000000004, both ends exact, mistakes named."""

import hashlib
import math
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.errors import SweepError
from runner.points.ranges import interval_points, linspace_points, logspace_points, range_points

ENDS = st.floats(1e-6, 1e6) | st.integers(1, 1000)


def test_a_range_of_tenths_is_clean_and_stops_before_its_end() -> None:
    assert range_points(0.1, 0.9, 0.1) == [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8]
    assert len(range_points(0.01, 0.51, 0.01)) == 50
    assert range_points(0.05, 1.0, 0.05)[-1] == 0.95


def test_a_range_of_integers_stays_integers() -> None:
    points = range_points(5, 0, -2)
    assert points == [5, 3, 1]
    assert all(type(point) is int for point in points)


def test_a_range_with_one_float_is_floats() -> None:
    assert range_points(0, 2, 0.5) == [0.0, 0.5, 1.0, 1.5]
    assert [type(point) for point in range_points(0, 2, 1.0)] == [float, float]


def test_linspace_includes_both_ends() -> None:
    assert linspace_points(0.1, 0.9, 9) == [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]
    assert linspace_points(1, 0, 3) == [1.0, 0.5, 0.0]
    assert linspace_points(3, 9, 1) == [3.0]


def test_logspace_takes_exponents_of_ten() -> None:
    assert logspace_points(-3, 1, 9)[::2] == [0.001, 0.01, 0.1, 1.0, 10.0]
    assert logspace_points(0.5, 0.5, 1) == [math.sqrt(10)]


def test_the_numbers_are_to_the_bit_those_that_version_0_1_0_recorded() -> None:
    """The sum was computed by version 0.1.0; with another last bit its points would be new to `resume`."""
    points = [*logspace_points(-3, 1, 950), *linspace_points(0, 1, 950), *range_points(0, 1, 1 / 3)]
    told = hashlib.sha256(repr(points).encode()).hexdigest()
    assert told == "deaed7706b3c512bb3cde6abd875ca6bb8b6abaea0929f8e780935acfbfbeb8e"


def test_an_interval_in_log_has_equal_ratios_and_exact_ends() -> None:
    assert interval_points(0.001, 10, 5, log=True) == [0.001, 0.01, 0.1, 1.0, 10.0]
    assert interval_points(1, 8, 4, log=True) == [1.0, 2.0, 4.0, 8.0]
    assert interval_points(0, 1, 5, log=False) == [0.0, 0.25, 0.5, 0.75, 1.0]


@settings(max_examples=60)
@given(ENDS, ENDS, st.integers(2, 30), st.booleans())
def test_intervals_have_n_points_between_their_exact_ends(low: float, high: float, n: int, log: bool) -> None:
    points = interval_points(low, high, n, log)
    assert len(points) == n
    assert (points[0], points[-1]) == (low, high)
    assert points == sorted(points, reverse=low > high)


@settings(max_examples=60)
@given(st.decimals(-100, 100, places=3), st.integers(1, 50), st.decimals("0.001", 5, places=3))
def test_ranges_have_the_shortest_decimals(start: object, length: int, step: object) -> None:
    first, width = float(str(start)), float(str(step))
    stop = float(str(start + step * length))  # type: ignore[operator]
    points = range_points(first, stop, width)
    assert len(points) == length
    assert all(point == round(point, 3) for point in points)


@pytest.mark.parametrize(
    ("compute", "message"),
    [
        (lambda: range_points(0, 1, 0), "step is 0"),
        (lambda: range_points(1, 0, 0.1), "No number from 1 to 0 in steps of 0.1"),
        (lambda: range_points(0, 1e9, 0.1), "at most 1,000,000"),
        (lambda: range_points(0, float("inf"), 1), "finite"),
        (lambda: linspace_points(0, 1, 0), "number of points is 0"),
        (lambda: linspace_points(0, 1, 2.5), "number of points is 2.5"),  # type: ignore[arg-type]
        (lambda: logspace_points(0, 400, 3), "too large"),
        (lambda: logspace_points(0, 1e30, 3), "too large"),
        (lambda: interval_points(0, 10, 5, log=True), "above 0"),
        (lambda: linspace_points(0, 1, 10**7), "at most 1,000,000"),
    ],
)
def test_a_range_that_cannot_be_says_why(compute: object, message: str) -> None:
    with pytest.raises(SweepError, match=message):
        compute()  # type: ignore[operator]


@pytest.mark.parametrize("spread", [linspace_points, logspace_points])
def test_an_end_too_large_for_a_float_is_named(spread: Callable[..., list[float]]) -> None:
    with pytest.raises(SweepError, match="too large for a number"):
        spread(-3, 10**400, 5)
