"""Scorers: what a config names, which models they fit, and in which direction they are better."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np

from runner.dotted import locate
from runner.errors import ConfigError
from runner.suggest import suggest
from runner.trial.spec import Spec


def build_scorer(name: str, scorer: object) -> Any:
    """Return a scikit-learn scorer's name as it is, or the function(estimator, X, y) of a dotted name.

    Raises ConfigError for what is no scorer, a metric of (y_true, y_pred) above all.
    """
    asked = f"scoring.metrics.{name}={scorer}"
    if not isinstance(scorer, str) or not scorer:
        raise ConfigError(f"{asked}: give a scikit-learn scorer's name or a dotted path.")
    if "." not in scorer:
        return scorer
    function = locate(scorer, asked)
    if not callable(function):
        raise ConfigError(f"{asked}: it is no function. Name a function(estimator, X, y).")
    if not _takes_an_estimator(function):
        raise ConfigError(f"{asked}: {_explain_metric(name, scorer, function)}")
    return function


def is_loss(scorer: object) -> bool:
    """Tell whether a scorer is recorded with its sign turned, as a positive number: scikit-learn's `neg_...`."""
    return isinstance(scorer, str) and scorer.startswith("neg_")


def _takes_an_estimator(function: Any) -> bool:
    try:
        signature = inspect.signature(function)
        signature.bind("estimator", "X", "y")
    except TypeError:
        return False
    except ValueError:  # one that is written in C may not say
        return True
    return not next(iter(signature.parameters), "").startswith(("y_", "true", "labels_"))


def _explain_metric(name: str, scorer: str, function: Any) -> str:
    from sklearn.metrics import get_scorer, get_scorer_names

    ready = [n for n in get_scorer_names() if getattr(get_scorer(n), "_score_func", None) is function]
    use = f"Use scoring.metrics.{name}={ready[0]}, or write" if ready else "Write"
    short = scorer.rpartition(".")[2]
    return (
        "a scorer is called with (estimator, X, y), and this takes something else, as a metric of (y_true, y_pred)"
        f" does. {use} in a module of your own: {name} = sklearn.metrics.make_scorer({short}), with"
        f" greater_is_better=False for a loss; then scoring.metrics.{name}=my_module.{name}"
    )


# -- which models a scorer fits ----------------------------------------------------------------------


def check_scorers(scorers: Mapping[str, Any], *, is_classifier: bool) -> None:
    """Raise ConfigError for a scorer that scikit-learn does not know, or that cannot score such predictions."""
    from sklearn.metrics import get_scorer_names

    known = get_scorer_names()
    refuses = compares_numbers if is_classifier else compares_classes
    for name, scorer in scorers.items():
        if not isinstance(scorer, str):
            continue
        asked = f"scoring.metrics.{name}={scorer}"
        if scorer not in known:
            fits = compares_classes if is_classifier else compares_numbers
            fitting = f" For this model: {', '.join(filter(fits, known))}."
            raise ConfigError(f"{asked}: scikit-learn has no such scorer.{suggest(scorer, known) or fitting}")
        if refuses(scorer) and is_classifier:
            raise ConfigError(
                f"{asked}: it compares numbers, and the model predicts classes. Use scoring=classification."
            )
        if refuses(scorer):
            raise ConfigError(
                f"{asked}: it compares classes, and the model predicts numbers."
                " Use scoring=regression, or a classifier."
            )


@lru_cache(maxsize=256)
def compares_numbers(scorer: str) -> bool:
    """Tell whether a scikit-learn scorer is for regression: it takes fractions, and no words."""
    from sklearn.dummy import DummyClassifier, DummyRegressor

    return _scores(scorer, DummyRegressor(), [1.5, 2.25, 3.5, 2.25]) and not _scores(
        scorer, DummyClassifier(), ["a", "b", "a", "b"]
    )


@lru_cache(maxsize=256)
def compares_classes(scorer: str) -> bool:
    """Tell whether a scikit-learn scorer is for classification: it takes no fractions."""
    from sklearn.dummy import DummyRegressor

    return not _scores(scorer, DummyRegressor(), [1.5, 2.25, 3.5, 2.25])


def _scores(scorer: str, model: Any, y: list[Any]) -> bool:
    from sklearn.metrics import get_scorer

    X = np.arange(4.0).reshape(-1, 1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            get_scorer(scorer)(model.fit(X, y), X, y)
        except (ValueError, TypeError, AttributeError):
            return False
    return True


# -- direction ---------------------------------------------------------------------------------------


def check_objective(spec: Spec) -> None:
    """Raise ConfigError where the direction of the objective contradicts its scorer, or where nobody said it.

    More is better of every scorer that scikit-learn has or makes; recorded is the loss itself of those that are
    called `neg_...`. Of a function of one's own nothing tells.
    """
    metric, direction = spec.objective
    metric = metric.removesuffix("_mean")
    scorer = spec.config["scoring"]["metrics"][metric]
    right = "minimize" if is_loss(scorer) else "maximize"
    setting = "scoring.objective.direction"
    if "." in scorer and not _is_made_by_scikit_learn(locate(scorer, f"scoring.metrics.{metric}={scorer}")):
        if _was_said_for_it(spec):
            return
        raise ConfigError(
            f"{setting}={direction} comes with another metric, and {scorer} is a scorer of your own: is more of it"
            f" better, or less? Add {setting}=maximize or {setting}=minimize."
        )
    if direction != right:
        better = "less" if right == "minimize" else "more"
        raise ConfigError(
            f"{setting}={direction}: {better} is better of {metric} ({scorer}). Add {setting}={right},"
            " or choose another scoring.objective.metric."
        )


def _is_made_by_scikit_learn(scorer: Any) -> bool:
    """Tell whether `make_scorer` made it, which turns the sign of what is better when it is less."""
    return type(scorer).__module__.startswith("sklearn.metrics.")


def _was_said_for_it(spec: Spec) -> bool:
    """Tell whether the direction was given for the metric: by an override, or by the file that names the metric."""
    typed = {override.key for override in spec.overrides}
    if typed & {"scoring.objective.direction", "scoring.objective"}:
        return True
    files = {spec.origins.get(f"scoring.objective.{key}") for key in ("metric", "direction")}
    return "scoring.objective.metric" not in typed and len(files) == 1
