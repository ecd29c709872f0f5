"""Limits of the native libraries' threads, where points of one process set them at the same moment."""

from __future__ import annotations

import sys
import threading
import types
from concurrent.futures import ThreadPoolExecutor

import pytest
import sklearn.linear_model  # noqa: F401  # loads the libraries whose threads there are to limit

from runner.trial.threads import limited_threads, release


def test_threads_may_set_limits_while_libraries_are_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    begin = threading.Barrier(4)

    def load_and_limit(number: int) -> None:
        begin.wait()
        for time in range(20):
            monkeypatch.setitem(sys.modules, f"made_{number}_{time}", types.ModuleType("made"))
            with limited_threads(1):
                pass

    try:
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(load_and_limit, range(4)))
    finally:
        release()
