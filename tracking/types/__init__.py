"""What goes into a model and comes out of it: types of columns and tensors, under MLflow's names."""

from tracking.types.schema import ColSpec, DataType, ParamSchema, ParamSpec, Schema, TensorSpec

__all__ = ["ColSpec", "DataType", "ParamSchema", "ParamSpec", "Schema", "TensorSpec"]
