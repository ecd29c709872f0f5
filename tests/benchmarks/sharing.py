"""What sharing the work of a sweep saves: python tests/benchmarks/sharing.py [mixed] [large] [forest] [elasticnet] ...

Each workload is run in one process, with one job and everything recorded, with share=exact, path and off, and beside
them a plain scikit-learn loop (cross_validate with three scorers, then the final fit) and GridSearchCV (one score, no
record). All ways take turns; shown are milliseconds of CPU a point, the least of the rounds, and ratios of these.

mixed       ridge on a table of 263 x 19 numbers and texts, prepare=tabular. Target: 0.15 of the loop.
large       logistic x 20 on 20,000 x 60 numbers and texts, prepare=tabular.
forest      random forests, n_estimators 100, 200, 500 by max_depth 10, 50, 100. Target: 0.70 of share=off.
elasticnet  alpha x l1_ratio on the diabetes data. Targets: 0.35 of the loop, 0.4 of GridSearchCV, path 0.25.
nothing     support vectors on the diabetes data: nothing to share. Target: 1.02 of share=off.

--points N  points of mixed, elasticnet and nothing (100). --rounds N  turns (2). --size F  trees and rows, times F.
--ways exact,off  only these. Reports; decides nothing.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

SCORERS = {"rmse": "neg_root_mean_squared_error", "mae": "neg_mean_absolute_error", "r2": "r2"}


@dataclass(frozen=True, slots=True)
class Workload:
    """A sweep in our words, and the same in scikit-learn's."""

    overrides: tuple[str, ...]
    estimator: Any
    grid: Any  # as scikit-learn's ParameterGrid takes it
    X: Any
    y: Any
    scoring: Mapping[str, str] = field(default_factory=lambda: SCORERS)


def main() -> None:
    """Run the workloads asked for, all by default."""
    workloads = {"mixed": mixed, "large": large, "forest": forest, "elasticnet": elasticnet, "nothing": nothing}
    parser = argparse.ArgumentParser(description="What sharing the work of a sweep saves.")
    parser.add_argument("workloads", nargs="*", metavar="workload", help=f"any of {', '.join(workloads)}")
    parser.add_argument("--points", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--size", type=float, default=1.0)
    parser.add_argument("--ways", default="")
    asked = parser.parse_args()
    if unknown := set(asked.workloads) - set(workloads):
        parser.error(f"no workload {', '.join(unknown)}; there are {', '.join(workloads)}")
    for name, make in workloads.items():
        if not asked.workloads or name in asked.workloads:
            by_size = name in ("large", "forest")
            sweep(make(0.02 if by_size else 10), "share=off")  # imports
            measure(name, make(asked.size if by_size else asked.points), asked.rounds, asked.ways.split(","))


# -- workloads


def mixed(points: int) -> Workload:
    """Make ridge on mixed columns."""
    from sklearn.linear_model import Ridge
    from sklearn.pipeline import make_pipeline

    from runner.data.dataset import load
    from runner.prepare import tabular

    random = np.random.default_rng(0)
    frame = pd.DataFrame(random.standard_normal((263, 15)).round(4), columns=[f"x{i}" for i in range(15)])
    frame = frame.mask(random.random(frame.shape) < 0.05)
    for number in range(4):
        frame[f"word{number}"] = random.choice(list("abcdefgh"), 263)
    frame["target"] = frame["x0"].fillna(0) + (frame["word0"] == "a") + random.standard_normal(263)
    path = Path("mixed.csv")
    frame.to_csv(path, index=False)
    data = load({"source": "csv", "path": str(path), "target": "target"})
    alphas = [number / 10 for number in range(1, points + 1)]
    overrides = ("data=csv", f"data.path={path}", "data.target=target", "prepare=tabular", "model=ridge", axis(alphas))
    model = make_pipeline(tabular(), Ridge(random_state=42))
    return Workload(overrides, model, {"ridge__alpha": alphas}, data.X, data.y)


def large(size: float) -> Workload:
    """Make logistic regression on many mixed rows."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import Pipeline

    from runner.data.dataset import load
    from runner.prepare import tabular

    rows, random = int(20_000 * size), np.random.default_rng(0)
    frame = pd.DataFrame(random.standard_normal((rows, 40)).round(4), columns=[f"x{i}" for i in range(40)])
    frame = frame.mask(random.random(frame.shape) < 0.05)
    for number in range(20):
        frame[f"word{number}"] = random.choice(list("abcdefgh"), rows)
    frame["target"] = np.where(frame["x0"].fillna(0) + random.standard_normal(rows) > 0, "yes", "no")
    frame.to_csv("large.csv", index=False)
    data = load({"source": "csv", "path": "large.csv", "target": "target"})
    penalties = [number / 10 for number in range(1, 21)]
    overrides = (
        *("data=csv", "data.path=large.csv", "data.target=target", "prepare=tabular", "scoring=classification"),
        *("model=logistic", "C=" + ",".join(map(str, penalties))),
    )
    model = Pipeline([("prepare", tabular()), ("model", LogisticRegression(max_iter=1000, random_state=42))])
    scoring = {"accuracy": "accuracy", "f1": "f1_macro"}
    return Workload(overrides, model, {"model__C": penalties}, data.X, data.y, scoring)


def forest(size: float) -> Workload:
    """Make random forests of three sizes and depths on the diabetes data."""
    from sklearn.datasets import load_diabetes
    from sklearn.ensemble import RandomForestRegressor

    X, y = load_diabetes(return_X_y=True)
    grid = {"n_estimators": [max(2, int(count * size)) for count in (100, 200, 500)], "max_depth": [10, 50, 100]}
    axes = tuple(f"model.{name}={','.join(map(str, values))}" for name, values in grid.items())
    return Workload(("model=random_forest", *axes), RandomForestRegressor(random_state=42), grid, X, y)


def elasticnet(points: int) -> Workload:
    """Make ElasticNet on the diabetes data."""
    from sklearn.datasets import load_diabetes
    from sklearn.linear_model import ElasticNet

    X, y = load_diabetes(return_X_y=True)
    alphas = [number / 100 for number in range(1, points // 10 + 1)]
    ratios = [number / 10 for number in range(1, 11)]
    overrides = ("model=elasticnet", axis(alphas), "l1_ratio=" + ",".join(map(str, ratios)))
    return Workload(overrides, ElasticNet(max_iter=10000, random_state=42), {"alpha": alphas, "l1_ratio": ratios}, X, y)


def nothing(points: int) -> Workload:
    """Make support vectors on the diabetes data."""
    from sklearn.datasets import load_diabetes
    from sklearn.svm import SVR

    X, y = load_diabetes(return_X_y=True)
    values = [number / 10 for number in range(1, points + 1)]
    return Workload(("model=svr", "C=" + ",".join(map(str, values))), SVR(), {"C": values}, X, y)


def axis(alphas: Sequence[float]) -> str:
    """Write the axis of alpha."""
    return "alpha=" + ",".join(map(str, alphas))


# -- ways


def measure(name: str, workload: Workload, rounds: int, only: Sequence[str]) -> None:
    """Let all ways take turns, and print what a point costs in each."""
    ways: dict[str, Callable[[Workload], None]] = {
        "share=exact": lambda work: sweep(work, "share=exact"),
        "share=path": lambda work: sweep(work, "share=path"),
        "share=off": lambda work: sweep(work, "share=off"),
        "plain loop": loop,
        "GridSearchCV": search,
    }
    from sklearn.model_selection import ParameterGrid

    ways = {way: run for way, run in ways.items() if not any(only) or way.removeprefix("share=") in (*only, "exact")}
    points = len(ParameterGrid(workload.grid))
    least = dict.fromkeys(ways, float("inf"))
    for _ in range(rounds):
        for way, run in ways.items():
            start = time.process_time()
            run(workload)
            least[way] = min(least[way], (time.process_time() - start) / points * 1000)
    print(f"{name}: {points} points")
    for way, cost in least.items():
        print(f"  {way:14}{cost:8.2f} ms a point  share=exact is {least['share=exact'] / cost:.2f} of it", flush=True)


def sweep(workload: Workload, share: str) -> None:
    """Run the sweep in a new store."""
    from runner.flow import execute
    from runner.invocation import Invocation

    with tempfile.TemporaryDirectory() as folder:
        asked = (*workload.overrides, share, "n_jobs=1", f"tracking.uri=sqlite:///{folder}/runs.db")
        execute(Invocation(asked, "benchmark", sweeps=True, quiet=True), composer())


def composer() -> Any:
    """Return the composer of the shipped configs."""
    from runner.compose.composer import Composer

    return Composer()


def loop(workload: Workload) -> None:
    """Evaluate and fit each point, and record nothing."""
    from sklearn.base import clone
    from sklearn.model_selection import KFold, ParameterGrid, cross_validate

    for parameters in ParameterGrid(workload.grid):
        model = clone(workload.estimator).set_params(**parameters)
        cross_validate(
            model, workload.X, workload.y, cv=KFold(5, shuffle=True, random_state=42), scoring=workload.scoring
        )
        model.fit(workload.X, workload.y)


def search(workload: Workload) -> None:
    """Let scikit-learn search the grid: one score, one final fit."""
    from sklearn.model_selection import GridSearchCV, KFold

    cv = KFold(5, shuffle=True, random_state=42)
    GridSearchCV(workload.estimator, workload.grid, cv=cv, scoring=next(iter(workload.scoring.values()))).fit(
        workload.X, workload.y
    )


if __name__ == "__main__":
    from hydra import initialize_config_dir

    from runner.compose.folder import config_folder
    from runner.compose.session import prepare_hydra

    prepare_hydra()
    with (
        tempfile.TemporaryDirectory() as place,
        contextlib.chdir(place),
        initialize_config_dir(config_dir=str(config_folder()), version_base="1.3", job_name="runner"),
    ):
        main()
