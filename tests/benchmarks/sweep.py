"""What a sweep costs beside a plain script, as whole processes, in turns: python tests/benchmarks/sweep.py.

python tests/benchmarks/sweep.py [points] [overhead] [scale] [heavy] [few] [--quick] [--repeats 3]

points    950 ElasticNets on the diabetes data with 1, 2 and `auto` jobs, everything recorded, against a
          script that loops over the same fits on one core and records nothing. Targets: 1.0 with one job,
          0.65 with two.
overhead  milliseconds that a tracked point takes over its own cross_validate and fit. Target: 2.
scale     time of a point and memory at 1,000 and at 10,000 points. Targets: within 10 %, at most 50 MB more.
heavy     random forests on 20,000 x 500 with two workers, against joblib.Parallel(n_jobs=2). Target: 1.1.
few       a sweep of two points with n_jobs=auto starts no worker.

Times are medians; ratios are of medians measured in turns, so that a busy machine disturbs both sides alike.
Memory (scale, heavy) is the sum of PSS (a page that several processes share counts once) over the process and
all its descendants, read from /proc ten times a second; its peak is shown. Reports; decides nothing.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
PLAIN_POINTS = """\
import numpy as np
from sklearn.datasets import load_diabetes
from sklearn.linear_model import ElasticNet
from sklearn.model_selection import KFold, cross_validate

X, y = load_diabetes(return_X_y=True)
scorers = {"rmse": "neg_root_mean_squared_error", "mae": "neg_mean_absolute_error", "r2": "r2"}
for alpha in np.arange(0.01, {stop}, 0.01):
    for l1_ratio in np.arange(0.05, 0.999, 0.05):
        model = ElasticNet(alpha=alpha, l1_ratio=l1_ratio, max_iter=10000, random_state=42)
        cross_validate(model, X, y, cv=KFold(5, shuffle=True, random_state=42), scoring=scorers)
        model.fit(X, y)
"""
PLAIN_HEAVY = """\
from joblib import Parallel, delayed
from sklearn.datasets import make_regression
from sklearn.ensemble import RandomForestRegressor
from sklearn.model_selection import KFold, cross_validate

X, y = make_regression({rows}, 500, n_informative=10, noise=10.0, random_state=42)
scorers = {{"rmse": "neg_root_mean_squared_error", "mae": "neg_mean_absolute_error", "r2": "r2"}}

def run(depth):
    model = RandomForestRegressor(4, max_depth=depth, max_features=0.1, random_state=42, n_jobs=1)
    cross_validate(model, X, y, cv=KFold(5, shuffle=True, random_state=42), scoring=scorers)
    return model.fit(X, y)

if __name__ == "__main__":
    models = Parallel(n_jobs=2, return_as="generator_unordered")(delayed(run)(depth) for depth in {depths})
    for model in models:
        pass
"""


@dataclass(frozen=True, slots=True)
class Cost:
    """What one process and its descendants took."""

    seconds: float
    cpu: float  # user and system seconds of everything that was waited for
    peak: float  # MB
    processes: int  # Python processes side by side at most, itself included


def main() -> None:
    """Run the sections asked for, all by default."""
    sections: dict[str, Callable[[argparse.Namespace], None]] = {
        "points": measure_points,
        "overhead": measure_overhead,
        "scale": measure_scale,
        "heavy": measure_heavy,
        "few": measure_few,
    }
    parser = argparse.ArgumentParser(description="Cost of a sweep beside plain scripts.")
    parser.add_argument("sections", nargs="*", metavar="section", help=f"any of {', '.join(sections)}; default: all")
    parser.add_argument("--quick", action="store_true", help="fewer points, one repeat: a first look")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--backend", default="loky", help="loky or multiprocessing")
    asked = parser.parse_args()
    if unknown := set(asked.sections) - set(sections):
        parser.error(f"no section {', '.join(unknown)}; there are {', '.join(sections)}")
    if asked.quick:
        asked.repeats = 1
    for name, section in sections.items():
        if not asked.sections or name in asked.sections:
            section(asked)


# -- sections


def measure_points(asked: argparse.Namespace) -> None:
    """Compare the sweep with 1, 2 and auto jobs with the plain script."""
    rows = 10 if asked.quick else 50
    stop = (rows + 1) / 100
    axes = [f"alpha=range(0.01,{stop:g},0.01)", "l1_ratio=range(0.05,1.0,0.05)"]
    commands: dict[str, list[str]] = {"plain script, one core": ["plain.py"]}
    for jobs in ("1", "2", "auto"):
        commands[f"n_jobs={jobs}"] = _sweep("model=elasticnet", *axes, f"n_jobs={jobs}", f"backend={asked.backend}")
    costs = _in_turns(commands, {"plain.py": PLAIN_POINTS.replace("{stop}", f"{stop - 0.005:g}")}, asked.repeats)
    print(f"\n{rows * 19} points, whole processes, median of {asked.repeats}, backend={asked.backend}")
    _print_ratios(costs, base="plain script, one core", targets={"n_jobs=1": 1.0, "n_jobs=2": 0.65})


def measure_overhead(asked: argparse.Namespace) -> None:
    """Print what a point takes over its own scikit-learn calls, in one process and on one core."""
    from runner.trial.threads import limited_threads

    repeats, alphas = max(3, asked.repeats), 20 if asked.quick else 60
    with _composer() as composer, limited_threads(1):
        tracked, plain = [], []
        for turn in range(repeats + 1):
            pair = _time_tracked(composer, alphas), _time_plain(alphas)
            if turn:
                tracked.append(pair[0])
                plain.append(pair[1])
    over = [1000 * (a - b) for a, b in zip(tracked, plain, strict=True)]
    print(f"\nover its own cross_validate and fit, {alphas} points of ridge in one process, median of {repeats}")
    print(f"  tracked point      {1000 * statistics.median(tracked):7.2f} ms")
    print(f"  scikit-learn       {1000 * statistics.median(plain):7.2f} ms")
    print(f"  overhead           {statistics.median(over):7.2f} ms   (target: at most 2)")


def measure_scale(asked: argparse.Namespace) -> None:
    """Compare the time of a point, and memory, of a long and a short sweep."""
    few, many = (100, 1000) if asked.quick else (1000, 10_000)
    for jobs in ("1", "2"):
        commands = {
            str(count): _sweep(
                f"alpha=range({100 / count:g},{100 + 50 / count:g},{100 / count:g})",
                f"n_jobs={jobs}",
                f"backend={asked.backend}",
            )
            for count in (2, few, many)
        }
        costs = _in_turns(commands, {}, 1, memory=True)
        start = costs["2"][0].seconds
        print(f"\nridge, n_jobs={jobs}; a start of {start:.1f} s (two points) is not counted")
        each = {count: (costs[str(count)][0].seconds - start) / (count - 2) for count in (few, many)}
        for count in (few, many):
            print(f"  {count:6} points  {1000 * each[count]:7.2f} ms each  {costs[str(count)][0].peak:6.0f} MB")
        more = costs[str(many)][0].peak - costs[str(few)][0].peak
        print(f"  ratio {each[many] / each[few]:.2f} (target: at most 1.10), {more:+.0f} MB (target: +50)")


def measure_heavy(asked: argparse.Namespace) -> None:
    """Compare random forests on big data with two workers with joblib's own pool."""
    rows, depths = (5000, [4, 5, 6, 7]) if asked.quick else (20_000, [4, 5, 6, 7, 8, 9, 10, 11])
    sweep = _sweep(
        "model=random_forest",
        "data=synthetic_regression",
        f"data.n_samples={rows}",
        "data.n_features=500",
        "model.n_estimators=4",
        "model.max_features=0.1",
        f"model.max_depth={','.join(map(str, depths))}",
    )
    commands = {
        "Parallel(n_jobs=2)": ["plain.py"],
        "n_jobs=2": [*sweep, "n_jobs=2", f"backend={asked.backend}"],
        "n_jobs=auto": sweep,
    }
    source = PLAIN_HEAVY.format(rows=rows, depths=depths)
    costs = _in_turns(commands, {"plain.py": source}, asked.repeats, memory=True)
    size = rows * 500 * 8 / 1e6
    print(f"\n{len(depths)} forests on {rows} x 500 ({size:.0f} MB), median of {asked.repeats}, {asked.backend}")
    _print_ratios(costs, base="Parallel(n_jobs=2)", targets={"n_jobs=2": 1.1})


def measure_few(asked: argparse.Namespace) -> None:
    """Show that two points start no worker."""
    costs = _in_turns({"n_jobs=auto": _sweep("alpha=0.1,0.5"), "n_jobs=1": _sweep("alpha=0.1,0.5", "n_jobs=1")}, {}, 1)
    seen = costs["n_jobs=auto"][0].processes
    print("\ntwo points")
    for name, (cost,) in costs.items():
        print(f"  {name:12} {cost.seconds:6.2f} s  {cost.processes} Python process(es)")
    print(f"  auto started {'no worker' if seen == 1 else f'{seen - 1} PROCESSES'}")


# -- one process at a time


def _sweep(*overrides: str) -> list[str]:
    return ["-m", "runner", "-m", "progress=false", *overrides]


def _in_turns(
    commands: Mapping[str, Sequence[str]], files: Mapping[str, str], repeats: int, *, memory: bool = False
) -> dict[str, list[Cost]]:
    """Run every command in a fresh folder, one after the other, `repeats` times over."""
    costs: dict[str, list[Cost]] = {name: [] for name in commands}
    # All folders are removed at the end: some file systems are slow to make files where many were just removed.
    with tempfile.TemporaryDirectory() as place:
        for turn in range(repeats):
            for name, command in commands.items():
                folder = Path(place) / f"{turn} {name}"
                folder.mkdir()
                for file, text in files.items():
                    (folder / file).write_text(text)
                costs[name].append(_run(command, folder, memory=memory))
    return costs


def _run(command: Sequence[str], folder: Path, *, memory: bool) -> Cost:
    environment = os.environ | {"PYTHONPATH": str(ROOT)} | dict.fromkeys(THREADS, "1")
    start = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, *command],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    meter = _Meter(process.pid, memory=memory)
    output, reader = [], threading.Thread(target=lambda: output.append(process.stdout.read()), daemon=True)
    reader.start()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    meter.stop()
    reader.join()
    process.stdout.close()
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}\n{output[0].decode()[-3000:]}")
    return Cost(seconds, usage.ru_utime + usage.ru_stime, meter.peak / 1024, meter.processes)


class _Meter:
    """Watches a process and its descendants while they run; memory only where it is shown: reading costs."""

    def __init__(self, pid: int, *, memory: bool) -> None:
        self._pid = pid
        self._memory = memory
        self._done = threading.Event()
        self.peak = 0  # kB
        self.processes = 1
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the watch."""
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._done.wait(0.1):
            tree = list(_descendants(self._pid))
            if self._memory:
                self.peak = max(self.peak, sum(map(_pss, tree)))
            self.processes = max(self.processes, sum(map(_is_python, tree)))


def _descendants(pid: int) -> Iterator[int]:
    yield pid
    with contextlib.suppress(OSError):
        for file in Path(f"/proc/{pid}/task").glob("*/children"):
            for child in file.read_text().split():
                yield from _descendants(int(child))


def _pss(pid: int) -> int:
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1])
    return 0


def _is_python(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return b"python" in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[0]
    return False


def _print_ratios(costs: Mapping[str, Sequence[Cost]], *, base: str, targets: Mapping[str, float]) -> None:
    medians = {name: statistics.median(cost.seconds for cost in found) for name, found in costs.items()}
    for name, found in costs.items():
        cpu = statistics.median(cost.cpu for cost in found)
        peak = statistics.median(cost.peak for cost in found)
        target = f"  (target: at most {targets[name]:g})" if name in targets else ""
        ratio = f"ratio {medians[name] / medians[base]:.2f}"
        memory = f"  {peak:6.0f} MB" if peak else ""
        print(f"  {name:24}{medians[name]:7.2f} s  {cpu:7.2f} s CPU{memory}  {ratio}{target}")


# -- one process for all


@contextlib.contextmanager
def _composer() -> Iterator[object]:
    from hydra import initialize_config_dir

    from runner.compose.composer import Composer
    from runner.compose.folder import config_folder
    from runner.compose.session import prepare_hydra, version_base

    prepare_hydra()
    with (
        tempfile.TemporaryDirectory() as folder,
        contextlib.chdir(folder),
        initialize_config_dir(config_dir=str(config_folder()), job_name="runner", **version_base()),
    ):
        yield Composer()


def _time_tracked(composer: object, points: int) -> float:
    from runner.compose.composer import Composer
    from runner.flow import execute
    from runner.invocation import Invocation

    assert isinstance(composer, Composer)
    overrides = ("model=ridge", f"alpha=range(0.1,{points / 10 + 0.05:g},0.1)", "n_jobs=1")
    start = time.perf_counter()
    execute(Invocation(overrides, "benchmark", sweeps=True, quiet=True), composer)
    return (time.perf_counter() - start) / points


def _time_plain(points: int) -> float:
    from sklearn.datasets import load_diabetes
    from sklearn.linear_model import Ridge
    from sklearn.model_selection import KFold, cross_validate

    X, y = load_diabetes(return_X_y=True, as_frame=False)
    scorers = {"rmse": "neg_root_mean_squared_error", "mae": "neg_mean_absolute_error", "r2": "r2"}
    start = time.perf_counter()
    for number in range(1, points + 1):
        model = Ridge(alpha=number / 10, random_state=42)
        cross_validate(model, X, y, cv=KFold(5, shuffle=True, random_state=42), scoring=scorers)
        model.fit(X, y)
    return (time.perf_counter() - start) / points


if __name__ == "__main__":
    main()
