"""The place where MLflow scripts look for NumpyDataset and from_numpy."""

from tracking.data.dataset import NumpyDataset, from_numpy

__all__ = ["NumpyDataset", "from_numpy"]
