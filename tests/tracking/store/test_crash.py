"""Killed processes and many at once: nothing that was acknowledged is lost."""

from __future__ import annotations

import json
import os
import random
import signal
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


def log_for_ever(uri: str, number: int, acknowledge: int) -> None:
    """Record runs without end, and say after each call what it returned for."""

    def said(*what: Any) -> None:
        os.write(acknowledge, json.dumps(what).encode() + b"\n")

    tracking.set_tracking_uri(uri)
    while True:
        run_id = tracking.start_run(run_name=f"run of {number}").info.run_id
        said("run", run_id)
        for step in range(3):
            tracking.log_params({f"p{step}.{i}": i for i in range(20)})
            said("params", run_id, step)
            tracking.log_metrics({"a": step, "b": -step}, step=step)
            said("metrics", run_id, step)
            tracking.log_text(f"{step} " * 1000, f"folder/{step}.txt")
            said("file", run_id, step)
        tracking.end_run()
        said("end", run_id)


def killed_after(uri: str, number: int, acknowledgements: int) -> list[list[Any]]:
    """Let a child log, kill it after some acknowledgements, wherever it is by then; return all of them."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        try:
            os.close(reading)
            log_for_ever(uri, number, writing)
        finally:
            os._exit(1)
    os.close(writing)
    with os.fdopen(reading, encoding="utf-8") as pipe:
        lines = [pipe.readline() for _ in range(acknowledgements)]
        os.kill(child, signal.SIGKILL)
        lines += pipe.readlines()
    assert os.WIFSIGNALED(os.waitpid(child, 0)[1]), "the child ended by itself"
    return [json.loads(line) for line in lines if line.endswith("\n")]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_what_was_acknowledged_before_kill_9_is_there(tmp_path: Path) -> None:
    uri = f"sqlite:///{tmp_path}/runs/tracking.db"
    moments = random.Random(0)
    said = [killed_after(uri, number, moments.randrange(1, 30)) for number in range(KILLS)]
    store = open_store(uri)
    runs = {run.info.run_id: run for run in store.search_runs(None)}
    for kind, run_id, *step in (event for events in said for event in events):
        run = runs[run_id]
        number = step[0] if step else 0
        if kind == "params":
            assert run.data.params.items() >= {(f"p{number}.{i}", str(i)) for i in range(20)}
        elif kind == "metrics":
            for key, value in (("a", number), ("b", -number)):
                history = {point.step: point.value for point in store.get_metric_history(run_id, key)}
                assert history[number] == value
        elif kind == "file":
            text = (store.artifact_dir(run_id) / "folder" / f"{number}.txt").read_text()
            assert text == f"{number} " * 1000
        elif kind == "end":
            assert run.info.status == "FINISHED"
    assert {run.info.status for run in runs.values()} <= {"FINISHED", "KILLED"}
    assert all(len(run.data.params) % 20 == 0 for run in runs.values())  # a call is whole or absent
    assert {problem.kind for problem in store.check()} <= {"stale run", "orphan file"}
    store.check(fix=True)
    assert store.check() == []


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
