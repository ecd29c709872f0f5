"""Whether the process of a run is gone: said only when it is certain."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import pytest

from tracking.entities import Process
from tracking.store.process import _process_of, current_process, is_gone

linux = pytest.mark.skipif(sys.platform != "linux", reason="the start of a process is known on Linux")

SAY_WHO = (
    "from tracking.store.process import current_process; o = current_process();"
    "print(o.host, o.pid, o.started, sep='|', flush=True); input()"
)


def process_said_by(process: subprocess.Popen[str]) -> Process:
    assert process.stdout
    host, pid, started = process.stdout.readline().strip().split("|")
    return Process(host, int(pid), started)


def test_this_process_is_not_gone() -> None:
    assert not is_gone(current_process())
    assert current_process() == current_process()


def test_a_process_is_gone_once_it_has_ended_and_already_before_its_parent_collects_it() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", SAY_WHO], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        writer = process_said_by(process)
        assert writer.pid == process.pid
        assert not is_gone(writer)
        process.kill()
        assert process.stdout
        assert process.stdout.read() == ""  # returns when the process has let go of its end
        process.wait()
    assert is_gone(writer)


@linux
def test_a_process_is_gone_as_soon_as_it_has_let_go_of_its_files() -> None:
    for _ in range(30):
        with subprocess.Popen(["sleep", "100"], stdout=subprocess.PIPE) as process:
            writer = _process_of(process.pid)
            process.kill()
            assert process.stdout
            assert process.stdout.read() == b""
            assert is_gone(writer)


@linux
def test_another_process_with_the_same_number_is_not_the_writer() -> None:
    mine = current_process()
    assert is_gone(replace(mine, started=mine.started + "7"))
    assert is_gone(Process(mine.host, 1, mine.started))  # number 1 started before this process


@linux
def test_after_a_restart_of_the_machine_all_are_gone() -> None:
    mine = current_process()
    _, namespace, started = mine.started.split("/")
    assert is_gone(replace(mine, started=f"another boot/{namespace}/{started}"))


@linux
def test_what_cannot_be_known_counts_as_alive() -> None:
    mine = current_process()
    boot, _, started = mine.started.split("/")
    assert not is_gone(replace(mine, host="another host", pid=2**22 + 1))
    assert not is_gone(replace(mine, started=f"{boot}/another namespace/{started}", pid=2**22 + 1))


@pytest.mark.parametrize("pid", [2**22 + 1, 2**40])
def test_a_number_that_no_process_has_is_gone(pid: int) -> None:
    assert is_gone(replace(current_process(), pid=pid))


def test_a_record_of_unknown_shape_is_no_error() -> None:
    mine = current_process()
    for started in ("", "x", "a/b/c/d"):
        assert is_gone(Process(mine.host, 2**22 + 1, started)) in (True, False)
