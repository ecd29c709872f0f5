"""What a run records is all of the table "One point, one run"; its scores are scikit-learn's to the bit."""

from __future__ import annotations

import json
import shlex
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from omegaconf import OmegaConf
from sklearn.model_selection import cross_validate

import tracking
from runner.__main__ import main
from runner.data.dataset import load
from runner.trial.build import build
from tracking.records.environment import parse_environment
from tracking.records.yaml_text import parse_yaml, write_mapping, write_yaml


def run(command: str, *, code: int = 0) -> tracking.Run:
    """Run one point in this process and return its run."""
    assert main(shlex.split(command)) == code
    client = tracking.TrackingClient()
    [one] = client.search_runs([e.experiment_id for e in client.search_experiments()])
    return one


def artifact(one: tracking.Run, path: str) -> str:
    folder = tracking.TrackingClient().artifact_dir(one.info.run_id)
    return (folder / path).read_text(encoding="utf-8")


def artifacts(one: tracking.Run) -> set[str]:
    return {a.path for a in tracking.TrackingClient().list_artifacts(one.info.run_id)}


def history(one: tracking.Run, name: str) -> list[float]:
    points = tracking.TrackingClient().get_metric_history(one.info.run_id, name)
    assert [point.step for point in points] == list(range(len(points)))
    return [point.value for point in points]


def write_cars() -> None:
    rows = [
        f"{900 + 7 * i},{['us', 'eu'][i % 2]},{'' if i == 5 else i % 9},2020-01-{1 + i % 28:02},{30 - i / 5}"
        for i in range(60)
    ]
    Path("cars.csv").write_text("\n".join(["weight,origin,doors,sold,mpg", *rows]) + "\n")


CARS = "data=csv data.path=cars.csv data.target=mpg prepare=tabular"


# -- scores


@pytest.mark.heavy
@pytest.mark.parametrize(
    "command",
    [
        "model=ridge alpha=0.3",
        "model=elasticnet alpha=0.1 l1_ratio=0.9 prepare=standard",
        "model=random_forest model.n_estimators=7 cv=repeated cv.n_splits=3 cv.n_repeats=2",
        "model=gradient_boosting model.max_iter=10 cv=shuffle_split seed=7",
        "model=svr prepare=robust cv=timeseries",
        "model=logistic data=breast_cancer scoring=classification cv=stratified prepare=standard",
        "model=random_forest_classifier model.n_estimators=7 data=iris scoring=classification cv=stratified",
        f"model=ridge {CARS}",
        f"model=knn {CARS} cv.n_splits=4",
        "model=ridge scoring.metrics.worst=neg_max_error scoring.metrics.evs=explained_variance",
    ],
)
def test_fold_scores_are_those_of_cross_validate_to_the_last_bit(command: str) -> None:
    write_cars()
    one = run(command)
    config = parse_yaml(artifact(one, "config.yaml"))
    scoring = config["scoring"]["metrics"]
    parts, data = build(config), load(config["data"])

    expected = cross_validate(parts.estimator, data.X, data.y, groups=data.groups, cv=parts.splitter, scoring=scoring)

    for name, scorer in scoring.items():
        sign = -1 if scorer.startswith("neg_") else 1
        assert history(one, name) == [float(sign * value) for value in expected[f"test_{name}"]], name
        assert one.data.metrics[f"{name}_mean"] == pytest.approx(np.mean(history(one, name)), rel=1e-15)
        assert one.data.metrics[f"{name}_std"] == pytest.approx(np.std(history(one, name)), rel=1e-12)


@pytest.mark.heavy
def test_the_final_model_is_fitted_on_all_rows_and_predicts() -> None:
    one = run("model=lasso alpha=0.1 prepare=standard")
    data = load({"source": "diabetes"})
    expected = build(parse_yaml(artifact(one, "config.yaml"))).estimator.fit(data.X, data.y)

    model = tracking.load_model(one)

    assert np.array_equal(model.predict(data.X), expected.predict(data.X))


@pytest.mark.heavy
def test_the_model_of_a_table_takes_rows_as_they_are_in_the_file() -> None:
    write_cars()
    model = tracking.load_model(run(f"model=random_forest model.n_estimators=5 {CARS}"))

    assert model.predict(load({"source": "csv", "path": "cars.csv", "target": "mpg"}).X[:3]).shape == (3,)


@pytest.mark.heavy
@pytest.mark.parametrize("model", ["knn", "svr", "mlp", "bayesian_ridge", "gradient_boosting"])
def test_every_kind_of_model_is_kept(model: str) -> None:
    one = run(f"model={model} prepare=standard cv.n_splits=2")

    assert one.info.status == "FINISHED"
    assert tracking.load_model(one).predict(load({"source": "diabetes"}).X).shape == (442,)


def test_without_refit_no_model_is_kept() -> None:
    one = run("refit=false")

    assert "model" not in artifacts(one)
    assert one.data.metrics["rmse_mean"] > 0


# -- the table


@pytest.mark.heavy
def test_a_run_records_all_of_the_table() -> None:
    one = run("model=elasticnet alpha=0.5 tags=example +tags.who=me cv.n_splits=3")

    params, tags, metrics = one.data.params, one.data.tags, one.data.metrics
    assert tracking.get_experiment(one.info.experiment_id).name == "elasticnet"
    assert params["alpha"] == params["model.alpha"] == "0.5"
    assert params["cv.n_splits"] == "3"
    assert not any(key.partition(".")[0] in {"hydra", "tracking", "tags", "n_jobs", "resume"} for key in params)
    assert len(history(one, "rmse")) == len(history(one, "fit_seconds")) == 3
    assert {f"{name}_{what}" for name in ("rmse", "mae", "r2") for what in ("mean", "std")} <= set(metrics)
    assert (tags["project"], tags["who"]) == ("diabetes", "me")
    assert tags["mlflow.runName"] == one.info.run_name == "elasticnet alpha=0.5 n_splits=3"
    assert json.loads(tags["overrides"])[:2] == ["model=elasticnet", "alpha=0.5"]
    assert (tags["objective.metric"], tags["objective.direction"]) == ("rmse_mean", "minimize")
    assert (tags["data.name"], tags["data.shape"], tags["data.target"]) == (
        "diabetes",
        "442x10",
        "progression",
    )
    assert json.loads(tags["data.features"])[:2] == ["age", "sex"]
    for name in (
        "fingerprint",
        *(f"fingerprint.{part}" for part in ("config", "splits", "code", "environment")),
    ):
        assert tags[name].startswith("v2:" if name == "fingerprint.data" else "v1:"), name
    assert set(json.loads(tags["identity"])) == {"config", "data", "code", "environment"}
    assert float(tags["cv.test_train_ratio"]) == pytest.approx(0.5, abs=0.01)
    assert {"python", "platform", "cpu", "blas", "threads", "n_jobs", "backend", "mlflow.user"} <= set(tags)
    assert "sweep.id" not in tags
    files = {"config.yaml", "overrides.yaml", "environment.txt", "run.log", "model"}
    assert files <= artifacts(one)


@pytest.mark.heavy
def test_the_points_of_a_sweep_carry_its_id_number_and_command() -> None:
    assert main(shlex.split("-m 'alpha=0.1,0.5' model=ridge,lasso cv.n_splits=2")) == 0

    client = tracking.TrackingClient()
    runs = client.search_runs([e.experiment_id for e in client.search_experiments()])
    assert len({one.data.tags["sweep.id"] for one in runs}) == 1
    assert sorted(one.data.tags["sweep.point"] for one in runs) == ["0", "1", "2", "3"]
    assert {one.data.tags["sweep.points"] for one in runs} == {"4"}
    assert {one.data.tags["sweep.command"] for one in runs} == {
        "python -m runner -m alpha=0.1,0.5 model=ridge,lasso cv.n_splits=2"
    }


@pytest.mark.heavy
def test_overrides_yaml_says_what_was_asked_and_where_values_came_from() -> None:
    one = run("model=elasticnet alpha=0.5 l1_ratio=0.5 cv=kfold +tags.who=me")

    asked = parse_yaml(artifact(one, "overrides.yaml"))

    assert asked["overrides"] == ["model=elasticnet", "alpha=0.5", "l1_ratio=0.5", "cv=kfold", "+tags.who=me"]
    assert sorted(asked["minimal"]) == ["+tags.who=me", "alpha=0.5", "model=elasticnet"]
    assert asked["sweep"] == []
    assert asked["choices"]["model"] == "elasticnet"
    assert asked["choices"]["scoring"] == "regression"
    origins = asked["origins"]
    assert origins["alpha"] == origins["tags.who"] == "command line"
    assert (origins["seed"], origins["cv.n_splits"]) == ("config.yaml", "cv/kfold.yaml")
    assert origins["model.max_iter"] == "model/elasticnet.yaml"


@pytest.mark.heavy
def test_the_environment_is_a_list_of_packages_below_the_machine() -> None:
    text = artifact(run("cv.n_splits=2"), "environment.txt")

    environment = parse_environment(text)
    assert {"python", "platform", "cpu", "blas", "threads", "host"} <= set(environment.host)
    assert {"scikit-learn", "numpy", "scipy", "hydra-core"} <= set(environment.packages)
    lines = [line for line in text.splitlines() if "==" in line]
    assert lines == sorted(lines, key=lambda line: line.partition("==")[0].lower())


def test_warnings_raised_while_fitting_are_recorded_once_each() -> None:
    tags = run("model=mlp model.max_iter=2 cv.n_splits=3").data.tags

    assert tags["warnings.count"] == "1"
    assert tags["warnings"].startswith("ConvergenceWarning: ")


FAILING = """
from sklearn.linear_model import Ridge

class Failing(Ridge):
    def fit(self, X, y):
        print("here we are")
        raise ValueError("the reason is\\nthis")
"""


@pytest.mark.heavy
def test_a_failure_keeps_its_traceback_and_one_line_of_reason() -> None:
    Path("failing_for_the_record.py").write_text(FAILING)

    one = run("model._target_=failing_for_the_record.Failing", code=1)

    assert one.info.status == "FAILED"
    assert one.data.tags["error"] == "ValueError: the reason is this"
    assert 'raise ValueError("the reason is\\nthis")' in artifact(one, "traceback.txt")
    assert "here we are" in artifact(one, "run.log")
    assert one.data.params["model.alpha"] == "1.0"
    assert parse_yaml(artifact(one, "config.yaml"))["alpha"] == 1.0
    assert "rmse_mean" not in one.data.metrics
    assert "fingerprint" in one.data.tags


@pytest.mark.heavy
def test_a_dirty_tree_leaves_its_patch() -> None:
    def git(*arguments: str) -> str:
        identity = ["-c", "user.name=a", "-c", "user.email=a@b"]
        return subprocess.run(["git", *identity, *arguments], check=True, capture_output=True, text=True).stdout

    git("init", "-b", "main")
    Path("mine.py").write_text("x = 1\n")
    git("add", "mine.py")
    git("commit", "-m", "first")
    Path("mine.py").write_text("x = 2\n")

    one = run("cv.n_splits=2")

    assert one.data.tags["mlflow.source.git.commit"] == git("rev-parse", "HEAD").strip()
    assert one.data.tags["git.dirty"] == "true"
    assert "+x = 2" in artifact(one, "uncommitted.patch")
    Path("undo.patch").write_text(artifact(one, "uncommitted.patch"))
    git("apply", "--reverse", "undo.patch")
    assert Path("mine.py").read_text() == "x = 1\n"


@pytest.mark.heavy
def test_a_clean_tree_or_none_leaves_no_patch() -> None:
    one = run("cv.n_splits=2")

    assert "uncommitted.patch" not in artifacts(one)
    assert "git.dirty" not in one.data.tags


# -- seeds


SEEDED = """
import random

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin, TransformerMixin

class Chance(RegressorMixin, BaseEstimator):
    def __init__(self, random_state=None):
        self.random_state = random_state

    def fit(self, X, y):
        self.drawn_ = (self.random_state, random.random(), np.random.random())
        return self

    def predict(self, X):
        return np.full(len(X), self.drawn_[1] + self.drawn_[2])

class Noise(TransformerMixin, BaseEstimator):
    def __init__(self, random_state=None):
        self.random_state = random_state

    def fit(self, X, y=None):
        self.seed_ = self.random_state
        return self

    def transform(self, X):
        return X
"""


@pytest.mark.heavy
def test_the_seed_reaches_splitter_model_preparation_numpy_and_random() -> None:
    Path("chance_for_the_record.py").write_text(SEEDED)
    target = "+prepare._target_=chance_for_the_record.Noise ~model.alpha ~model.solver ~model.fit_intercept"
    command = f"'model._target_=chance_for_the_record.Chance' ~model.random_state {target}"
    assert main(shlex.split(f"-m {command} seed=5,6 +tags.repeated=1,2")) == 0

    client = tracking.TrackingClient()
    runs = client.search_runs([e.experiment_id for e in client.search_experiments()])
    drawn: dict[str, set[Any]] = {"5": set(), "6": set()}
    for one in runs:
        model = tracking.load_model(one)
        seed = one.data.params["seed"]
        drawn[seed].add(model.named_steps["model"].drawn_)
        assert model.named_steps["prepare"].seed_ == int(seed)
        assert build(parse_yaml(artifact(one, "config.yaml"))).splitter.random_state == int(seed)
    [[five], [six]] = map(list, (drawn["5"], drawn["6"]))
    assert (five[0], six[0]) == (5, 6)
    assert five[1:] != six[1:]


# -- config.yaml


words = st.sampled_from(
    [
        "1e-3",
        "1e5",
        "yes",
        "no",
        "on",
        "off",
        "null",
        "~",
        "true",
        "True",
        ".5",
        "1_000",
        "0x1f",
        "0o7",
        "12:30",
        "2020-01-01",
        "nan",
        ".inf",
        "-",
        ":",
        "#",
        "=",
        "<<",
        "!x",
    ]
)
leaves = (
    st.none()
    | st.booleans()
    | st.integers(-(10**18), 10**18)
    | st.floats(allow_nan=False)
    | st.sampled_from([1e-05, 1e16, 5e-324, 0.1 + 0.2, float("inf"), float("-inf"), -0.0])
    | words
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
)
trees = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(words | st.text("ab.é -", max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)


@pytest.mark.heavy
@settings(max_examples=200, deadline=None, derandomize=True, database=None)
@given(st.dictionaries(words | st.text("abc_é-", min_size=1, max_size=5), trees, max_size=4))
def test_the_config_is_read_back_with_its_types(config: dict[str, Any]) -> None:
    text = write_mapping(config)

    assert repr(parse_yaml(text) or {}) == repr(config)
    assert repr(parse_yaml(write_yaml(config))) == repr(config)


plain_trees = st.recursive(
    leaves.filter(lambda value: not isinstance(value, str) or ("${" not in value and value != "???")),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("ab_", min_size=1, max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)


@pytest.mark.heavy
@settings(max_examples=100, deadline=None, derandomize=True, database=None)
@given(st.dictionaries(st.text("abc_", min_size=1, max_size=5), plain_trees, max_size=4))
def test_omegaconf_reads_the_same_types(config: dict[str, Any]) -> None:
    read = OmegaConf.create(write_mapping(config)) if config else OmegaConf.create({})

    assert repr(OmegaConf.to_container(read, resolve=False)) == repr(config)


@pytest.mark.heavy
def test_the_recorded_config_is_the_composed_one_and_composes_again(tmp_path: Path) -> None:
    """As the main file of a folder, with the schemas that the shipped one names, it gives itself."""
    asked = "model=elasticnet alpha=1e-05 model.tol=1e-3 +tags.flag=yes +tags.text='\"yes\"' 'run_name=\"ünï\"'"
    first = run(asked)
    config = parse_yaml(artifact(first, "config.yaml"))
    assert (config["alpha"], config["model"]["tol"]) == (1e-05, 0.001)
    folder = tmp_path / "again"
    folder.mkdir()
    main_file = """
defaults: [schema, _self_, override hydra/job_logging: none, override hydra/sweeper: grid]
hydra: {output_subdir: null, run: {dir: .}}
"""
    (folder / "again.yaml").write_text(main_file + artifact(first, "config.yaml"), encoding="utf-8")

    assert main(["--config-dir", str(folder), "--config-name", "again", "experiment_name=again"]) == 0

    [second] = tracking.search_runs(experiment_names=["again"], output_format="list")
    assert second.data.metrics["rmse_mean"] == first.data.metrics["rmse_mean"]
    assert second.data.tags["fingerprint"] == first.data.tags["fingerprint"]
    assert parse_yaml(artifact(second, "config.yaml")) == config | {"experiment_name": "again"}


ENDS, NESTS, MOVES = (
    "tracking.end_run('KILLED')",
    "tracking.start_run(nested=True)",
    "tracking.set_tracking_uri('x.db')",
)


@pytest.mark.parametrize("fails", [False, True], ids=["sound", "failing"])
@pytest.mark.parametrize("does", [ENDS, NESTS, f"{ENDS}; {MOVES}", f"{NESTS}; {MOVES}"])
def test_an_estimator_that_changes_the_active_run_moves_nothing_to_another(
    does: str, fails: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    name = f"odd{abs(hash((does, fails)))}"
    Path(f"{name}.py").write_text(
        "import tracking\n"
        "from sklearn.linear_model import Ridge\n"
        "class Odd(Ridge):\n"
        "    def fit(self, X, y):\n"
        "        if not getattr(tracking, 'done', False):\n"
        f"            tracking.done = True; {does}\n"
        f"        if {fails}: raise ValueError('mine')\n"
        "        return super().fit(X, y)\n"
    )
    store = "sqlite:///here.db"
    monkeypatch.setattr(tracking, "done", False, raising=False)
    with tracking.use_store(store):
        asked = [f"tracking.uri={store}", f"model._target_={name}.Odd", "cv.n_splits=2", "experiment_name=x"]
        assert main(asked) == (1 if fails else 0)
        assert tracking.active_run() is None

    client = tracking.TrackingClient(store)
    experiment = client.get_experiment_by_name("x")
    assert experiment is not None
    (run,) = client.search_runs([experiment.experiment_id])
    left = {file.path for file in client.list_artifacts(run.info.run_id)}
    assert run.info.status == ("FAILED" if fails else "FINISHED")
    assert {"run.log", "config.yaml", "traceback.txt" if fails else "model"} <= left
    assert ("rmse_mean" in run.data.metrics) is not fails
    others = client.find_runs(None, "attributes.status = 'RUNNING'")
    assert others == []
