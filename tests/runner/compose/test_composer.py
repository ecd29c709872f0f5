"""Composing with few calls of Hydra gives what Hydra gives: same values, same types, same refusals."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import pytest
from hydra import compose, initialize_config_dir
from hydra.errors import HydraException
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException, ValidationError

from runner.compose.composer import Composed, Composer
from runner.compose.folder import config_folder
from runner.compose.overrides import read_overrides
from runner.compose.session import prepare_hydra, version_base
from runner.errors import ConfigError
from tracking.records.overrides import Override
from tracking.records.values import leaves


def words(text: str) -> list[str]:
    return text.split()


GROUPS = words("""
model=ridge model=elasticnet model=mlp model=random_forest model=logistic cv=repeated cv=timeseries
cv=holdout prepare=standard prepare=polynomial prepare=none data=csv data=diabetes
scoring=classification tags=example experiment=elasticnet_grid experiment=classify +data@other=iris
+model@extra=ridge +data@deep.er=wine +cv@model.inner=kfold ~experiment ~prepare ~prepare=none ~tags
tracking=local tags=[default,example]
""")

VALUES = [
    *words("""
    alpha=2 alpha=2.0 alpha=1.0 alpha=0.1 alpha='0.1' alpha=null alpha=true alpha=yes alpha=1e-3
    alpha=.5 alpha=inf alpha=[1,2.0,x] alpha={a:1} alpha=${seed} model.alpha=${seed}
    model.alpha=${alpha} model.alpha=3 model.max_iter=null model.foo=1 model.foo={a:1,b:[1,{c:null}]}
    model.foo={} model.hidden_layer_sizes=[3,4] model.note=${alpha}
    model._target_=sklearn.linear_model.Lasso model={alpha:9} model={_target_:a.B,x:${seed}} seed=7
    seed='7' seed=42 cv.n_splits=3 cv.n_splits=5 cv.n_splits='4' cv.random_state=null
    cv.random_state=${model.alpha} cv.random_state=42 cv={n_splits:4} tags.owner=me tags.n=1_000 tags={}
    tags={a:b} prepare.degree=3 prepare={degree:4} data.source=iris scoring.metrics.extra=r2
    scoring.metrics={rmse:r2} scoring.objective.direction=maximize scoring.objective.metric=mae
    experiment_name=null experiment_name=${model._target_} run_name=a/b run_name=${experiment_name}
    run_name=ünï sweep=[{alpha:[1,2]}] sweep=null n_jobs=2 n_jobs=auto timeout_per_point=3
    timeout_per_point=null refit=false refit=true +note=1 ++note=3 +deep.note=[] +model.extra=[1,2]
    ++model.extra={a:{b:null}} ++alpha=3 ++cv.n_splits=6 ++seed=8 ~alpha ~model.max_iter +tags.who=me
    +tags={x:1} +tags={y:2} ++tags.project=mine +note=${seed} run_name=
    """),
    "experiment_name='a, b'",
    'experiment_name="it\'s"',
    "run_name='${seed}-${alpha}'",
    "run_name=\\${seed}",
    "run_name=a b",
    "+note=['${seed}', ${alpha}]",
    "+note={a: ${alpha}, b: '${oc.decode:\"1e3\"}'}",
]

SOMETIMES_REFUSED = [
    *words("""
    model=rigde model=[ridge] model=5 data@other=iris ~prepare=standard ~model ~nothing experiment=null
    ++model=ridge alpha=${nowhere} alpha=${model.alpha} model.foo.a=2 model.hidden_layer_sizes.0=7
    model.hidden_layer_sizes.9=7 model.alpha.deeper=1 seed=abc seed=1.5 seed=true seed=-1 seed=null
    cv.n_splits=1 cv.n_splits=five cv.shuffle=maybe cv.shuffle=false cv.nsplits=3
    cv.random_state=${alpha} cv.test_size=0.3 data.path=x.csv data.target=y data.path=${run_name}
    data.dtypes={a:str} data.dtypes.zip=str data.other=1 scoring.objective.direction=up n_jobs=0 refit=1
    alhpa=1 l1_ratio=0.5 l1_ratio=${alpha} C=1 C=${model.C} +alpha=3 ++cv.n_splits=six ~nowhere
    ~alpha=1.0 ~alpha=2 ~tags.project ~seed +alpha.b=2 ~cv.shuffle=true +note=2 alpha=1,2 alpha=range(3)
    alpha=[1, alpha =3 +=3 alpha=${ alpha={a
    """),
    "data.options={sep: 'a, b', header: null}",
    "run_name='\\${seed}'",
]


@pytest.fixture(scope="module")
def shared() -> Composer:
    """One Composer for all tests: what one of them leaves behind, another one finds."""
    return Composer()


@pytest.fixture
def composer(shared: Composer) -> Iterator[Composer]:
    prepare_hydra()
    with initialize_config_dir(config_dir=str(config_folder()), job_name="runner", **version_base()):
        yield shared


@st.composite
def override_lists(draw: st.DrawFn) -> list[str]:
    """Draw what mostly can be composed: a list that is refused says nothing about the rest of it."""
    asked = draw(st.lists(st.sampled_from(GROUPS), max_size=2)) + draw(st.lists(st.sampled_from(VALUES), max_size=4))
    if draw(st.integers(0, 3)) == 0:
        asked.append(draw(st.sampled_from(SOMETIMES_REFUSED)))
    return draw(st.permutations(asked))


reused = settings(
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def typed(tree: Any) -> str:
    """Spell a config so that 1, 1.0, True and '1' differ, and the order of keys does not."""
    if isinstance(tree, dict):
        return f"{{{', '.join(sorted(f'{key!r}: {typed(value)}' for key, value in tree.items()))}}}"
    if isinstance(tree, list):
        return f"[{', '.join(map(typed, tree))}]"
    return f"{type(tree).__name__} {tree!r}"


def by_hydra(asked: Sequence[str]) -> str:
    try:
        config = compose("config", overrides=list(asked))
        return typed(OmegaConf.to_container(config, resolve=True, throw_on_missing=True))
    except (HydraException, OmegaConfBaseException, ValueError):
        return "refused"


def texts(overrides: Iterable[Override]) -> list[str]:
    return [override.text for override in overrides]


def compose_with(composer: Composer, asked: Sequence[str]) -> Composed:
    return composer.compose(read_overrides(asked))


def by_composer(composer: Composer, asked: Sequence[str]) -> str:
    try:
        return typed(compose_with(composer, asked).config)
    except ConfigError:
        return "refused"


@pytest.mark.heavy
@settings(reused, max_examples=40)
@example(["alpha=2", "alpha=1.0"])
@example(["~alpha", "+alpha=3"])
@example(["model.foo={a:1}", "model.foo={b:2}"])
@example(["tags={a:1}", "tags.a=2"])
@example(["model=mlp", "model.hidden_layer_sizes=[3,4]", "model.hidden_layer_sizes.0=7"])
@example(["experiment=classify", "C=0.1", "tags=example", "~tags.project"])
@given(override_lists())
def test_the_composed_config_is_that_of_hydra_or_both_refuse(composer: Composer, asked: list[str]) -> None:
    assert by_composer(composer, asked) == by_hydra(asked)


@pytest.mark.parametrize("text", SOMETIMES_REFUSED)
def test_what_hydra_refuses_is_refused_and_nothing_else(composer: Composer, text: str) -> None:
    assert by_composer(composer, [text]) == by_hydra([text])


VARIED = words("""
alpha=2 alpha=2.0 alpha=null alpha=${seed} seed=7 seed='8' cv.n_splits=3 cv.random_state=null
tags.owner=me tags={a:b} model.hidden_layer_sizes=[3,4] model.alpha=3 experiment_name=${model._target_}
run_name=${alpha} l1_ratio=0.1 data.path=x.csv data.target=y seed=abc n_jobs=0 alhpa=1
run_name=${nowhere} model.hidden_layer_sizes.0=5
""")


@pytest.mark.heavy
@settings(reused, max_examples=100)
@given(st.sampled_from(["ridge", "mlp", "elasticnet"]), st.lists(st.sampled_from(VARIED), max_size=5))
def test_a_config_does_not_depend_on_what_was_composed_before(composer: Composer, model: str, asked: list[str]) -> None:
    """The examples before this one are what was composed before; the reference was made at the start."""
    if not hasattr(composer, "untouched"):
        composer.untouched = {  # type: ignore[attr-defined]
            name: by_composer(Composer(), [f"model={name}"]) for name in ["ridge", "mlp", "elasticnet"]
        }
    first = by_composer(composer, [f"model={model}", *asked])

    assert by_composer(composer, [f"model={model}"]) == composer.untouched[model]  # type: ignore[attr-defined]
    assert by_composer(composer, [f"model={model}", *asked]) == first


def test_a_caller_who_changes_a_config_does_not_change_the_next_one(composer: Composer) -> None:
    asked = ["model=mlp", "tags={a:{b:1}}", "model.foo=[1,{x:2}]"]
    before = by_composer(composer, asked)
    config = compose_with(composer, asked).config

    config["model"]["hidden_layer_sizes"].append(9)
    config["model"]["foo"][1]["x"] = 3
    config["tags"]["a"]["b"] = 2
    config["cv"]["n_splits"] = 99

    assert by_composer(composer, asked) == before


PLAIN = words("""
alpha=2 alpha=1.0 alpha=1 model.max_iter=null model.max_iter=5 seed=42 seed='42' seed=7 cv.n_splits=5
cv.n_splits=3 cv.shuffle=true refit=true refit=false tags={} tags.owner=me tags={owner:me}
experiment_name=null run_name=x n_jobs=auto n_jobs=2 model.foo=1 model.foo=[1,2]
scoring.objective.metric=rmse sweep=null alpha=${seed}
""")
CHOICES = ["model=ridge", "model=lasso", "cv=kfold", "+note=1", "experiment=classify"]


@pytest.mark.heavy
@settings(reused, max_examples=50)
@example(["experiment=classify", "model=logistic"])
@example(["model=lasso", "model=ridge", "cv.n_splits=3", "cv.n_splits=5"])
@given(
    st.builds(
        list.__add__,
        st.lists(st.sampled_from(CHOICES), max_size=2, unique=True),
        st.lists(st.sampled_from(PLAIN), max_size=4),
    )
)
def test_minimal_overrides_compose_the_same_config_and_none_can_be_left_out(
    composer: Composer, asked: list[str]
) -> None:
    try:
        composed = compose_with(composer, asked)
    except ConfigError:
        return
    wanted = typed(composed.config)

    minimal = texts(composed.minimal)
    assert set(minimal) <= set(asked)
    assert by_composer(composer, minimal) == wanted
    for number in range(len(minimal)):
        rest = [*minimal[:number], *minimal[number + 1 :]]
        assert by_composer(composer, rest) != wanted, minimal


def test_an_override_that_fixes_what_was_derived_is_not_redundant(composer: Composer) -> None:
    assert texts(compose_with(composer, ["cv.random_state=42"]).minimal) == ["cv.random_state=42"]
    assert texts(compose_with(composer, ["cv.random_state=${seed}"]).minimal) == []


def test_a_choice_of_the_experiment_is_redundant_beside_it(composer: Composer) -> None:
    asked = ["experiment=classify", "model=logistic", "prepare=none"]

    assert texts(compose_with(composer, asked).minimal) == ["experiment=classify", "prepare=none"]


def test_the_choices_are_those_of_every_group_defaults_included(composer: Composer) -> None:
    composed = compose_with(composer, ["experiment=classify", "cv=repeated", "+data@other=iris"])

    assert composed.choices == {
        "model": "logistic",
        "data": "breast_cancer",
        "data@other": "iris",
        "prepare": "standard",
        "cv": "repeated",
        "scoring": "classification",
        "tags": "default",
        "tracking": "local",
        "engine": "local",
        "experiment": "classify",
    }


@pytest.mark.parametrize(
    ("asked", "key", "there"),
    [
        ([], "alpha", True),
        ([], "model.alpha", True),
        ([], "model.positive", True),  # Ridge has it, ridge.yaml does not name it
        (["model.free={}"], "model.free.thing", True),
        ([], "cv.n_splits", True),
        ([], "cv.nsplits", False),
        ([], "l1_ratio", False),
        (["model=elasticnet"], "l1_ratio", True),
        (["model=linear"], "alpha", False),
        (["data=csv"], "data.path", True),
        (["data=csv"], "data.target", True),
        ([], "data.path", False),
        (["data=csv"], "data.dtypes.zip", True),
        ([], "scoring.objective.direction", True),
        ([], "scoring.objective.way", False),
        ([], "scoring.metrics.mine", True),
        (["model=mlp"], "model.hidden_layer_sizes.0", True),
        (["model=mlp"], "model.hidden_layer_sizes.5", False),
        ([], "alpha.deeper", False),
        ([], "experiment_name", True),
        ([], "sweep", True),
        ([], "nowhere", False),
        (["+data@other=iris"], "other.name", True),
        (["~tags"], "tags.owner", True),  # a place of the schema
    ],
)
def test_has_key_tells_whether_hydra_would_set_it(composer: Composer, asked: list[str], key: str, there: bool) -> None:
    assert composer.has_key(read_overrides(asked), key) is there
    try:
        compose("config", overrides=[*asked, f"{key}=1"])
        accepted = True
    except HydraException as error:
        accepted = isinstance(error.__cause__, ValidationError)  # the place is there, the value is wrong
    assert accepted is there


@pytest.mark.parametrize(
    ("asked", "key", "there"),
    [
        ("model=ridge", "model.max_depth", False),
        ("model=random_forest", "model.max_depth", True),
        ("model=random_forest", "model.max_leaf_nodes", True),
        ("model=random_forest", "model._convert_", True),
        ("prepare=none", "prepare.degree", False),
        ("prepare=polynomial", "prepare.degree", True),
        ("prepare=standard", "prepare.degree", False),
        ("++model._target_=nowhere.Model", "model.max_depth", True),  # building it says what is wrong
    ],
)
def test_a_parameter_is_there_if_the_estimator_has_it(composer: Composer, asked: str, key: str, there: bool) -> None:
    """Hydra would set any key of these open sections; a sweep over several models needs to know better."""
    assert composer.has_key(read_overrides([asked]), key) is there


def test_keys_are_the_dotted_leaves_of_the_config(composer: Composer) -> None:
    keys = composer.keys(read_overrides(["model=mlp", "data=csv"]))

    assert {"alpha", "model.hidden_layer_sizes", "data.path", "data.dtypes", "seed", "sweep"} <= set(keys)
    assert not any(key.startswith("hydra") for key in keys)


def test_sections_are_read_resolved_and_with_their_values_set(composer: Composer) -> None:
    asked = read_overrides(["experiment=compare_linear"])

    sections = composer.sections(asked, "sweep", "seed", "nowhere")

    assert sections["sweep"][0] == {"model": ["ridge", "lasso"], "alpha": "logspace(-3, 1, 9)"}
    assert (sections["seed"], sections["nowhere"]) == (42, None)


def test_origins_name_the_file_that_set_a_leaf_last(composer: Composer) -> None:
    origins = compose_with(composer, ["experiment=classify", "cv=repeated", "tags=example"]).origins

    assert origins["seed"] == "config.yaml"
    assert origins["C"] == origins["model.max_iter"] == "model/logistic.yaml"
    assert origins["cv.n_repeats"] == "cv/repeated.yaml"
    assert origins["experiment_name"] == "experiment/classify.yaml"
    assert origins["tags.project"] == "tags/example.yaml"
    assert origins["prepare._target_"] == "prepare/standard.yaml"
    assert not any(key.startswith(("hydra", "defaults")) for key in origins)


@pytest.mark.parametrize("asked", [[], ["data=csv", "data.path=x", "data.target=y"], ["+data@other=iris"]])
def test_every_leaf_of_a_config_has_an_origin(composer: Composer, asked: list[str]) -> None:
    composed = compose_with(composer, asked)

    keys = {key for key, _ in leaves(composed.config)}
    assert keys - {"tags", "prepare"} <= set(composed.origins)  # these two are empty


@pytest.mark.heavy
def test_a_few_structural_choices_are_kept_and_the_oldest_forgotten(composer: Composer) -> None:
    small = Composer(keep=2)
    lists = [["model=ridge"], ["model=lasso"], ["model=knn"], ["model=ridge"]]

    assert [by_composer(small, asked) for asked in lists] == [by_composer(composer, asked) for asked in lists]


def test_a_config_may_read_what_hydra_knows_of_the_job(composer: Composer) -> None:
    asked = ["run_name='${hydra:job.name} ${hydra:runtime.choices.model}'", "model=lasso"]

    assert compose_with(composer, asked).config["run_name"] == "runner lasso"


@pytest.mark.parametrize("asked", [["model.alpha=3", "alpha=2"], ["cv.random_state=7", "seed=3", "model.alpha=0.5"]])
def test_a_key_that_repeats_another_keeps_the_value_it_was_given(composer: Composer, asked: list[str]) -> None:
    assert by_composer(composer, asked) == by_hydra(asked)
    assert by_composer(composer, asked[::-1]) == by_hydra(asked[::-1])


def test_the_composer_knows_which_keys_repeat_which(composer: Composer) -> None:
    follows = compose_with(composer, ["model=ridge", "alpha=0.5"]).follows
    assert follows["model.alpha"] == "alpha"
    assert follows["cv.random_state"] == "seed"

    own = compose_with(composer, ["model=ridge", "model.alpha=3", "tags.copy=${seed}"]).follows
    assert "model.alpha" not in own
    assert own["tags.copy"] == "seed"
