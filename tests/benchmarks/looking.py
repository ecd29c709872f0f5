"""How long a report takes and how large it is, and how long a browser takes to open it.

python tests/benchmarks/looking.py report [--points 950] [--repeats 3]

Records a sweep (two keys, three metrics over five folds, times), writes its report as a whole process, and opens it in
Chromium where there is one (playwright): until its first charts are drawn. Beside it the same process that only reads
(`tracking compare`), as what the store and Python cost anyway. Targets: 950 points <= 1.3 MB in <= 1 s; 10,000 <= 3 MB;
opened in <= 2 s.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

RATIOS = 10


def main() -> None:
    """Fill a store, then report sizes and the median of times."""
    parser = argparse.ArgumentParser(description="What it takes to look at many runs.")
    parser.add_argument("what", choices=["report"])
    parser.add_argument("--points", type=int, default=950)
    parser.add_argument("--repeats", type=int, default=3)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
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


if __name__ == "__main__":
    main()
