"""The place where older MLflow scripts look for the client: `from mlflow.tracking import MlflowClient`."""

from typing import Any

from tracking.client import TrackingClient as MlflowClient
from tracking.fluent import get_tracking_uri, is_tracking_uri_set, set_tracking_uri

__all__ = ["MlflowClient", "get_tracking_uri", "is_tracking_uri_set", "set_tracking_uri"]


def __getattr__(name: str) -> Any:
    from tracking.unavailable import missing

    raise missing(__name__, name)
