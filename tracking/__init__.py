"""Track experiments with MLflow's fluent API over an embedded store.

>>> import tracking as mlflow
>>> mlflow.set_experiment("ridge")  # doctest: +SKIP
>>> with mlflow.start_run():  # doctest: +SKIP
...     mlflow.log_param("alpha", 0.1)
...     mlflow.log_metric("rmse", 0.7)

Only hands names on. Importing it is cheap: pandas, joblib and sqlite3 are imported by what needs them, and models
and what compares runs (`diff_runs`, ...) when they are first asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from tracking import entities, exceptions
from tracking.active.experiments import set_experiment
from tracking.active.lifecycle import ActiveRun, active_run, end_run, last_active_run, release_run, start_run
from tracking.client import PagedList, RunOperations, TrackingClient
from tracking.entities import (
    Experiment,
    FileInfo,
    LifecycleStage,
    Metric,
    Param,
    Run,
    RunData,
    RunInfo,
    RunStatus,
    RunTag,
    ViewType,
)
from tracking.errors import StoreError, TrackingError
from tracking.fluent import (
    create_experiment,
    delete_experiment,
    delete_experiment_tag,
    delete_run,
    delete_tag,
    flush_async_logging,
    get_artifact_uri,
    get_experiment,
    get_experiment_by_name,
    get_parent_run,
    get_run,
    get_tracking_uri,
    is_tracking_uri_set,
    log_artifact,
    log_artifacts,
    log_batch,
    log_dict,
    log_figure,
    log_input,
    log_inputs,
    log_metric,
    log_metrics,
    log_param,
    log_params,
    log_text,
    register_model,
    restore_experiment,
    restore_run,
    search_experiments,
    search_model_versions,
    search_registered_models,
    search_runs,
    set_experiment_tag,
    set_experiment_tags,
    set_model_version_tag,
    set_tag,
    set_tags,
    set_tracking_uri,
)
from tracking.frames import importances, predictions
from tracking.state import reset
from tracking.stores import absolute_uri, tracking_command, use_store

if TYPE_CHECKING:
    from tracking import artifacts, models, sklearn
    from tracking.diff import (
        describe_winner,
        diff_configs,
        diff_runs,
        parse_yaml,
        preview_diff,
        render_config,
        render_diff,
        show_changes,
    )
    from tracking.models import ModelInfo, evaluate, load_model, log_model

# The names that MLflow scripts use.
MlflowClient = TrackingClient
MlflowException = TrackingError

__all__ = [
    "ActiveRun",
    "Experiment",
    "FileInfo",
    "LifecycleStage",
    "Metric",
    "MlflowClient",
    "MlflowException",
    "ModelInfo",
    "PagedList",
    "Param",
    "Run",
    "RunData",
    "RunInfo",
    "RunOperations",
    "RunStatus",
    "RunTag",
    "StoreError",
    "TrackingClient",
    "TrackingError",
    "ViewType",
    "absolute_uri",
    "active_run",
    "artifacts",
    "autolog",
    "create_experiment",
    "delete_experiment",
    "delete_experiment_tag",
    "delete_run",
    "delete_tag",
    "describe_winner",
    "diff_configs",
    "diff_runs",
    "end_run",
    "entities",
    "evaluate",
    "exceptions",
    "flush_async_logging",
    "get_artifact_uri",
    "get_experiment",
    "get_experiment_by_name",
    "get_parent_run",
    "get_run",
    "get_tracking_uri",
    "importances",
    "is_tracking_uri_set",
    "last_active_run",
    "load_model",
    "log_artifact",
    "log_artifacts",
    "log_batch",
    "log_dict",
    "log_figure",
    "log_input",
    "log_inputs",
    "log_metric",
    "log_metrics",
    "log_model",
    "log_param",
    "log_params",
    "log_text",
    "models",
    "parse_yaml",
    "predictions",
    "preview_diff",
    "register_model",
    "release_run",
    "render_config",
    "render_diff",
    "reset",
    "restore_experiment",
    "restore_run",
    "search_experiments",
    "search_model_versions",
    "search_registered_models",
    "search_runs",
    "set_experiment",
    "set_experiment_tag",
    "set_experiment_tags",
    "set_model_version_tag",
    "set_tag",
    "set_tags",
    "set_tracking_uri",
    "show_changes",
    "sklearn",
    "start_run",
    "tracking_command",
    "use_store",
]


# What is imported when it is first asked for: name -> module.
_LATER = {
    **dict.fromkeys(("describe_winner", "diff_configs", "diff_runs", "parse_yaml", "preview_diff"), "tracking.diff"),
    **dict.fromkeys(("render_config", "render_diff", "show_changes"), "tracking.diff"),
    **dict.fromkeys(("ModelInfo", "evaluate", "load_model", "log_model"), "tracking.models"),
}
# Submodules that scripts name without importing them: `mlflow.pyfunc.load_model(...)`.
_ROOMS = frozenset(
    ("artifacts", "catboost", "data", "lightgbm", "models", "pyfunc", "sklearn", "tracking", "types", "xgboost")
)


def autolog(**options: Any) -> None:
    """Record every fit of scikit-learn, and of the boosting libraries that are installed, from now on.

    Takes and raises what `tracking.sklearn.autolog` does.
    """
    from importlib.util import find_spec

    for name in ("sklearn", "xgboost", "lightgbm", "catboost"):
        if find_spec(name) is not None:
            import_module(f"tracking.{name}").autolog(**options)


def __getattr__(name: str) -> Any:
    if name in _LATER:
        return getattr(import_module(_LATER[name]), name)
    if name in _ROOMS:
        return import_module(f"tracking.{name}")
    if name == "__version__":
        from importlib.metadata import version

        return version("experiment-runner")
    from tracking.unavailable import missing

    raise missing("tracking", name)
