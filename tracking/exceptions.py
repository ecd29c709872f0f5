"""The place where MLflow scripts look for what they catch: `mlflow.exceptions.MlflowException`."""

from typing import Any

from tracking.errors import TrackingError as MlflowException

RestException = MlflowException  # what a server of MLflow's refused; here the store refuses

__all__ = ["MlflowException", "RestException"]


def __getattr__(name: str) -> Any:
    from tracking.unavailable import missing

    raise missing(__name__, name)
