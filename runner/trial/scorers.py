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

_LOSS = "recorded_as_loss"  # an attribute of scorers that are made here


def build_scorer(name: str, scorer: object) -> Any:
    """Return a scikit-learn scorer's name as it is, or the function(estimator, X, y) of a dotted name.

    A mapping with `_target_` is a metric of (y_true, y_pred) with its parameters, and what `make_scorer` takes:
    `{_target_: sklearn.metrics.fbeta_score, beta: 2}`. Raises ConfigError for what is no scorer.
    """
    if isinstance(scorer, Mapping):
        return _made_scorer(name, scorer)
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


def _made_scorer(name: str, node: Mapping[str, Any]) -> Any:
    """Return the scorer of a metric with parameters. Raises ConfigError."""
    from sklearn.metrics import make_scorer

    asked = f"scoring.metrics.{name}"
    target = node.get("_target_")
    if not isinstance(target, str):
        raise ConfigError(f"{asked}._target_ is missing. Name a metric, as sklearn.metrics.fbeta_score.")
    metric = locate(target, f"{asked}._target_={target}", ConfigError)
    options = {key: value for key, value in node.items() if key != "_target_"}
    own = {key: options.pop(key) for key in ("greater_is_better", "response_method") if key in options}
    if isinstance(own.get("response_method"), list):
        own["response_method"] = tuple(own["response_method"])
    own["greater_is_better"] = _greater_is_better(node)
    _check_options(asked, target, metric, options)
    try:
        made = make_scorer(metric, **own, **options)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"{asked}: {error}") from error
    setattr(made, _LOSS, not own["greater_is_better"])
    return made


def _check_options(asked: str, target: str, metric: Any, options: Mapping[str, Any]) -> None:
    """Refuse a parameter that a metric does not take, which would show at the first fold only."""
    try:
        signature = inspect.signature(metric).parameters
    except (TypeError, ValueError):
        return
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in signature.values()):
        return
    known = [*list(signature)[2:], "greater_is_better", "response_method"]
    for key, value in options.items():
        if key not in known:
            raise ConfigError(
                f"{asked}.{key}={value}: {target.rpartition('.')[2]} has no parameter '{key}'.{suggest(key, known)}"
                f" Its parameters: {', '.join(known)}."
            )


def is_loss(scorer: object) -> bool:
    """Tell whether a scorer, or what a config says of it, is recorded with its sign turned, as a positive number.

    So are scikit-learn's `neg_...`, and metrics with parameters of which less is better.
    """
    if isinstance(scorer, Mapping):
        return not _greater_is_better(scorer)
    return bool(getattr(scorer, _LOSS, False)) or (isinstance(scorer, str) and scorer.startswith("neg_"))


def _greater_is_better(node: Mapping[str, Any]) -> bool:
    """Tell it of a metric with parameters: as it says, or by scikit-learn's rule for the names of its metrics."""
    losses = ("_loss", "_error", "_deviance")
    return bool(node.get("greater_is_better", not str(node.get("_target_")).endswith(losses)))


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


def check_probabilities(scorers: Mapping[str, Any], estimator: Any) -> None:
    """Raise ConfigError for a scorer of probabilities where the model predicts none."""
    from sklearn.metrics import get_scorer

    if hasattr(estimator, "predict_proba"):
        return
    asking = [
        name
        for name, scorer in scorers.items()
        if getattr(get_scorer(scorer) if isinstance(scorer, str) else scorer, "_response_method", "") == "predict_proba"
    ]
    if asking:
        model = estimator[-1] if hasattr(estimator, "steps") else estimator
        calibrated = "model=svc_calibrated" if type(model).__name__ == "SVC" else "a CalibratedClassifierCV around it"
        raise ConfigError(
            f"scoring.metrics: {', '.join(asking)} need{'s' * (len(asking) == 1)} probabilities, which"
            f" {type(model).__name__} does not predict. Use {calibrated}, or leave out:"
            f" {' '.join(f'~scoring.metrics.{name}' for name in asking)}"
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
    if isinstance(scorer, Mapping):
        scorer = scorer["_target_"]
    elif "." in scorer and not _is_made_by_scikit_learn(locate(scorer, f"scoring.metrics.{metric}={scorer}")):
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
