"""kill -9 at any moment of logging: nothing that was acknowledged is lost.

    python tests/soak/kills.py [KILLS] [SEED]        200 kills by default

Prints the figures and exits with 0, or fails on the first loss. A short form is in the suite,
tests/tracking/store/test_crash.py.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))  # where this file is run as a program

import tracking
from tracking.stores import open_store


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


def run_kills(folder: Path, *, kills: int, seed: int) -> int:
    """Kill children that log, one after the other, compare the store with what they said; return how much that was."""
    uri = f"sqlite:///{folder}/runs/tracking.db"
    moments = random.Random(seed)
    said = [killed_after(uri, number, moments.randrange(1, 30)) for number in range(kills)]
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
    return sum(map(len, said))


if __name__ == "__main__":
    kills, seed = (int(text) for text in (*sys.argv[1:], *("200", "0")[len(sys.argv) - 1 :]))
    with tempfile.TemporaryDirectory() as name:
        print({"kills": kills, "acknowledged": run_kills(Path(name), kills=kills, seed=seed)})
