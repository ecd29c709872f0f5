"""Every file of conf/ composes, is typed, and instantiates into something that fits."""

import copy
import pickle
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hydra import compose, initialize_config_dir
from hydra.errors import HydraException
from hydra.utils import instantiate
from omegaconf import OmegaConf
from sklearn.base import is_classifier
from sklearn.model_selection import cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from runner.compose import schema
from runner.compose.session import version_base
from runner.data.dataset import load

CONF = Path(__file__).parents[3] / "conf"


def choices(group: str) -> list[str]:
    return sorted(path.stem for path in (CONF / group).glob("*.yaml"))


BOOSTING = ("xgboost", "lightgbm", "catboost")  # of the extra


def model(choice: str) -> Any:
    library = choice.partition("_")[0]
    if library not in BOOSTING:
        return choice
    missing = pytest.mark.skipif(find_spec(library) is None, reason=f"{library} is not installed")
    return pytest.param(choice, marks=(pytest.mark.heavy, missing))


MODELS = [model(choice) for choice in choices("model")]


@pytest.fixture(autouse=True)
def _hydra() -> Iterator[None]:
    schema.register()
    with initialize_config_dir(config_dir=str(CONF), **version_base()):
        yield


def composed(*overrides: str) -> dict[str, Any]:
    config = compose("config", overrides=list(overrides))
    return OmegaConf.to_container(config, resolve=True)  # type: ignore[return-value]


def test_the_defaults_are_ridge_on_diabetes_in_five_folds() -> None:
    config = composed()

    assert config["model"]["_target_"] == "sklearn.linear_model.Ridge"
    assert config["data"] == {"source": "diabetes", "name": "diabetes", "test": None}
    assert config["cv"]["n_splits"] == 5
    assert (config["seed"], config["refit"], config["alpha"]) == (42, True, 1.0)


def test_every_key_of_the_config_file_has_a_comment_and_a_type() -> None:
    lines = (CONF / "config.yaml").read_text().split("\nhydra:")[0].split("  - override hydra")[1].splitlines()[1:]
    keys = {line.split(":")[0]: line for line in lines if line}

    assert all("#" in line for line in keys.values()), keys
    assert set(keys) <= set(schema.root())


@pytest.mark.heavy
@pytest.mark.parametrize("choice", MODELS)
def test_every_model_instantiates_and_cross_validates(choice: str) -> None:
    model = instantiate(composed(f"model={choice}")["model"], _convert_="all")
    dataset = load({"source": "iris" if is_classifier(model) else "diabetes"})
    scoring = composed(f"scoring={dataset.task}")["scoring"]["metrics"]
    if is_classifier(model) and not hasattr(model, "predict_proba"):
        scoring = {"accuracy": "accuracy"}  # model=svc; the calibrated one has probabilities
    rows = slice(None, None, 3)  # every third row is enough to see that it fits
    if choice == "mlp":
        model.set_params(tol=1e6)  # converges at once
    if "n_estimators" in model.get_params():
        model.set_params(n_estimators=5)

    pipeline = make_pipeline(StandardScaler(), model)
    scores = cross_validate(pipeline, dataset.X[rows], dataset.y[rows], scoring=scoring, cv=2, error_score="raise")

    assert set(scores) >= {f"test_{name}" for name in scoring}


@pytest.mark.parametrize("choice", MODELS)
def test_the_seed_reaches_every_model_that_takes_one(choice: str) -> None:
    model = instantiate(composed(f"model={choice}", "seed=7")["model"], _convert_="all")

    seeds = [value for name, value in model.get_params().items() if name.endswith("random_state")]

    assert all(seed == 7 for seed in seeds)


@pytest.mark.parametrize("choice", MODELS)
def test_the_knobs_at_the_top_level_reach_the_model(choice: str) -> None:
    config = composed(f"model={choice}")
    knobs = {name for name in ("alpha", "l1_ratio", "C") if name in config}
    changed = composed(f"model={choice}", *(f"{knob}=0.25" for knob in knobs))
    params = instantiate(changed["model"], _convert_="all").get_params()

    owned = {name.split("__")[-1] for name in params} & {"alpha", "C"}
    assert owned <= knobs
    assert all(0.25 in (params.get(knob), params.get(f"estimator__{knob}")) for knob in knobs)


@pytest.mark.parametrize("choice", choices("cv"))
def test_every_cv_splits_and_is_seeded(choice: str) -> None:
    dataset = load({"source": "iris"})
    splitter = instantiate(composed(f"cv={choice}", "seed=7")["cv"])

    groups = [i % 10 for i in range(150)] if choice == "group" else None
    parts = list(splitter.split(dataset.X, dataset.y, groups))

    assert len(parts) == splitter.get_n_splits(dataset.X, dataset.y)
    assert getattr(splitter, "random_state", 7) == (None if choice == "timeseries" else 7)


@pytest.mark.parametrize("choice", [c for c in choices("data") if c not in ("csv", "parquet", "callable", "frame")])
def test_every_dataset_that_needs_no_file_loads(choice: str) -> None:
    dataset = load(composed(f"data={choice}")["data"])

    assert dataset.name == choice
    assert dataset.shape == f"{len(dataset.y)}x{len(dataset.feature_names)}"


@pytest.mark.parametrize("choice", choices("prepare"))
def test_every_preparation_transforms_numbers(choice: str) -> None:
    config = composed(f"prepare={choice}")["prepare"]
    dataset = load({"source": "diabetes"})

    if choice == "none":
        assert config == {}
    else:
        table = pd.DataFrame(dataset.X).rename(columns=str)
        prepared = instantiate(config, _convert_="all").fit_transform(table, dataset.y)
        assert prepared.shape[0] == 442


@pytest.mark.parametrize("choice", choices("experiment"))
def test_every_experiment_composes_and_begins_with_its_command(choice: str) -> None:
    lines = (CONF / "experiment" / f"{choice}.yaml").read_text().splitlines()
    config = composed(f"experiment={choice}")

    assert lines[1] == f"# python -m runner -m experiment={choice}"
    assert all(isinstance(grid, dict) for grid in config["sweep"])


@pytest.mark.heavy
@pytest.mark.parametrize("group", ["tags", "tracking", "scoring"])
def test_the_other_groups_compose(group: str) -> None:
    for choice in choices(group):
        assert group in composed(f"{group}={choice}")


@pytest.mark.parametrize("group", [path.name for path in CONF.iterdir() if path.is_dir()])
def test_every_file_says_what_it_is_for(group: str) -> None:
    for choice in choices(group):
        text = (CONF / group / f"{choice}.yaml").read_text().removeprefix("# @package _global_\n")
        assert text.startswith("# "), choice


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("cv.n_splits=five", "a whole number >= 2"),
        ("cv.n_splits=1", "a whole number >= 2"),
        ("cv.n_splits=true", "a whole number >= 2"),
        ("cv.n_splits=2.5", "a whole number >= 2"),
        ("cv.n_splits=null", "full_key: cv.n_splits"),
        ("seed=abc", "a whole number, 0 to 4294967295"),
        ("seed=-1", "a whole number, 0 to 4294967295"),
        ("n_jobs=many", "or auto"),
        ("refit=maybe", "true or false"),
        ("timeout_per_point=0", "a number > 0"),
        ("scoring.objective.direction=up", "minimize or maximize"),
        ("alhpa=0.1", "Key 'alhpa' is not in struct"),
        ("cv.n_split=3", "Key 'n_split' is not in struct"),
        ("l1_ratio=0.5", "Key 'l1_ratio' is not in struct"),
        ("model=rigde", "rigde"),
    ],
)
def test_a_mistake_in_a_config_is_refused(override: str, message: str) -> None:
    with pytest.raises(HydraException) as error:
        composed(override)

    assert message in f"{error.value} {error.value.__cause__}"


@pytest.mark.parametrize(
    ("overrides", "path", "value"),
    [
        (["model.max_iter=50"], "model.max_iter", 50),
        (["prepare=standard", "prepare.with_mean=false"], "prepare.with_mean", False),
        (["n_jobs=2"], "n_jobs", 2),
        (["n_jobs=-1"], "n_jobs", -1),
        (["cv=holdout"], "cv.n_splits", 1),
        (["cv=shuffle_split", "cv.test_size=30"], "cv.test_size", 30),
        (["+tags.owner=me", "tags=example"], "tags.owner", "me"),
        (["data=csv", "data.path=a.csv", "data.target=7"], "data.target", "7"),
        (["data=csv", "data.path=a.csv", "data.target=y", "data.dtypes.zip=str"], "data.dtypes.zip", "str"),
        (["data=callable", "data.function=m.f", "data.kwargs={year: 2024}"], "data.kwargs.year", 2024),
        (["timeout_per_point=1.5"], "timeout_per_point", 1.5),
        (["sweep=[{alpha: [1, 2]}]"], "sweep", [{"alpha": [1, 2]}]),
        (["scoring.metrics.max=max_error"], "scoring.metrics.max", "max_error"),
        (["~scoring.metrics.mae"], "scoring.metrics", {"rmse": "neg_root_mean_squared_error", "r2": "r2"}),
    ],
)
def test_what_is_legal_is_taken(overrides: list[str], path: str, value: object) -> None:
    config = compose("config", overrides=overrides)

    assert OmegaConf.select(OmegaConf.create(OmegaConf.to_container(config, resolve=True)), path) == value


def test_types_survive_a_copy_and_a_later_change() -> None:
    config = pickle.loads(pickle.dumps(copy.deepcopy(compose("config"))))

    OmegaConf.update(config, "seed", "7")
    with pytest.raises(Exception, match="a whole number >= 2"):
        OmegaConf.update(config, "cv.n_splits", 1)

    assert config.model.random_state == 7
    assert config.cv.random_state == 7


def test_a_persons_own_files_need_no_schema(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "cv").mkdir()
    (tmp_path / "model" / "mine.yaml").write_text("_target_: sklearn.linear_model.Ridge\nalpha: 3\n")
    (tmp_path / "cv" / "loo.yaml").write_text("_target_: sklearn.model_selection.LeaveOneOut\n")
    own = f"hydra.searchpath=[{tmp_path}]"

    config = composed(own, "model=mine", "cv=loo", "model.solver=svd")

    assert config["model"] == {"_target_": "sklearn.linear_model.Ridge", "alpha": 3, "solver": "svd"}
    assert config["cv"] == {"_target_": "sklearn.model_selection.LeaveOneOut"}
