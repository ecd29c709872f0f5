"""The place where MLflow scripts look for models: `mlflow.sklearn.log_model`, `mlflow.sklearn.load_model`."""

from tracking.models import load_model, log_model, save_model

__all__ = ["load_model", "log_model", "save_model"]
