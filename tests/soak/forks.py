"""Forks in every order of exits, while other programs write: nothing that was acknowledged is lost.

    python tests/soak/forks.py [FORKS] [SEED]        200 forks by default, beside 12 writers

Each fork is a program of its own that has the store open. Prints the figures and exits with 0, or fails on the
first loss. A short form is in the suite, tests/tracking/store/test_forks.py.
"""

from __future__ import annotations

import random
import sqlite3
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))  # where this file is run as a program

from tracking.stores import open_store

ORDERS = (
    "parent leaves first",
    "parent exits first",
    "parent is killed first",
    "child leaves first",
    "child is killed first",
    "both go on",
    "a thread writes meanwhile",
    "a child of a child",
)

# argv: uri, file of acknowledgements, order, seconds. Every line that is written stands for a call that returned.
FORKING = """
import os, signal, sys, threading, time, warnings
import tracking
warnings.simplefilter("ignore", DeprecationWarning)  # from Python 3.12 on, of a fork beside threads: it is the test
uri, acknowledgements, order, seconds = sys.argv[1], sys.argv[2], sys.argv[3], float(sys.argv[4])
file = os.open(acknowledgements, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

def record(name, until):
    with tracking.start_run(run_name=name, nested=True) as run:
        step = 0
        while step == 0 or time.monotonic() < until:
            tracking.log_metric(name, step, step=step)
            os.write(file, f"{run.info.run_id} {name} {step}\\n".encode())
            step += 1

def end(how):
    if how == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    sys.exit(0) if how == "exits" else os._exit(0)

tracking.set_tracking_uri(uri)
record("before", 0)
now = time.monotonic()
thread = threading.Thread(target=record, args=("thread", now + seconds))
if order == "a thread writes meanwhile":
    thread.start()
    time.sleep(seconds / 3)
child = os.fork() == 0
if order == "a child of a child" and child and os.fork():
    os._exit(0)
who, _, what = order.partition(" ")
if child:
    record("child", now + (seconds / 3 if who == "child" else seconds))
    end("killed" if order == "child is killed first" else "leaves")
if who == "parent":
    end("killed" if "killed" in what else "exits" if "exits" in what else "leaves")
record("parent", now + seconds)
"""

# They take turns, so that one often believes to be alone and empties the log.
WRITING = """
import fcntl, os, sys
import tracking
from tracking.stores import shared_store
uri, acknowledgements, stop = sys.argv[1:]
file = os.open(acknowledgements, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
tracking.set_tracking_uri(uri)
while not os.path.exists(stop):
    fcntl.flock(file, fcntl.LOCK_EX)
    with tracking.start_run() as run:
        for step in range(40):
            tracking.log_metric("other", step, step=step)
            os.write(file, f"{run.info.run_id} other {step}\\n".encode())
    shared_store().close()  # as a program's end does
    fcntl.flock(file, fcntl.LOCK_UN)
"""


def run_forks(folder: Path, *, forks: int, writers: int, seed: int, at_once: int = 1) -> Counter[str]:
    """Fork programs beside writers, then compare the store with what was acknowledged; return what was counted."""
    uri, acknowledgements, stop = f"sqlite:///{folder}/runs/tracking.db", folder / "acknowledged", folder / "stop"
    store = open_store(uri)
    store.create_experiment("makes the file")
    store.close()  # or its lock would tell the others that they are not alone
    moments = random.Random(seed)
    orders = [ORDERS[number % len(ORDERS)] for number in range(forks)]
    moments.shuffle(orders)
    command = [sys.executable, "-c"]
    others = [
        subprocess.Popen([*command, WRITING, uri, str(acknowledgements), str(stop)], stderr=subprocess.PIPE, text=True)
        for _ in range(writers)
    ]

    def fork(order: str) -> str:
        arguments = [FORKING, uri, str(acknowledgements), order, str(moments.uniform(0.2, 0.6))]
        # Its output closes with the last of its processes, so that all have ended when this returns.
        done = subprocess.run([*command, *arguments], capture_output=True, text=True, check=False, timeout=300)
        assert done.returncode == (-9 if order == "parent is killed first" else 0), f"{order}: {done.stderr}"
        return f"{order}: {done.stderr}" if done.stderr else ""

    try:
        with ThreadPoolExecutor(at_once) as pool:
            complaints = list(filter(None, pool.map(fork, orders)))
    finally:
        stop.touch()
        said = [other.communicate(timeout=300)[1] for other in others]
    assert not complaints, complaints[0]
    assert not any(said), next(filter(None, said))
    return _compared(folder, uri, acknowledgements) + Counter(forks=forks, writers=writers)


def _compared(folder: Path, uri: str, acknowledgements: Path) -> Counter[str]:
    expected: dict[tuple[str, str], set[int]] = defaultdict(set)
    for line in acknowledgements.read_text().splitlines():
        run_id, key, step = line.split()
        expected[run_id, key].add(int(step))
    store = open_store(uri)
    for (run_id, key), steps in expected.items():
        found = {point.step for point in store.get_metric_history(run_id, key)}
        assert steps <= found, f"lost of {key}: {sorted(steps - found)[:5]} and {len(steps - found)} in all"
    assert {problem.kind for problem in store.check()} <= {"stale run"}
    with closing(sqlite3.connect(folder / "runs/tracking.db")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    return Counter(acknowledged=sum(map(len, expected.values())), runs=len({run_id for run_id, _ in expected}))


if __name__ == "__main__":
    forks, seed = (int(text) for text in (*sys.argv[1:], *("200", "0")[len(sys.argv) - 1 :]))
    with tempfile.TemporaryDirectory() as name:
        print(dict(run_forks(Path(name), forks=forks, writers=12, seed=seed, at_once=2)))
