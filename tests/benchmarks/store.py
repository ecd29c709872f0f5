"""How fast the store is, as ratios against a plain sqlite3 script that does the same in the same run.

    python tests/benchmarks/store.py
    python tests/benchmarks/store.py --store-runs 10000 --rounds 5

The plain script keeps one row per param, metric and tag, commits where the library does, validates nothing,
resolves nothing, and does not flush ended runs to disk unless it says so. All are measured in turns, so
that a busy machine slows all; figures are medians over the rounds.
"""

from __future__ import annotations

import argparse
import gc
import random
import resource
import shutil
import sqlite3
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import tracking
from tracking.entities import Metric
from tracking.store.process import current_process
from tracking.store.sqlite import Store
from tracking.stores import open_store

PARAMS = {f"model.param_{i}": str(i / 7) for i in range(20)}
TAGS = {f"tag.{i}": f"value {i}" for i in range(8)}
FILES = {"config.yaml": "alpha: 0.5\n" * 40, "notes.txt": "fine\n" * 40}
FOLDS, SCORES, SUMMARY = 5, ("rmse", "mae", "r2"), ("rmse_mean", "rmse_std")  # 5 calls of 3 and one of 2
WIDE = ("rmse", "mae", "r2", "fit_seconds", "rmse_mean")

PLAIN_TABLES = """
CREATE TABLE runs(id TEXT PRIMARY KEY, name TEXT, status TEXT, start INTEGER, stop INTEGER);
CREATE TABLE params(run TEXT, key TEXT, value TEXT, PRIMARY KEY(run, key));
CREATE TABLE tags(run TEXT, key TEXT, value TEXT, PRIMARY KEY(run, key));
CREATE TABLE metrics(run TEXT, key TEXT, value REAL, step INTEGER, time INTEGER);
CREATE INDEX metrics_of_run ON metrics(run, key);
"""


class Plain:
    """The script that a person would write without a library."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self.connection = sqlite3.connect(folder / "plain.db", isolation_level=None)
        self.connection.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;" + PLAIN_TABLES)

    def insert(self, table: str, rows: list[tuple[Any, ...]]) -> None:
        connection = self.connection
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(rows[0]))})", rows)
        connection.execute("COMMIT")

    def record_and_flush(self) -> None:
        self.record(end="PRAGMA synchronous = FULL")
        self.connection.execute("PRAGMA synchronous = NORMAL")

    def record(self, end: str = "SELECT 1") -> None:
        run, now = uuid.uuid4().hex, int(time.time() * 1000)
        self.insert("runs", [(run, "x", "RUNNING", now, None)])
        self.insert("tags", [(run, *item) for item in TAGS.items()])
        self.insert("params", [(run, *item) for item in PARAMS.items()])
        for fold in range(FOLDS):
            self.insert("metrics", [(run, key, 0.5, fold, now) for key in SCORES])
        self.insert("metrics", [(run, key, 0.5, 0, now) for key in SUMMARY])
        (self.folder / run).mkdir()
        for name, text in FILES.items():
            (self.folder / run / name).write_text(text)
        self.connection.execute(end)
        self.connection.execute("UPDATE runs SET status = 'FINISHED', stop = ? WHERE id = ?", (now, run))

    def metric(self, step: int) -> None:
        self.insert("metrics", [("one run", "m", 0.5, step, 1)])


def record() -> None:
    """Do the same through the public API."""
    with tracking.start_run(run_name="x"):
        tracking.set_tags(TAGS)
        tracking.log_params(PARAMS)
        for fold in range(FOLDS):
            tracking.log_metrics(dict.fromkeys(SCORES, 0.5), step=fold)
        tracking.log_metrics(dict.fromkeys(SUMMARY, 0.5))
        for name, text in FILES.items():
            tracking.log_text(text, name)


def seconds(work: Callable[[], object], repeat: int = 1) -> float:
    start = time.perf_counter()
    for _ in range(repeat):
        work()
    return (time.perf_counter() - start) / repeat


def in_turns(rounds: int, repeat: int, *works: Callable[[], object]) -> list[float]:
    """Return the median seconds of each piece of work."""
    for work in works:
        work()
    times = [[seconds(work, repeat) for work in works] for _ in range(rounds)]
    return [statistics.median(column) for column in zip(*times, strict=True)]


def line(what: str, ours: float, plain: float, limit: str, unit: str = "ms") -> None:
    scale = 1e3 if unit == "ms" else 1e6
    print(f"{what:<46}{ours * scale:>9.2f} {unit}{plain * scale:>9.2f} {unit}{ours / plain:>7.2f} x  {limit}")


def measure_writing(folder: Path, rounds: int) -> None:
    tracking.set_tracking_uri(f"sqlite:///{folder}/ours/tracking.db")
    tracking.set_experiment("benchmark")
    plain = Plain(folder / "plain")
    ours, theirs, flushed = in_turns(rounds, 40, record, plain.record, plain.record_and_flush)
    print("A whole run (20 params, 8 tags, 17 metrics in 6 calls, 2 files)")
    line("  against the plain script", ours, theirs, "at most 2.5 x")
    line("  against it flushing ended runs too", ours, flushed, "what the disk takes cancels out")
    step = iter(range(10**9))
    with tracking.start_run():
        ours, theirs = in_turns(
            rounds,
            1000,
            lambda: tracking.log_metric("m", 0.5, step=next(step)),
            lambda: plain.metric(next(step)),
        )
    line("One log_metric in a loop", ours, theirs, f"at most 3 x; {1 / ours:,.0f} a second, over 20,000", "us")


def fill(store: Store, plain: Plain, runs: int) -> None:
    """Record the same runs in both: random values, 5 experiments, 4 of the params numbers."""
    rng = random.Random(0)
    process, experiments = current_process(), [store.create_experiment(f"e{i}") for i in range(5)]
    connection = plain.connection
    connection.execute("BEGIN")
    for number in range(runs):
        run = f"{rng.getrandbits(128):032x}"
        params = {key: rng.choice(("ridge", "lasso", "True", "10")) for key in PARAMS}
        params |= {f"model.param_{i}": str(round(rng.random(), 4)) for i in range(4)}
        values = {key: rng.random() for key in WIDE}
        tags = {"sweep.id": f"{number // 500:08x}", "fingerprint": f"v1:{rng.getrandbits(256):064x}"}
        store.create_run(
            experiments[number % 5],
            run_id=run,
            run_name=f"run-{number}",
            user_id="user",
            start_time=number,
            process=process,
            tags=tags,
        )
        points = [Metric(key, value, number) for key, value in values.items()]
        store.log_batch(run, params=params, metrics=points)
        store.update_run(run, status="FINISHED", end_time=number + 1)
        connection.execute("INSERT INTO runs VALUES (?, ?, 'FINISHED', ?, ?)", (run, "x", number, number + 1))
        connection.executemany("INSERT INTO params VALUES (?, ?, ?)", [(run, *item) for item in params.items()])
        connection.executemany("INSERT INTO tags VALUES (?, ?, ?)", [(run, *item) for item in tags.items()])
        connection.executemany("INSERT INTO metrics VALUES (?, ?, ?, 0, 0)", [(run, *item) for item in values.items()])
    connection.execute("COMMIT")
    store.close()


def plain_table(plain: Plain) -> Any:
    import pandas as pd

    columns: dict[str, dict[str, Any]] = {}
    for table in ("params", "metrics", "tags"):
        for run, key, value in plain.connection.execute(f"SELECT run, key, value FROM {table}"):
            columns.setdefault(f"{table}.{key}", {})[run] = value
    runs = plain.connection.execute("SELECT id, status, start, stop FROM runs ORDER BY start DESC").fetchall()
    data = {key: [column.get(row[0]) for row in runs] for key, column in columns.items()}
    return pd.DataFrame({"run_id": [row[0] for row in runs], **data})


PLAIN_BEST = """
SELECT r.id FROM runs r JOIN metrics m ON m.run = r.id AND m.key = 'rmse' AND m.value < 0.5
JOIN params p ON p.run = r.id AND p.key = 'model.param_1' AND CAST(p.value AS REAL) < 0.5
ORDER BY m.value LIMIT 20
"""


def measure_reading(folder: Path, runs: int, rounds: int) -> None:
    uri = f"sqlite:///{folder}/many/tracking.db"
    plain = Plain(folder / "plain many")
    filling = seconds(lambda: fill(open_store(uri), plain, runs))
    print(f"\n{runs:,} runs with 20 params and 5 metrics each (recorded in {filling:.0f} s)")
    tracking.set_tracking_uri(uri)

    def best(**options: Any) -> Any:
        return tracking.search_runs(
            search_all_experiments=True,
            filter_string="metrics.rmse < 0.5 AND params.model.param_1 < 0.5",
            order_by=["metrics.rmse"],
            max_results=20,
            **options,
        )

    assert list(best().run_id) == [row[0] for row in plain.connection.execute(PLAIN_BEST)]
    ours, theirs = in_turns(rounds, 3, best, lambda: plain.connection.execute(PLAIN_BEST).fetchall())
    line("Best 20 by a filter on a metric and a param", ours, theirs, "under 100 ms")
    newest = "SELECT id FROM runs ORDER BY start DESC LIMIT 20"
    ours, theirs = in_turns(
        rounds,
        10,
        lambda: tracking.search_runs(search_all_experiments=True, max_results=20, output_format="list"),
        lambda: plain.connection.execute(newest).fetchall(),
    )
    line("Newest 20, complete (plain: ids only)", ours, theirs, "instant")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # By the clock, garbage of the one is collected in the time of the other: collect in between.
    ours = statistics.median(
        (gc.collect(), seconds(lambda: tracking.search_runs(search_all_experiments=True, max_results=runs)))[1]
        for _ in range(3)
    )
    peak = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    theirs = seconds(lambda: plain_table(plain))
    line("All of them as a DataFrame", ours, theirs, f"about 2 s at 100,000; peak {peak:,.0f} MB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=15, help="how often each is measured")
    parser.add_argument("--store-runs", type=int, default=100_000, help="runs to search; 0 leaves searching out")
    parser.add_argument("--folder", type=Path, help="where to write; a temporary folder by default")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(dir=options.folder, prefix="benchmark-"))
    print(f"Python {sys.version.split()[0]}, SQLite {sqlite3.sqlite_version}")
    print(f"{'':<46}{'tracking':>12}{'plain':>12}{'ratio':>9}")
    try:
        measure_writing(folder, options.rounds)
        if options.store_runs:
            measure_reading(folder, options.store_runs, max(3, options.rounds // 3))
    finally:
        tracking.reset()
        shutil.rmtree(folder, ignore_errors=True)  # SQLite may be about to remove a file itself


if __name__ == "__main__":
    main()
