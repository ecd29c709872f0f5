"""A short part of the fuzz runs: what nobody means to write is answered in a sentence. The long form is run.py."""

from __future__ import annotations

import runpy
from collections.abc import Callable
from pathlib import Path

import pytest

SEED = 20_000  # the long form starts from 0

CASES = {"filter": 150, "table": 150, "points": 12, "command": 12, "sweep file": 3, "foreign store": 3}


@pytest.fixture(scope="module")
def run_case() -> Callable[[str, int, int], str]:
    return runpy.run_path(str(Path(__file__).with_name("run.py")))["run_case"]  # type: ignore[no-any-return]


@pytest.mark.heavy
@pytest.mark.parametrize("kind", CASES)
def test_nonsense_ends_in_a_sentence(kind: str, run_case: Callable[[str, int, int], str]) -> None:
    for number in range(CASES[kind]):
        assert not (fault := run_case(kind, SEED, number)), f"--seed {SEED} --only '{kind}' --case {number}\n{fault}"
