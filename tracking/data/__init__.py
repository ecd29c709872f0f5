"""Data sets as what a run was given: `mlflow.data.from_pandas(frame)`, then `log_input`.

The rows stay where they are: recorded are a name, a digest, the columns, how many rows, and where they come from.
"""

from typing import Any

from tracking.data.dataset import Dataset, NumpyDataset, PandasDataset, from_numpy, from_pandas
from tracking.data.sources import DatasetSource, get_source

__all__ = ["Dataset", "DatasetSource", "NumpyDataset", "PandasDataset", "from_numpy", "from_pandas", "get_source"]


def __getattr__(name: str) -> Any:
    from tracking.unavailable import missing

    raise missing(__name__, name)
