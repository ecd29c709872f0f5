"""The place where MLflow scripts look for PandasDataset and from_pandas."""

from tracking.data.dataset import PandasDataset, from_pandas

__all__ = ["PandasDataset", "from_pandas"]
