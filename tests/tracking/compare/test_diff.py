"""Comparing recorded runs: what differs is named, what does not takes one line."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from tracking.compare.making import making_of
from tracking.compare.run_diff import RunDiff, compare_runs, diff_patches
from tracking.compare.statistics import holm
from tracking.compare.suspects import find_differences
from tracking.entities import Metric, Run, RunData, RunInfo
from tracking.pages.diff_json import diff_data
from tracking.pages.diff_page import render_diff
from tracking.records.environment import Environment
from tracking.records.overrides import parse_overrides
from tracking.records.reading import RunRecord
from tracking.records.request import Request
from tracking.records.values import Kind, unfold

RIDGE = {
    "model": {"_target_": "sklearn.linear_model.Ridge", "alpha": 0.1, "random_state": 42},
    "alpha": 0.1,
    "seed": 42,
    "cv": {"n_splits": 5, "random_state": 42},
    "scoring": {"metrics": {"rmse": "neg_rmse"}, "objective": {"metric": "rmse", "direction": "minimize"}},
    "n_jobs": 1,
}
ELASTICNET = RIDGE | {
    "model": {
        "_target_": "sklearn.linear_model.ElasticNet",
        "alpha": 0.5,
        "l1_ratio": 0.5,
        "max_iter": 10000,
        "random_state": 42,
    },
    "alpha": 0.5,
    "l1_ratio": 0.5,
}
TAGS = {
    "objective.metric": "rmse_mean",
    "objective.direction": "minimize",
    "fingerprint.data": "v1:da7a",
    "fingerprint.splits": "v1:5911",
    "data.name": "diabetes",
    "data.shape": "442x10",
    "data.features": '["age", "bmi"]',
    "data.dtypes": '{"age": "float64", "bmi": "float64"}',
    "cv.test_train_ratio": "0.25",
    "mlflow.source.git.commit": "1234567890abcdef",
    "git.dirty": "false",
}
HOST = {"python": "3.11.7", "blas": "openblas 0.3.27", "threads": "1", "host": "here"}
PACKAGES = {"numpy": "2.1.0", "scikit-learn": "1.8.0"}
FOLDS = [54.0, 53.0, 56.0, 52.0, 55.0]


def make_record(
    name: str = "ridge",
    *,
    config: Mapping[str, Any] | None = RIDGE,
    folds: Sequence[float] = FOLDS,
    tags: Mapping[str, str | None] | None = None,
    request: Request = Request(),  # noqa: B008 - frozen
    host: Mapping[str, str] = HOST,
    packages: Mapping[str, str] = PACKAGES,
    patch: str = "",
    status: str = "FINISHED",
    end_time: int | None = 2_500,
) -> RunRecord:
    own = {key: value for key, value in {**TAGS, **(tags or {})}.items() if value is not None}
    metrics = {"rmse": folds[-1], "rmse_mean": sum(folds) / len(folds), "rmse_std": 1.5, "fit_seconds": 0.1}
    return RunRecord(
        run=Run(
            RunInfo(
                f"{name}-0123456789",
                "1",
                "me",
                status,
                1_000,
                end_time,
                "active",
                "file:///x",
                name,
            ),
            RunData(metrics, {key: str(value) for key, value in unfold(config or {}).items()}, own),
        ),
        experiment="first",
        config=config,
        request=request,
        histories={"rmse": [Metric("rmse", value, 1_000, step) for step, value in enumerate(folds)]},
        environment=Environment(host, packages),
        patch=patch,
    )


def asked(*minimal: str, model: str = "ridge", **origins: str) -> Request:
    choices = {"model": model, "cv": "kfold", "tracking": model}
    return Request(
        parse_overrides(minimal),
        parse_overrides(minimal),
        (),
        choices,
        {key.replace("__", "."): o for key, o in origins.items()},
    )


@pytest.fixture
def ridge() -> RunRecord:
    request = asked("alpha=0.1", alpha="command line")
    return make_record(request=request)


@pytest.fixture
def elasticnet() -> RunRecord:
    request = asked(
        "model=elasticnet",
        "alpha=0.5",
        model="elasticnet",
        alpha="command line",
        l1_ratio="model/elasticnet.yaml",
    )
    return make_record("elasticnet", config=ELASTICNET, request=request)


def test_a_run_does_not_differ_from_itself(ridge: RunRecord) -> None:
    diff = compare_runs([ridge, ridge])

    assert diff.is_same()
    text = render_diff(diff)
    for line in ("config    same: 10 keys", "metrics   same: 1 metric", "data      same: diabetes, 442x10"):
        assert line in text


def test_a_changed_group_choice_is_one_line_and_full_unfolds_it(ridge: RunRecord, elasticnet: RunRecord) -> None:
    diff = compare_runs([ridge, elasticnet])

    text = render_diff(diff)
    assert "  model  ridge -> elasticnet (+ l1_ratio = 0.5)" in text
    assert "  alpha  0.1 -> 0.5" in text
    assert "also model.alpha" in text
    assert "max_iter" not in text

    full = render_diff(diff, full=True)
    for line in ("model._target_", "model.max_iter", "model.l1_ratio", "model.alpha"):
        assert f"  {line} " in full


def test_the_command_of_the_second_run_and_the_way_to_it_from_the_first(
    ridge: RunRecord, elasticnet: RunRecord
) -> None:
    command = compare_runs([ridge, elasticnet]).config.commands[1]

    assert command.run == "python -m runner model=elasticnet alpha=0.5"
    assert command.from_first == "python -m runner.reproduce ridge-01 model=elasticnet alpha=0.5"
    assert command.note == "at commit 1234567890ab"


def test_the_way_back_resets_what_only_the_first_asked_for(ridge: RunRecord, elasticnet: RunRecord) -> None:
    back = compare_runs([elasticnet, ridge]).config.commands[1]
    assert back.from_first == "python -m runner.reproduce elasticn model=ridge alpha=0.1"

    plain = make_record(config=RIDGE | {"alpha": 1.0}, request=asked())
    assert compare_runs([ridge, plain]).config.commands[1].from_first is not None
    assert "alpha=1.0" in str(compare_runs([ridge, plain]).config.commands[1].from_first)


def test_commands_are_quoted_for_the_shell(ridge: RunRecord) -> None:
    other = make_record(request=asked("alpha=0.1", "+note='it is; rm'"))

    assert compare_runs([ridge, other]).config.commands[1].run == (
        """python -m runner alpha=0.1 '+note='"'"'it is; rm'"'"''"""
    )


def test_a_value_says_where_it_came_from() -> None:
    first = make_record(request=asked(cv__n_splits="cv/kfold.yaml"))
    config = RIDGE | {"cv": {"n_splits": 10, "random_state": 42}}
    second = make_record(config=config, request=asked(cv__n_splits="command line"))

    assert "cv.n_splits  5 -> 10  (cv/kfold.yaml -> command line)" in render_diff(compare_runs([first, second]))


def test_a_key_below_a_changed_group_that_somebody_set_is_not_folded_away(
    ridge: RunRecord,
) -> None:
    request = asked("model=elasticnet", "model.max_iter=10000", model="elasticnet", model__max_iter="command line")
    second = make_record(config=ELASTICNET, request=request)

    lines = render_diff(compare_runs([ridge, second])).splitlines()
    assert ["model.max_iter", "added:", "10000", "(command", "line)"] in [line.split() for line in lines]


def test_keys_that_follow_the_seed_are_named_with_it() -> None:
    second = make_record(
        config=RIDGE
        | {
            "seed": 7,
            "cv": {"n_splits": 5, "random_state": 7},
            "model": {"_target_": "sklearn.linear_model.Ridge", "alpha": 0.1, "random_state": 7},
        }
    )
    config = compare_runs([make_record(), second]).config

    assert [(change.key, change.also) for change in config.changes] == [
        ("seed", ("model.random_state", "cv.random_state"))
    ]
    assert len(config.every) == 3


def test_type_changes_are_differences() -> None:
    second = make_record(config=RIDGE | {"seed": 42.0})
    diff = compare_runs([make_record(), second])

    assert diff.config.changes[0].kind is Kind.TYPE
    assert "seed  42 -> 42.0  (type: int -> float)" in render_diff(diff)
    assert not diff.is_same()


def test_bookkeeping_and_ignored_keys_make_no_difference() -> None:
    second = make_record(config=RIDGE | {"n_jobs": 8, "seed": 1})
    diff = compare_runs([make_record(), second], ignore=["seed"])

    assert diff.is_same()
    assert "Bookkeeping also differs: n_jobs" in render_diff(diff)
    assert "n_jobs  1 -> 8" in render_diff(diff, full=True)


def test_an_ignored_key_takes_its_copies_with_it() -> None:
    first = make_record(config=RIDGE | {"alpha": 1, "degree": 1, "model": {"alpha": 1, "degree": 1}})
    second = make_record(config=RIDGE | {"alpha": 2, "degree": 2, "model": {"alpha": 2, "degree": 2}})

    diff = compare_runs([first, second], ignore=["alpha"])

    assert [change.key for change in diff.config.every] == ["model.degree", "degree"]
    assert compare_runs([first, second], ignore=["alpha", "degree"]).is_same()


def test_a_key_that_is_ignored_itself_is_so_also_where_it_equals_an_ignored_one_by_chance() -> None:
    first, second = (make_record(config=RIDGE | {"seed": n, "cv": {"n_splits": 5, "repeats": n}}) for n in (1, 2))

    assert compare_runs([first, second], ignore=["seed", "cv.repeats"]).config.same
    assert not compare_runs([first, second], ignore=["seed"]).config.same


def test_ignoring_the_seed_ignores_what_it_reaches() -> None:
    first, second = (make_record(config=RIDGE | {"seed": n, "cv": {"random_state": n}}) for n in (1, 2))

    assert compare_runs([first, second], ignore=["seed"]).is_same()


def test_runs_without_a_config_are_compared_by_their_params() -> None:
    diff = compare_runs([make_record(config=None), make_record()])

    assert "No config.yaml in: ridge" in diff.config.notes[0]
    assert diff.config.commands[1].run is None
    assert compare_runs([make_record(config=None), make_record(config=None)]).is_same()


def test_a_default_that_the_class_changed_is_a_difference() -> None:
    def identity(tol: float, **others: object) -> dict[str, str | None]:
        config = {"model.alpha": 0.1, "model.tol": tol, **others}
        return {"identity": json.dumps({"config": config})}

    diff = compare_runs([make_record(tags=identity(1e-3)), make_record(tags=identity(1e-4))])
    assert "model.tol  0.001 -> 0.0001  (default of the class)" in render_diff(diff)
    assert not diff.config.same

    other = make_record(config=ELASTICNET, tags=identity(1e-4))
    changes = compare_runs([make_record(tags=identity(1e-3)), other]).config.every
    assert "model.tol" not in [change.key for change in changes]


# Metrics ---------------------------------------------------------------------------------------
def test_scores_on_the_same_splits_are_paired_and_tested() -> None:
    second = make_record(folds=[fold - delta for fold, delta in zip(FOLDS, [1, 2, 1, 2, 1.5], strict=True)])
    (row,) = compare_runs([make_record(), second]).metrics.rows
    (change,) = row.changes

    assert change is not None
    assert change.verdict == "better"
    assert change.change == pytest.approx(-1.5)
    assert change.paired is not None
    assert change.paired.folds == 5
    assert change.paired.p_value == pytest.approx(0.01106, abs=1e-5)


def test_several_runs_against_the_first_are_corrected_for_their_number() -> None:
    worse = [[value + step for value, step in zip(FOLDS, steps, strict=True)] for steps in WORSE]
    alone = [compare_runs([make_record(), make_record(folds=folds)]) for folds in worse]
    together = compare_runs([make_record(), *(make_record(folds=folds) for folds in worse)])

    single = [p_values(diff)[0] for diff in alone]
    assert p_values(together) == pytest.approx(holm(single))
    assert single[1] < 0.05 <= p_values(together)[1]
    page = render_diff(together)
    assert "p is corrected for 3 comparisons with run 1 (Holm)." in page
    assert re.search(r"rmse, 3 against 1: .*p = \S+: may be chance", page)
    assert "Holm" not in render_diff(alone[0])


WORSE = [[4.0, 4.1, 4.2, 3.9, 4.0], [2.0, 0.7, 2.2, 0.8, 2.0], [-0.5, 1.0, -1.0, 1.0, -0.2]]


def p_values(diff: RunDiff) -> list[float]:
    changes = next(row for row in diff.metrics.rows if row.key == "rmse").changes
    found = [change.paired.p_value for change in changes if change is not None and change.paired is not None]
    return [p_value for p_value in found if p_value is not None]


def test_a_difference_of_nothing_is_not_mistaken_for_one() -> None:
    second = make_record(folds=[54.5, 52.4, 56.8, 51.6, 54.9])

    assert "may be chance" in render_diff(compare_runs([make_record(), second]))


@pytest.mark.parametrize(
    ("tags", "reason"),
    [
        ({"fingerprint.data": "v1:0000"}, "different data"),
        ({"fingerprint.splits": "v1:0000"}, "different splits"),
        ({"fingerprint.data": None}, "not recorded (tag fingerprint.data)"),
    ],
)
def test_scores_that_cannot_be_compared_are_not_ranked(tags: dict[str, str | None], reason: str) -> None:
    diff = compare_runs([make_record(), make_record(folds=[1.0] * 5, tags=tags)])
    (change,) = diff.metrics.rows[0].changes

    assert change is not None
    assert change.verdict is None
    assert change.paired is None
    assert reason in str(diff.metrics.unranked[0])
    assert f"Not ranked: {diff.metrics.unranked[0]}." in render_diff(diff)


def test_scores_of_different_scorers_are_not_ranked() -> None:
    config = RIDGE | {"scoring": {"metrics": {"rmse": "my.scorer"}}}
    (row,) = compare_runs([make_record(), make_record(config=config, folds=[1.0] * 5)]).metrics.rows

    assert row.changes[0] is not None
    assert row.changes[0].verdict is None
    assert "different scorers" in str(row.changes[0].why_unpaired)


def test_another_number_of_folds_is_not_paired() -> None:
    (row,) = compare_runs([make_record(), make_record(folds=[50.0] * 3)]).metrics.rows

    assert row.changes[0] is not None
    assert row.changes[0].paired is None
    assert row.changes[0].why_unpaired == "5 folds against 3"


def test_times_are_no_difference() -> None:
    first, second = make_record(), make_record(end_time=9_000)
    second.run.data.metrics["fit_seconds"] = 9.0

    assert compare_runs([first, second]).is_same()
    assert "1.5s -> 8.0s" in render_diff(compare_runs([first, second]))


def test_a_time_is_the_mean_over_the_folds() -> None:
    record = make_record()
    slow_last = [Metric("fit_seconds", seconds, 0, fold) for fold, seconds in enumerate([1.0, 1.0, 4.0])]
    record = replace(record, histories={**record.histories, "fit_seconds": slow_last})

    (row,) = compare_runs([record, record]).metrics.times

    assert row.scores[0] is not None
    assert row.scores[0].value == 2.0


def test_the_metric_that_a_run_lacks_is_named() -> None:
    second = make_record()
    second.run.data.metrics.clear()
    diff = compare_runs([make_record(), second])

    assert not diff.metrics.same
    assert "54 ± 1.5 -> (absent)" in render_diff(diff)


# Everything else -------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("other", "section", "line"),
    [
        ({"tags": {"fingerprint.data": "v1:eeee"}}, "data", "content  v1:da7a -> v1:eeee"),
        ({"tags": {"data.shape": "441x10"}}, "data", "shape  442x10 -> 441x10"),
        (
            {"tags": {"data.features": '["age", "bmi", "bp"]'}},
            "data",
            "column bp  added",
        ),
        (
            {"tags": {"data.dtypes": '{"age": "int64", "bmi": "float64"}'}},
            "data",
            "column age  float64 -> int64",
        ),
        ({"tags": {"mlflow.source.git.commit": "feed"}}, "code", "git diff 1234567890ab feed"),
        ({"tags": {"git.dirty": "true", "git.patch": "ab12"}, "patch": "+x = 2"}, "code", "  +x = 2"),
        (
            {"tags": {"identity": '{"code": {"my.models": "v1:1"}}'}},
            "code",
            "module my.models  added: v1:1",
        ),
        ({"packages": PACKAGES | {"scikit-learn": "1.9.1"}}, "env", "package scikit-learn  1.8.0 -> 1.9.1"),
        ({"packages": {"numpy": "2.1.0"}}, "env", "package scikit-learn  removed (was 1.8.0)"),
        ({"host": HOST | {"threads": "2"}}, "env", "threads  1 -> 2"),
        ({"host": HOST | {"python": "3.12.1"}}, "env", "python  3.11.7 -> 3.12.1"),
        (
            {"tags": {"warnings": "it did not converge"}},
            "outcome",
            "warning: it did not converge  added",
        ),
        ({"status": "FAILED", "tags": {"error": "boom"}}, "outcome", "status  FINISHED -> FAILED"),
    ],
)
def test_each_kind_of_difference_is_named(other: dict[str, Any], section: str, line: str) -> None:
    diff = compare_runs([make_record(), make_record(**other)])
    squeezed = [" ".join(text.split()) for text in render_diff(diff, full=True).splitlines()]

    assert not diff.is_same([section])
    assert all(diff.is_same([name]) for name in ("config", "metrics", "data", "code", "env") if name != section)
    assert any(" ".join(line.split()) in text for text in squeezed)


def test_after_an_upgrade_packages_that_matter_come_first_and_the_others_are_a_count() -> None:
    others = {f"a{number}": "1.0" for number in range(5)}
    now = dict.fromkeys(others, "2.0") | PACKAGES | {"scikit-learn": "1.9.1"}
    diff = compare_runs([make_record(packages=PACKAGES | others), make_record(packages=now)])

    text, full = render_diff(diff), render_diff(diff, full=True)
    assert "5 other packages differ too (--full)." in text
    assert "a3" not in text
    assert full.index("package scikit-learn") < full.index("package a0") < full.index("package a4")
    assert diff.env.changes[0].key == "package scikit-learn"


def test_where_p_stands_a_line_names_the_test_and_says_what_the_spread_is() -> None:
    tags = {"cv.test_train_ratio": "0.25"}
    tested = compare_runs([make_record(tags=tags), make_record(tags=tags, folds=CLEARLY)])
    untested = compare_runs([make_record(), make_record(config=RIDGE | {"seed": 1})])

    assert "p: corrected resampled t-test over the folds (Nadeau and Bengio)" in render_diff(tested)
    assert "t-test" not in render_diff(untested)


OBJECTIVE = {"objective.metric": "rmse_mean", "objective.direction": "minimize"}
CLEARLY = [45.0, 44.2, 46.9, 43.1, 46.0]


@pytest.mark.parametrize(
    ("others", "sentence"),
    [
        ([{}], "nothing differs but times; rmse is the same"),
        ([{"config": RIDGE | {"seed": 1}}], "config (seed) differs; rmse is the same"),
        ([{"config": RIDGE | {"seed": 1}, "folds": CLEARLY}], "config (seed) differs; rmse is better (-17%, p = "),
        (
            [{"folds": [55.0, 52.0, 57.0, 51.0, 56.0]}],
            "only the metrics differ; rmse is worse, which may be chance (+0.37%, p = ",
        ),
        (
            [{"folds": FOLDS[::-1]}],
            "only the metrics differ; rmse has the same mean, not the same folds, which may be chance (+0%, p = 1)",
        ),
        (
            [{"tags": {"fingerprint.data": "v1:eeee"}, "packages": {}}],
            "data and env differ; rmse is the same",
        ),
        (
            [{"tags": {"fingerprint.data": "v1:eeee"}, "folds": CLEARLY}],
            "data differs; rmse cannot be compared: the runs were scored on different data",
        ),
        (
            [{"tags": {"fingerprint.splits": "v1:0"}}],
            "splits differ; rmse is the same",
        ),
        (
            [{"tags": {"mlflow.source.git.commit": None}}, {"folds": CLEARLY}],
            "code differs; rmse is best in 3 ridge",
        ),
    ],
)
def test_the_page_begins_with_what_differs_and_whether_it_mattered(others: list[dict[str, Any]], sentence: str) -> None:
    records = [make_record(**{**other, "tags": OBJECTIVE | other.get("tags", {})}) for other in [{}, *others]]

    (line,) = [text for text in render_diff(compare_runs(records)).splitlines() if text.startswith("in short")]

    assert line.removeprefix("in short").strip().startswith(sentence)


def test_the_page_says_what_is_not_known_and_puts_the_objective_first() -> None:
    tags = {"mlflow.source.git.commit": None, "git.dirty": None, "fingerprint.data": None}
    first, second = (make_record(folds=folds, tags={**OBJECTIVE, **tags}) for folds in (FOLDS, CLEARLY))
    for record in (first, second):
        record.run.data.metrics["mae"] = sum(record.run.data.metrics.values())

    diff = compare_runs([first, second])

    assert "not known: whether data and code are the same" in render_diff(diff)
    assert [row.key for row in diff.metrics.rows] == ["rmse", "mae"]


def test_the_page_names_the_command_that_repeats_the_newest_run(ridge: RunRecord, elasticnet: RunRecord) -> None:
    again = "Does it still hold? python -m runner.reproduce elasticn  # or ridge-01"

    assert again in render_diff(compare_runs([ridge, elasticnet]))
    assert "still hold" not in render_diff(compare_runs([make_record(), make_record()]))


SKLEARN = '{"code": {"scikit-learn": "1.8.0"}}'


@pytest.mark.parametrize(
    ("tags", "line"),
    [
        (
            {"mlflow.source.git.commit": None, "identity": SKLEARN},
            "code same: scikit-learn 1.8.0 (no git commit recorded)",
        ),
        (
            {"mlflow.source.git.commit": None, "fingerprint.code": "v1:0123456789abcdef0123"},
            "code same: fingerprint v1:0123456789abcdef (no git commit recorded)",
        ),
        (
            {"mlflow.source.git.commit": None},
            "code not known to be the same: neither a git commit nor the code itself was recorded by any run",
        ),
        ({"git.dirty": None}, "code same: commit 1234567890ab; uncommitted changes not recorded"),
        (
            {"fingerprint.data": None},
            "data not known to be the same: no fingerprint of the data was recorded by any run",
        ),
    ],
)
def test_what_was_not_recorded_is_not_called_the_same(tags: dict[str, str | None], line: str) -> None:
    page = render_diff(compare_runs([make_record(tags=tags), make_record(tags=tags)]))

    assert line in [" ".join(text.split()) for text in page.splitlines()]


def test_a_difference_says_what_else_is_not_known() -> None:
    second = make_record("other", tags={"fingerprint.data": None, "data.shape": "442x9"}, packages={})

    page = render_diff(compare_runs([make_record(), second]))

    assert "shape    442x10 -> 442x9" in page
    assert "Not all is known: no fingerprint of the data was recorded by other." in page
    assert "Not all is known: no packages were recorded by other." in page


def test_another_version_of_an_installed_package_is_told_once() -> None:
    newer = PACKAGES | {"scikit-learn": "1.9.1"}
    second = make_record(tags={"identity": SKLEARN.replace("1.8.0", "1.9.1")}, packages=newer)

    diff = compare_runs([make_record(tags={"identity": SKLEARN}), second])

    assert [change.key for change in (*diff.code.changes, *diff.env.changes)] == ["package scikit-learn"]


def test_the_program_s_own_modules_are_no_difference_of_code_as_for_reproduce() -> None:
    """Version 0.1.0, installed in place, recorded a hash of each of its modules as the user's code."""
    recorded = [
        {"identity": json.dumps({"code": {"runner.prepare": text, "own": "v1:1"}})} for text in ("v1:a", "v1:b")
    ]
    first, second = (make_record(tags=tags) for tags in recorded)

    assert find_differences(making_of(first), making_of(second)) == ()
    assert compare_runs([first, second]).is_same()


def test_the_name_of_the_host_is_no_difference() -> None:
    assert compare_runs([make_record(), make_record(host=HOST | {"host": "there"})]).is_same()


def test_columns_in_another_order_are_noted() -> None:
    second = make_record(tags={"data.features": '["bmi", "age"]'})

    assert "The columns are in another order." in compare_runs([make_record(), second]).data.notes


def test_the_patch_between_two_dirty_states_is_the_diff_of_their_patches() -> None:
    assert diff_patches("+a\n", "+a\n") == ""
    assert diff_patches("", "+a\n") == "+a\n"
    assert "-+a" in diff_patches("+a\n", "+b\n").splitlines()


def test_a_patch_cannot_write_to_the_terminal() -> None:
    second = make_record(tags={"git.dirty": "true"}, patch="+\x1b[31mred")

    assert "\x1b" not in render_diff(compare_runs([make_record(), second]))


# Forms -----------------------------------------------------------------------------------------
def test_more_than_two_runs_become_columns(ridge: RunRecord, elasticnet: RunRecord) -> None:
    lasso = make_record("lasso", config=RIDGE | {"alpha": 2.0}, request=asked("model=lasso", model="lasso"))
    text = render_diff(compare_runs([ridge, elasticnet, lasso]))

    lines = [line.split() for line in text.splitlines()]
    assert ["key", "1", "ridge", "2", "elasticnet", "3", "lasso", "remark"] in lines
    assert ["model", "ridge", "elasticnet", "lasso"] in lines
    assert ["l1_ratio", "(absent)", "0.5", "(absent)", "model/elasticnet.yaml"] in lines
    assert "Run 3: python -m runner model=lasso" in text


def test_markdown_has_a_table_for_each_section(ridge: RunRecord, elasticnet: RunRecord) -> None:
    text = render_diff(compare_runs([ridge, elasticnet]), format="md")

    assert "| key | 1 ridge | 2 elasticnet | remark |" in text
    assert "**data**: same: diabetes, 442x10, v1:da7a" in text


def test_json_tells_a_null_from_a_missing_key() -> None:
    first = make_record(config={"a": None})
    data = diff_data(compare_runs([first, make_record(config={"b": 1})]), only=["config"])

    assert json.loads(json.dumps(data)) == data
    assert set(data) == {"same", "runs", "config"}
    assert data["config"]["changes"][0] == {
        "key": "a",
        "kind": "removed",
        "values": [None, None],
        "present": [True, False],
        "origins": [None, None],
    }


def test_only_the_chosen_sections_are_shown(ridge: RunRecord, elasticnet: RunRecord) -> None:
    text = render_diff(compare_runs([ridge, elasticnet]), only=["env"])

    assert "env  same: python 3.11.7" in text
    assert "config" not in text
