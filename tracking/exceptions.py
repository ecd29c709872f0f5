"""The place where MLflow scripts look for what they catch: `mlflow.exceptions.MlflowException`."""

from tracking.errors import TrackingError as MlflowException

__all__ = ["MlflowException"]
