"""The examples in the docstrings of the sweep's rooms are true."""

import doctest
import importlib

import pytest


@pytest.mark.parametrize("room", ["suggest", "points.expression", "points.grids", "points.naming", "points.ranges"])
def test_docstring_examples_run(room: str) -> None:
    results = doctest.testmod(importlib.import_module(f"runner.{room}"))
    assert results.attempted > 0
    assert results.failed == 0
