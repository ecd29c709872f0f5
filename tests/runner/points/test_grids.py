"""The `sweep:` section of a file: what it may contain, and what each mistake says."""

from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.errors import SweepError
from runner.points.axes import Axis, Grid
from runner.points.grids import read_sweep


def values(axis: Axis) -> list[object]:
    return [value[0].value for value in axis.values]


def test_the_example_of_the_documentation_is_read(tmp_path: Path) -> None:
    file = tmp_path / "compare.yaml"
    file.write_text(
        """
sweep:
  - model: [ridge, lasso]
    alpha: logspace(-3, 1, 9)
  - model: elasticnet
    alpha: logspace(-3, 1, 5)
    l1_ratio: [0.1, 0.5, 0.9]
  - model: random_forest
    zip(model.max_depth, model.min_samples_leaf): [[3, 1], [5, 2], [null, 5]]
    repeat: 3          # seeds 42, 43, 44: `seed` is the axis
    exclude: model.max_depth == 3 and seed == 44
"""
    )
    first, second, third = read_sweep(yaml.safe_load(file.read_text())["sweep"])
    assert [axis.spelled for axis in first.axes] == [("model",), ("alpha",)]
    assert len(first.axes[1].values) == 9
    assert values(second.axes[1]) == [0.001, 0.01, 0.1, 1.0, 10.0]
    assert third.axes[1].spelled == ("model.max_depth", "model.min_samples_leaf")
    assert [s.text for s in third.axes[1].values[2]] == ["model.max_depth=null", "model.min_samples_leaf=5"]
    assert values(third.axes[2]) == [42, 43, 44]
    assert third.exclude[0].names == {"model.max_depth", "seed"}
    assert [grid.origin for grid in (first, second, third)] == ["sweep[0]", "sweep[1]", "sweep[2]"]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0.1, [0.1]),
        ("ridge", ["ridge"]),
        (None, [None]),
        ([1, "a", None, True], [1, "a", None, True]),
        ([[10], [10, 10]], [[10], [10, 10]]),
        ([{"a": 1}], [{"a": 1}]),
        ("linspace(0, 1, 3)", [0.0, 0.5, 1.0]),
        (" logspace ( -1 , 1 , 3 ) ", [0.1, 1.0, 10.0]),
        ("range(0.1, 0.5, 0.1)", [0.1, 0.2, 0.3, 0.4]),
        ("range(1, 4)", [1, 2, 3]),
        ("range(1e-3, 3e-3, .001)", [0.001, 0.002]),
        ("interval(0, 1)", [0.0, 0.5, 1.0]),
        ("tag(log, interval(0.01, 1))", [0.01, 0.1, 1.0]),
        (["f(x)"], ["f(x)"]),
        ("a (b) c", ["a (b) c"]),
    ],
)
def test_values_of_a_key(value: object, expected: list[object]) -> None:
    [grid] = read_sweep({"alpha": value}, points_per_interval=3)
    assert values(grid.axes[0]) == expected


def test_nothing_is_no_grid_and_an_empty_grid_is_one_point() -> None:
    assert read_sweep(None) == ()
    assert [grid.axes for grid in read_sweep([{}])] == [()]


def test_repeat_starts_at_the_grids_own_seed_or_at_the_one_given() -> None:
    [grid] = read_sweep({"repeat": 2}, base_seed=7)
    assert values(grid.axes[0]) == [7, 8]
    [grid] = read_sweep({"seed": 100, "alpha": 1, "repeat": 2})
    assert [axis.spelled for axis in grid.axes] == [("alpha",), ("seed",)]
    assert values(grid.axes[1]) == [100, 101]


@pytest.mark.parametrize(
    ("section", "messages"),
    [
        ("ridge", ["sweep: 'ridge' is not a sweep", "list of grids"]),
        ([{"alpha": 1}, "x"], ["sweep[1]: 'x' is not a grid"]),
        ({1: 2}, ["sweep: 1: 2: the key is not text"]),
        ({"alpha": []}, ["sweep: alpha: []: the list is empty"]),
        ({"model": {"max_depth": [1]}}, ["sweep: model: ", "dotted keys (model.max_depth"]),
        ([{}, {"alpha": "logspce(-3, 1, 9)"}], ["sweep[1]: alpha: logspce(-3, 1, 9)", "Nearest: logspace"]),
        ({"alpha": "choice(1, 2)"}, ["no function 'choice'", "linspace, logspace, range", "write a list"]),
        (
            {"alpha": "logspace(-3, 1)"},
            ["sweep: alpha: logspace(-3, 1): logspace with 2 arguments", "Write logspace("],
        ),
        ({"alpha": "interval(1)"}, ["sweep: alpha: interval(1): interval has two ends"]),
        ({"alpha": "tag(log, interval(0, 1))"}, ["sweep: alpha: tag(log, interval(0, 1)): ", "both ends above 0"]),
        ([], ["sweep: it is empty", "sweep: null"]),
        ({}, ["sweep: it is empty"]),
        ({"alpha": "range()"}, ["range with 0 arguments", "range(start, stop) or"]),
        ({"alpha": "logspace(-3, 1, 0)"}, ["sweep: alpha: logspace(-3, 1, 0): The number of points is 0"]),
        ({"alpha": "linspace(0, 1, 2.5)"}, ["The number of points is 2.5"]),
        ({"alpha": "linspace(0, one, 3)"}, ["'one' is not a number", "Write linspace("]),
        ({"alpha": "linspace(0, inf, 3)"}, ["sweep: alpha: ", "finite"]),
        ({"alpha": "range(5, 1)"}, ["sweep: alpha: range(5, 1): No number from 5 to 1"]),
        ({"alpha": [0, "linspace(0, 1, 3)"]}, ["linspace(...) stands alone"]),
        ({"alpha": [{"é": 1}]}, ["sweep: alpha: ", "cannot be written as an override"]),
        (
            {"zip(a, b)": [[1, 2], [3]]},
            ["sweep: zip(a, b): ", "entry 2, [3], has 1 value,", "keys are 2 (a, b)"],
        ),
        ({"zip(a, b)": [[1, 2, 3], [4, 5, 6]]}, ["entry 1", "One list for each point, not for each key"]),
        ({"zip(a, b)": [[1, 2], 3]}, ["entry 2, 3, is not a list"]),
        ({"zip(a, b)": 3}, ["zip needs a list with one list of 2 values"]),
        ({"zip(a, b)": []}, ["zip needs a list with one list of 2 values"]),
        ({"zip(a)": [[1]]}, ["two or more different keys"]),
        ({"zip(a, a)": [[1, 1]]}, ["two or more different keys"]),
        ({"zp(a, b)": [[1, 2]]}, ["'zp(...)' is not a key", "Nearest: zip"]),
        ({"zip(a, b)": [[1, 2]], "a": 1}, ["sweep: a stands twice"]),
        ({"repeat": 0}, ["sweep: repeat: 0: ", "whole number, 1 or more"]),
        ({"repeat": True}, ["whole number, 1 or more"]),
        ({"repeat": "3"}, ["whole number, 1 or more"]),
        ({"repeat": 3, "seed": [1, 2]}, ["sweep: repeat and seed: [1, 2] do not go together"]),
        ({"repeat": 3, "zip(seed, a)": [[1, 2]]}, ["sweep: seed stands twice"]),
        ({"exclude": 3}, ["sweep: exclude: 3: exclude is a condition"]),
        ({"exclude": ["a == 1", None]}, ["exclude is a condition"]),
        ({"exclude": "a ="}, ["sweep: exclude: a =: cannot be read"]),
    ],
)
def test_a_mistake_names_the_grid_the_key_and_the_value(section: object, messages: list[str]) -> None:
    with pytest.raises(SweepError) as mistake:
        read_sweep(section)
    for message in messages:
        assert message in str(mistake.value)


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.heavy
@settings(max_examples=150, deadline=None)
@given(st.lists(st.dictionaries(st.sampled_from(["alpha", "zip(a, b)", "repeat", "exclude", "x y"]), PLAIN)) | PLAIN)
def test_any_plain_data_is_either_grids_or_a_sweep_error(section: object) -> None:
    try:
        grids = read_sweep(section)
    except SweepError:
        return
    assert all(isinstance(grid, Grid) for grid in grids)
