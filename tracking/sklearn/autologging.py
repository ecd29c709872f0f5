"""Autolog: every `fit` of an estimator becomes a run, without a word in the script.

Classes get a `fit` that calls their own between two recordings. What goes wrong while recording is a warning: the
user's fit is never stopped by it. Fits inside of a fit (of a pipeline, of a search) are not runs of their own, also
in the threads of joblib: so of two fits at once in two threads only the first is recorded.
"""

from __future__ import annotations

import functools
import threading
import warnings
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from tracking.active.lifecycle import active_run, current_run, end_run, start_run
from tracking.data.dataset import as_inputs, from_numpy, from_pandas
from tracking.errors import InvalidType, TrackingError
from tracking.models import infer_signature
from tracking.models.saving import log
from tracking.sklearn.candidates import read_search
from tracking.sklearn.searches import log_search

_ROWS: Final = 5  # of an input example
_fitting = threading.Lock()  # held while a fit is recorded
_originals: dict[type, Callable[..., Any]] = {}

# MLflow's options; those that say how much MLflow says, or switch off what is not done here, change nothing.
_OPTIONS: Final[dict[str, Any]] = {
    "log_input_examples": False,
    "log_model_signatures": True,
    "log_models": True,
    "log_datasets": True,
    "registered_model_name": None,
    "extra_tags": None,
    **dict.fromkeys(("disable", "exclusive", "silent", "disable_for_unsupported_versions"), False),
    **dict.fromkeys(("max_tuning_runs", "log_post_training_metrics", "serialization_format", "pos_label")),
    **dict.fromkeys(("model_format", "importance_types", "log_evals_result")),
}


def autolog(**options: Any) -> None:
    """Record every fit of scikit-learn's estimators from now on; `disable=True` ends it.

    A run is started and ended where none is active. Recorded are parameters, scores on the training rows
    (`training_...`), the model, and of a search all its candidates as nested runs (`log_search`). The options are
    MLflow's: `log_models`, `log_input_examples`, `log_model_signatures`, `registered_model_name`, `extra_tags`, ...
    Raises InvalidType for a keyword that is none of them.
    """
    from sklearn.utils import all_estimators

    watch((kind for _, kind in all_estimators() if hasattr(kind, "predict")), "sklearn", **options)


def watch(classes: Iterable[type], flavour: str, **options: Any) -> None:
    """Record the fits of these classes; `flavour` is that of their models."""
    unknown = [name for name in options if name not in _OPTIONS]
    if unknown:
        raise InvalidType(f"autolog takes no {unknown[0]!r}. It takes: {', '.join(_OPTIONS)}.")
    chosen = {**_OPTIONS, **options}
    for kind in classes:
        owner = next(base for base in kind.__mro__ if "fit" in vars(base))  # RandomForestRegressor inherits its fit
        original = _originals.setdefault(owner, vars(owner)["fit"])
        fit = original if chosen["disable"] else _recorded(original, flavour, chosen)
        owner.fit = fit  # type: ignore[attr-defined]


def _recorded(original: Callable[..., Any], flavour: str, options: Mapping[str, Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def fit(self: Any, X: Any, y: Any = None, *args: Any, **kwargs: Any) -> Any:
        if not hasattr(self, "predict") or not _fitting.acquire(blocking=False):
            return original(self, X, y, *args, **kwargs)
        try:
            return _fit(original, flavour, options, (self, X, y, *args), kwargs)
        finally:
            _fitting.release()

    return fit


def _fit(
    original: Callable[..., Any], flavour: str, options: Mapping[str, Any], given: tuple[Any, ...], kwargs: Any
) -> Any:
    model, X, y = given[:3]
    own = active_run() is None
    if own:
        start_run()
    status = "FAILED"
    try:
        _try(lambda: _log_before(model, options))
        result = original(*given, **kwargs)
        _try(lambda: _log_after(model, X, y, flavour, options))
        status = "FINISHED"
        return result
    finally:
        if own:
            end_run(status)


def _try(record: Callable[[], None]) -> None:
    try:
        record()
    except TrackingError as problem:
        warnings.warn(f"autolog: {problem}", stacklevel=5)


def _log_before(model: Any, options: Mapping[str, Any]) -> None:
    run = current_run()
    kind = type(model)
    tags = {"estimator_name": kind.__name__, "estimator_class": f"{kind.__module__}.{kind.__name__}"}
    search = any(hasattr(model, name) for name in ("param_grid", "param_distributions"))
    params = model.get_params(deep=not search)  # those of a search would be its estimator's before the search
    run.client.log_batch(run.run_id, tags={**tags, **(options["extra_tags"] or {})})
    run.client.log_batch(run.run_id, params=params)


def _log_after(model: Any, X: Any, y: Any, flavour: str, options: Mapping[str, Any]) -> None:
    run = current_run()
    run.client.log_metrics(run.run_id, _training_scores(model, X, y))
    if options["log_datasets"]:
        _log_data(X, y)
    if options["log_models"]:
        example = X[:_ROWS] if options["log_input_examples"] else None
        signature = _signature(model, X) if options["log_model_signatures"] else False
        name = options["registered_model_name"]
        log(model, flavour, "model", signature=signature, input_example=example, registered_model_name=name)
    try:
        read_search(model)
    except TrackingError:  # no search, or one that kept no scores
        return
    log_search(model)


def _log_data(X: Any, y: Any) -> None:
    """Record the rows as an input of the run; what is neither a frame nor an array is not."""
    try:
        data = from_pandas(X) if hasattr(X, "iloc") else from_numpy(X, targets=y if hasattr(y, "nbytes") else None)
    except TrackingError:
        return
    run = current_run()
    run.client.log_inputs(run.run_id, as_inputs([data], ["train"]))


def _signature(model: Any, X: Any) -> Any:
    try:
        return infer_signature(X, model.predict(X[:_ROWS]))
    except Exception:  # predict runs the model's code
        return False


def _training_scores(model: Any, X: Any, y: Any) -> dict[str, float]:
    """Return scores on the training rows under MLflow's names; {} for what predicts nothing comparable."""
    from sklearn import metrics
    from sklearn.base import is_classifier, is_regressor

    if y is None or getattr(y, "ndim", 1) > 1:
        return {}
    try:
        predicted = model.predict(X)
        if is_regressor(model):
            mse = float(metrics.mean_squared_error(y, predicted))
            found = {
                "mean_squared_error": mse,
                "root_mean_squared_error": mse**0.5,
                "mean_absolute_error": metrics.mean_absolute_error(y, predicted),
                "r2_score": metrics.r2_score(y, predicted),
                "score": metrics.r2_score(y, predicted),
            }
        elif is_classifier(model):
            precision, recall, f1, _ = metrics.precision_recall_fscore_support(
                y, predicted, average="weighted", zero_division=0
            )
            accuracy = metrics.accuracy_score(y, predicted)
            found = {"precision_score": precision, "recall_score": recall, "f1_score": f1, "accuracy_score": accuracy}
            found["score"] = accuracy
        else:
            return {}
    except Exception as problem:  # the user's estimator and data
        warnings.warn(f"autolog: no scores on the training rows: {problem}", stacklevel=6)
        return {}
    return {f"training_{name}": float(value) for name, value in found.items()}
