"""Many runs side by side: what tells them apart, groups of repeats, the Pareto front, effects."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest

from tracking.compare.effects import find_effects, find_trends
from tracking.compare.factors import find_factors
from tracking.compare.table import (
    Selection,
    count_sets,
    group_runs,
    join_spreads,
    keep_front,
    list_runs,
    pick_columns,
    sort_rows,
)
from tracking.entities import Run, RunData, RunInfo
from tracking.errors import InvalidValue
from tracking.pages.effects import trend_sentence

TAGS = {"objective.metric": "rmse_mean", "objective.direction": "minimize", "fingerprint.data": "v1:da7a"}
NUMBERS = itertools.count(1)


def make_run(
    params: Mapping[str, object],
    tags: Mapping[str, str] | None = None,
    experiment: str = "1",
    **metrics: float,
) -> Run:
    number = next(NUMBERS)
    info = RunInfo(f"{number:032x}", experiment, "me", "FINISHED", 0, 500, "active", "file:///x", f"run {number}")
    return Run(info, RunData(metrics, {key: str(value) for key, value in params.items()}, {**TAGS, **(tags or {})}))


def linear(model: str, alpha: float, *, seed: int = 42, l1_ratio: float | None = None) -> dict[str, object]:
    """Return the params that the runner records for a linear model."""
    own: dict[str, object] = {
        "model._target_": f"sklearn.linear_model.{model}",
        "model.alpha": alpha,
        "alpha": alpha,
        "seed": seed,
        "cv.random_state": seed,
        "cv.n_splits": 5,
    }
    if l1_ratio is not None:
        own |= {"model.l1_ratio": l1_ratio, "l1_ratio": l1_ratio}
    if model != "Ridge":
        own |= {"model.max_iter": 10000}
    return own


def select(runs: Sequence[Run]) -> Selection:
    return Selection(tuple(runs), {"1": "first", "2": "second"})


# Factors ---------------------------------------------------------------------------------------
def test_keys_that_copy_a_top_level_key_are_no_factors_of_their_own() -> None:
    factors = find_factors([{k: str(v) for k, v in linear("Ridge", a, seed=s).items()} for a in (1, 2) for s in (1, 2)])

    assert factors.keys == ("alpha", "seed")
    assert factors.copies == {"alpha": ("model.alpha",), "seed": ("cv.random_state",)}


def test_defaults_that_come_with_a_class_are_no_factors_of_their_own() -> None:
    factors = find_factors([{k: str(v) for k, v in linear(m, a).items()} for m in ("Ridge", "Lasso") for a in (1, 2)])

    assert factors.keys == ("model._target_", "alpha")
    assert factors.implied == {"model.max_iter"}


def test_two_keys_that_vary_together_by_chance_are_both_kept() -> None:
    factors = find_factors([{"a": "1", "b": "2"}, {"a": "2", "b": "3"}])

    assert factors.keys == ("a", "b")


# Tables ----------------------------------------------------------------------------------------
def test_a_table_has_the_columns_that_vary_and_the_best_run_first() -> None:
    runs = [make_run(linear("Ridge", a), rmse_mean=r, rmse=r, rmse_std=1.0) for a, r in ((0.1, 60.0), (1, 55.0))]
    table = list_runs(select(runs))

    assert table.columns == ("id", "name", "alpha", "rmse_mean", "duration")
    assert [row["alpha"] for row in table.rows] == ["1", "0.1"]


def test_runs_of_several_experiments_say_so() -> None:
    table = list_runs(select([make_run({}, rmse=1.0), make_run({}, experiment="2", rmse=2.0)]))

    assert "experiment" in table.columns
    assert [row["experiment"] for row in table.rows] == ["first", "second"]


def test_grouping_by_everything_but_the_seed_gives_mean_and_spread_over_seeds() -> None:
    runs = [
        make_run(linear("Ridge", alpha, seed=seed), rmse_mean=alpha + seed)
        for alpha in (10.0, 20.0)
        for seed in (1, 2, 3)
    ]
    table = group_runs(select(runs), ["!seed"])

    assert table.columns == ("alpha", "runs", "rmse_mean", "rmse_mean ±")
    assert [{column: row[column] for column in table.columns} for row in table.rows] == [
        {"alpha": "10.0", "runs": 3, "rmse_mean": 12.0, "rmse_mean ±": 1.0},
        {"alpha": "20.0", "runs": 3, "rmse_mean": 22.0, "rmse_mean ±": 1.0},
    ]
    assert join_spreads(table).rows[0]["rmse_mean"] == "12 ± 1"
    assert join_spreads(table).columns == ("alpha", "runs", "rmse_mean")


def test_grouping_by_the_model_needs_no_full_key() -> None:
    runs = [make_run(linear(model, 1.0, seed=s), rmse_mean=1.0 * s) for model in ("Ridge", "Lasso") for s in (1, 2)]
    table = group_runs(select(runs), ["model"])

    assert [row["model"] for row in table.rows] == [
        "sklearn.linear_model.Ridge",
        "sklearn.linear_model.Lasso",
    ]
    assert group_runs(select(runs), ["model", "seed"]).columns[:2] == ("model", "seed")


def test_grouping_by_an_unknown_key_names_the_nearest() -> None:
    with pytest.raises(InvalidValue, match=r"No param 'alhpa' in these runs\. Nearest: alpha"):
        group_runs(select([make_run({"alpha": 1}, rmse=1.0)]), ["!alhpa"])
    with pytest.raises(InvalidValue, match="not both"):
        group_runs(select([make_run({"alpha": 1}, rmse=1.0)]), ["!alpha", "alpha"])


def test_a_table_can_be_sorted_and_cut_to_columns() -> None:
    runs = [make_run({"alpha": a}, rmse_mean=r) for a, r in ((1, 2.0), (10, math.nan), (2, 1.0), (None, 3.0))]
    table = list_runs(select(runs))

    assert [row["alpha"] for row in sort_rows(table, "alpha").rows] == ["1", "2", "10", "None"]
    assert [row["alpha"] for row in sort_rows(table, "alpha desc").rows] == ["None", "10", "2", "1"]
    assert [row["alpha"] for row in sort_rows(table, "rmse").rows] == ["2", "1", "None", "10"]
    assert pick_columns(table, ["alpha", "rmse"]).columns == ("alpha", "rmse_mean")
    with pytest.raises(InvalidValue, match="No column 'rmes'"):
        sort_rows(table, "rmes")


def test_the_pareto_front_is_what_nothing_beats_in_every_goal() -> None:
    points = [(1.0, 9.0), (2.0, 5.0), (3.0, 6.0), (4.0, 1.0), (4.0, 1.0), (math.nan, 0.0)]
    runs = [make_run({"n": n}, rmse_mean=r, fit_seconds_mean=s) for n, (r, s) in enumerate(points)]
    table = keep_front(list_runs(select(runs)), select(runs), ["rmse", "fit_seconds"])

    assert [row["n"] for row in table.rows] == ["0", "1", "3", "4"]
    assert "fit_seconds_mean" in table.columns


def test_the_pareto_front_respects_which_way_is_better() -> None:
    runs = [make_run({"n": n}, r2=r, size=s) for n, (r, s) in enumerate([(0.1, 1.0), (0.9, 2.0), (0.2, 3.0)])]

    best = keep_front(list_runs(select(runs)), select(runs), ["r2", "size:min"])
    assert {row["n"] for row in best.rows} == {"0", "1"}
    with pytest.raises(InvalidValue, match="Say size:min or size:max"):
        keep_front(list_runs(select(runs)), select(runs), ["r2", "size"])


# Effects ---------------------------------------------------------------------------------------
# Sets of data and splits ------------------------------------------------------------------------
def scored_on(data: str, splits: str, alpha: float, rmse: float, **metrics: float) -> Run:
    tags = {"fingerprint.data": data, "fingerprint.splits": splits}
    return make_run(linear("Ridge", alpha), tags, rmse_mean=rmse, **metrics)


def test_runs_scored_on_other_data_or_splits_are_not_ranked_with_each_other() -> None:
    """Fails on 0.1.0, which called the run with the smallest target the best of all."""
    runs = [
        scored_on("small", "s", 1, 0.1),
        scored_on("small", "s", 2, 0.2),
        scored_on("large", "s", 1, 60.0),
        scored_on("large", "s", 2, 50.0),
        scored_on("large", "other", 1, 1.0),
        make_run(linear("Ridge", 9)),  # failed before it was scored
    ]
    runs = [replace(run, info=replace(run.info, start_time=number)) for number, run in enumerate(runs)]

    table = list_runs(select(runs))

    assert count_sets(table) == 3
    assert table.columns[0] == "scored on"
    assert [(row["scored on"], row.get("rmse_mean")) for row in table.rows] == [
        *[(1, 1.0), (2, 50.0), (2, 60.0), (3, 0.1), (3, 0.2)],
        (None, None),
    ]


def test_means_over_the_same_sets_are_ranked() -> None:
    runs = [scored_on("d", f"seed {seed}", alpha, alpha + seed) for alpha in (2, 1) for seed in (1, 2)]
    runs = [
        replace(run, data=replace(run.data, params={**run.data.params, "seed": str(1 + n % 2)}))
        for n, run in enumerate(runs)
    ]

    table = group_runs(select(runs), ["alpha"])

    assert count_sets(table) == 1
    assert [row["alpha"] for row in table.rows] == ["1", "2"]
    assert "scored on" not in table.columns


def test_the_pareto_front_is_that_of_the_newest_set() -> None:
    runs = [scored_on("small", "s", 1, 0.1, mae=0.1), scored_on("large", "s", 1, 60.0, mae=40.0)]
    runs = [replace(run, info=replace(run.info, start_time=number)) for number, run in enumerate(runs)]
    selection = select(runs)

    front = keep_front(list_runs(selection), selection, ["rmse", "mae"])

    assert [row["rmse_mean"] for row in front.rows] == [60.0]


def test_a_column_that_is_asked_for_under_two_names_is_shown_once() -> None:
    runs = [make_run(linear("Ridge", alpha), rmse_mean=50.0 + alpha, rmse=51.0) for alpha in (1, 2)]

    table = pick_columns(list_runs(select(runs)), ["name", "rmse", "rmse_mean", "alpha", "name"])

    assert table.columns == ("name", "rmse_mean", "alpha")


# Effects ----------------------------------------------------------------------------------------
def test_an_effect_is_the_mean_change_over_all_pairs_that_differ_in_exactly_that_key() -> None:
    runs = [
        make_run(linear("ElasticNet", alpha, l1_ratio=ratio), rmse_mean=10 * alpha + ratio)
        for alpha in (0.1, 0.5)
        for ratio in (0.2, 0.4, 0.6)
    ]
    effects = {(e.key, e.old, e.new): e for e in find_effects(runs, "rmse_mean")}

    alpha = effects["alpha", "0.1", "0.5"]
    assert (alpha.change.count, alpha.improved) == (3, 0)
    assert alpha.change.mean == pytest.approx(4.0)
    assert alpha.change.std == pytest.approx(0.0, abs=1e-12)
    assert effects["l1_ratio", "0.2", "0.4"].change.count == 2
    assert {key for key, _, _ in effects} == {"alpha", "l1_ratio"}


def test_1_and_1_0_are_one_value_of_a_key() -> None:
    """Fails on 0.1.0, which told the effect of going from 1 to 1.0."""
    runs = [make_run({"alpha": alpha, "code": code}, rmse_mean=n) for n, (alpha, code) in enumerate(SPELLED, 1)]

    effects = [effect for effect in find_effects(runs, "rmse_mean") if effect.key == "alpha"]

    assert [(effect.old, effect.new, effect.change.count) for effect in effects] == [("1", "2", 2)]
    assert {effect.key for effect in find_effects(runs[-2:], "rmse_mean")} == {"code"}  # "01" is no number


SPELLED = [(1, "a"), (1.0, "a"), (2, "a"), (2.0, "01"), (2.0, "1")]


def test_no_pair_differs_in_more_than_the_key() -> None:
    runs = [make_run({"a": 1, "b": 1}, rmse_mean=1.0), make_run({"a": 2, "b": 2}, rmse_mean=2.0)]

    assert find_effects(runs, "rmse_mean") == []


def test_a_change_of_the_model_does_not_count_the_knobs_that_only_one_model_has() -> None:
    runs = [make_run(linear("Ridge", a), rmse_mean=50.0) for a in (0.1, 0.5)]
    runs += [make_run(linear("ElasticNet", a, l1_ratio=r), rmse_mean=52.0) for a in (0.1, 0.5) for r in (0.2, 0.4)]
    (model,) = [effect for effect in find_effects(runs, "rmse_mean") if effect.key == "model._target_"]

    assert model.change.count == 4
    assert abs(model.change.mean) == 2.0


def test_runs_on_different_data_are_not_paired() -> None:
    runs = [
        make_run({"a": 1}, rmse_mean=1.0),
        make_run({"a": 2}, {"fingerprint.data": "v1:other"}, rmse_mean=2.0),
    ]

    assert find_effects(runs, "rmse_mean") == []


def test_of_many_values_only_neighbours_and_the_ends_are_paired_unless_asked() -> None:
    runs = [make_run({"a": n}, rmse_mean=float(n)) for n in (1, 2, 5, 10, 20)]
    pairs = [(effect.old, effect.new) for effect in find_effects(runs, "rmse_mean")]

    assert pairs == [("1", "2"), ("2", "5"), ("5", "10"), ("10", "20"), ("1", "20")]
    assert len(find_effects(runs, "rmse_mean", every=True)) == 10


def test_runs_without_the_metric_are_passed_over() -> None:
    runs = [make_run({"a": 1}, rmse_mean=1.0), make_run({"a": 2}), make_run({"a": 2}, rmse_mean=math.nan)]

    assert find_effects(runs, "rmse_mean") == []


def _along(values: list[float], scores: list[float]) -> list[Run]:
    """Return a run for each value of alpha and each of two seeds, the second with a score higher by 10."""
    return [
        make_run({"alpha": value, "seed": seed}, rmse_mean=score + 10 * seed)
        for value, score in zip(values, scores, strict=True)
        for seed in (0, 1)
    ]


def test_along_many_numbers_the_trend_is_told_instead_of_every_step() -> None:
    values = [float(n) for n in range(1, 101)]
    runs = _along(values, [abs(value - 30) for value in values])
    (trend,) = find_trends(runs, "rmse_mean")
    assert trend.values[trend.best] == "30.0"
    assert [trend.values[place] for place in trend.turns] == ["30.0"]
    assert [trend.values[place] for place in trend.region] == ["27.0", "33.0"]  # 5 % of 70 is 3.5
    pairs = [(effect.old, effect.new) for effect in find_effects(runs, "rmse_mean") if effect.key == "alpha"]
    assert pairs == [("1.0", "30.0"), ("1.0", "100.0"), ("30.0", "100.0")]


@pytest.mark.parametrize(
    ("scores", "says"),
    [
        ([1, 2, 3, 4, 5, 6, 7, 8, 9, 10], "rmse_mean rises throughout; best at 1.0."),
        ([10, 9, 8, 7, 6, 5, 4, 3, 2, 1], "rmse_mean falls throughout; best at 10.0."),
        ([5, 5, 5, 5, 5, 5, 5, 5, 5, 5], "rmse_mean is level; best at 1.0 to 10.0."),
        ([9, 5, 3, 1, 1, 1, 4, 5, 6, 7], "rmse_mean falls until 6.0, then rises; best at 4.0 to 6.0."),
        ([1, 9, 1, 9, 1, 9, 1, 9, 1, 9], "rmse_mean is not monotone: it turns 8 times; best at 1.0."),
        ([1, 2, 3, 4, 3.99, 5, 6, 7, 8, 9], "rmse_mean rises throughout; best at 1.0."),  # less than 1 % of 8
    ],
)
def test_the_trend_says_the_course_and_the_best_region(scores: list[float], says: str) -> None:
    runs = _along([float(n) for n in range(1, 11)], scores)
    (trend,) = find_trends(runs, "rmse_mean")
    assert says in trend_sentence(trend, "rmse_mean")


def test_where_no_pair_of_runs_shows_a_step_there_is_no_trend() -> None:
    runs = _along([float(n) for n in range(1, 11)], list(range(10)))
    alone = [each for each in runs if not (each.data.params["alpha"] == "5.0" and each.data.params["seed"] == "0")]
    assert len(find_trends(alone, "rmse_mean")) == 1  # the other seed has the step
    assert find_trends([each for each in runs if each.data.params["alpha"] != "5.0"][:4], "rmse_mean") == []
    scattered = [each for at, each in enumerate(runs) if (at // 2 + at) % 2]  # every value has one seed, in turns
    assert find_trends(scattered, "rmse_mean") == []
