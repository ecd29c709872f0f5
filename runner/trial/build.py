"""Config -> the scikit-learn objects of a point. A mistake is told by key, value and remedy."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

from runner.dotted import locate
from runner.errors import ConfigError, ModelError, RunnerError
from runner.prepare import by_f_test, f_of_task
from runner.suggest import suggest
from runner.trial.constraints import check_constraints, check_parameters
from runner.trial.descriptions import NotDescribable, describe
from runner.trial.keywords import check_keywords
from runner.trial.memory import Kept
from runner.trial.repeated_checks import has_only_plain_values
from runner.trial.scorers import build_scorer
from tracking.records.values import leaves

_SPECIAL = frozenset({"_target_", "_args_", "_partial_", "_recursive_", "_convert_"})  # Hydra's, the last is idle here


@dataclass(frozen=True, slots=True)
class Parts:
    """The scikit-learn objects of a point: an unfitted estimator, a splitter, scorers by name."""

    estimator: Any
    splitter: Any
    scorers: Mapping[str, str | Any]
    is_classifier: bool
    notes: tuple[str, ...] = ()  # keywords that nothing checks


def build(config: Mapping[str, Any], *, validate: bool = True) -> Parts:
    """Build what a resolved config describes. Raises ModelError naming the key, the value and the remedy.

    Without `validate`, parameters that no constraint was asked about go through to the fit.
    """
    seed = config["seed"]
    model = build_node(config["model"], "model")
    for method in ("fit", "predict"):
        if not hasattr(model, method):
            raise ModelError(
                f"model._target_={config['model'].get('_target_')}: {type(model).__name__} has no {method}()."
                " Name a scikit-learn-compatible estimator."
            )
    _check_tags(model, config["model"].get("_target_"))
    check_parameters(model, "model", config, validate=validate)
    _seed(model, seed, config)
    steps = _build_preparations(config, is_classifier=_is_classifier(model), validate=validate)
    estimator = _pipeline(steps, model) if steps else model
    splitter = build_node(_without_idle_seed(config["cv"]), "cv")
    if getattr(splitter, "random_state", 0) is None and getattr(splitter, "shuffle", True):
        splitter.random_state = seed
    scoring = config["scoring"]
    if not scoring["metrics"]:
        raise ConfigError(
            "scoring.metrics: a run needs at least one. Choose scoring=regression or scoring=classification, or name"
            " one: scoring.metrics.mae=neg_mean_absolute_error"
        )
    scorers = {name: build_scorer(name, scorer) for name, scorer in scoring["metrics"].items()}
    if not scoring["objective"]:
        raise ConfigError(
            "scoring.objective: a run needs one: scoring.objective.metric=METRIC scoring.objective.direction=minimize"
        )
    metric = scoring["objective"]["metric"]
    if metric not in scorers:
        raise ConfigError(
            f"scoring.objective.metric={metric}: not among the metrics ({', '.join(scorers)})."
            f"{suggest(metric, scorers)}"
        )
    for key, way in leaves(scoring.get("simpler") or {}):
        if way not in ("up", "down"):
            raise ConfigError(
                f"scoring.simpler.{key}={way}: which way makes a simpler model, up or down? As scoring.simpler.alpha=up"
            )
    sections = ("model", "prepare", "cv") if validate else ()  # asking for the signatures takes as long as some fits
    notes = [note for key in sections for note in check_keywords(config.get(key), key)]
    return Parts(estimator, splitter, scorers, _is_classifier(model), tuple(notes))


_preparations: Kept[str, list[tuple[str, Any]]] = Kept(1)  # those of the last point


def _build_preparations(config: Mapping[str, Any], *, is_classifier: bool, validate: bool) -> list[tuple[str, Any]]:
    """Build the preparations, one or a row of them, or return those of the point before, which are equal.

    Nobody fits them, only clones of them.
    """
    sections = _sections(config.get("prepare") or {})
    seed = config["seed"] if config["model"].get("random_state", 0) is not None else None
    made_of = repr((sections, seed, is_classifier))
    if (built := _preparations.get(made_of)) is not None:
        return built
    steps = []
    for key, section in sections.items():
        step = build_node(section, key)
        check_parameters(step, key, config, validate=validate)
        _seed(step, config["seed"], config)
        if getattr(step, "score_func", None) is by_f_test:
            step.set_params(score_func=f_of_task(is_classifier=is_classifier))
        steps.append((key.removeprefix("prepare."), step))
    with suppress(NotDescribable, TypeError):  # what is its own clone, say, could take something from point to point
        for _, step in steps:
            describe(step)
        _preparations.keep(made_of, steps)
    return steps


def _sections(prepare: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Return the sections of the preparations by their keys. Raises ConfigError for what is none."""
    if "_target_" in prepare:
        return {"prepare": prepare}
    for key, value in prepare.items():
        if key == "model" or "__" in key:
            raise ConfigError(f"prepare.{key}: a step of a pipeline cannot have this name. Give the file another one.")
        if not (isinstance(value, Mapping) and "_target_" in value):
            raise ConfigError(
                f"prepare.{key}={value}: prepare=none prepares nothing. Choose one: prepare=standard, or another of"
                " --help."
            )
    return {f"prepare.{key}": section for key, section in prepare.items()}


def build_node(node: Mapping[str, Any], key: str) -> Any:
    """Call the `_target_` of a section with its other keys. Raises ModelError.

    As `hydra.utils.instantiate` with `_convert_=all`: `_args_` go before the keys, `_partial_` leaves the call to
    others, `_recursive_: false` hands on what is inside as it is written.
    """
    target = node.get("_target_")
    if not isinstance(target, str):
        raise ModelError(_no_target(node, key))
    factory = locate(target, f"{key}._target_={target}")
    arguments = {name: value for name, value in node.items() if name not in _SPECIAL}
    try:
        positional, named = list(node.get("_args_") or ()), arguments
        if node.get("_recursive_", True):
            positional, named = _build_nested(positional, f"{key}._args_"), _build_nested(named, key)
        return partial(factory, *positional, **named) if node.get("_partial_") else factory(*positional, **named)
    except RunnerError:
        raise
    except TypeError as error:
        raise ModelError(_rejected(factory, target, key, arguments, error)) from error
    except Exception as error:
        raise ModelError(f"{key}: {target} cannot be built: {error}") from error


_EXAMPLES = {
    "model": "sklearn.linear_model.Ridge",
    "cv": "sklearn.model_selection.KFold",
    "prepare": "sklearn.preprocessing.StandardScaler",
}


def _no_target(node: Mapping[str, Any], key: str) -> str:
    if key in _EXAMPLES and not node:
        return f"Every run needs {key}, and nothing is chosen. Choose one: {key}=..., see --help"
    if key in node:  # a file that begins with `model:`, put below `model`
        return f"{key}.{key}: the section is there twice. The first line of its file has to be: # @package _global_"
    return f"{key}._target_ is missing. Name a class, as {_EXAMPLES.get(key, _EXAMPLES['model'])}."


def _without_idle_seed(cv: Mapping[str, Any]) -> Mapping[str, Any]:
    """Leave out the seed of a splitter that does not shuffle: scikit-learn refuses it there."""
    return cv if cv.get("shuffle", True) else {name: value for name, value in cv.items() if name != "random_state"}


def _rejected(factory: Any, target: str, key: str, arguments: Mapping[str, Any], error: TypeError) -> str:
    import inspect

    try:
        signature = inspect.signature(factory).parameters
    except (TypeError, ValueError):
        return f"{key}: {target} cannot be built: {error}"
    known = [name for name, p in signature.items() if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)]
    unknown = [name for name in arguments if name not in known]
    short = target.rpartition(".")[2]
    if unknown:
        name = unknown[0]
        return (
            f"{key}.{name}={arguments[name]}: {short} has no parameter '{name}'.{suggest(name, known)}"
            f" Its parameters: {', '.join(known)}."
        )
    missing = [n for n, p in signature.items() if p.default is p.empty and n in known and n not in arguments]
    if missing:
        return f"{key}.{missing[0]}: {short} needs it. Give it: {key}.{missing[0]}=..."
    return f"{key}: {target} cannot be built: {error}"


def _seed(estimator: Any, seed: int, config: Mapping[str, Any]) -> None:
    """Give the seed to every random_state that nobody set; one that the config sets to null stays so."""
    if config["model"].get("random_state", 0) is None or not hasattr(estimator, "get_params"):
        return
    if has_only_plain_values(estimator) and getattr(estimator, "random_state", 0) is not None:
        return
    parameters = estimator.get_params(deep=True)
    unset = {
        name: seed
        for name, value in parameters.items()
        if value is None and (name == "random_state" or name.endswith("__random_state"))
    }
    if unset:
        estimator.set_params(**unset)


def _pipeline(steps: list[tuple[str, Any]], model: Any) -> Any:
    from sklearn.pipeline import Pipeline

    return Pipeline([*steps, ("model", model)])


def _check_tags(model: Any, target: object) -> None:
    """Raise ModelError for an estimator that scikit-learn can neither clone nor ask what it is."""
    from sklearn.utils import get_tags

    try:
        get_tags(model)
        missing = None if hasattr(model, "get_params") else "get_params"
    except (AttributeError, TypeError):
        missing = "__sklearn_tags__"
    if missing:
        raise ModelError(
            f"model._target_={target}: {type(model).__name__} has no {missing}(), which scikit-learn asks for. Let it"
            " inherit (RegressorMixin, BaseEstimator) or (ClassifierMixin, BaseEstimator) of sklearn.base."
        )


def _is_classifier(model: Any) -> bool:
    from sklearn.base import is_classifier

    return bool(is_classifier(model))


def _build_nested(value: Any, key: str) -> Any:
    """Build the estimators inside a parameter; everything else stays as it is."""
    if isinstance(value, Mapping):
        if "_target_" in value:
            built = build_node(value, key)
            check_constraints(built, key, {})
            return built
        return {name: _build_nested(item, f"{key}.{name}") for name, item in value.items()}
    if isinstance(value, list):
        return [_build_nested(item, f"{key}.{number}") for number, item in enumerate(value)]
    return value
