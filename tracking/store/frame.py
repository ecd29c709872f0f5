"""Runs as a pandas DataFrame with MLflow's columns. The only module that imports pandas."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tracking.entities import RunColumns

if TYPE_CHECKING:
    import pandas as pd


def runs_frame(columns: RunColumns) -> pd.DataFrame:
    """Return one row a run: run_id, experiment_id, status, artifact_uri, start_time and end_time (UTC),
    then `metrics.*` (NaN where missing), `params.*` and `tags.*` (null where missing).

    A column has one type, whatever is in it: also times of runs that all are running, and texts of no runs.
    """
    import pandas as pd

    info = columns.info
    text = pd.Series(["text"]).dtype
    texts = ("run_id", "experiment_id", "status", "artifact_uri")
    data: dict[str, Any] = {name: pd.Series(info[name], dtype=text) for name in texts}
    for name in ("start_time", "end_time"):
        data[name] = pd.to_datetime(info[name], unit="ms", utc=True).as_unit("ms")
    for kind in ("metrics", "params", "tags"):
        values = getattr(columns, kind)
        data.update((f"{kind}.{key}", values[key]) for key in sorted(values))
    return pd.DataFrame(data)
