"""The best of many runs: who is ranked with it, for which objective, and what is missing where something is."""

from collections.abc import Mapping

import pytest

from tracking.compare.winner import judge_winner, rank_runs
from tracking.entities import Metric, Run, RunData, RunInfo
from tracking.pages.winner_text import winner_lines
from tracking.records.ranking import objectives

FOLDS = [[1.0, 2.0, 3.0], [1.1, 2.0, 3.1], [2.0, 3.0, 4.0], [2.5, 3.0, 4.0]]


def run(number: int, mean: float, *, status: str = "FINISHED", **tags: str) -> Run:
    info = RunInfo(f"{number:032x}", "0", "me", status, number, number, "active", "", f"run {number}")
    told = {
        "objective.metric": "rmse_mean",
        "objective.direction": "minimize",
        "fingerprint.data": "d",
        "cv.test_train_ratio": "0.5",
    }
    params = {"alpha": str(number), "scoring.metrics.rmse": "neg_root_mean_squared_error"}
    metrics = {"rmse_mean": mean, "mae_mean": -mean}
    return Run(info, RunData(metrics=metrics, params=params, tags={**told, **tags}))


def histories(runs: list[Run], folds: list[list[float]] = FOLDS) -> Mapping[str, Mapping[str, list[Metric]]]:
    return {
        one.info.run_id: {"rmse": [Metric("rmse", value, 0, step) for step, value in enumerate(own)]}
        for one, own in zip(runs, folds, strict=True)
    }


def four(**tags: str) -> list[Run]:
    return [run(number, sum(own) / 3, **tags) for number, own in enumerate(FOLDS)]


def lines(runs: list[Run], folds: list[list[float]] = FOLDS) -> list[str]:
    winner = judge_winner(rank_runs(runs, "rmse_mean", "minimize"), histories(runs, folds), [])
    assert winner is not None
    return winner_lines(winner, lambda run_id: f"again {run_id}")


def test_those_that_are_not_ranked_are_counted_by_the_reason() -> None:
    others = [
        run(10, 0.1, status="FAILED"),
        run(11, float("nan")),
        run(12, 0.1, **{"fingerprint.data": "other"}),
        run(13, 0.1, **{"objective.direction": "maximize"}),
    ]

    ranked = rank_runs([*others, *four()], "rmse_mean", "minimize")

    assert [one.info.run_name for one in ranked.runs] == ["run 0", "run 1", "run 2", "run 3"]
    assert ranked.left_out == {
        "did not finish": 1,
        "have no finite rmse_mean": 1,
        "were scored on other data or splits": 1,
        "have another objective": 1,
    }


def test_each_objective_of_a_run_with_several_has_its_own_best() -> None:
    runs = four(**{"objective.others": '{"mae_mean": "minimize"}'})

    assert objectives(runs[0]) == [("rmse_mean", "minimize"), ("mae_mean", "minimize")]
    assert rank_runs(runs, "rmse_mean", "minimize").runs[0].info.run_name == "run 0"
    assert rank_runs(runs, "mae_mean", "minimize").runs[0].info.run_name == "run 3"
    assert objectives(run(1, 1.0, **{"objective.others": "not JSON"})) == []


@pytest.mark.parametrize(
    ("folds", "reason"),
    [
        ([[1.0]] * 4, "rmse has a single fold: nothing tells its spread"),
        ([[]] * 4, "rmse has no fold scores: nothing tells its spread"),
        ([FOLDS[0], FOLDS[1][:2], *FOLDS[2:]], "not all runs have the same folds"),
        ([FOLDS[0], [1.0, float("inf"), 2.0], *FOLDS[2:]], "a fold score of rmse is not a finite number"),
    ],
)
def test_what_is_missing_is_said(folds: list[list[float]], reason: str) -> None:
    said = lines(four(), folds)

    assert said[1:3] == [f"honest      not known: {reason}", f"as good as  not known: {reason}"]


def test_without_the_ratio_of_test_to_training_rows_there_is_no_test() -> None:
    said = lines(four(**{"cv.test_train_ratio": "0"}))

    assert said[2].startswith("as good as  not known: the ratio of test to training rows")
    assert "Tibshirani-Tibshirani: not all points kept their predictions" in said[1]


def test_points_with_the_same_scores_in_every_fold_are_within_chance() -> None:
    said = lines(four(), [FOLDS[0], FOLDS[0], *FOLDS[2:]])

    assert said[2].startswith("as good as  1 of 3 others are within chance of it (tied: also the second)")
