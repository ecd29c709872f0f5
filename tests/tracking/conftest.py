"""Each test begins in an empty folder, with no store chosen, no active run, and no leftover variables."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

import tracking


@pytest.fixture(autouse=True)
def _fresh_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for variable in list(os.environ):
        if variable.startswith(("MLFLOW_", "TRACKING_")):
            monkeypatch.delenv(variable)
    monkeypatch.chdir(tmp_path)
    tracking.reset()
    yield
    while tracking.active_run():
        tracking.end_run()
    tracking.reset()
