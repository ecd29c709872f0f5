"""The place where MLflow scripts look for scikit-learn: models, autolog, and searches as runs.

Importing it does not import scikit-learn.
"""

from typing import Any

from tracking.models import load_model, log_model, save_model
from tracking.sklearn.autologging import autolog
from tracking.sklearn.searches import log_search

__all__ = ["autolog", "load_model", "log_model", "log_search", "save_model"]


def __getattr__(name: str) -> Any:
    from tracking.unavailable import missing

    raise missing(__name__, name)
