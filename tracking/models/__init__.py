"""Models as artifacts: folders that MLflow reads, addressed as `runs:/<run id>/<path>`.

signature    what a model takes and gives
flavours     how each kind of model is written and read
mlmodel      the file MLmodel, both ways; `examples` and `requirements` beside it
saving       into a run, or a folder of this machine
loading      from addresses to objects
evaluation   scores of a model, under MLflow's names

Knows nothing of scikit-learn; libraries are imported at the first use. Loading a model executes what its file
says: load only what you trust.
"""

import os
from typing import Any

from tracking.entities import Run
from tracking.models.evaluation import EvaluationResult, evaluate
from tracking.models.examples import Example, example_of
from tracking.models.loading import find_model, load_model
from tracking.models.mlmodel import Model
from tracking.models.saving import ModelInfo, keep_model, log_model, save_model
from tracking.models.signature import ModelSignature, infer_signature

__all__ = [
    "EvaluationResult",
    "Example",
    "Model",
    "ModelInfo",
    "ModelSignature",
    "evaluate",
    "example_of",
    "get_model_info",
    "infer_signature",
    "keep_model",
    "load_model",
    "log_model",
    "save_model",
]


def get_model_info(model_uri: str | os.PathLike[str] | Run) -> Model:
    """Return what the MLmodel file of a model says: flavours, signature, metadata. Raises ArtifactNotFound."""
    return Model.load(find_model(model_uri))


def __getattr__(name: str) -> Any:
    from tracking.unavailable import missing

    raise missing("tracking.models", name)
