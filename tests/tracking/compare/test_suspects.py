"""What differs in how two runs were made: which ingredient is named, how, and which first."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any

import pytest

from tracking.compare.making import Making
from tracking.compare.suspects import find_differences, find_identity_differences, find_unknown

HOST = {"python": "3.11.7", "platform": "Linux-6.1", "cpu": "Fast CPU", "blas": "openblas 0.3.30", "threads": "1"}
PACKAGES = {"foo": "1.0", "numpy": "2.1.0", "pandas": "2.2.3", "scikit-learn": "1.8.0", "scipy": "1.15.0"}
MATTER = {name: PACKAGES[name] for name in ("numpy", "scikit-learn", "scipy")}
CONFIG = {"model._target_": "sklearn.linear_model.Ridge", "model.alpha": 1.0, "model.tol": 1e-4, "seed": 42}
IDENTITY = {
    "config": CONFIG,
    "data": "v2:aaaa",
    "code": {"scikit-learn": "1.8.0", "study.models": "aa"},
    "environment": MATTER,
}
TAGS = {
    "fingerprint.config": "v1:c",
    "fingerprint.data": "v2:aaaa",
    "fingerprint.splits": "v1:s",
    "fingerprint.code": "v1:code",
    "data.shape": "60x2",
    "mlflow.source.git.commit": "a" * 40,
    "git.dirty": "false",
}
PARAMS = {"model._target_": "sklearn.linear_model.Ridge", "model.alpha": "1.0", "seed": "42"}
THEN = Making(tags=TAGS, params=PARAMS, identity=IDENTITY, packages=PACKAGES, host=HOST)


def changed(
    *, config: dict[str, Any] | None = None, code: dict[str, str] | None = None, data: str = "v2:aaaa", **parts: Any
) -> Making:
    """Return THEN with some parts of it changed; what the config gives is given as `params` too."""
    identity = {**IDENTITY, "config": config or CONFIG, "code": code or IDENTITY["code"], "data": data}
    tags = TAGS | {"fingerprint.data": data, "fingerprint.config": f"v1:{config}", "fingerprint.code": f"v1:{code}"}
    return replace(THEN, identity=identity, **({"tags": tags} | parts))


def sentences(now: Making, then: Making = THEN) -> list[str]:
    return [difference.sentence for difference in find_differences(then, now)]


def ingredients(now: Making, then: Making = THEN) -> list[str]:
    return [difference.ingredient for difference in find_differences(then, now)]


# What is named --------------------------------------------------------------------------------------
def test_nothing_differs_from_itself_and_all_of_it_was_compared() -> None:
    assert sentences(THEN) == []
    assert find_unknown(THEN, THEN) == ()


def test_the_host_alone_is_no_difference() -> None:
    assert sentences(replace(THEN, host=HOST | {"host": "there"})) == []


@pytest.mark.parametrize(
    ("key", "value", "sentence"),
    [
        ("python", "3.12.1", "Python: 3.11.7 -> 3.12.1."),
        ("cpu", "Slow CPU", "The CPU: Fast CPU -> Slow CPU."),
        ("platform", "Linux-6.2", "The platform: Linux-6.1 -> Linux-6.2."),
        ("blas", "mkl 2024", "BLAS: openblas 0.3.30 -> mkl 2024."),
        ("threads", "8", "Threads of BLAS and OpenMP: 1 -> 8."),
    ],
)
def test_what_differs_in_the_machine_is_named(key: str, value: str, sentence: str) -> None:
    assert sentences(replace(THEN, host=HOST | {key: value})) == [sentence]


def test_packages_that_matter_and_others_are_told_apart() -> None:
    newer = {"bar": "3", "numpy": "2.2.0", "pandas": "2.2.3", "scikit-learn": "1.8.0"}

    assert sentences(replace(THEN, packages=newer)) == [
        "Packages that matter: numpy 2.1.0 -> 2.2.0, scipy 1.15.0 removed.",
        "Other packages: bar 3 added, foo 1.0 removed.",
    ]


def test_the_estimators_own_package_matters_as_its_identity_says() -> None:
    then = replace(THEN, identity={**IDENTITY, "environment": {**MATTER, "foo": "1.0"}})

    assert ingredients(replace(THEN, packages=PACKAGES | {"foo": "1.1"}), then) == ["packages that matter"]


def test_long_lists_of_packages_are_counted() -> None:
    more = PACKAGES | {f"p{i}": "1" for i in range(9)}

    assert sentences(replace(THEN, packages=more)) == [
        "Other packages: p0 1 added, p1 1 added, p2 1 added, p3 1 added and 5 more."
    ]


def test_without_a_list_of_packages_those_of_the_identity_are_compared() -> None:
    then = replace(THEN, packages={}, identity={**IDENTITY, "environment": {**MATTER, "scikit-learn": "1.7.0"}})

    assert sentences(THEN, then) == ["Packages that matter: scikit-learn 1.7.0 -> 1.8.0."]


def test_the_module_that_changed_is_named() -> None:
    now = changed(code={"scikit-learn": "1.8.0", "study.models": "bb", "study.more": "dd"})

    assert sentences(now) == ["The estimator's code differs: study.models changed, study.more added."]


def test_installed_code_is_told_once_as_a_package() -> None:
    now = changed(code={"scikit-learn": "1.9.1", "study.models": "aa"}, packages=PACKAGES | {"scikit-learn": "1.9.1"})

    assert ingredients(now) == ["packages that matter"]


def test_the_tools_own_modules_that_version_0_1_0_recorded_are_no_code_of_the_user() -> None:
    then = changed(
        code={"scikit-learn": "1.8.0", "study.models": "aa", "runner.prepare": "ee", "tracking.fluent": "ff"}
    )

    assert sentences(THEN, then) == []


# Config and defaults ----------------------------------------------------------------------------------
def test_a_key_of_the_config_is_named_with_both_values() -> None:
    now = changed(config=CONFIG | {"model.alpha": 2.0}, params=PARAMS | {"model.alpha": "2.0"})

    assert sentences(now) == ["The configuration is another one: model.alpha 1.0 -> 2.0."]
    assert [found.short for found in find_identity_differences(THEN, now)] == ["config changed: model.alpha"]


def test_a_value_of_another_type_is_another_value() -> None:
    now = changed(config=CONFIG | {"model.alpha": 1}, params=PARAMS | {"model.alpha": "1"})

    assert sentences(now) == ["The configuration is another one: model.alpha 1.0 -> 1."]


def test_nan_equals_nan() -> None:
    sides = [changed(config=CONFIG | {"prepare.missing": json.loads("NaN")}) for _ in range(2)]

    assert math.isnan(sides[0].part("config")["prepare.missing"])
    assert sentences(sides[1], sides[0]) == []


def test_a_default_that_another_version_brings_is_its_change_and_not_the_configs() -> None:
    now = changed(config=CONFIG | {"model.tol": 1e-6, "model.new": True}, packages=PACKAGES | {"scikit-learn": "1.9.1"})

    assert sentences(now) == [
        "Packages that matter: scikit-learn 1.8.0 -> 1.9.1, with other defaults: model.tol 0.0001 -> 1e-06,"
        " model.new absent -> true."
    ]


def test_a_default_that_ones_own_class_changed_is_the_codes() -> None:
    config = CONFIG | {"model._target_": "study.models.Line"}
    now = changed(config=config | {"model.tol": 1e-6}, code={"scikit-learn": "1.8.0", "study.models": "bb"})

    assert sentences(now, changed(config=config)) == [
        "The estimator's code differs: study.models changed, with other defaults: model.tol 0.0001 -> 1e-06."
    ]


def test_a_default_that_nothing_explains_is_told_as_what_it_is() -> None:
    now = changed(config=CONFIG | {"model.tol": 1e-6})

    assert sentences(now) == ["Parameters that no config gives are other ones: model.tol 0.0001 -> 1e-06."]


def test_the_defaults_of_another_class_are_no_news() -> None:
    target = "sklearn.linear_model.Lasso"
    now = changed(
        config=CONFIG | {"model._target_": target, "model.tol": 0.1}, params=PARAMS | {"model._target_": target}
    )

    assert sentences(now) == [
        'The configuration is another one: model._target_ "sklearn.linear_model.Ridge" -> "sklearn.linear_model.Lasso".'
    ]


def test_what_version_0_1_0_took_into_the_identity_is_no_change_of_the_config() -> None:
    params = PARAMS | {"threads_per_run": "1"}
    spelled = {"threads_per_run": 1, "model._target_": "sklearn.linear_model._ridge.Ridge"}
    then = changed(config=CONFIG | spelled, params=params)

    assert sentences(replace(THEN, params=params), then) == []


# Data -------------------------------------------------------------------------------------------------
def test_other_values_of_the_same_shape_are_said_so() -> None:
    assert sentences(changed(data="v2:bbbb")) == [
        "The data has other content: values changed, the shape is still 60x2 (v2:aaaa -> v2:bbbb)."
    ]


def test_a_fingerprint_of_another_version_says_nothing_about_the_data() -> None:
    then = changed(data="v1:cccc")

    assert sentences(THEN, then) == []
    assert find_unknown(then, THEN) == ("data",)


def test_the_first_fingerprints_depend_on_numpy_and_say_nothing_across_its_versions() -> None:
    then, now = changed(data="v1:cccc"), changed(data="v1:dddd", packages=PACKAGES | {"numpy": "2.2.0"})

    assert ingredients(now, then) == ["packages that matter"]
    assert find_unknown(then, now) == ("data",)


def test_another_shape_is_other_data_however_it_was_hashed() -> None:
    now = changed(data="v1:cccc")
    now = replace(now, tags={**now.tags, "data.shape": "61x2"})

    assert sentences(now) == ["The data has other content: rows x columns 60x2 -> 61x2 (v2:aaaa -> v1:cccc)."]


# Git --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("was", "is_", "sentence"),
    [
        ("7692c3ad3540ff", "", "The run had uncommitted changes (patch 7692c3ad3540); now there are none."),
        ("", "7692c3ad3540ff", "The run had no uncommitted changes; now there are some (patch 7692c3ad3540)."),
        (
            "7692c3ad3540ff",
            "3fc4ccfe745870",
            "The uncommitted changes are other ones: patch 7692c3ad3540 -> 3fc4ccfe7458.",
        ),
    ],
)
def test_uncommitted_changes_are_an_ingredient(was: str, is_: str, sentence: str) -> None:
    then, now = (replace(THEN, tags=TAGS | ({"git.patch": patch} if patch else {})) for patch in (was, is_))

    assert sentences(now, then) == [sentence]


def test_another_commit_is_suspected_first_only_where_the_code_itself_was_not_recorded() -> None:
    packages = PACKAGES | {"numpy": "2.2.0"}
    now = replace(THEN, tags=TAGS | {"mlflow.source.git.commit": "b" * 40}, packages=packages)
    without = replace(now, identity={})

    assert sentences(now)[-1] == "The code is another one: commit aaaaaaaaaaaa -> commit bbbbbbbbbbbb."
    assert ingredients(now) == ["packages that matter", "code"]
    assert ingredients(without) == ["code", "packages that matter"]


# Order, and what cannot be told ---------------------------------------------------------------------------
def test_the_most_telling_ingredient_comes_first() -> None:
    now = changed(
        config=CONFIG | {"model.alpha": 2.0},
        code={"scikit-learn": "1.8.0", "study.models": "bb"},
        data="v2:bbbb",
        packages={"numpy": "1", "foo": "2"},
        host=HOST | {"cpu": "Slow", "threads": "2"},
    )
    now = replace(now, tags={**now.tags, "fingerprint.splits": "v1:t"})

    assert ingredients(now) == [
        *("config", "data", "splits", "code", "packages that matter", "threads", "cpu", "other packages")
    ]


def test_what_was_not_recorded_is_not_called_the_same() -> None:
    nothing = Making(tags={})

    assert find_unknown(nothing, THEN) == ("config", "data", "code", "packages", "Python", "BLAS", "threads", "CPU")


def test_code_whose_identity_is_lost_is_known_by_its_fingerprint_alone() -> None:
    lost = replace(THEN, identity={})

    assert "code" not in find_unknown(lost, THEN)
    assert "code" in find_unknown(replace(lost, tags=TAGS | {"fingerprint.code": "v1:other"}), THEN)
