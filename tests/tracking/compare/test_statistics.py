"""The arithmetic of comparing scores, held against SciPy."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special, stats

from tracking.compare.statistics import (
    Spread,
    compare_folds,
    corrected_t_test,
    describe_spread,
    holm,
    incomplete_beta,
    student_t_tails,
)

positive = st.floats(0.25, 200.0)


@settings(max_examples=200, deadline=None)
@given(positive, positive, st.floats(0.0, 1.0))
def test_the_incomplete_beta_function_agrees_with_scipy(a: float, b: float, x: float) -> None:
    assert incomplete_beta(a, b, x) == pytest.approx(special.betainc(a, b, x), rel=1e-8, abs=1e-12)


@settings(max_examples=200, deadline=None)
@given(st.floats(-60, 60), st.integers(1, 300))
def test_the_tails_of_student_t_agree_with_scipy(t: float, degrees: int) -> None:
    assert student_t_tails(t, degrees) == pytest.approx(2 * stats.t.sf(abs(t), degrees), rel=1e-8, abs=1e-13)


def test_the_corrected_test_is_the_published_formula() -> None:
    first = [54.1, 53.2, 55.9, 52.8, 54.4]
    second = [53.9, 52.6, 55.1, 52.9, 53.8]
    changes = np.subtract(second, first)
    t = changes.mean() / math.sqrt((1 / 5 + 0.25) * changes.var(ddof=1))

    paired = compare_folds(dict(enumerate(first)), dict(enumerate(second)), test_train_ratio=0.25)

    assert paired.mean == pytest.approx(changes.mean())
    assert paired.std == pytest.approx(changes.std(ddof=1))
    assert paired.p_value == pytest.approx(2 * stats.t.sf(abs(t), 4))


def test_without_correction_it_is_the_ordinary_paired_test() -> None:
    changes = [0.3, -0.1, 0.4, 0.2]

    assert corrected_t_test(describe_spread(changes), 0.0) == pytest.approx(stats.ttest_1samp(changes, 0.0).pvalue)


def test_equal_scores_are_no_difference_and_a_constant_change_is_one() -> None:
    assert corrected_t_test(Spread(0.0, 0.0, 5), 0.25) == 1.0
    assert corrected_t_test(Spread(0.1, 0.0, 5), 0.25) == 0.0


@pytest.mark.parametrize(
    ("second", "ratio", "reason"),
    [
        ({0: 1.0}, 0.25, "single fold"),
        ({0: 1.0, 1: math.nan}, 0.25, "not a finite number"),
        ({0: 1.0, 1: 2.0}, None, "cv.test_train_ratio"),
        ({0: 1.0, 1: 2.0}, math.nan, "cv.test_train_ratio"),
    ],
)
def test_where_no_test_can_be_made_the_reason_is_given(
    second: dict[int, float], ratio: float | None, reason: str
) -> None:
    paired = compare_folds(dict.fromkeys(second, 0.5), second, test_train_ratio=ratio)

    assert paired.p_value is None
    assert paired.why_no_test is not None
    assert reason in paired.why_no_test


def test_a_single_value_has_no_spread() -> None:
    assert describe_spread([2.0]) == Spread(2.0, None, 1)
    assert describe_spread([1.0, 3.0]) == Spread(2.0, math.sqrt(2), 2)


def test_holm_gives_what_p_adjust_of_r_gives() -> None:
    # p.adjust(c(0.01, 0.04, 0.03, 0.005), "holm")
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, 0.7]) == [1.0, 1.0]
    assert holm([0.2]) == [0.2]
    assert holm([]) == []
