"""What a cluster costs beside our own pool, on loopback: python tests/benchmarks/engines.py.

python tests/benchmarks/engines.py [points] [bytes] [kills] [--points 950] [--rounds 3] [--engine dask]

points  ElasticNets on a LocalCluster of two, against our own pool of two and against joblib's backend for dask, in
        turns and with workers that run already. Targets: 1.3 of our pool, 0.5 of joblib's backend. The scores are
        compared with those of engine=local n_jobs=1 to the last bit.
bytes   what a sweep on 200 MB sends to four workers, by the counters of the loopback device. Target: 1.2 x data x
        workers.
kills   workers killed at twenty random moments: every point once.

Wall-clock seconds, and CPU seconds of this process and of those it started (which a busy machine disturbs less).
Needs 'experiment-runner[dask]'. Reports; decides nothing.
"""

from __future__ import annotations

import argparse
import contextlib
import logging
import os
import random
import signal
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import distributed
import numpy as np
import psutil

import runner
import tracking

MEGABYTE = 2**20


def main() -> None:
    """Run the sections asked for, all by default."""
    sections: dict[str, Callable[[argparse.Namespace], None]] = {
        "points": measure_points,
        "bytes": measure_bytes,
        "kills": measure_kills,
    }
    parser = argparse.ArgumentParser(description="Cost of a cluster beside our own pool.")
    parser.add_argument("sections", nargs="*", metavar="section", help=f"any of {', '.join(sections)}; default: all")
    parser.add_argument("--points", type=int, default=950)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--megabytes", type=int, default=200)
    asked = parser.parse_args()
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    for name, section in sections.items():
        if not asked.sections or name in asked.sections:
            with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
                section(asked)


def measure_points(asked: argparse.Namespace) -> None:
    """Compare the engine with our own pool and with joblib's backend, over the same points."""
    rows = max(1, asked.points // 19)
    axes = ["model=elasticnet", f"alpha=range(0.01,{(rows + 0.5) / 100:g},0.01)", "l1_ratio=range(0.05,0.96,0.05)"]
    with cluster_of(2) as (cluster, client):
        address = f"engine.address={cluster.scheduler_address}"
        ways: dict[str, Callable[[str], Any]] = {
            "our own pool": lambda store: runner.sweep([*axes, "n_jobs=2"], store=store),
            "engine=dask": lambda store: runner.sweep([*axes, "engine=dask", address], store=store),
            "joblib's backend": lambda store: with_joblib(client, rows, store),
        }
        costs: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
        for number in range(asked.rounds + 1):
            for name, way in ways.items():
                before, start = cpu_seconds(), time.perf_counter()
                way(f"sqlite:///{name[:3]}{number}/t.db")
                if number:  # the first is to import everything everywhere
                    costs[name].append((time.perf_counter() - start, cpu_seconds() - before))
    medians = {name: [statistics.median(values) for values in zip(*cost, strict=True)] for name, cost in costs.items()}
    print(f"\n{rows * 19} points, two workers that run already, median of {asked.rounds}")
    for name, (wall, cpu) in medians.items():
        print(f"{name:18}  {wall:7.2f} s  {cpu:7.2f} s of CPU")
    for other in ("our own pool", "joblib's backend"):
        wall, cpu = (medians["engine=dask"][i] / medians[other][i] for i in (0, 1))
        print(f"engine=dask / {other}: {wall:.2f} of the time, {cpu:.2f} of the CPU")
    near = runner.sweep([*axes, "n_jobs=1"], store="sqlite:///near/t.db")
    print(
        "bits as with engine=local n_jobs=1:", scores(f"eng{asked.rounds}") == scores("near"), f"({len(near)} points)"
    )


def with_joblib(client: Any, rows: int, store: str) -> None:
    """Run the same points through joblib's backend for dask, each recording its own run, as version 0.1.0 did."""
    from joblib import Parallel, delayed, parallel_backend

    from runner.data.dataset import load
    from runner.trial.identity import data_key
    from runner.trial.session import open_session

    specs = SPECS or collect(rows)
    datasets = {data_key(specs[0].config): load(specs[0].config["data"])}
    session = open_session(
        f"sqlite:///{Path.cwd()}/{store.removeprefix('sqlite:///')}", datasets, threads=1, checked=True
    )
    tracking.TrackingClient(session.store).search_experiments()
    with parallel_backend("dask", n_jobs=2):
        Parallel()(delayed(_record)(spec, session) for spec in specs)


SPECS: list[Any] = []


def collect(rows: int) -> list[Any]:
    """Return the points as Specs."""
    from runner.compose.composer import Composer
    from runner.compose.session import session as hydra
    from runner.invocation import Invocation, SpecMaker, read_points

    axes = ("model=elasticnet", f"alpha=range(0.01,{(rows + 0.5) / 100:g},0.01)", "l1_ratio=range(0.05,0.96,0.05)")
    invocation = Invocation(axes, "benchmark", sweeps=True)
    with hydra() as own:
        composer = Composer(hydra_overrides=own)
        expansion = read_points(invocation, composer)
        SPECS[:] = map(SpecMaker(invocation, composer, expansion).spec, expansion)
    return SPECS


def _record(spec: Any, session: Any) -> Any:
    from runner.trial.record import record

    return record(spec, session)


def measure_bytes(asked: argparse.Namespace) -> None:
    """Count what the loopback device carries while a sweep on big data runs on four workers."""
    rows = asked.megabytes * MEGABYTE // (8 * 100)
    frame = _frame(rows)
    points = max(2, asked.points * 500 // 950)
    with cluster_of(4) as (cluster, _):
        before = sent()
        runner.sweep(
            [
                *("model=dummy", f"model.quantile=linspace(0.1,0.9,{points})", "model.strategy=quantile", "cv=holdout"),
                *(
                    "refit=false",
                    "keep_predictions=false",
                    "engine=dask",
                    f"engine.address={cluster.scheduler_address}",
                ),
            ],
            data=frame,
            target="y",
            store="sqlite:///bytes/t.db",
        )
        carried = (sent() - before) / MEGABYTE
    data = rows * 8 * 100 / MEGABYTE
    print(
        f"\n{points} points on {data:.0f} MB, four workers: {carried:.0f} MB sent,"
        f" {carried / data / 4:.2f} x data x workers"
    )


def _frame(rows: int) -> Any:
    import pandas as pd

    values = np.random.default_rng(0).normal(size=(rows, 100))
    return pd.DataFrame(values, columns=[*(f"x{i}" for i in range(99)), "y"])


def measure_kills(asked: argparse.Namespace) -> None:
    """Kill workers at random moments while a sweep runs."""
    rows = max(1, asked.points // 19)
    axes = ["model=elasticnet", f"alpha=range(0.01,{(rows + 0.5) / 100:g},0.01)", "l1_ratio=range(0.05,0.96,0.05)"]
    kills, ended = [], threading.Event()

    def kill(cluster: Any) -> None:
        draw = random.Random(0)
        while len(kills) < 20 and not ended.wait(draw.uniform(0.2, 1.5)):
            pids = [w.pid for w in cluster.workers.values() if getattr(w, "pid", None)]
            if pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(draw.choice(pids), signal.SIGKILL)
                    kills.append(time.time())

    with cluster_of(2) as (cluster, _):
        killer = threading.Thread(target=kill, args=(cluster,), daemon=True)
        killer.start()
        runs = runner.sweep(
            [*axes, "engine=dask", f"engine.address={cluster.scheduler_address}"], store="sqlite:///kills/t.db"
        )
        ended.set()
        killer.join()
    points = [run.data.tags["sweep.point"] for run in runs]
    client = tracking.TrackingClient("sqlite:///kills/t.db")
    everything = client.search_runs([e.experiment_id for e in client.search_experiments()], max_results=50_000)
    failed = sum(run.info.status != "FINISHED" for run in everything)
    print(
        f"\n{len(kills)} kills: {rows * 19} points, {len(set(points))} recorded, {len(everything)} runs,"
        f" {failed} failed"
    )


@contextlib.contextmanager
def cluster_of(workers: int) -> Iterator[tuple[Any, Any]]:
    """Make a cluster that is there before the clock starts."""
    with (
        distributed.LocalCluster(n_workers=workers, threads_per_worker=1, dashboard_address=None) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield cluster, client


def scores(folder: str) -> dict[str, list[tuple[str, float]]]:
    """Return the scores of every run in a store by its name, without times."""
    client = tracking.TrackingClient(f"sqlite:///{folder}/t.db")
    runs = client.search_runs([e.experiment_id for e in client.search_experiments()], max_results=50_000)
    timed = ("fit_seconds", "score_seconds")
    return {
        run.info.run_name: sorted((key, value) for key, value in run.data.metrics.items() if not key.startswith(timed))
        for run in runs
    }


def cpu_seconds() -> float:
    """Return the CPU time of this process and all that descend from it, and of those that it waited for."""
    own = psutil.Process()
    total = sum(own.cpu_times()[:4])
    for child in own.children(recursive=True):
        with contextlib.suppress(psutil.Error):
            total += sum(child.cpu_times()[:2])
    return total


def sent() -> int:
    """Return the bytes that the loopback device has carried."""
    return int(Path("/sys/class/net/lo/statistics/tx_bytes").read_text())


if __name__ == "__main__":
    main()
