"""Models as artifacts: folders that MLflow reads, addressed as `runs:/<run id>/<path>`.

signature    what a model takes and gives
flavours     how each kind of model is written and read
mlmodel      the file MLmodel, both ways; `examples` and `requirements` beside it
saving       into a run, or a folder of this machine
loading      from addresses to objects

Knows nothing of scikit-learn; libraries are imported at the first use. Loading a model executes what its file
says: load only what you trust.
"""

from tracking.models.examples import Example, example_of
from tracking.models.loading import load_model
from tracking.models.mlmodel import Model
from tracking.models.saving import ModelInfo, log_model, save_model
from tracking.models.signature import ModelSignature, infer_signature

__all__ = [
    "Example",
    "Model",
    "ModelInfo",
    "ModelSignature",
    "example_of",
    "infer_signature",
    "load_model",
    "log_model",
    "save_model",
]
