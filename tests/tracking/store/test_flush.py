"""Runs that end in a row are flushed together: soon, all of them, and a flush that fails is said."""

from __future__ import annotations

import errno
import os
import threading
from pathlib import Path

import pytest

import tracking


@pytest.fixture
def flushed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The sizes of the file at each flush that Python asks the system for."""
    sizes: list[int] = []
    system = os.fdatasync

    def flush(number: int) -> None:
        sizes.append(os.fstat(number).st_size)
        system(number)

    monkeypatch.setattr(os, "fdatasync", flush)
    return sizes


def end_runs(client: tracking.TrackingClient, count: int) -> None:
    for _ in range(count):
        client.set_terminated(client.create_run("0").info.run_id)


def test_everything_is_flushed_when_the_block_ends(flushed: list[int]) -> None:
    client = tracking.TrackingClient()

    with client.flush_together(seconds=60):
        end_runs(client, 20)
        assert not flushed
        written = Path("runs/tracking.db-wal").stat().st_size

    assert flushed == [written]


def test_it_is_flushed_soon_while_the_block_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    client, done = tracking.TrackingClient(), threading.Event()
    monkeypatch.setattr(os, "fdatasync", lambda number: done.set())

    with client.flush_together(seconds=0.01):
        end_runs(client, 1)
        assert done.wait(60)


def test_a_block_in_a_block_and_a_store_in_memory_are_fine(flushed: list[int]) -> None:
    client = tracking.TrackingClient()
    with client.flush_together(seconds=60):
        with client.flush_together(seconds=60):
            end_runs(client, 2)
        assert not flushed
    assert len(flushed) == 1
    memory = tracking.TrackingClient("sqlite://")
    with memory.flush_together():
        end_runs(memory, 1)


def test_a_flush_that_fails_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(number: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    client = tracking.TrackingClient()
    monkeypatch.setattr(os, "fdatasync", fail)

    with pytest.raises(tracking.TrackingError, match="No space left"), client.flush_together(seconds=60):
        end_runs(client, 1)


def test_a_forked_child_does_not_wait_for_a_thread_that_it_does_not_have() -> None:
    client = tracking.TrackingClient()
    with client.flush_together(seconds=60):
        end_runs(client, 1)
        child = os.fork()
        if not child:
            end_runs(client, 1)
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
    assert len(client.search_runs(["0"])) == 2
