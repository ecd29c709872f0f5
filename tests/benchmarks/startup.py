"""How long the first command takes, against importing what it needs: python tests/benchmarks/startup.py.

The whole process of the headline sweep (two points, everything recorded, a new store, inside a git
repository) is measured beside a process that only imports the libraries, in turns, and the medians
are divided. The target is 1.6. Then `import tracking` and its command line, beyond an empty
interpreter. Reports; decides nothing.
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
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]
HEADLINE = ("-m", "runner", "-m", "model=ridge", "alpha=0.1,0.5")
COMMANDS: Mapping[str, Sequence[str]] = {
    "interpreter": ("-c", "pass"),
    "imports": (
        "-c",
        "import hydra, pandas, sklearn.linear_model, sklearn.model_selection, sklearn.pipeline",
    ),
    "headline": HEADLINE,
    "import tracking": ("-c", "import tracking"),
    "tracking runs": ("-m", "tracking", "runs"),
}


def main() -> None:
    """Measure every command in turns and print the medians and ratios."""
    parser = argparse.ArgumentParser(description="Start-up times, as ratios.")
    parser.add_argument("--repeats", type=int, default=7)
    repeats = parser.parse_args().repeats
    with tempfile.TemporaryDirectory() as folder:
        make_repository(Path(folder))
        seconds = measure(Path(folder), repeats=repeats)
    report({name: statistics.median(values) for name, values in seconds.items()}, repeats=repeats)


def measure(folder: Path, *, repeats: int) -> dict[str, list[float]]:
    """Return {command: seconds of each repeat}; the first, unmeasured, round fills the caches."""
    seconds: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for turn in range(repeats + 1):
        for name, command in COMMANDS.items():
            if name == "headline":
                shutil.rmtree(folder / "runs", ignore_errors=True)
            elapsed = time_process(command, folder)
            if turn:
                seconds[name].append(elapsed)
    return seconds


def time_process(command: Sequence[str], folder: Path) -> float:
    """Return the seconds of one whole process, or stop with what it printed if it failed."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    start = time.perf_counter()
    done = subprocess.run(
        (sys.executable, *command), cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    elapsed = time.perf_counter() - start
    if done.returncode:
        sys.exit(f"python {' '.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return elapsed


def make_repository(folder: Path) -> None:
    """Make a small dirty repository, so that reading its state is part of what is measured."""
    (folder / "model.py").write_text("slope = 1\n")
    person = ("-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
    for command in (("init",), ("add", "."), (*person, "commit", "-m", "first")):
        subprocess.run(("git", *command), cwd=folder, check=True, capture_output=True)
    (folder / "model.py").write_text("slope = 2\n")


def report(median: Mapping[str, float], *, repeats: int) -> None:
    """Print each median, the ratio that has a target, and what `tracking` adds to the interpreter."""
    for name, value in median.items():
        print(f"{name:<16} {value * 1000:7.0f} ms   median of {repeats}")
    print(f"headline / imports = {median['headline'] / median['imports']:.2f}   (target: at most 1.6)")
    for name in ("import tracking", "tracking runs"):
        print(f"{name} beyond the interpreter: {(median[name] - median['interpreter']) * 1000:.0f} ms")


if __name__ == "__main__":
    main()
