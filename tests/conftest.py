"""What every test starts from: a working directory of its own, no environment of a person, no global state."""

from __future__ import annotations

import logging
import os
import signal
import sys
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

# The same examples in every run, however slow the machine; others on request: --hypothesis-profile=default
settings.register_profile("suite", deadline=None, derandomize=True, database=None)
settings.load_profile("suite")

if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:  # begun in the background of a shell; programs inherit it
    signal.signal(signal.SIGINT, signal.default_int_handler)

NO_SKIPS = "NO_SKIPS" in os.environ  # set where everything that a test may lack is there
PREFIXES = ("MLFLOW_", "TRACKING_", "HYDRA_", "RUNNER_")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Let a skipped test fail where nothing may be skipped."""
    return _not_skipped((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Let a skipped file fail where nothing may be skipped."""
    return _not_skipped((yield))


def _not_skipped(report: Any) -> Any:
    if NO_SKIPS and report.outcome == "skipped" and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"NO_SKIPS is set, and this was skipped: {report.longrepr}"
    return report


@pytest.fixture(autouse=True)
def _isolated(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """Start in an empty folder, and leave environment, global state and import path as they were."""
    monkeypatch.chdir(tmp_path)
    environment = dict(os.environ)
    for name in list(os.environ):
        if name.startswith(PREFIXES):
            del os.environ[name]
    os.environ["XDG_STATE_HOME"] = str(tmp_path_factory.getbasetemp() / "state")  # not the person's own
    path, handlers = list(sys.path), list(logging.root.handlers)
    yield
    sys.path[:] = path
    logging.root.handlers[:] = handlers  # Hydra may have added one that writes to this test's captured stdout
    os.environ.clear()
    os.environ.update(environment)
    _forget()


def _forget() -> None:
    if "tracking" in sys.modules:
        import tracking

        tracking.reset()
    if "hydra.core.global_hydra" in sys.modules:
        from hydra.core.global_hydra import GlobalHydra

        GlobalHydra.instance().clear()
    if "runner.trial.memory" in sys.modules:
        from runner.trial.memory import reset

        reset()
