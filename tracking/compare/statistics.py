"""Is a difference between two cross-validated scores more than noise? Pure arithmetic.

The t distribution is computed here, held against SciPy by tests: importing scipy.special takes 0.4 s of processor time,
as much as the whole of `python -m tracking diff` without it.

The fold scores of one cross-validation are not independent: training sets overlap. The plain paired
t-test therefore finds differences where there are none. Nadeau and Bengio, "Inference for the
Generalization Error", Machine Learning 52 (2003), pages 239-281, section 4, correct its variance:

    t = mean(d) / sqrt((1/k + n_test/n_train) * var(d))        with k - 1 degrees of freedom

where d are the k differences fold by fold and var has the divisor k - 1.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Spread:
    """Mean and sample standard deviation (None for a single value) of `count` values."""

    mean: float
    std: float | None
    count: int


@dataclass(frozen=True, slots=True)
class PairedChange:
    """The change of a score over the folds two runs share, second minus first.

    `p_value` is two-sided; None, with the reason in `why_no_test`, where no test can be made. Where it is one of
    several `comparisons` with the same run it is corrected for them (`holm`).
    """

    mean: float
    std: float | None
    folds: int
    p_value: float | None
    why_no_test: str | None = None
    comparisons: int = 1


def describe_spread(values: Sequence[float]) -> Spread:
    """Return mean and spread of at least one value."""
    mean = math.fsum(values) / len(values)
    if len(values) < 2:
        return Spread(mean, None, len(values))
    if not all(map(math.isfinite, values)):
        return Spread(mean, math.nan, len(values))
    variance = math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1)
    return Spread(mean, math.sqrt(variance), len(values))


def compare_folds(
    first: Mapping[int, float], second: Mapping[int, float], *, test_train_ratio: float | None
) -> PairedChange:
    """Compare scores by fold; both mappings have the same folds (at least one).

    `test_train_ratio` is the mean of n_test / n_train over the folds; without it there is no test.
    """
    changes = [second[fold] - first[fold] for fold in sorted(first)]
    spread = describe_spread(changes)
    why_not = _why_no_test(changes, test_train_ratio)
    if why_not is not None or test_train_ratio is None or spread.std is None:
        return PairedChange(spread.mean, spread.std, spread.count, None, why_not)
    p_value = corrected_t_test(spread, test_train_ratio)
    return PairedChange(spread.mean, spread.std, spread.count, p_value)


def _why_no_test(changes: Sequence[float], ratio: float | None) -> str | None:
    if len(changes) < 2:
        return "a single fold says nothing about the spread"
    if not all(map(math.isfinite, changes)):
        return "a fold score is not a finite number"
    if ratio is None or not (math.isfinite(ratio) and ratio > 0):
        return "the ratio of test to training rows (tag cv.test_train_ratio) was not recorded"
    return None


def corrected_t_test(changes: Spread, test_train_ratio: float) -> float:
    """Return the two-sided p-value of the corrected resampled t-test (formula: module docstring)."""
    if not changes.std:  # the very same change in every fold, or a single one
        return 1.0 if changes.mean == 0 else 0.0
    scale = math.sqrt(1 / changes.count + test_train_ratio) * changes.std
    return student_t_tails(changes.mean / scale, changes.count - 1)


def holm(p_values: Sequence[float]) -> list[float]:
    """Correct p values for how many there are, so that with none of the differences real one in twenty is below 0.05.

    Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of Statistics 6 (1979), pages
    65-70: the smallest of n is multiplied by n, the next by n - 1, ..., none becomes smaller than one before it.
    """
    corrected, least = [0.0] * len(p_values), 0.0
    for place, number in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        least = max(least, min(1.0, (len(p_values) - place) * p_values[number]))
        corrected[number] = least
    return corrected


def student_t_tails(t: float, degrees: float) -> float:
    """Return P(|T| >= |t|) for Student's t distribution.

    By the incomplete beta function: I_x(degrees/2, 1/2) with x = degrees / (degrees + t^2);
    Abramowitz and Stegun, Handbook of Mathematical Functions, 26.7.1 and 26.5.27.
    """
    if math.isinf(t):
        return 0.0
    if t * t < 1:  # there x is next to 1 and would lose digits; its complement does not
        return 1.0 - incomplete_beta(0.5, degrees / 2, t * t / (degrees + t * t))
    return incomplete_beta(degrees / 2, 0.5, degrees / (degrees + t * t))


def incomplete_beta(a: float, b: float, x: float) -> float:
    """Return the regularized incomplete beta function I_x(a, b) for 0 <= x <= 1.

    By its continued fraction, NIST Digital Library of Mathematical Functions 8.17.22, and the
    symmetry 8.17.4 where that converges faster.
    """
    if x <= 0 or x >= 1:
        return 0.0 if x <= 0 else 1.0
    if x > (a + 1) / (a + b + 2):
        return 1.0 - incomplete_beta(b, a, 1.0 - x)
    log_front = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    return math.exp(log_front) / a / _beta_fraction(a, b, x)


def _beta_fraction(a: float, b: float, x: float) -> float:
    """Evaluate 1 + d1/(1 + d2/(1 + ...)) of DLMF 8.17.22 by the modified Lentz method."""
    tiny = 1e-300
    value, c, d = 1.0, 1.0, 0.0
    for n in range(1, 1000):
        m = n // 2
        if n % 2:
            term = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        else:
            term = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        d = 1 / (1 + term * d or tiny)
        c = 1 + term / c or tiny
        value *= c * d
        if abs(c * d - 1) < 1e-15:
            break
    return value
