"""fork: nothing that was acknowledged is lost, and no file is damaged, whoever ends first."""

from __future__ import annotations

import importlib.util
import os
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from tracking.entities import Metric
from tracking.errors import StoreError
from tracking.store.process import current_process
from tracking.store.sqlite import Store
from tracking.stores import open_store

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")

RUN = "a" * 32
SOAK = Path(__file__).parents[2] / "soak"


def soak(name: str) -> Any:
    specification = importlib.util.spec_from_file_location(name, SOAK / f"{name}.py")
    assert specification
    assert specification.loader
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


@pytest.fixture(params=["file", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    opened = open_store(f"sqlite:///{tmp_path}/runs/tracking.db" if request.param == "file" else "sqlite://")
    opened.create_run("0", run_id=RUN, run_name="x", user_id="u", start_time=1, process=current_process(), tags={})
    return opened


@pytest.mark.heavy
def test_forks_in_every_order_of_exits_lose_nothing_while_others_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    forks = soak("forks")
    counted = forks.run_forks(tmp_path, forks=len(forks.ORDERS), writers=2, seed=0)
    assert counted["acknowledged"] > 500


def ended_with(child: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.mark.heavy
def test_a_fork_waits_for_the_calls_of_other_threads(store: Store) -> None:
    stop = threading.Event()

    def write() -> None:
        step = 0
        while not stop.is_set():
            store.log_batch(RUN, metrics=[Metric("thread", step, 1, step)])
            step += 1

    thread = threading.Thread(target=write)
    thread.start()
    try:
        for number in range(20):
            child = os.fork()
            if not child:
                try:
                    store.log_batch(RUN, params={f"child {number}": "1"})
                except BaseException:
                    os._exit(1)
                os._exit(0)
            assert ended_with(child) == 0
    finally:
        stop.set()
        thread.join()
    if store.uri != "sqlite://":  # of a store in memory the child has a copy
        assert len(store.get_run(RUN).data.params) == 20
    assert store.check() == []


class Forking(dict[str, str]):
    """Params that fork while they are being written; the child tries to use the store."""

    exit_code: int | None = None

    def __init__(self, store: Store) -> None:
        super().__init__(p="1", q="2")
        self.store = store

    def items(self) -> Any:
        child = os.fork()
        if not child:
            try:
                for store in (self.store, open_store(self.store.uri)):
                    with pytest.raises(StoreError, match="in use when this process was forked"):
                        store.get_run(RUN)
            except BaseException:
                os._exit(1)
            os._exit(7)
        self.exit_code = ended_with(child)
        return super().items()


def test_a_child_that_is_forked_in_the_middle_of_a_call_is_refused_and_the_call_recorded(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path}/runs/tracking.db")
    store.create_run("0", run_id=RUN, run_name="x", user_id="u", start_time=1, process=current_process(), tags={})
    params = Forking(store)
    store.log_batch(RUN, params=params)
    assert params.exit_code == 7
    assert store.get_run(RUN).data.params == {"p": "1", "q": "2"}
    assert store.check() == []
