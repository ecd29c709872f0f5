"""Input examples: a few rows beside the model, as JSON in the form that MLflow reads."""

from __future__ import annotations

import base64
import datetime
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tracking.errors import ArtifactError, InvalidType
from tracking.records.names import EXAMPLE_FILE
from tracking.validation import shorten


@dataclass(frozen=True, slots=True)
class Example:
    """An example as it is to lie in a folder: its JSON text, and what the MLmodel file says of it."""

    text: str
    info: Mapping[str, Any]


def example_of(data: Any) -> Example:
    """Make an example of a frame, an array, or plain data; one that is made already is returned.

    Make it once for many models of the same data. Raises InvalidType.
    """
    if isinstance(data, Example):
        return data
    if isinstance(data, Mapping | list | str | int | float):
        content, info = data, {"type": "json_object"}
    elif hasattr(data, "iloc"):
        frame = data if hasattr(data, "columns") else data.to_frame()
        rows = frame.astype(object).to_numpy().tolist()
        content = {"columns": list(frame.columns), "data": rows}
        info = {"type": "dataframe", "pandas_orient": "split"}
    elif hasattr(data, "toarray"):
        content, info = data.toarray().tolist(), {"type": "ndarray"}
    elif hasattr(data, "tolist"):
        content, info = data.tolist(), {"type": "ndarray"}
    else:
        raise InvalidType(
            f"An input example is a frame, an array, a list or a dictionary, not {shorten(data)} of type "
            f"{type(data).__name__}."
        )
    try:
        return Example(json.dumps(content, default=_plain), {"artifact_path": EXAMPLE_FILE, **info})
    except (TypeError, ValueError) as problem:
        raise InvalidType(f"The input example cannot be written as JSON: {problem}.") from problem


def _plain(value: Any) -> Any:
    if value is None or str(value) in ("<NA>", "NaT"):  # NaT is a datetime too
        return None
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if hasattr(value, "item"):
        return value.item()
    raise TypeError(f"{shorten(value)} of type {type(value).__name__}")


def read_example(folder: str | os.PathLike[str], info: Mapping[str, Any]) -> Any:
    """Return an example as it was given: a frame, an array, or plain data. Raises ArtifactError."""
    file = Path(folder, str(info.get("artifact_path", EXAMPLE_FILE)))
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as problem:
        raise ArtifactError(f"The input example {shorten(str(file))} cannot be read: {problem}.") from problem
    if info.get("type") == "dataframe":
        import pandas as pd

        return pd.DataFrame(content["data"], columns=content["columns"], index=content.get("index"))
    if info.get("type") == "ndarray":
        import numpy as np

        return np.asarray(content["inputs"] if isinstance(content, dict) else content)
    return content
