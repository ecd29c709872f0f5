"""What a store costs as it grows: python tests/benchmarks/growth.py [--runs 1000 10000].

Runs a real point, records it as often as asked (another id, alpha and fingerprint each time) the way a cluster's driver
does, and measures at each size: adding a run; megabytes of the database and of files; one page of `tracking runs`; the
listing of sweeps; looking up whether 100 points are done, as resume=true does; reading one sweep of 1,000 points. The
number of rows of the database is printed too: 10,000 runs are about a million. Milliseconds, medians of three; reports,
decides nothing. Files take most of the time and the disk: `--files` writes them for every run, by default for the first
thousand only.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import runner
import tracking
from tracking.entities import Run, RunData
from tracking.parcels import Parcel, put_runs, take_runs
from tracking.records.names import FINGERPRINT, SWEEP_ID, SWEEP_POINTS
from tracking.records.sweep_search import read_newest_sweeps

STORE = "sqlite:///grown/tracking.db"
SWEEP = 1000  # points
AT_ONCE = 200  # runs in one transaction


def main() -> None:
    """Fill a store to each size in turn, and measure there."""
    parser = argparse.ArgumentParser(description="What a store costs as it grows.")
    parser.add_argument("--runs", type=int, nargs="+", default=[1000, 10_000])
    parser.add_argument("--files", action="store_true", help="write the files of every run")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        model = one_parcel()
        there = 0
        for runs in sorted(asked.runs):
            seconds = fill(model, there, runs, files=runs if asked.files else SWEEP)
            print_costs(runs, 1000 * seconds / (runs - there))
            there = runs


def one_parcel() -> Parcel:
    """Return a real run, with everything that it leaves."""
    runner.run(["model=elasticnet", "alpha=0.1"], store="sqlite://")
    (parcel,) = take_runs()
    return parcel


def fill(model: Parcel, first: int, last: int, *, files: int) -> float:
    """Add runs with these numbers; return the seconds that adding took."""
    took = 0.0
    for start in range(first, last, AT_ONCE):
        parcels = [copy_of(model, number, files=files) for number in range(start, min(start + AT_ONCE, last))]
        begun = time.perf_counter()
        put_runs(STORE, parcels)
        took += time.perf_counter() - begun
    return took


def copy_of(model: Parcel, number: int, *, files: int) -> Parcel:
    """Return the run under another id, as another point of one of many sweeps."""
    data, info = model.run.data, model.run.info
    tags = data.tags | {FINGERPRINT: fingerprint(number), SWEEP_ID: f"{number // SWEEP:08x}", SWEEP_POINTS: str(SWEEP)}
    params = data.params | {"alpha": repr(number / 7)}
    points = [replace(point, value=point.value + number * 1e-9) for point in model.points]
    run = Run(replace(info, run_id=os.urandom(16).hex()), RunData({}, params, tags))
    return replace(model, run=run, points=points, files=model.files if number < files else {})


def fingerprint(number: int) -> str:
    """Return what is looked up."""
    return f"v2:{number:064x}"


def print_costs(runs: int, adding: float) -> None:
    """Measure and print what it costs to look into a store of so many runs."""
    client = tracking.TrackingClient(STORE)
    ids = [experiment.experiment_id for experiment in client.search_experiments()]
    asked = ", ".join(f"'{fingerprint(number)}'" for number in range(0, runs, runs // 100))
    some = f"tags.`{FINGERPRINT}` IN ({asked})"
    one = f"tags.`{SWEEP_ID}` = '{0:08x}'"
    database = Path("grown/tracking.db")
    files = sum(path.stat().st_size for path in database.parent.glob("artifacts/*/*/**/*") if path.is_file())
    print(f"\n{runs} runs, {rows(database)} rows")
    print(f"  adding a run                    {adding:9.2f} ms")
    print(f"  database                        {size(database) / 2**20:9.1f} MB")
    print(f"  files of a run                  {files / 2**10 / min(runs, SWEEP):9.1f} KB")
    print(f"  the 20 newest                   {timed(lambda: client.search_runs(ids, max_results=20)):9.1f} ms")
    print(f"  the 20 best                     {timed(lambda: best(client, ids)):9.1f} ms")
    print(f"  whether 100 points are done     {timed(lambda: client.search_runs(ids, filter_string=some)):9.1f} ms")
    print(f"  one sweep of {SWEEP}              {timed(lambda: client.search_runs(ids, filter_string=one)):9.1f} ms")
    print(f"  the listing of sweeps           {timed(lambda: read_newest_sweeps(client.store, 20)):9.1f} ms")


def best(client: tracking.TrackingClient, ids: Sequence[str]) -> Any:
    """Return the runs with the lowest error."""
    return client.search_runs(ids, max_results=20, order_by=["metrics.rmse_mean ASC"])


def rows(database: Path) -> int:
    """Return how many rows all tables have together."""
    with contextlib.closing(sqlite3.connect(database)) as sql:
        tables = [name for (name,) in sql.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return sum(int(sql.execute(f"SELECT count(*) FROM {table}").fetchone()[0]) for table in tables)


def size(database: Path) -> int:
    """Return the bytes of a database, also of what still stands in its log."""
    with contextlib.closing(sqlite3.connect(database)) as sql:
        pages, each = (int(sql.execute(f"PRAGMA {name}").fetchone()[0]) for name in ("page_count", "page_size"))
        return pages * each


def timed(work: Callable[[], object]) -> float:
    """Return the median of three, in milliseconds."""
    seconds = []
    for _ in range(3):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return 1000 * statistics.median(seconds)


if __name__ == "__main__":
    main()
