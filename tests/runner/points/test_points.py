"""Axes become points: order, conditional axes, the command line over grids, duplicates, exclusion."""

import itertools
from collections.abc import Collection, Mapping, Sequence

import pytest
from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.override_parser.overrides_parser import OverridesParser
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.compose.overrides import read_overrides
from runner.errors import SweepError
from runner.points.axes import Axis, Grid, merge_command_line
from runner.points.expansion import Expansion, expand
from runner.points.grids import read_sweep
from tracking.records.overrides import Override

SHARED = {"seed", "cv.n_splits", "tags.note"}
KEYS = {
    "ridge": {"alpha"},
    "lasso": {"alpha"},
    "elasticnet": {"alpha", "l1_ratio"},
    "linear": set(),
    "forest": {"model.max_depth", "model.min_samples_leaf"},
}
COMPARE = [
    {"model": ["ridge", "lasso"], "alpha": "logspace(-1, 1, 3)"},
    {"model": "elasticnet", "alpha": [0.1, 1], "l1_ratio": [0.1, 0.5]},
    {"model": "forest", "zip(model.max_depth, model.min_samples_leaf)": [[3, 1], [None, 5]], "repeat": 2},
]


def known(choices: Mapping[str, str]) -> Collection[str]:
    return KEYS[choices.get("model", "ridge")] | SHARED | {"model", "data"}


def plan(*axes: Axis, grids: Sequence[Grid] = (), fixed: Sequence[Override] = ()) -> Expansion:
    return expand(
        merge_command_line(grids, axes, fixed),
        applies=lambda choices, key: key in known(choices),
        groups=lambda name: name in ("model", "data"),
        known_keys=known,
    )


def texts(expansion: Expansion) -> list[str]:
    points = list(expansion)
    assert [point.number for point in points] == list(range(len(points)))
    assert expansion.count() == len(points)
    return [" ".join(point.texts) for point in points]


MODELS = Axis.of("model", ["ridge", "elasticnet"])
ALPHAS = Axis.of("alpha", [0.1, 1])
RATIOS = Axis.of("l1_ratio", [0.1, 0.9])


def test_an_axis_is_dropped_where_the_model_does_not_have_it() -> None:
    expansion = plan(MODELS, ALPHAS, RATIOS)
    assert texts(expansion) == [
        "model=ridge alpha=0.1",
        "model=ridge alpha=1",
        "model=elasticnet alpha=0.1 l1_ratio=0.1",
        "model=elasticnet alpha=0.1 l1_ratio=0.9",
        "model=elasticnet alpha=1 l1_ratio=0.1",
        "model=elasticnet alpha=1 l1_ratio=0.9",
    ]
    assert expansion.notes == ("l1_ratio applies to elasticnet only",)
    assert expansion.varying == ("model", "alpha", "l1_ratio")


def test_a_plain_setting_is_dropped_in_the_same_way() -> None:
    expansion = plan(MODELS, fixed=[Override.of("l1_ratio", 0.5), Override.of("seed", 1)])
    assert texts(expansion) == ["seed=1 model=ridge", "l1_ratio=0.5 seed=1 model=elasticnet"]
    assert expansion.notes == ("l1_ratio applies to elasticnet only",)
    assert "seed" not in expansion.varying


def test_the_first_axis_moves_slowest_even_before_the_model() -> None:
    assert texts(plan(ALPHAS, RATIOS, MODELS)) == [
        "alpha=0.1 model=ridge",
        "alpha=0.1 l1_ratio=0.1 model=elasticnet",
        "alpha=0.1 l1_ratio=0.9 model=elasticnet",
        "alpha=1 model=ridge",
        "alpha=1 l1_ratio=0.1 model=elasticnet",
        "alpha=1 l1_ratio=0.9 model=elasticnet",
    ]


def test_each_question_about_a_config_is_asked_once() -> None:
    asked: list[tuple[tuple[tuple[str, str], ...], str]] = []

    def applies(choices: Mapping[str, str], key: str) -> bool:
        asked.append((tuple(choices.items()), key))
        return key in known(choices)

    grids = merge_command_line((), [MODELS, Axis.of("alpha", range(50)), RATIOS])
    expansion = expand(grids, applies=applies, groups=lambda name: name == "model")
    assert len(list(expansion)) == 150
    assert len(asked) == len(set(asked)) == 4


@pytest.mark.parametrize(
    ("axes", "notes"),
    [
        ([Axis.of("model", ["ridge", "lasso", "linear"]), ALPHAS], ("alpha applies to ridge, lasso only",)),
        (
            [Axis.of("model", ["ridge", "lasso", "elasticnet", "linear"] * 2), ALPHAS],
            (
                "alpha applies to ridge, lasso, elasticnet only",
                "model: 4 different values among 8; equal points run once",
            ),
        ),
        ([MODELS, Axis.of("data", ["a", "b"]), RATIOS], ("l1_ratio applies to elasticnet only",)),
        ([MODELS, ALPHAS], ()),
    ],
)
def test_a_note_says_where_a_key_applies(axes: list[Axis], notes: tuple[str, ...]) -> None:
    assert plan(*axes).notes == notes


def test_a_note_names_what_lacks_the_key_when_that_is_shorter() -> None:
    models = [f"m{n}" for n in range(6)]
    expansion = expand(
        merge_command_line((), [Axis.of("model", models), ALPHAS]),
        applies=lambda choices, key: choices["model"] != "m3",
        groups=lambda name: name == "model",
    )
    assert expansion.notes == ("alpha does not apply to m3",)


def test_a_note_names_combinations_when_no_single_group_decides() -> None:
    expansion = expand(
        merge_command_line((), [Axis.of("model", ["a", "b"]), Axis.of("data", ["x", "y"]), ALPHAS]),
        applies=lambda choices, key: choices == {"model": "a", "data": "x"},
        groups=lambda name: name in ("model", "data"),
    )
    assert expansion.notes == ("alpha applies to data=x model=a only",)
    assert expansion.count() == 5


@pytest.mark.parametrize(
    ("axis", "message"),
    [
        (Axis.of("alhpa", [0.1, 1]), r"alhpa=0.1: no chosen config \(model=ridge, model=elasticnet\)"),
        (Axis.of("alhpa", [0.1, 1]), r"Nearest: alpha\.$"),
        (Axis.of("n_splits", [5]), r"Nearest: cv.n_splits"),
        (Axis.of("modle", ["ridge", "lasso"]), r"Nearest: model"),
        (Axis.of("zzz", [1]), r"a key 'zzz'\.$"),
    ],
)
def test_a_key_that_no_chosen_config_has_is_a_mistake_with_the_nearest_names(axis: Axis, message: str) -> None:
    with pytest.raises(SweepError, match=message):
        plan(MODELS, axis)


def test_added_and_deleted_keys_always_apply() -> None:
    added = [Axis.of("+brand.new", [1, 2]), Axis.plain(Override.of("~nothing")), Axis.of("++x", [None])]
    assert texts(plan(*added)) == ["+brand.new=1 ~nothing ++x=null", "+brand.new=2 ~nothing ++x=null"]


def test_equal_points_run_once_and_types_make_a_difference() -> None:
    alphas = Axis(
        ("alpha",),
        tuple((override,) for override in read_overrides(["alpha=1e-1", "alpha=0.1", "alpha=1", "alpha=1.0"])),
        "command line",
    )
    assert texts(plan(alphas)) == ["alpha=1e-1", "alpha=1", "alpha=1.0"]


def test_equal_points_of_different_grids_run_once_whatever_the_order_of_their_keys() -> None:
    grids = read_sweep([{"model": "ridge", "alpha": [0.1, 1]}, {"alpha": [1, 2], "model": ["ridge", "lasso"]}])
    assert texts(plan(grids=grids)) == [
        "model=ridge alpha=0.1",
        "model=ridge alpha=1",
        "alpha=1 model=lasso",
        "alpha=2 model=ridge",
        "alpha=2 model=lasso",
    ]


def test_grids_follow_each_other_in_file_order() -> None:
    expansion = plan(grids=read_sweep(COMPARE))
    assert texts(expansion) == [
        *[f"model={model} alpha={alpha}" for model in ("ridge", "lasso") for alpha in (0.1, 1.0, 10.0)],
        *[f"model=elasticnet alpha={alpha} l1_ratio={ratio}" for alpha in (0.1, 1) for ratio in (0.1, 0.5)],
        "model=forest model.max_depth=3 model.min_samples_leaf=1 seed=42",
        "model=forest model.max_depth=3 model.min_samples_leaf=1 seed=43",
        "model=forest model.max_depth=null model.min_samples_leaf=5 seed=42",
        "model=forest model.max_depth=null model.min_samples_leaf=5 seed=43",
    ]
    assert expansion.notes == ()


def test_the_axes_of_the_command_line_multiply_into_every_grid() -> None:
    expansion = plan(Axis.of("cv.n_splits", [3, 5]), grids=read_sweep(COMPARE))
    assert expansion.count() == 2 * (6 + 4 + 4)
    assert texts(expansion)[:2] == [
        "model=ridge alpha=0.1 cv.n_splits=3",
        "model=ridge alpha=0.1 cv.n_splits=5",
    ]


def test_a_key_of_the_command_line_takes_the_place_of_the_grids_key() -> None:
    expansion = plan(Axis.of("alpha", [7]), grids=read_sweep(COMPARE))
    assert texts(expansion)[:4] == [
        "model=ridge alpha=7",
        "model=lasso alpha=7",
        "model=elasticnet alpha=7 l1_ratio=0.1",
        "model=elasticnet alpha=7 l1_ratio=0.5",
    ]
    assert expansion.notes == ("alpha applies to ridge, lasso, elasticnet only",)


def test_an_axis_of_the_command_line_may_apply_to_one_grid_only() -> None:
    expansion = plan(RATIOS, grids=read_sweep(COMPARE))
    assert expansion.count() == 6 + 4 + 4
    assert expansion.notes == ("l1_ratio applies to elasticnet only",)


def test_a_group_given_on_the_command_line_drops_what_the_file_meant_for_another() -> None:
    expansion = plan(Axis.plain(Override.of("model", "ridge")), grids=read_sweep(COMPARE))
    assert texts(expansion) == [
        *[f"model=ridge alpha={alpha}" for alpha in (0.1, 1.0, 10.0)],
        "model=ridge alpha=1",
        "model=ridge seed=42",
        "model=ridge seed=43",
    ]
    assert "sweep[1]: l1_ratio does not apply to model=ridge" in expansion.notes


def test_a_mistaken_key_of_a_grid_is_found_though_the_command_line_adds_a_group() -> None:
    grids = read_sweep([{"model": "ridge", "alpah": 1}])
    with pytest.raises(SweepError, match=r"sweep\[0\]: alpah=1: no chosen config"):
        plan(Axis.of("data", ["a", "b"]), grids=grids)


def test_a_key_of_a_grid_must_apply_within_that_grid() -> None:
    with pytest.raises(SweepError, match=r"sweep\[0\]: l1_ratio=0.5: no chosen config \(model=ridge\)"):
        plan(grids=read_sweep([{"model": "ridge", "l1_ratio": 0.5}, {"model": "elasticnet", "l1_ratio": 0.5}]))


def test_a_misspelt_word_of_a_grid_is_suggested_back() -> None:
    with pytest.raises(SweepError, match="Nearest: exclude"):
        plan(grids=read_sweep([{"alpha": [1, 2], "exlude": "alpha == 1"}]))


def test_a_plain_seed_moves_the_start_of_repeat_and_a_swept_one_replaces_it() -> None:
    grids = read_sweep({"model": "ridge", "repeat": 3})
    assert texts(plan(Axis.plain(Override.of("seed", 7)), grids=grids)) == [
        "model=ridge seed=7",
        "model=ridge seed=8",
        "model=ridge seed=9",
    ]
    assert texts(plan(Axis.of("seed", [1, 2]), grids=grids)) == ["model=ridge seed=1", "model=ridge seed=2"]
    with pytest.raises(SweepError, match="repeat starts from a whole number, and seed is 'x'"):
        plan(Axis.plain(Override.of("seed", "x")), grids=grids)


def test_a_key_given_on_the_command_line_leaves_its_zip() -> None:
    grids = read_sweep({"model": "forest", "zip(model.max_depth, model.min_samples_leaf)": [[3, 1], [5, 2], [7, 2]]})
    assert texts(plan(Axis.of("model.max_depth", [9]), grids=grids)) == [
        "model=forest model.min_samples_leaf=1 model.max_depth=9",
        "model=forest model.min_samples_leaf=2 model.max_depth=9",
    ]


def test_a_zip_may_move_the_model_and_its_keys_together() -> None:
    grids = read_sweep({"zip(model, alpha)": [["ridge", 1], ["linear", 2], ["linear", 3]], "seed": [1, 2]})
    assert texts(plan(grids=grids)) == [
        "model=ridge alpha=1 seed=1",
        "model=ridge alpha=1 seed=2",
        "model=linear seed=1",
        "model=linear seed=2",
    ]


def test_a_key_typed_twice_counts_as_typed_last() -> None:
    assert texts(plan(ALPHAS, Axis.of("seed", [1]), Axis.of("alpha", [5]))) == ["seed=1 alpha=5"]


def test_a_change_typed_with_plus_replaces_the_grids_key() -> None:
    assert texts(plan(Axis.of("++alpha", [5]), grids=read_sweep({"alpha": [1, 2]}))) == ["++alpha=5"]


def test_excluded_points_are_left_out_of_their_grid_only() -> None:
    grids = read_sweep([{"alpha": [1, 2, 3], "exclude": ["alpha == 2", "alpha > 2"]}, {"alpha": [2]}])
    assert texts(plan(grids=grids)) == ["alpha=1", "alpha=2"]


def test_the_example_of_a_zip_with_seeds_and_an_exclusion() -> None:
    grid = {
        "model": "forest",
        "zip(model.max_depth, model.min_samples_leaf)": [[3, 1], [5, 2], [None, 5]],
        "repeat": 3,
        "exclude": "model.max_depth == 3 and seed == 44",
    }
    assert plan(grids=read_sweep([grid])).count() == 8


def test_a_condition_about_a_key_that_a_point_lacks_leaves_the_point() -> None:
    grid = {"model": ["ridge", "elasticnet"], "l1_ratio": [0.1, 0.5], "exclude": "not l1_ratio == 0.5"}
    assert texts(plan(grids=read_sweep(grid))) == ["model=ridge", "model=elasticnet l1_ratio=0.5"]


def test_a_condition_may_speak_of_keys_given_on_the_command_line() -> None:
    grids = read_sweep({"alpha": [1, 2], "exclude": "seed == 2 and alpha == 1"})
    assert plan(Axis.of("seed", [1, 2]), grids=grids).count() == 3


def test_a_condition_about_a_key_that_the_grid_does_not_have_is_a_mistake() -> None:
    with pytest.raises(
        SweepError, match=r"sweep: exclude: alhpa == 1: .* 'alhpa'. Its axes are: alpha. Nearest: alpha"
    ):
        plan(grids=read_sweep({"alpha": [1, 2], "exclude": "alhpa == 1"}))
    with pytest.raises(SweepError, match="Text goes in quotes: 'ridge'"):
        plan(grids=read_sweep({"model": ["ridge", "lasso"], "exclude": "model == ridge"}))


def test_excluding_every_point_is_a_mistake() -> None:
    with pytest.raises(SweepError, match=r"No point is left.*alpha > 0"):
        plan(grids=read_sweep({"alpha": [1, 2], "exclude": "alpha > 0"})).count()


def test_a_sweep_without_axes_is_one_point() -> None:
    assert texts(plan()) == [""]
    assert plan().varying == ()


def test_many_points_are_streamed() -> None:
    grids = [{"alpha": "range(0, 1000)", "l1_ratio": "range(0, 1000)", "model": ["ridge", "elasticnet"]}]
    expansion = plan(grids=read_sweep(grids))
    assert expansion.count() == 1_001_000
    first = list(itertools.islice(expansion, 3))
    assert [" ".join(point.texts) for point in first] == [
        "alpha=0 model=ridge",
        "alpha=0 l1_ratio=0 model=elasticnet",
        "alpha=0 l1_ratio=1 model=elasticnet",
    ]


AXES = st.lists(
    st.tuples(
        st.sampled_from(["alpha", "seed", "cv.n_splits", "tags.note", "data", "+new"]),
        st.lists(st.integers(0, 5), min_size=1, max_size=4, unique=True),
    ),
    max_size=4,
    unique_by=lambda axis: axis[0],
)


@settings(max_examples=60, deadline=None)
@given(AXES)
def test_without_conditions_the_points_are_those_of_hydras_basic_sweeper(
    axes: list[tuple[str, list[int]]],
) -> None:
    line = [f"{key}={','.join(map(str, values))}" for key, values in axes]
    batches = BasicSweeper.split_arguments(OverridesParser.create().parse_overrides(line), max_batch_size=None)
    points = [point.texts for point in plan(*[Axis.of(key, values) for key, values in axes])]
    assert points == [list(point) for point in batches[0]]


@settings(max_examples=60, deadline=None)
@given(
    st.permutations(["model", "alpha", "l1_ratio", "seed"]),
    st.lists(st.sampled_from(sorted(KEYS)), min_size=1, max_size=4),
    st.lists(st.integers(0, 3), min_size=1, max_size=4),
)
def test_the_stream_equals_the_whole_product_projected(order: list[str], models: list[str], values: list[int]) -> None:
    axes = {"model": models, **dict.fromkeys(("alpha", "l1_ratio", "seed"), values)}
    expected: dict[frozenset[str], str] = {}
    for combination in itertools.product(*(axes[key] for key in order)):
        point = dict(zip(order, combination, strict=True))
        shown = [f"{key}={value}" for key, value in point.items() if key in known({"model": str(point["model"])})]
        expected.setdefault(frozenset(shown), " ".join(shown))
    try:
        found = texts(plan(*[Axis.of(key, axes[key]) for key in order]))
    except SweepError:
        assert not all(any(key in known({"model": model}) for model in models) for key in order)
        return
    assert found == list(expected.values())


def test_a_value_that_is_there_twice_is_noted() -> None:
    expansion = plan(Axis.of("alpha", [1, 2, 1]), Axis.of("+model.layers", [[1], [2]]))

    assert expansion.count() == 4
    assert expansion.notes == ("alpha: 2 different values among 3; equal points run once",)
