"""Models of CatBoost, in its own file format and under MLflow's names: `mlflow.catboost.log_model`."""

from __future__ import annotations

import os
from typing import Any, Unpack

from tracking.models import ModelInfo, load_model
from tracking.models.contents import Options
from tracking.models.saving import log, save
from tracking.sklearn.autologging import watch


def log_model(
    cb_model: Any,
    artifact_path: str | None = None,
    *,
    name: str | None = None,
    run_id: str | None = None,
    registered_model_name: str | None = None,
    **options: Unpack[Options],
) -> ModelInfo:
    """Save a model of CatBoost as a folder of a run, by default the active one."""
    place: dict[str, Any] = {"name": name, "run_id": run_id, "registered_model_name": registered_model_name}
    return log(cb_model, "catboost", artifact_path, **place, **options)


def save_model(cb_model: Any, path: str | os.PathLike[str], **options: Unpack[Options]) -> None:
    """Save a model of CatBoost as a folder of this machine. Raises what `tracking.sklearn.save_model` does."""
    save(cb_model, "catboost", path, **options)


def autolog(**options: Any) -> None:
    """Record every fit of CatBoost's regressors and classifiers from now on. Takes what `sklearn.autolog` does."""
    import catboost

    watch((catboost.CatBoostRegressor, catboost.CatBoostClassifier), "catboost", **options)


__all__ = ["autolog", "load_model", "log_model", "save_model"]


def __getattr__(name: str) -> Any:
    from tracking.unavailable import missing

    raise missing(__name__, name)
