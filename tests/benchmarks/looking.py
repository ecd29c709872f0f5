"""How long a report and the pages of a large store take and how large they are.

python tests/benchmarks/looking.py report [--points 950] [--repeats 3]
python tests/benchmarks/looking.py ui [--runs 100000] [--repeats 5]

Records a sweep (two keys, three metrics over five folds, times), writes its report as a whole process, and opens it in
Chromium where there is one (playwright): until its first charts are drawn. Beside it the same process that only reads
(`tracking compare`), as what the store and Python cost anyway. Targets: 950 points <= 1.3 MB in <= 1 s; 10,000 <= 3 MB;
opened in <= 2 s.

`ui` fills a store with SQL alone, starts `python -m tracking ui` over it, and asks for its pages: wall clock and
processor time of the server, least of the repeats, beside the store's own query for the same runs in this process.
Targets for 100,000 runs: a list filtered by a param and ordered by a metric <= 150 ms and <= 250 KB; page 1,000 within
20% of page 1; a comparison of 200 runs <= 300 ms; memory <= 150 MB; start to the first page <= 1 s; a poll without news
<= 5 ms of SQL and <= 5 KB.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

RATIOS = 10


def main() -> None:
    """Fill a store, then report sizes and the median of times."""
    parser = argparse.ArgumentParser(description="What it takes to look at many runs.")
    parser.add_argument("what", choices=["report", "ui"])
    parser.add_argument("--points", type=int, default=950)
    parser.add_argument("--runs", type=int, default=100_000)
    parser.add_argument("--repeats", type=int, default=3)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if asked.what == "ui":
            measure_pages(folder, asked.runs, asked.repeats)
            return
        fill(folder, asked.points)
        commands = {
            "compare (reads, prints)": ["compare", "--sweep", "latest", "--format", "csv"],
            "report": ["report", "latest", "-o", "report.html"],
        }
        print(f"a sweep of {asked.points} points, median of {asked.repeats} whole processes")
        for what, command in commands.items():
            seconds = [time_process(command, folder) for _ in range(asked.repeats + 1)][1:]
            print(f"  {what:<24} {1000 * statistics.median(seconds):6.0f} ms")
        page = folder / "report.html"
        print(f"  {'size of the report':<24} {page.stat().st_size / 1e6:6.2f} MB")
        opened = open_in_browser(page)
        print(f"  {'opened in Chromium':<24} {'no browser' if opened is None else f'{1000 * opened:6.0f} ms'}")


def fill(folder: Path, points: int) -> None:
    """Record the sweep as the runner does, in few calls a run."""
    from tracking.client import TrackingClient
    from tracking.entities import Metric, Param, RunTag

    client = TrackingClient(f"sqlite:///{folder / 'tracking.db'}")
    for point in range(points):
        alpha, ratio = 10.0 ** (point // RATIOS / (points / RATIOS / 4) - 3), (point % RATIOS + 1) / RATIOS
        score = 50 + abs(2 - point // RATIOS / 30) * (1.5 - ratio) + point % 7 / 50
        tags = {
            "objective.metric": "rmse_mean",
            "fingerprint.data": "v1:d",
            "fingerprint.splits": "v1:s",
            "sweep.id": "1f9a0b2c",
            "sweep.point": str(point),
            "sweep.points": str(points),
        }
        run_id = client.create_run("0", run_name=f"elasticnet {point}", tags=tags).info.run_id
        config = {"alpha": alpha, "model.alpha": alpha, "l1_ratio": ratio, "model.l1_ratio": ratio, "seed": 42}
        params = [Param(key, str(value)) for key, value in config.items()]
        params += [Param(f"fixed.key_{n}", "1") for n in range(20)]
        folds = {"rmse": score, "mae": score * 0.8, "r2": 60 / score - 0.6, "fit_seconds": 0.001 + point % 13 / 1000}
        metrics = [Metric(key, value + fold / 10, 1, fold) for key, value in folds.items() for fold in range(5)]
        metrics += [Metric(f"{key}_mean", folds[key] + 0.2, 1, 0) for key in ("rmse", "mae", "r2")]
        metrics += [Metric(f"{key}_std", 0.158, 1, 0) for key in ("rmse", "mae", "r2")]
        client.log_batch(run_id, metrics, params, [RunTag("note", "")])
        client.set_terminated(run_id)


def time_process(command: list[str], folder: Path) -> float:
    """Return the seconds of a whole process."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TRACKING_URI": f"sqlite:///{folder / 'tracking.db'}"}
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "tracking", *command], cwd=folder, env=environment, capture_output=True, check=False
    )
    if done.returncode:
        raise SystemExit(done.stderr.decode())
    return time.perf_counter() - began


def open_in_browser(page: Path) -> float | None:
    """Return the seconds from the address to the first drawn charts; None without a browser."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        return None
    if chromium is None:
        return None
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        view = browser.new_page()
        began = time.perf_counter()
        view.goto(page.as_uri())
        view.locator("figure .marks").first.wait_for()
        seconds = time.perf_counter() - began
        browser.close()
    return seconds


# The pages over a large store ---------------------------------------------------------------------
FILTER, ORDER = "params.alpha < 0.5", "metrics.rmse_mean ASC"


def measure_pages(folder: Path, runs: int, repeats: int) -> None:
    """Fill a store, serve it, and print what its pages cost."""
    import httpx

    from tracking.stores import open_store

    fill_large(folder, runs)
    uri = f"sqlite:///{folder / 'tracking.db'}"
    store = open_store(uri, read_only=True)
    began = time.perf_counter()
    server = subprocess.Popen(
        [sys.executable, "-m", "tracking", "ui", "--port", "0", "--store", uri],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    try:
        assert server.stdout is not None
        with httpx.Client(base_url=server.stdout.readline().strip(), timeout=300) as client:
            client.get("/")
            print(f"{runs} runs, least of {repeats}")
            seconds, used = time.perf_counter() - began, processor_ms(server.pid)
            print(f"  start to the first page {seconds:.2f} s, {used:.0f} ms of processor")
            half = store.search_runs(
                None, filter_string=FILTER, order_by=[ORDER], max_results=1, offset=min(49_949, runs // 4)
            )[0].info.run_id
            chosen = [run.info.run_id for run in store.search_runs(None, max_results=200)]
            listed = f"/runs?filter={FILTER}&order={ORDER}"
            query = least(
                repeats, lambda: store.search_runs(None, filter_string=FILTER, order_by=[ORDER], max_results=51)
            )
            print(f"  {'the query of the list alone':<28} {query:6.0f} ms")
            pages = {
                "list, filtered and ordered": listed,
                "the same, page 1,000": f"{listed}&after={half}",
                "newest runs": "/runs",
                "experiments": "/",
                "sweeps": "/sweeps",
                "one run": f"/runs/{chosen[0]}",
                "comparison of 200 runs": "/compare?" + "&".join(f"run={run}" for run in chosen),
                "poll without news": "/state",
            }
            for what, page in pages.items():
                show_cost(client, server.pid, what, page, repeats)
            print(f"  poll, SQL alone {least(repeats, store.change_count):.2f} ms")
        print(
            "  memory "
            + ", ".join(re.findall(r"(?:VmRSS|RssAnon|RssFile):.*", Path(f"/proc/{server.pid}/status").read_text()))
        )
    finally:
        server.terminate()
        server.wait()


def show_cost(client: object, pid: int, what: str, page: str, repeats: int) -> None:
    """Print wall clock, processor time of the server and size of a page."""
    costs = []
    for _ in range(repeats):
        used, began = processor_ms(pid), time.perf_counter()
        answer = client.get(page)  # type: ignore[attr-defined]
        costs.append((1000 * (time.perf_counter() - began), processor_ms(pid) - used))
    wall, used = min(costs)[0], min(each for _, each in costs)
    print(f"  {what:<28} {wall:6.0f} ms {used:6.0f} ms of processor {len(answer.content) / 1000:7.1f} kB")


def processor_ms(pid: int) -> float:
    """Return the processor time of a process so far, in steps of the clock of Linux."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return 1000 * (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def least(repeats: int, work: Callable[[], object]) -> float:
    """Return the least milliseconds that some work takes."""
    found = []
    for _ in range(repeats):
        began = time.perf_counter()
        work()
        found.append(1000 * (time.perf_counter() - began))
    return min(found)


def fill_large(folder: Path, runs: int) -> None:
    """Write many runs as the runner leaves them, in sweeps of 1,000, by SQL alone."""
    from tracking.client import TrackingClient

    client = TrackingClient(f"sqlite:///{folder / 'tracking.db'}")
    experiment = int(client.create_experiment("elasticnet"))
    client.store.close()
    rng, now = random.Random(0), int(time.time() * 1000) - 10 * runs
    fixed = {f"fixed.key_{at}": str(at) for at in range(20)}
    with sqlite3.connect(folder / "tracking.db") as database:
        ids: dict[str, int] = {}

        def numbered(n: int, values: dict[str, object]) -> list[tuple[int, int, object]]:
            for key in values.keys() - ids.keys():
                ids[key] = len(ids) + 1000
                database.execute("INSERT INTO keys VALUES (?, ?)", (ids[key], key))
            return [(n, ids[key], value) for key, value in values.items()]

        for n in range(1, runs + 1):
            alpha, ratio = f"{10 ** rng.uniform(-3, 1):.6g}", str(rng.randint(1, 10) / 10)
            scores = {"rmse": 50 + 10 * rng.random(), "mae": 40.0, "r2": 0.5, "fit_seconds": 0.001}
            params = {"alpha": alpha, "model.alpha": alpha, "l1_ratio": ratio, "model.l1_ratio": ratio, **fixed}
            tags = {
                "objective.metric": "rmse_mean",
                "fingerprint.data": "v1:d",
                "fingerprint.splits": "v1:s",
                "sweep.id": f"{n // 1000:08x}",
                "sweep.point": str(n % 1000),
                "sweep.points": "1000",
                "sweep.command": "python -m runner -m ...",
            }
            latest = scores | {f"{key}_mean": value + 0.2 for key, value in scores.items() if "_" not in key}
            start = now + 10 * n
            run = (n, f"{rng.getrandbits(128):032x}", experiment, f"alpha={alpha}", "me", "FINISHED", start, start + 9)
            database.execute("INSERT INTO runs VALUES (?,?,?,?,?,?,?,?,'active','h',1,'x')", run)
            database.executemany("INSERT INTO params VALUES (?,?,?)", numbered(n, dict(params)))
            database.executemany("INSERT INTO tags VALUES (?,?,?)", numbered(n, dict(tags)))
            database.executemany("INSERT INTO latest VALUES (?,?,0,0,?)", numbered(n, dict(latest)))
            folds = [(n, ids[key], fold, value + fold / 10) for key, value in scores.items() for fold in range(5)]
            database.executemany("INSERT INTO points VALUES (?,?,?,0,?)", folds)
    database.close()


if __name__ == "__main__":
    main()
