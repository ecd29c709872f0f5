"""How a model is fitted where `fit(X, y)` is not all: keywords of `fit`, early stopping of the boosting libraries.

Early stopping holds back rows of those that a fold trains on, fits the preparation and the model on the others, and
stops when the rows held back gain no more for so many rounds. It is what one writes by hand with scikit-learn:
`train_test_split(X, y, test_size=share, random_state=seed)`, stratified for classes; the last rows where they are in
time; whole groups where there are groups.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from runner.data.rows import draw
from runner.errors import ConfigError

LIBRARIES = ("xgboost", "lightgbm", "catboost")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitting:
    """What a fit is given besides its rows."""

    params: Mapping[str, Any] = field(default_factory=dict)  # keywords of the model's fit
    rounds: int | None = None  # without gain, after which boosting stops; None: it does not stop early
    share: float = 0.1  # of the training rows, held back for that
    seed: int = 0
    classes: bool = False
    in_time: bool = False
    categories: bool = False  # whether fit has to be told which columns are categories

    @property
    def plain(self) -> bool:
        """Whether it is no more than `fit(X, y)`."""
        return not self.params and self.rounds is None and not self.categories

    def fit(self, estimator: Any, X: Any, y: Any, *, groups: Any = None, weights: Any = None) -> Any:
        """Fit an unfitted estimator, whose last step is the model, and return it; `weights` are those of the rows."""
        front, model = (estimator[:-1], estimator[-1]) if hasattr(estimator, "steps") else (None, estimator)
        options = dict(self.params)
        if self.rounds is not None:
            train, held = draw(y, groups, self.share, seed=self.seed, classes=self.classes, in_time=self.in_time)
            X_held, y_held = take(X, held), y[held]
            X, y, weights = take(X, train), y[train], weights if weights is None else weights[train]
        if front is not None:
            X = front.fit_transform(X, y)
        if self.categories:
            options = _categories_in(X) | options
        if weights is not None:
            options["sample_weight"] = weights
        if self.rounds is not None:
            model.set_params(early_stopping_rounds=self.rounds)
            options |= _watched(model, X_held if front is None else front.transform(X_held), y_held)
        model.fit(X, y, **options)
        return estimator


def read_fitting(config: Mapping[str, Any], estimator: Any, splitter: Any, *, classes: bool) -> Fitting:
    """Read how the models of a point are fitted."""
    model = estimator[-1] if hasattr(estimator, "steps") else estimator
    timed = config["data"].get("time") is not None or type(splitter).__name__ == "TimeSeriesSplit"
    return Fitting(
        params=dict(config.get("fit_params") or {}),
        rounds=config.get("early_stopping"),
        share=config.get("early_stopping_share", Fitting().share),
        seed=int(config["seed"]),
        classes=classes,
        in_time=timed,
        categories=library_of(model) == "catboost" and model.get_params().get("cat_features") is None,
    )


def check_fitting(config: Mapping[str, Any], estimator: Any) -> None:
    """Raise ConfigError for keywords that the model's `fit` does not take, and for a model that cannot stop early."""
    model = estimator[-1] if hasattr(estimator, "steps") else estimator
    name = type(model).__name__
    if (rounds := config.get("early_stopping")) is not None and library_of(model) is None:
        own = hasattr(model, "early_stopping")
        remedy = f"{name} has its own: model.early_stopping=true" if own else "Leave it out: early_stopping=null"
        raise ConfigError(f"early_stopping={rounds}: it is for models of {', '.join(LIBRARIES)}. {remedy}")
    known = inspect.signature(model.fit).parameters
    open_ended = any(parameter.kind is parameter.VAR_KEYWORD for parameter in known.values())
    for key, value in (config.get("fit_params") or {}).items():
        if key not in known and not open_ended:
            takes = ", ".join(list(known)[2:]) or "nothing else"
            raise ConfigError(f"fit_params.{key}={value}: fit of {name} takes no '{key}'. It takes: {takes}.")
        if key in ("X", "y", "sample_weight", "eval_set", "eval_X", "eval_y"):
            remedy = "data.weights=COLUMN" if key == "sample_weight" else "early_stopping=ROUNDS"
            raise ConfigError(f"fit_params.{key}: these are rows, which differ from fold to fold. Use {remedy}.")


def library_of(model: Any) -> str | None:
    """Return the boosting library of an estimator, also of a class derived from one of its classes."""
    names = {kind.__module__.partition(".")[0] for kind in type(model).__mro__}
    return next((library for library in LIBRARIES if library in names), None)


def limit_threads(estimator: Any, threads: int) -> None:
    """Give the boosting models in an estimator as many threads, unless they say it: they do not ask OpenMP."""
    inside = estimator.get_params(deep=True).values() if hasattr(estimator, "get_params") else ()
    for part in (estimator, *inside):
        library = library_of(part)
        if library is None or isinstance(part, type):
            continue
        given = part.get_params()
        if not any(given.get(name) is not None for name in _THREADS):
            part.set_params(**{"thread_count" if library == "catboost" else "n_jobs": threads})


def rounds_of(model: Any) -> int | None:
    """Return after how many rounds a fit that stopped early was best; None for any other."""
    last = model[-1] if hasattr(model, "steps") else model
    library = library_of(last)
    if library is None or last.get_params().get("early_stopping_rounds") is None:
        return None
    if library == "lightgbm":  # counts from 1
        return int(last.best_iteration_)
    best = last.best_iteration if library == "xgboost" else last.get_best_iteration()
    return None if best is None else int(best) + 1


def take(table: Any, rows: Any) -> Any:
    """Return rows of a frame or an array by their numbers."""
    return table.iloc[rows] if hasattr(table, "iloc") else table[rows]


# -----------------------------------------------------------------------------------------------
_THREADS = ("n_jobs", "nthread", "nthreads", "num_thread", "num_threads", "thread_count")


def _categories_in(X: Any) -> dict[str, Any]:
    """Return the columns of a frame that hold categories, as CatBoost's `fit` takes them."""
    names = [name for name, dtype in X.dtypes.items() if str(dtype) == "category"] if hasattr(X, "iloc") else []
    return {"cat_features": names} if names else {}


def _watched(model: Any, X: Any, y: Any) -> dict[str, Any]:
    """Return the keywords by which the library's `fit` takes the rows held back, and is quiet about them."""
    quiet = {"verbose": False} if library_of(model) == "xgboost" else {}
    return {"eval_set": [(X, y)], **quiet}
