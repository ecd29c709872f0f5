"""Killed processes and many at once: nothing that was acknowledged is lost."""

from __future__ import annotations

import os
import runpy
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import tracking
from tracking.stores import open_store

KILLS = 50
WRITERS = 8
RUNS_EACH = 200


@pytest.mark.heavy
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_what_was_acknowledged_before_kill_9_is_there(tmp_path: Path) -> None:
    file = Path(__file__).parents[2] / "soak" / "kills.py"
    assert runpy.run_path(str(file))["run_kills"](tmp_path, kills=KILLS, seed=0) > KILLS


RECORD = """
import sys, tracking
uri, number, runs = sys.argv[1], sys.argv[2], int(sys.argv[3])
tracking.set_tracking_uri(uri)
print("ready", flush=True)
input()
tracking.set_experiment("shared")
for i in range(runs):
    with tracking.start_run(run_name=f"{number}.{i}"):
        tracking.log_params({"writer": number, "i": i, f"own.{number}": i})
        for step in range(3):
            tracking.log_metric("m", i + step, step=step)
"""


@pytest.fixture
def writers(tmp_path: Path) -> Iterator[list[subprocess.Popen[str]]]:
    uri = f"sqlite:///{tmp_path}/runs/tracking.db"
    command = [sys.executable, "-c", RECORD, uri]
    pipes: dict[str, Any] = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    root = str(Path(tracking.__file__).parents[2])
    processes = [
        subprocess.Popen([*command, str(n), str(RUNS_EACH)], text=True, env={**os.environ, "PYTHONPATH": root}, **pipes)
        for n in range(WRITERS)
    ]
    yield processes
    for process in processes:
        process.kill()
        process.communicate()


@pytest.mark.heavy
def test_many_processes_fill_one_fresh_store_at_once(writers: list[subprocess.Popen[str]], tmp_path: Path) -> None:
    for process in writers:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
    for process in writers:  # all at once: they race to make the file, its tables and the experiment
        assert process.stdin
        print(file=process.stdin, flush=True)
    ended = [(process.wait(), process.stderr.read()) for process in writers if process.stderr]
    assert ended == [(0, "")] * WRITERS
    store = open_store(f"sqlite:///{tmp_path}/runs/tracking.db")
    shared = store.get_experiment_by_name("shared")
    assert shared
    runs = store.search_runs([shared.experiment_id])
    names = {(run.data.params["writer"], run.data.params["i"]) for run in runs}
    assert len(runs) == len(names) == WRITERS * RUNS_EACH
    for run in runs:
        i = int(run.data.params["i"])
        assert run.info.status == "FINISHED"
        assert run.data.params[f"own.{run.data.params['writer']}"] == str(i)
        assert run.data.metrics == {"m": i + 2}
    assert store.check() == []
