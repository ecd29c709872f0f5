"""How long `python -m tracking diff RUN RUN` takes in a large store, as a whole process.

python tests/benchmarks/diff.py [--runs 10000] [--repeats 5]

Fills a store (20 params, 21 metrics, 8 tags a run; the two compared runs also have their files), then
times the process for two runs named by id, by `latest` and by name, beside the bare interpreter.
Target: under half a second in all.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

FOLDS = 5
CONFIG = """\
model: {{_target_: sklearn.linear_model.ElasticNet, alpha: {alpha}, l1_ratio: 0.5, max_iter: 10000}}
data: {{_target_: sklearn.datasets.load_diabetes, name: diabetes}}
cv: {{_target_: sklearn.model_selection.KFold, n_splits: 5, shuffle: true, random_state: 42}}
scoring: {{metrics: {{rmse: neg_rmse, mae: neg_mae, r2: r2}}}}
seed: 42
alpha: {alpha}
l1_ratio: 0.5
"""


def main() -> None:
    """Fill the store, then report the median time of each way to name the runs."""
    parser = argparse.ArgumentParser(description="Time of a diff in a large store.")
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--repeats", type=int, default=5)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        ids = fill(Path(folder), asked.runs)
        print(f"a store of {asked.runs} runs, median of {asked.repeats} whole processes")
        commands = {
            "interpreter": ["-c", "pass"],
            "diff by id": ["-m", "tracking", "diff", ids[0][:12], ids[1][:12]],
            "diff latest~1 latest": ["-m", "tracking", "diff", "latest~1", "latest"],
            "diff by name": ["-m", "tracking", "diff", f"run {asked.runs - 2}", f"run {asked.runs - 1}"],
        }
        for name, command in commands.items():
            seconds = [time_process(command, Path(folder)) for _ in range(asked.repeats + 1)][1:]
            print(f"  {name:<22} {1000 * statistics.median(seconds):6.0f} ms")


def fill(folder: Path, runs: int) -> list[str]:
    """Record the runs and return the ids of the last two."""
    from tracking.client import TrackingClient

    client = TrackingClient(f"sqlite:///{folder / 'tracking.db'}")
    randomness = random.Random(0)
    ids = [record(client, number, randomness, files=number >= runs - 2) for number in range(runs)]
    return ids[-2:]


def record(client: object, number: int, randomness: random.Random, *, files: bool) -> str:
    """Record one run as the runner does, in few calls."""
    from tracking.client import TrackingClient
    from tracking.entities import Metric, Param

    assert isinstance(client, TrackingClient)
    alpha = 0.001 * (number + 1)
    tags = {f"tag.{n}": f"value {n}" for n in range(4)}
    tags |= {"fingerprint.data": "v1:d", "fingerprint.splits": "v1:s", "cv.test_train_ratio": "0.25"}
    tags["objective.metric"] = "rmse_mean"
    run_id = client.create_run("0", run_name=f"run {number}", start_time=1_000_000 + number, tags=tags).info.run_id
    params = [Param(f"section.key_{n}", str(randomness.random())) for n in range(19)]
    scores = [Metric(key, randomness.random(), 1, fold) for key in ("rmse", "mae", "r2") for fold in range(FOLDS)]
    means = [Metric(f"{key}_{what}", 0.5, 1) for key in ("rmse", "mae", "r2") for what in ("mean", "std")]
    client.log_batch(run_id, metrics=[*scores, *means], params=[*params, Param("alpha", str(alpha))])
    if files:
        client.log_text(run_id, CONFIG.format(alpha=alpha), "config.yaml")
        client.log_text(run_id, f"minimal: [alpha={alpha}]\nchoices: {{model: elasticnet}}\n", "overrides.yaml")
        packages = "".join(f"package-{n}==1.{number % 7}.{n}\n" for n in range(120))
        client.log_text(run_id, f"# python: 3.11.7\n{packages}", "environment.txt")
    client.set_terminated(run_id, end_time=1_002_000 + number)
    return run_id


def time_process(arguments: Sequence[str], folder: Path) -> float:
    """Return the seconds of one whole process; a diff ends with 1, for the runs differ."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "TRACKING_URI": f"sqlite:///{folder / 'tracking.db'}",
    }
    start = time.perf_counter()
    done = subprocess.run(
        (sys.executable, *arguments), cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    elapsed = time.perf_counter() - start
    if done.returncode > 1 or done.stderr:
        sys.exit(f"python {' '.join(arguments)} ended with {done.returncode}:\n{done.stderr}")
    return elapsed


if __name__ == "__main__":
    main()
