"""Workers of a cluster, rehearsed in this process: what a worker is told, what comes back, and what a loss costs."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import runner
import tracking
from runner.compose.composer import Composer
from runner.compose.session import session as hydra_session
from runner.data.dataset import load
from runner.engine import remote
from runner.engine.cluster import Answer, Failed, Joined, Left, News
from runner.engine.cluster_pool import MOST_DEATHS, ClusterPool
from runner.engine.dispatch import Engine
from runner.engine.remote import Begun, run_tasks
from runner.errors import ConfigError
from runner.invocation import Invocation, SpecMaker, read_points
from runner.settings import Settings
from runner.trial.identity import data_key, parameters, targets
from runner.trial.outcome import Outcome
from runner.trial.session import open_session
from runner.trial.spec import Spec

STORE = "sqlite:///runs/tracking.db"
SWEEP = ("model=ridge,lasso", "alpha=0.1,0.2,0.3")


class Rehearsal:
    """A cluster whose workers are this process: each call is answered at once, or its worker is lost."""

    name = "the rehearsal"
    lasts = True

    def __init__(
        self,
        workers: Sequence[str],
        *,
        kills: Callable[[str, Sequence[Any]], bool] = lambda worker, tasks: False,
        odd: Mapping[str, Mapping[str, str]] | None = None,
    ) -> None:
        self._news: deque[News] = deque(Joined(worker) for worker in workers)
        self._kills = kills
        self._odd = odd or {}
        self.lost: list[str] = []
        self.batches: list[tuple[str, list[int]]] = []
        self.shares: list[Sequence[str]] = []
        self.closed = False

    def news(self, timeout: float) -> Sequence[News]:
        found = list(self._news)
        self._news.clear()
        return found

    def join(self, worker: str) -> None:
        self._news.append(Joined(worker))

    def call(self, key: str, worker: str, function: Callable[..., Any], *arguments: Any) -> None:
        if function is run_tasks:
            self.batches.append((worker, [task.spec.number for task in arguments[1]]))
            if self._kills(worker, arguments[1]):
                self.lost.append(worker)
                self._news += [Left(worker, "killed"), Joined(f"{worker}+")]
                return
        try:
            value = function(*arguments)
        except Exception as error:
            self._news.append(Failed(key, error))
            return
        if isinstance(value, Begun) and worker in self._odd:
            value = replace(value, ingredients={**value.ingredients, **self._odd[worker]})
        self._news.append(Answer(key, value))

    def share(self, value: Any, workers: Sequence[str]) -> Any:
        self.shares.append(workers)
        return value

    def cancel(self, calls: Iterable[str]) -> None:
        self._news = deque(news for news in self._news if not (isinstance(news, Answer) and news.call in set(calls)))

    def close(self) -> None:
        self.closed = True


def specs_of(*overrides: str) -> list[Spec]:
    invocation = Invocation(overrides, "a test", sweeps=True)
    with hydra_session() as own:
        composer = Composer(hydra_overrides=own)
        expansion = read_points(invocation, composer)
        maker = SpecMaker(invocation, composer, expansion)
        return [maker.spec(point) for point in expansion]


def run_on(
    cluster: Rehearsal, specs: Sequence[Spec], *, mixed: bool = False, told: list[str] | None = None, **settings: Any
) -> list[Outcome]:
    datasets = {data_key(spec.config): load(spec.config["data"]) for spec in specs}
    session = open_session(STORE, datasets, threads=1, tags={"sweep.id": "5a5a5a5a"}, backend="dask")
    names = {name for spec in specs for name in targets(spec.config)}
    tell = (told if told is not None else []).append
    pool = ClusterPool(cluster, size=None, targets=names, mixed=mixed, tell=tell)
    engine = Engine(iter(specs), Settings(**settings), session, total=len(specs), pool=pool)
    return list(engine.run())


def recorded_runs() -> list[tracking.Run]:
    tracking.set_tracking_uri(STORE)
    return list(tracking.search_runs(search_all_experiments=True, output_format="list"))


@pytest.mark.heavy
def test_every_point_is_recorded_once_in_the_drivers_store() -> None:
    cluster = Rehearsal(["a", "b"])
    outcomes = run_on(cluster, specs_of(*SWEEP))

    assert [outcome.status for outcome in outcomes] == ["FINISHED"] * 6
    assert sorted(run.info.run_id for run in recorded_runs()) == sorted(outcome.run_id for outcome in outcomes)
    assert {worker for worker, _ in cluster.batches} == {"a", "b"}
    assert cluster.closed


@pytest.mark.heavy
def test_a_record_says_which_process_ran_it_and_is_otherwise_the_one_of_this_machine() -> None:
    run_on(Rehearsal(["a"]), specs_of(*SWEEP))
    far = {run.info.run_name: run for run in recorded_runs()}
    near = {run.info.run_name: run for run in runner.sweep([*SWEEP, "n_jobs=1"], store="sqlite:///near/tracking.db")}

    assert far.keys() == near.keys()
    for name, run in far.items():
        scores = {key: value for key, value in run.data.metrics.items() if not key.startswith(("fit_", "score_"))}
        assert scores == {key: near[name].data.metrics[key] for key in scores}
        assert run.data.params == near[name].data.params
        for tag in ("fingerprint", "identity", "blas", "python", "mlflow.user", "mlflow.source.type"):
            assert run.data.tags[tag] == near[name].data.tags[tag], tag
        assert run.data.tags["worker"]
        assert "worker" not in near[name].data.tags


@pytest.mark.heavy
def test_what_a_lost_worker_was_in_runs_again_and_is_recorded_once() -> None:
    deaths = Counter[int]()

    def kills(worker: str, tasks: Sequence[Any]) -> bool:
        numbers = [task.spec.number for task in tasks]
        deaths.update(numbers if 2 in numbers and deaths[2] < MOST_DEATHS - 1 else [])
        return 2 in numbers and len(cluster.lost) < MOST_DEATHS - 1

    cluster = Rehearsal(["a", "b"], kills=kills)
    outcomes = run_on(cluster, specs_of(*SWEEP))

    assert sorted(outcome.number for outcome in outcomes) == list(range(6))
    assert {outcome.status for outcome in outcomes} == {"FINISHED"}
    assert len(recorded_runs()) == 6
    assert len(cluster.lost) == MOST_DEATHS - 1


@pytest.mark.heavy
def test_a_point_that_takes_three_workers_along_has_failed_and_the_others_have_not() -> None:
    cluster = Rehearsal(["a", "b"], kills=lambda worker, tasks: any(task.spec.number == 2 for task in tasks))
    outcomes = {outcome.number: outcome for outcome in run_on(cluster, specs_of(*SWEEP), retries=5)}

    assert {number for number, outcome in outcomes.items() if outcome.status == "FAILED"} == {2}
    assert outcomes[2].error is not None
    assert outcomes[2].error.startswith("3 workers died while it was on them")
    assert len(cluster.lost) == 3
    assert sorted(run.info.status for run in recorded_runs()) == ["FAILED", *["FINISHED"] * 5]


@pytest.mark.heavy
def test_after_a_loss_its_points_run_alone_so_that_the_next_is_of_one_point() -> None:
    specs = specs_of("model=ridge", "alpha=linspace(0.1,1,40)")
    cluster = Rehearsal(["a"], kills=lambda worker, tasks: any(task.spec.number == 30 for task in tasks))
    outcomes = run_on(cluster, specs)

    assert {outcome.number for outcome in outcomes if outcome.status == "FAILED"} == {30}
    fatal = [numbers for worker, numbers in cluster.batches if 30 in numbers]
    assert len(fatal) == 3
    assert fatal[1:] == [[30], [30]]


@pytest.mark.heavy
def test_a_worker_that_is_made_of_something_else_is_refused_before_the_first_fit() -> None:
    cluster = Rehearsal(["a", "b"], odd={"b": {"numpy": "1.0.0"}})

    with pytest.raises(ConfigError, match=rf"numpy {np.__version__} here and 1\.0\.0 there.*engine\.mixed=true"):
        run_on(cluster, specs_of(*SWEEP))
    assert cluster.batches == []
    assert recorded_runs() == []


@pytest.mark.heavy
def test_it_is_taken_where_that_is_asked_for() -> None:
    cluster = Rehearsal(["a", "b"], odd={"b": {"numpy": "1.0.0"}})

    assert len(run_on(cluster, specs_of(*SWEEP), mixed=True)) == 6
    assert {worker for worker, _ in cluster.batches} == {"a", "b"}


@pytest.mark.heavy
def test_one_that_comes_late_and_differs_is_left_out_with_a_word() -> None:
    told: list[str] = []
    cluster = Rehearsal(
        ["a"], odd={"late": {"numpy": "1.0.0"}}, kills=lambda worker, tasks: cluster.join("late") or False
    )

    assert len(run_on(cluster, specs_of(*SWEEP), told=told)) == 6
    assert {worker for worker, _ in cluster.batches} == {"a"}
    assert len(told) == 1
    assert "left out" in told[0]


def test_big_data_is_sent_once_to_the_workers_that_cannot_load_it() -> None:
    big = ("data=synthetic_regression", "data.n_samples=20000", "data.n_features=10", "cv.n_splits=2")
    cluster = Rehearsal(["a", "b"])

    outcomes = run_on(cluster, specs_of(*big, "model=ridge", "alpha=1,2,3,4"))

    assert [outcome.status for outcome in outcomes] == ["FINISHED"] * 4
    assert cluster.shares == [["a", "b"]]


@pytest.mark.heavy
def test_data_in_a_file_that_the_workers_see_is_not_sent() -> None:
    rng = np.random.default_rng(0)
    table = rng.normal(size=(20000, 10))
    np.savetxt("big.csv", table, delimiter=",", header=",".join("abcdefghij"), comments="")
    cluster = Rehearsal(["a", "b"])

    outcomes = run_on(
        cluster, specs_of("data=csv", "data.path=big.csv", "data.target=j", "cv.n_splits=2", "model=ridge", "alpha=1,2")
    )

    assert [outcome.status for outcome in outcomes] == ["FINISHED"] * 2
    assert cluster.shares == []


@pytest.mark.heavy
def test_a_worker_that_has_forgotten_the_sweep_is_told_again() -> None:
    def forgets(worker: str, tasks: Sequence[Any]) -> bool:
        if len(cluster.batches) == 2:
            remote._sweeps.clear()
        return False

    cluster = Rehearsal(["a"], kills=forgets)
    outcomes = run_on(cluster, specs_of(*SWEEP))

    assert sorted(outcome.number for outcome in outcomes) == list(range(6))
    assert len(recorded_runs()) == 6


def test_a_point_that_raises_is_recorded_as_failed_and_tried_again_as_often_as_asked() -> None:
    specs = specs_of("model=dummy", "model.strategy=constant", "model.constant=null,1", "model.quantile=null")
    outcomes = run_on(Rehearsal(["a"]), specs, retries=1)

    assert [outcome.status for outcome in outcomes if not outcome.will_retry].count("FAILED") == 1
    assert sorted(run.info.status for run in recorded_runs()) == ["FAILED", "FAILED", "FINISHED"]


def test_the_cluster_that_ran_a_point_is_no_part_of_what_it_is() -> None:
    here = specs_of("model=ridge", "alpha=1")
    there = specs_of("model=ridge", "alpha=1", "engine=dask", "engine.cluster={_target_: distributed.LocalCluster}")

    assert "engine" not in here[0].recorded
    assert there[0].config["engine"]["cluster"] == {"_target_": "distributed.LocalCluster"}
    assert targets(there[0].config) == targets(here[0].config)
    assert parameters(there[0].recorded) == parameters(here[0].recorded)
