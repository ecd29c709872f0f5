"""Ctrl-C at any moment of a call: the store goes on working, for this process and for others."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dis import opname
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from tracking.entities import Metric, RunStatus
from tracking.errors import StoreError
from tracking.store.process import current_process
from tracking.store.sqlite import Store
from tracking.stores import open_store

RUN = "a" * 32
ROOT = str(Path(__file__).parents[3])


@pytest.fixture(params=["file", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    uri = f"sqlite:///{tmp_path}/runs/tracking.db" if request.param == "file" else "sqlite://"
    opened = open_store(uri)
    opened.create_run("0", run_id=RUN, run_name="x", user_id="u", start_time=1, process=current_process(), tags={})
    yield opened
    opened.close()


def interrupted_at(count: int, call: Callable[[], object]) -> bool:
    """Call, and raise KeyboardInterrupt at the N-th place in the SQLite rooms; tell whether it came to that.

    At every place where Python hears a signal: when a function begins, after each call, and in loops.
    """
    left = count
    last: dict[FrameType, str] = {}

    def trace(frame: FrameType, event: str, argument: object) -> Any:
        nonlocal left
        ours = str(frame.f_globals.get("__name__")).startswith("tracking.store.")
        if not ours or frame.f_code.co_name in ("__del__", "discard", "close"):  # what a __del__ raises goes nowhere
            return None
        frame.f_trace_opcodes = True
        if event == "opcode":
            before, last[frame] = last.get(frame, "RESUME"), opname[frame.f_code.co_code[frame.f_lasti]]
            left -= before.startswith(("RESUME", "CALL", "JUMP_BACKWARD"))
            if left == 0:
                left = -1
                raise KeyboardInterrupt
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        call()
    except KeyboardInterrupt:
        return True
    finally:
        sys.settrace(before)
    return False


def is_free(store: Store, tmp_path: Path) -> bool:
    """Tell whether somebody else could write now."""
    if store.uri == "sqlite://":
        free: list[bool] = []
        lock = store._database.handle().lock

        def ask() -> None:
            free.append(lock.acquire(blocking=False))
            if free == [True]:
                lock.release()

        other = threading.Thread(target=ask)
        other.start()
        other.join()
        return free == [True] and not store._database.handle().connection.in_transaction
    with closing(sqlite3.connect(tmp_path / "runs/tracking.db", isolation_level=None, timeout=0)) as other_process:
        other_process.execute("BEGIN IMMEDIATE")
        other_process.execute("ROLLBACK")
    return True


def test_an_interrupt_at_any_moment_of_a_write_leaves_all_of_it_or_nothing(store: Store, tmp_path: Path) -> None:
    def write() -> None:
        store.log_batch(
            RUN,
            params={f"p{count}": "1", f"q{count}": "2"},
            tags={f"t{count}": "3"},
            metrics=[Metric(f"m{count}", 1.0, 1)],
        )

    count = 1
    while interrupted_at(count, write):
        assert is_free(store, tmp_path), f"locked after the interrupt at place {count}"
        data = store.get_run(RUN).data
        recorded = [key in there for key, there in _of(count, data.params, data.tags, data.metrics)]
        assert len(set(recorded)) == 1, f"half-recorded by the interrupt at place {count}"
        count += 1
    assert count > 30
    assert store.check() == []


def _of(count: int, params: Any, tags: Any, metrics: Any) -> list[tuple[str, Any]]:
    return [(f"p{count}", params), (f"q{count}", params), (f"t{count}", tags), (f"m{count}", metrics)]


@pytest.mark.parametrize("call", ["end", "read"])
def test_an_interrupt_at_any_moment_of_another_call_frees_the_store(store: Store, tmp_path: Path, call: str) -> None:
    calls: dict[str, Callable[[], object]] = {
        "end": lambda: store.update_run(RUN, status=RunStatus.FINISHED, end_time=2),
        "read": lambda: store.get_run(RUN),
    }
    count = 1
    while interrupted_at(count, calls[call]):
        assert is_free(store, tmp_path), f"locked after the interrupt at place {count}"
        count += 1
    assert count > 5


STORM = """
import signal, sys, tracking
tracking.set_tracking_uri(sys.argv[1])
run = tracking.start_run()
signal.signal(signal.SIGALRM, signal.default_int_handler)
interrupts = step = 0
while interrupts < 300:
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.0003 + interrupts % 7 * 0.0001)
        while True:
            step += 1
            tracking.log_batch(metrics={"m": step}, params={f"p{step}": step}, tags={f"t{step}": step})
            run = tracking.get_run(run.info.run_id)
            # No list in brackets: from Python 3.12 on, what comes in one may pass by the `except` around it.
            assert len(run.data.params) == sum(key[0] == "t" for key in run.data.tags)
            if step % 50 == 0:
                tracking.end_run()
                tracking.start_run()
                run = tracking.active_run()
    except KeyboardInterrupt:
        signal.setitimer(signal.ITIMER_REAL, 0)
        interrupts += 1
        run = tracking.active_run() or tracking.start_run()
tracking.log_metric("after", 1)
print("survived")
input()
"""


def test_a_storm_of_interrupts_leaves_a_store_that_works_for_all(tmp_path: Path) -> None:
    uri = f"sqlite:///{tmp_path}/runs/tracking.db"
    with subprocess.Popen(
        [sys.executable, "-c", STORM, uri],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": ROOT},
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == "survived\n", process.communicate()[1]
        store = open_store(uri)
        store.create_experiment("written while the other process lives")
        for run in store.search_runs(None):
            assert len(run.data.params) == len([key for key in run.data.tags if key.startswith("t")])
        process.communicate("\n")
    assert process.returncode == 0
    assert {problem.kind for problem in store.check()} <= {"stale run"}  # interrupted between two calls


def test_ctrl_c_inside_of_sqlite_comes_through_as_itself(tmp_path: Path) -> None:
    """SQLite asks a function of ours who is alive, and makes an error of its own of whatever that raises."""
    uri = f"sqlite:///{tmp_path}/runs/tracking.db"
    store = open_store(uri)
    store.create_run("0", run_id=RUN, run_name="x", user_id="u", start_time=1, process=current_process(), tags={})

    def trace(frame: FrameType, event: str, argument: object) -> Any:
        if frame.f_code.co_name == "_process_gone":
            raise KeyboardInterrupt
        return trace

    sys.settrace(trace)
    try:
        with pytest.raises(KeyboardInterrupt):
            store.get_run(RUN)
    finally:
        sys.settrace(None)
    assert store.get_run(RUN).info.status == "RUNNING"


def test_a_signal_handler_that_calls_the_store_does_not_break_the_call_it_interrupts(store: Store) -> None:
    refused: list[Exception] = []

    def handler(number: int, frame: FrameType | None) -> None:
        try:
            store.log_batch(RUN, params={"of the handler": "1"})
        except StoreError as error:
            refused.append(error)

    before = signal.signal(signal.SIGUSR1, handler)
    try:
        interrupting = _Interrupting({"p": "1", "q": "2"})
        store.log_batch(RUN, params=interrupting)
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert "in the middle of another call" in str(refused[0])
    assert store.get_run(RUN).data.params == {"p": "1", "q": "2"}


class _Interrupting(dict[str, str]):
    """Params that send this process a signal while they are being written."""

    def items(self) -> Any:
        for item in super().items():
            yield item
            os.kill(os.getpid(), signal.SIGUSR1)
