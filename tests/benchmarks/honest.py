"""How honest the honest score is: bias and coverage over many made-up data sets, beside nested cross-validation.

    python tests/benchmarks/honest.py [REPETITIONS]        200 by default
    python tests/benchmarks/honest.py speed

Each repetition makes rows of 50 columns with pure noise or a known signal, and 950 points: ridge with 50 strengths on
19 numbers of columns, cross-validated in 5 folds. The true score of a point is known in closed form: its fold models'
expected root mean squared error on new test folds of the same size. Bias is the mean of estimate minus true score; so
that 200 repetitions tell it well, the same difference of a point that these rows did not choose is taken off, whose
expectation is 0: the best of other rows of the same kind. In brackets are standard errors over the repetitions.
"""

from __future__ import annotations

import sys
import time
from math import exp, lgamma, sqrt
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # where this file is run as a program

import numpy as np

from tracking.compare.honest import bootstrap_choice, correct_by_folds
from tracking.compare.row_scorers import row_scores
from tracking.compare.row_scores import RowScores
from tracking.records.predictions import Predictions

COLUMNS, FOLDS = 50, 5
ALPHAS = np.logspace(-2, 4, 50)
SIZES = np.unique(np.linspace(2, COLUMNS, 19).astype(int))
SCORER = "neg_root_mean_squared_error"


def scores_of(residual: Any, true: Any, folds: Any) -> RowScores:
    """Return the scores by rows of residuals, points x rows."""
    made = row_scores(
        SCORER,
        {},
        Predictions(
            run_ids=tuple(map(str, range(len(residual)))),
            rows=np.arange(len(true)),
            folds=folds,
            true=true,
            groups=None,
            classes=None,
            responses={"residual": residual},
        ),
    )
    assert made is not None
    return made


def fit(X: Any, y: Any) -> tuple[Any, Any]:
    """Return coefficients (columns x points) and intercepts of all points."""
    coefficients, intercepts = [], []
    for size in SIZES:
        centre = X[:, :size].mean(axis=0)
        U, d, Vt = np.linalg.svd(X[:, :size] - centre, full_matrices=False)
        shrunk = (d[:, None] / (d[:, None] ** 2 + ALPHAS)) * (U.T @ (y - y.mean()))[:, None]
        slope = np.zeros((COLUMNS, len(ALPHAS)))
        slope[:size] = Vt.T @ shrunk
        coefficients.append(slope)
        intercepts.append(y.mean() - centre @ slope[:size])
    return np.hstack(coefficients), np.concatenate(intercepts)


def cross_validate(X: Any, y: Any, folds: Any, beta: Any) -> tuple[Any, Any, Any]:
    """Return residuals (points x rows), fold scores and true fold scores (points x folds)."""
    residual = np.empty((len(ALPHAS) * len(SIZES), len(y)))
    fold_scores, true = [], []
    for fold in range(FOLDS):
        test = folds == fold
        slope, intercept = fit(X[~test], y[~test])
        residual[:, test] = (y[test][:, None] - X[test] @ slope - intercept).T
        fold_scores.append(np.sqrt((residual[:, test] ** 2).mean(axis=1)))
        error = np.sqrt(1 + ((beta[:, None] - slope) ** 2).sum(axis=0) + intercept**2)
        count = int(test.sum())  # the mean of the root of `count` squares is smaller than the root of their mean
        true.append(error * sqrt(2 / count) * exp(lgamma((count + 1) / 2) - lgamma(count / 2)))
    return residual, np.stack(fold_scores, axis=1), np.stack(true, axis=1)


def nested(X: Any, y: Any, folds: Any, generator: Any) -> float:
    """Return the score of choosing in an inner cross-validation, over the outer folds."""
    found = []
    for fold in range(FOLDS):
        test = folds == fold
        inner = generator.permutation(np.arange(int((~test).sum())) % FOLDS)
        _, fold_scores, _ = cross_validate(X[~test], y[~test], inner, np.zeros(COLUMNS))
        best = int(fold_scores.mean(axis=1).argmin())
        slope, intercept = fit(X[~test], y[~test])
        error = y[test] - X[test] @ slope[:, best] - intercept[best]
        found.append(sqrt((error**2).mean()))
    return float(np.mean(found))


def draw(rows: int, beta: Any, generator: Any) -> tuple[Any, Any, Any]:
    """Return new rows, their targets and folds."""
    X = generator.normal(size=(rows, COLUMNS))
    return X, X @ beta + generator.normal(size=rows), generator.permutation(np.arange(rows) % FOLDS)


def measure(rows: int, signal: bool, repetitions: int) -> None:
    """Print bias and coverage for one kind of data."""
    generator = np.random.default_rng([rows, signal])
    bias: dict[str, list[float]] = {"best": [], "honest": [], "by folds": [], "nested": []}
    covered = []
    for repetition in range(repetitions):
        beta = np.zeros(COLUMNS)
        if signal:
            beta[generator.choice(COLUMNS, 8, replace=False)] = generator.normal(size=8) / 2
        X, y, folds = draw(rows, beta, generator)
        residual, fold_scores, true_folds = cross_validate(X, y, folds, beta)
        means, truths = fold_scores.mean(axis=1), true_folds.mean(axis=1)
        best = int(means.argmin())
        unchosen = int(cross_validate(*draw(rows, beta, generator), beta)[1].mean(axis=1).argmin())
        true, luck = truths[best], means[unchosen] - truths[unchosen]
        honest = bootstrap_choice(scores_of(residual, y, folds), shown=means, units=np.arange(rows), seed=repetition)
        assert honest.low is not None
        assert honest.high is not None
        covered.append(honest.low <= true <= honest.high)
        estimates = {
            "best": means[best],
            "honest": honest.score,
            "by folds": correct_by_folds(fold_scores, best=best, more_is_better=False).score,
            "nested": nested(X, y, folds, generator),
        }
        for name, estimate in estimates.items():
            bias[name].append(float(estimate - true - luck))
    kind = "signal" if signal else "noise"
    print(f"{kind}, {rows} rows: the interval of honest covers the true score in {np.mean(covered):.1%}")
    winners = np.array(bias["best"])
    for name, some in bias.items():
        values = np.array(some)
        ratio = values.mean() / winners.mean()
        error = np.std(values - ratio * winners) / abs(winners.mean())
        print(
            f"  {name:<9} bias {values.mean():+.4f} ({np.std(values) / sqrt(repetitions):.4f}),"
            f" of the best's {ratio:+.2f} ({error / sqrt(repetitions):.2f})",
            flush=True,
        )


def speed() -> None:
    """Print the time and the memory of the correction."""
    import resource

    for points, rows in ((950, 442), (10_000, 2_000)):
        generator = np.random.default_rng(0)
        residual = generator.normal(size=(points, rows)).astype(np.float32)
        scores = scores_of(residual, generator.normal(size=rows), np.arange(rows) * FOLDS // rows)
        start = time.process_time()
        bootstrap_choice(scores, shown=np.ones(points), units=np.arange(rows))
        seconds = time.process_time() - start
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"{points} points x {rows} rows: {seconds * 1000:.0f} ms, {peak:.0f} MB at the most in this process")


if __name__ == "__main__":
    if sys.argv[1:] == ["speed"]:
        speed()
    else:
        for size in (60, 200, 500):
            for with_signal in (False, True):
                measure(size, with_signal, int(sys.argv[1]) if sys.argv[1:] else 200)
