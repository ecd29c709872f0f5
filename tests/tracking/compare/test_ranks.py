"""Methods ranked over many data sets, and what is shown of it."""

import numpy as np
import pytest
from scipy import stats

from tracking.compare.ranks import Ranks, find_groups, friedman_nemenyi, rank_methods
from tracking.entities import Run, RunData, RunInfo
from tracking.pages.rank_text import rank_lines

# areas under a curve of four methods on 14 data sets
SCORES = {
    "C4.5": [0.763, 0.599, 0.954, 0.628, 0.882, 0.936, 0.661, 0.583, 0.775, 1.000, 0.940, 0.619, 0.972, 0.957],
    "C4.5+m": [0.768, 0.591, 0.971, 0.661, 0.888, 0.931, 0.668, 0.583, 0.838, 1.000, 0.962, 0.666, 0.981, 0.978],
    "C4.5+cf": [0.771, 0.590, 0.968, 0.654, 0.886, 0.916, 0.609, 0.563, 0.866, 1.000, 0.965, 0.614, 0.975, 0.946],
    "C4.5+m+cf": [0.798, 0.569, 0.967, 0.657, 0.898, 0.931, 0.685, 0.625, 0.875, 1.000, 0.962, 0.669, 0.975, 0.970],
}


def test_ranks_are_counted_and_those_of_equals_shared() -> None:
    table = np.array(list(SCORES.values()))

    ranks, _, critical = friedman_nemenyi(table.tolist(), more_is_better=True)

    better = (table[None] > table[:, None]).sum(axis=1)
    alike = (table[None] == table[:, None]).sum(axis=1)
    assert ranks == pytest.approx((better + (alike + 1) / 2).mean(axis=1))
    assert critical == pytest.approx(1.25, abs=0.005)  # as Demsar has it for 4 methods on 14 data sets, section 3.2.2


def test_the_test_is_friedmans() -> None:
    table = np.random.default_rng(0).normal(size=(4, 14)) + np.arange(4)[:, None] / 3

    ranks, p_value, _ = friedman_nemenyi(table.tolist(), more_is_better=False)

    statistic = 12 * 14 / (4 * 5) * (sum(rank**2 for rank in ranks) - 4 * 25 / 4)
    assert p_value == pytest.approx(stats.chi2.sf(statistic, 3), rel=1e-9)


@pytest.mark.parametrize(("methods", "quantile"), [(2, 1.960), (3, 2.343), (5, 2.728), (10, 3.164)])
def test_the_quantiles_are_those_of_the_published_table(methods: int, quantile: float) -> None:
    table = np.arange(methods)[:, None] + np.zeros((methods, 6))
    if methods == 2:
        table = np.vstack([table, [9] * 6])  # Friedman's test takes three
        quantile = 2.343

    _, _, critical = friedman_nemenyi(table.tolist(), more_is_better=False)

    count = len(table)
    assert critical == pytest.approx(quantile * (count * (count + 1) / 36) ** 0.5, abs=0.002)


def test_scores_that_are_all_the_same_differ_by_nothing() -> None:
    ranks, p_value, _ = friedman_nemenyi([[1.0] * 5] * 3, more_is_better=True)

    assert (ranks, p_value) == ([2.0, 2.0, 2.0], 1.0)


def test_groups_are_the_widest_stretches_within_the_difference() -> None:
    assert find_groups([1.0, 1.5, 2.6, 4.0], 1.2) == ((0, 1), (1, 2))
    assert find_groups([1.0, 1.5, 2.0], 1.2) == ((0, 2),)
    assert find_groups([1.0, 3.0, 5.0], 1.0) == ()


def run(number: int, method: str, score: float, *, data: str = "", status: str = "FINISHED", seed: str = "1") -> Run:
    info = RunInfo(f"{number:032x}", "0", "me", status, number, number, "active", "", f"run {number}")
    tags = {"objective.metric": "auc_mean", "objective.direction": "maximize", "fingerprint.data": data}
    params = {"model._target_": f"my.models.{method}", "data.name": data, "seed": seed, "cv.random_state": seed}
    return Run(info, RunData(metrics={"auc_mean": score}, params=params, tags=tags))


def made_runs(datasets: int = 14) -> list[Run]:
    made = [(name, f"d{n}", score) for name, own in SCORES.items() for n, score in enumerate(own[:datasets])]
    return [run(n, name.replace(".", ""), score, data=data) for n, (name, data, score) in enumerate(made)]


def test_what_varies_beside_the_data_is_ranked_and_repeats_are_averaged() -> None:
    runs = made_runs()
    again = [
        run(
            900 + n,
            one.data.params["model._target_"][10:],
            one.data.metrics["auc_mean"],
            data=one.data.params["data.name"],
            seed="2",
        )
        for n, one in enumerate(runs)
    ]

    found = rank_methods([*runs, *again], "auc_mean", "maximize")

    assert found is not None
    assert found.methods == ("C45+m+cf", "C45+m", "C45+cf", "C45")
    assert (found.metric, found.data, found.left_out) == ("auc", 14, 0)
    assert found.groups == ((0, 3),)


def test_four_data_sets_or_two_methods_are_not_ranked() -> None:
    assert rank_methods(made_runs(4), "auc_mean", "maximize") is None
    assert rank_methods(made_runs()[:28], "auc_mean", "maximize") is None


def test_a_method_without_a_score_on_one_data_set_is_left_out() -> None:
    lacking = run(999, "Other", 0.5, data="d3")

    found = rank_methods([*made_runs(), lacking], "auc_mean", "maximize")

    assert found is not None
    assert found.left_out == 1
    assert "Other" not in found.methods


def test_the_diagram_has_a_bar_for_each_group() -> None:
    ranks = Ranks(
        metric="auc",
        data=9,
        methods=("a", "b", "c"),
        ranks=(1.0, 1.5, 2.5),
        p_value=0.004,
        critical=1.2,
        groups=((0, 1), (1, 2)),
        left_out=0,
    )

    assert rank_lines(ranks) == [
        "mean ranks of auc over 9 data sets: they differ (Friedman, p = 0.004)",
        "  1.00  │   a",
        "  1.50  │ │ b",
        "  2.50    │ c",
        "Within one bar the ranks are closer than 1.2, the critical difference at 0.05 (Nemenyi).",
    ]
