"""What a fitted search tried: its candidates with their scores, read from the attributes that scikit-learn gives.

GridSearchCV, RandomizedSearchCV and the halving ones have `cv_results_`; LassoCV and ElasticNetCV `mse_path_`;
LogisticRegressionCV `scores_`; RidgeCV `cv_results_` of another kind. Known by these, not by class: scikit-learn is
not imported.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from tracking.errors import InvalidType, InvalidValue


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One setting that a search tried."""

    params: Mapping[str, Any]
    folds: Mapping[str, Sequence[float]]  # score -> its value in every fold
    metrics: Mapping[str, float]  # means, spreads, ranks, seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What a search tried, and by which metric it chose."""

    candidates: Sequence[Candidate]
    objective: str  # a key of every candidate's metrics
    direction: str  # minimize or maximize
    best_params: Mapping[str, Any]
    best_score: float


def read_search(search: Any) -> Search:
    """Return what a fitted search tried. Raises InvalidType for what is none, InvalidValue for what kept no scores."""
    results = getattr(search, "cv_results_", None)
    if isinstance(results, Mapping) and "params" in results:
        return _of_results(search, results)
    if hasattr(search, "mse_path_"):
        return _of_path(search)
    if hasattr(search, "scores_") and hasattr(search, "Cs_"):
        return _of_logistic(search)
    if results is not None and hasattr(search, "alpha_"):
        return _of_ridge(search, results)
    name = type(search).__name__
    if hasattr(search, "alpha_") and hasattr(search, "best_score_"):
        raise InvalidValue(f"This {name} kept no scores of its alphas: fit it with store_cv_results=True and cv=None.")
    raise InvalidType(f"A {name} is not a fitted search: log_search takes GridSearchCV, LassoCV and the like.")


def _of_results(search: Any, results: Mapping[str, Any]) -> Search:
    names = [key.removeprefix("mean_test_") for key in results if key.startswith("mean_test_")]
    chosen = search.refit if isinstance(search.refit, str) else names[0]
    found = [_candidate(results, number, names) for number in range(len(results["params"]))]
    best = int(getattr(search, "best_index_", results[f"rank_test_{chosen}"].argmin()))
    return Search(
        candidates=found,
        objective=f"{chosen}_mean",
        direction="maximize",  # scikit-learn's scorers: greater is better
        best_params=found[best].params,
        best_score=float(results[f"mean_test_{chosen}"][best]),
    )


def _candidate(results: Mapping[str, Any], number: int, names: Sequence[str]) -> Candidate:
    halving = {key: results[key][number] for key in ("iter", "n_resources") if key in results}
    metrics = {"fit_seconds": float(results["mean_fit_time"][number])}
    folds: dict[str, list[float]] = {}
    for name in names:
        folds[name] = [float(results[key][number]) for key in _splits(results, name)]
        for ours, theirs in ((f"{name}_mean", "mean_test"), (f"{name}_std", "std_test"), (f"{name}_rank", "rank_test")):
            metrics[ours] = float(results[f"{theirs}_{name}"][number])
    return Candidate(params={**results["params"][number], **halving}, folds=folds, metrics=metrics)


def _splits(results: Mapping[str, Any], name: str) -> Iterator[str]:
    number = 0
    while (key := f"split{number}_test_{name}") in results:
        yield key
        number += 1


def _of_path(search: Any) -> Search:
    import numpy as np

    alphas, path = np.asarray(search.alphas_), np.asarray(search.mse_path_)
    path = path.reshape(-1, alphas.shape[-1], path.shape[-1])  # l1 ratios, alphas, folds
    alphas = np.broadcast_to(alphas, path.shape[:2])
    ratios = np.atleast_1d(search.l1_ratio) if hasattr(search, "l1_ratio_") else [None]
    found = []
    for (i, ratio), j in product(enumerate(ratios), range(path.shape[1])):
        params = {"alpha": float(alphas[i, j])} | ({} if ratio is None else {"l1_ratio": float(ratio)})
        found.append(_scored(params, "mse", path[i, j]))
    return _chosen(found, "mse", "minimize")


def _of_logistic(search: Any) -> Search:
    import numpy as np

    scores = search.scores_
    legacy = isinstance(scores, Mapping)
    table = np.mean(list(scores.values()), axis=0) if legacy else np.asarray(scores)
    ratios = [ratio for ratio in np.atleast_1d(search.l1_ratios_).tolist() if ratio is not None] or [None]
    if table.ndim == 2:
        table = table[:, None, :]  # folds, l1 ratios, Cs
    elif legacy:
        table = table.transpose(0, 2, 1)
    found = []
    for (i, ratio), (j, c) in product(enumerate(ratios), enumerate(np.asarray(search.Cs_).tolist())):
        found.append(_scored({"C": c} | ({} if ratio is None else {"l1_ratio": ratio}), "score", table[:, i, j]))
    return _chosen(found, "score", "maximize")


def _of_ridge(search: Any, results: Any) -> Search:
    import numpy as np

    if search.scoring is not None:
        raise InvalidValue("This RidgeCV kept predictions, not scores, of its alphas: fit it with scoring=None.")
    errors = np.asarray(results)  # rows, or rows and targets; then alphas
    means = errors.reshape(-1, errors.shape[-1]).mean(axis=0)
    alphas = np.atleast_1d(search.alphas).tolist()
    found = [
        Candidate(params={"alpha": alpha}, folds={}, metrics={"mse_mean": float(mean)})
        for alpha, mean in zip(alphas, means, strict=True)
    ]
    return _chosen(found, "mse", "minimize")


def _scored(params: Mapping[str, Any], name: str, folds: Any) -> Candidate:
    metrics = {f"{name}_mean": float(folds.mean()), f"{name}_std": float(folds.std())}
    return Candidate(params=params, folds={name: folds.tolist()}, metrics=metrics)


def _chosen(found: Sequence[Candidate], name: str, direction: str) -> Search:
    key = f"{name}_mean"
    pick = min if direction == "minimize" else max
    best = pick(found, key=lambda candidate: candidate.metrics[key])
    return Search(
        candidates=found,
        objective=key,
        direction=direction,
        best_params=best.params,
        best_score=best.metrics[key],
    )
