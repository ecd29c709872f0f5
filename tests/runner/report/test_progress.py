"""How far a sweep is: a live line on a terminal that never grows too long, plain lines elsewhere."""

from __future__ import annotations

import contextlib
import errno
import io
import os
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from runner.report import progress as module
from runner.report.progress import Progress, fit_line
from runner.trial.outcome import Outcome

POINT = Outcome(0, "ridge alpha=0.1", "ridge", "a" * 32, "FINISHED", 0.1, metric="rmse", metrics={"rmse_mean": 54.8})
MIDDLES = ["best rmse 54.8 (ridge alpha=0.1)  now lasso alpha=1", "best rmse 54.8 (ridge alpha=0.1)", "best rmse 54.8"]


class Clock:
    """A clock that is set by hand."""

    now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture(autouse=True)
def _terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    monkeypatch.setenv("COLUMNS", "100")
    return clock


def spec(number: int, name: str) -> Any:
    return SimpleNamespace(number=number, name=name)


@pytest.mark.parametrize(
    ("width", "line"),
    [
        (100, f"5/20 done  {MIDDLES[0]}  40s left"),
        (60, f"5/20 done  {MIDDLES[1]}  40s left"),
        (40, f"5/20 done  {MIDDLES[2]}  40s left"),
        (34, "5/20 done  best rmse 54…  40s left"),
        (24, "5/20 done  40s left"),
        (12, "5/20 done  …"),
    ],
)
def test_the_live_line_keeps_the_count_and_the_time_left_on_a_narrow_terminal(width: int, line: str) -> None:
    assert fit_line("5/20 done", MIDDLES, "40s left", width=width) == line
    assert len(line) <= width


def test_the_first_point_is_shown_from_its_beginning_with_the_seconds_it_takes(clock: Clock) -> None:
    progress = Progress(20, live=True, stream=io.StringIO())

    progress.begin(spec(0, "ridge alpha=0.1"))
    assert progress.live_line(width=99) == "0/20  ridge alpha=0.1 ..."
    clock.now += 12

    assert progress.live_line(width=99) == "0/20  ridge alpha=0.1 ...  12s"


@pytest.mark.parametrize(("workers", "said"), [(0, "on no worker"), (1, "on 1 worker"), (7, "on 7 workers")])
def test_the_live_line_says_how_many_workers_a_cluster_has_now(workers: int, said: str, clock: Clock) -> None:
    progress = Progress(20, live=True, stream=io.StringIO())
    progress.workers = lambda: workers

    assert progress.live_line(width=99) == f"0/20 {said}"


def test_the_time_left_counts_down_while_a_point_runs(clock: Clock) -> None:
    progress = Progress(4, live=True, stream=io.StringIO())
    progress.begin(spec(0, "ridge alpha=0.1"))
    clock.now += 10
    progress.take(POINT)
    assert progress.live_line(width=99) == "1/4 done  best rmse 54.8 (ridge alpha=0.1)  30s left"

    progress.begin(spec(1, "lasso alpha=2"))
    clock.now += 4
    assert progress.live_line(width=99).endswith("(ridge alpha=0.1)  now lasso alpha=2  26s left")
    clock.now += 60

    assert progress.live_line(width=99).endswith("20s left")


def drawn(work: Callable[[Progress], None]) -> str:
    """Return what a terminal is sent while the live line of three points is there."""
    ours, theirs = os.openpty()
    with os.fdopen(theirs, "w") as terminal, Progress(3, stream=terminal) as progress:
        work(progress)
    heard = b""
    with contextlib.suppress(OSError):  # Linux's way to say that nothing more comes
        while more := os.read(ours, 65536):
            heard += more
    os.close(ours)
    return heard.decode()


def test_a_terminal_gets_a_live_line_that_leaves_nothing_behind() -> None:
    heard = drawn(lambda progress: progress.begin(spec(0, "ridge")))

    assert "0/3  ridge ..." in heard
    erase_line, show_cursor = "\x1b[2K", "\x1b[?25h"
    assert heard.rindex("0/3") < heard.rindex(erase_line)
    assert show_cursor in heard


def test_the_live_line_goes_on_while_nothing_ends() -> None:
    ours, theirs = os.openpty()
    heard = ""
    with os.fdopen(theirs, "w") as terminal, Progress(3, stream=terminal) as progress:
        progress.begin(spec(0, "ridge"))
        while heard.count("0/3  ridge ...") < 4:  # nothing but time passes
            heard += os.read(ours, 1000).decode()
    os.close(ours)

    assert "1/3" not in heard


def test_a_line_above_the_live_one_is_written_whole() -> None:
    error = "ValueError: [no] " + "x" * 200
    heard = drawn(lambda progress: progress.take(replace(POINT, status="FAILED", error=error, metrics={})))

    assert f"failed: ridge alpha=0.1: {error}  (run aaaaaaaa)" in heard
    assert "1/3 done, 1 failed" in heard


def test_a_dumb_terminal_gets_plain_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")

    assert drawn(lambda progress: progress.take(POINT)).splitlines() == ["1/3  ridge alpha=0.1  rmse 54.8"]


def test_without_a_terminal_there_is_a_line_for_each_point_of_few(capsys: pytest.CaptureFixture[str]) -> None:
    with Progress(2) as progress:
        progress.begin(spec(0, "ridge"))
        progress.take(POINT)
        progress.take(replace(POINT, number=1, name="ridge alpha=1", metrics={}))

    assert capsys.readouterr().err == "1/2  ridge alpha=0.1  rmse 54.8\n2/2  ridge alpha=1\n"


def test_without_a_terminal_many_points_are_about_twenty_lines(capsys: pytest.CaptureFixture[str]) -> None:
    progress = Progress(10_000)
    for number in range(10_000):
        progress.take(replace(POINT, number=number))

    assert len(capsys.readouterr().err.splitlines()) == 20


class Full(io.StringIO):
    def write(self, text: str) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_stream_that_cannot_be_written_ends_nothing() -> None:
    with Progress(1, live=True, stream=Full()) as progress:
        progress.take(POINT)

    assert progress.done == 1
