"""What a run says about how its program ended: real programs, real signals."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import tracking

ROOT = Path(__file__).parents[3]
PRELUDE = "import os, signal, sys, threading, time\nfrom sys import exit as early_exit\nimport tracking as mlflow\n"


def start(script: str, *arguments: str) -> subprocess.Popen[str]:
    """Start a program that uses the store of the working directory."""
    Path("script.py").write_text(PRELUDE + textwrap.dedent(script))
    return subprocess.Popen(
        [sys.executable, *arguments, "script.py"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


def run(script: str, *arguments: str, seconds: float = 60) -> int:
    """Run a program to its end, which must come in time, and return its exit code."""
    process = start(script, *arguments)
    try:
        process.communicate(timeout=seconds)
    finally:
        process.kill()
    return process.returncode


def interrupted(script: str, number: signal.Signals) -> int:
    """Run a program, send it a signal when it says that it is ready, and return its exit code."""
    process = start(script)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n", process.communicate()[1]
    process.send_signal(number)
    process.communicate(timeout=60)
    return process.returncode


def stored() -> dict[str, str]:
    """Return the status that is written in the store for each run, by name, as MLflow would read it."""
    import sqlite3

    with contextlib.closing(sqlite3.connect("runs/tracking.db")) as connection:
        return dict(connection.execute("SELECT name, status FROM runs"))


@pytest.mark.parametrize(
    ("ending", "code", "status"),
    [
        ("", 0, "FINISHED"),
        ("sys.exit()", 0, "FINISHED"),
        ("sys.exit(0)", 0, "FINISHED"),
        ("sys.exit(3)", 3, "FAILED"),
        ("sys.exit('a message')", 1, "FAILED"),
        ("exit(3)", 3, "FAILED"),
        ("quit()", 0, "FINISHED"),
        ("import atexit; atexit._run_exitfuncs()", 0, "FINISHED"),
        ("early_exit(3)", 3, "FAILED"),
        ("early_exit(0)", 0, "FINISHED"),
        ("raise SystemExit(3)", 3, "FINISHED"),  # it leaves no trace; in a `with` it is FAILED, see below
        ("raise SystemExit(0)", 0, "FINISHED"),
        ("raise SystemExit", 0, "FINISHED"),
        ("def main():\n    return 0\nraise SystemExit(main())", 0, "FINISHED"),
        ("def main():\n    return 0\nsys.exit(main())", 0, "FINISHED"),
        ("try:\n    raise SystemExit(3)\nexcept SystemExit:\n    pass", 0, "FINISHED"),
        ("1 / 0", 1, "FAILED"),
        ("sys.excepthook = lambda *_: None; 1 / 0", 1, "FAILED"),
        ("raise KeyboardInterrupt", -signal.SIGINT, "KILLED"),
        ("try:\n    sys.exit(3)\nexcept SystemExit:\n    pass", 0, "FAILED"),  # nobody tells that it was caught ...
        ("try:\n    1 / 0\nexcept ZeroDivisionError:\n    pass", 0, "FINISHED"),
    ],
)
def test_a_run_left_open_ends_as_its_program_does(ending: str, code: int, status: str) -> None:
    script = f"mlflow.start_run(run_name='outer'); mlflow.start_run(run_name='inner', nested=True)\n{ending}\n"

    assert run(script) == code
    assert stored() == {"outer": status, "inner": status}


@pytest.mark.parametrize(
    ("ending", "status"),
    [
        ("pass", "FINISHED"),
        ("sys.exit(3)", "FAILED"),
        ("raise SystemExit(3)", "FAILED"),
        ("1 / 0", "FAILED"),
        ("raise KeyboardInterrupt", "KILLED"),
    ],
)
def test_a_with_block_ends_its_run_and_the_children_left_open(ending: str, status: str) -> None:
    script = f"""
    with mlflow.start_run(run_name='outer'):
        mlflow.start_run(run_name='inner', nested=True)
        {ending}
    """

    run(script)

    assert stored() == {"outer": status, "inner": status}


def test_a_caught_exit_is_forgotten_when_the_program_starts_another_run() -> None:
    script = """
    mlflow.start_run(run_name='left')
    try:
        sys.exit(3)
    except SystemExit:
        mlflow.start_run(run_name='later', nested=True)
    """

    assert run(script) == 0
    assert stored() == {"left": "FINISHED", "later": "FINISHED"}


@pytest.mark.heavy
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, -signal.SIGINT), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("form", ["with", "if"])
def test_a_signal_kills_all_open_runs_and_ends_the_program(form: str, number: signal.Signals, code: int) -> None:
    opening = f"{form} mlflow.start_run(run_name='outer'):"  # "if" leaves it open
    script = f"""
    {opening}
        mlflow.start_run(run_name='inner', nested=True)
        mlflow.log_param('a', 1)
        print('ready', flush=True)
        signal.pause()
    """

    assert interrupted(script, number) == code
    assert stored() == {"outer": "KILLED", "inner": "KILLED"}


def test_sigterm_runs_the_programs_own_clean_up() -> None:
    script = """
    import atexit
    atexit.register(lambda: open('at exit', 'w').close())
    mlflow.start_run(run_name='open')
    try:
        print('ready', flush=True)
        signal.pause()
    finally:
        mlflow.log_metric('last', 1)
    """

    assert interrupted(script, signal.SIGTERM) == 143
    (found,) = tracking.search_runs(output_format="list")
    assert (found.info.status, found.data.metrics) == ("KILLED", {"last": 1.0})
    assert Path("at exit").exists()


def test_a_second_sigterm_ends_a_program_that_caught_the_first() -> None:
    script = """
    mlflow.start_run(run_name='open')
    try:
        print('ready', flush=True)
        signal.pause()
    except BaseException:
        os.kill(os.getpid(), signal.SIGTERM)
    """

    assert interrupted(script, signal.SIGTERM) == -signal.SIGTERM
    (found,) = tracking.search_runs(output_format="list")
    assert found.info.status == "KILLED"


@pytest.mark.heavy
def test_ctrl_c_under_asyncio_kills_the_run() -> None:
    script = """
    import asyncio
    async def work():
        with mlflow.start_run(run_name='open'):
            print('ready', flush=True)
            await asyncio.sleep(600)
    asyncio.run(work())
    """

    assert interrupted(script, signal.SIGINT) == -signal.SIGINT
    assert stored() == {"open": "KILLED"}


def test_sigterm_in_the_middle_of_logging_kills_the_run_and_loses_nothing_that_had_returned() -> None:
    script = """
    mlflow.start_run(run_name='busy')
    for step in range(10**9):
        mlflow.log_metric('m', step, step=step)
        mlflow.set_tag('last', step)
        if step == 20:
            print('ready', flush=True)
    """

    assert interrupted(script, signal.SIGTERM) == 143
    (found,) = tracking.search_runs(output_format="list", search_all_experiments=True)
    assert found.info.status == "KILLED"
    assert found.info.end_time is not None
    assert found.data.metrics["m"] >= float(found.data.tags["last"])


def test_a_program_that_handles_sigterm_itself_keeps_doing_so() -> None:
    script = """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))
    mlflow.start_run(run_name='open')
    print('ready', flush=True)
    signal.pause()
    """

    assert interrupted(script, signal.SIGTERM) == 7
    assert stored() == {"open": "FAILED"}


@pytest.mark.parametrize("choice", ["set_experiment('e')", "set_tracking_uri('sqlite:///runs/tracking.db')"])
def test_sigterm_kills_runs_that_were_started_in_other_threads_only(choice: str) -> None:
    script = f"""
    mlflow.{choice}
    def work():
        mlflow.start_run(run_name='open')
        print('ready', flush=True)
        time.sleep(600)
    threading.Thread(target=work).start()
    signal.pause()
    """

    assert interrupted(script, signal.SIGTERM) == 143
    assert stored() == {"open": "KILLED"}
    (found,) = tracking.search_runs(output_format="list", search_all_experiments=True)
    assert found.info.end_time is not None


def test_sigterm_ends_a_program_at_once_though_a_thread_still_works() -> None:
    script = """
    threading.Thread(target=lambda: time.sleep(600)).start()
    mlflow.start_run(run_name='open')
    print('ready', flush=True)
    signal.pause()
    """

    assert interrupted(script, signal.SIGTERM) == 143
    assert stored() == {"open": "KILLED"}


def test_runs_left_open_by_threads_end_too() -> None:
    script = """
    def work(name, fails):
        mlflow.start_run(run_name=name)
        if fails:
            raise ValueError(name)
    for name, fails in (("fine", False), ("broken", True)):
        thread = threading.Thread(target=work, args=(name, fails))
        thread.start(); thread.join()
    mlflow.start_run(run_name="main")
    """

    assert run(script) == 0
    assert stored() == {"fine": "FINISHED", "broken": "FAILED", "main": "FINISHED"}


def test_sys_exit_in_a_thread_does_not_speak_for_the_program() -> None:
    script = """
    mlflow.start_run(run_name="main")
    def work():
        mlflow.start_run(run_name="thread")
        sys.exit(4)
    thread = threading.Thread(target=work)
    thread.start(); thread.join()
    """

    assert run(script) == 0
    assert stored() == {"main": "FINISHED", "thread": "FAILED"}


def test_a_forked_child_has_no_active_run_and_leaves_its_parents_alone() -> None:
    script = """
    with mlflow.start_run(run_name="parent") as parent:
        child = os.fork()
        if child == 0:
            assert mlflow.active_run() is None
            assert mlflow.last_active_run() is None
            with mlflow.start_run(run_name="child") as run:
                assert "mlflow.parentRunId" not in run.data.tags
            mlflow.start_run(run_name="child left open")
            sys.exit(5)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 5
        assert mlflow.get_run(parent.info.run_id).info.status == "RUNNING"
        assert mlflow.active_run() is parent
    """

    assert run(script) == 0
    # The child unwinds through the parent's block as well: it must not end the parent's run.
    assert stored() == {"parent": "FINISHED", "child": "FINISHED", "child left open": "FAILED"}


@pytest.mark.heavy
@pytest.mark.parametrize("method", ["fork", "forkserver", "spawn"])
def test_a_multiprocessing_child_ends_the_runs_that_it_left_open(method: str) -> None:
    script = f"""
    import multiprocessing
    def work(name, fails):
        mlflow.start_run(run_name=name)
        if fails:
            raise ValueError(name)
    if __name__ == "__main__":
        context = multiprocessing.get_context({method!r})
        for name, fails in (("fine", False), ("broken", True)):
            process = context.Process(target=work, args=(name, fails))
            process.start(); process.join()
    """

    assert run(script) == 0
    assert stored() == {"fine": "FINISHED", "broken": "FAILED"}


def test_a_killed_program_leaves_a_run_that_reads_as_killed() -> None:
    script = """
    mlflow.start_run(run_name='open')
    mlflow.log_metric('m', 1)
    print('ready', flush=True)
    signal.pause()
    """

    assert interrupted(script, signal.SIGKILL) == -signal.SIGKILL
    (found,) = tracking.search_runs(output_format="list", search_all_experiments=True)
    assert (found.info.status, found.data.metrics) == ("KILLED", {"m": 1.0})


def test_importing_changes_neither_signals_nor_sys_exit_nor_excepthooks() -> None:
    script = """
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    assert type(sys.exit) is type(len)
    assert type(exit).__call__.__module__ == "_sitebuiltins"
    assert sys.excepthook is sys.__excepthook__
    assert threading.excepthook is threading.__excepthook__
    """

    assert run(script) == 0


def test_importing_stays_light() -> None:
    script = """
    heavy = {"pandas", "numpy", "joblib", "yaml", "sqlite3", "rich", "typer", "sklearn", "logging"}
    assert not heavy & set(sys.modules), heavy & set(sys.modules)
    """

    assert run(script) == 0


def test_a_forked_child_has_the_signal_handler_that_it_would_have_had_without_us() -> None:
    script = """
    with mlflow.start_run():
        assert signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL
    if os.fork() == 0:
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
        with mlflow.start_run():
            assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.wait()[1]) == 0
    """

    assert run(script) == 0


@pytest.mark.heavy
def test_pools_end_in_a_program_that_once_started_a_run() -> None:
    script = """
    import multiprocessing
    def work(number):
        if number % 8 == 0:
            with mlflow.start_run():
                mlflow.log_metric('m', number)
        return number
    mlflow.set_tracking_uri('sqlite:///runs/tracking.db')
    with mlflow.start_run():
        pass
    for attempt in range(50):
        with multiprocessing.get_context('fork').Pool(16) as pool:
            pool.map(work, range(1, 8) if attempt % 5 else range(16))
    """

    assert run(script, seconds=240) == 0
