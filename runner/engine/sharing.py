"""Datasets for other processes: small ones travel along, big ones lie in a file that every process maps."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from runner.data.dataset import Dataset
from runner.trial.evaluate import nbytes
from runner.trial.record import Session

SMALL = 2**20  # bytes


def data_bytes(session: Session) -> int:
    """Return the size of the biggest dataset in memory."""
    sizes = [nbytes(data.X) for data in session.datasets.values() if isinstance(data, Dataset)]
    return max(sizes, default=0)


def share_datasets(session: Session, folder: Path) -> Session:
    """Return the session with every big dataset written to a file in the folder."""
    import joblib

    shared: dict[str, Dataset | Path] = {}
    for number, (key, data) in enumerate(session.datasets.items()):
        if isinstance(data, Dataset) and nbytes(data.X) > SMALL:
            path = folder / f"{number}.joblib"
            if not path.exists():
                joblib.dump(data, path)
            shared[key] = path
        else:
            shared[key] = data
    return replace(session, datasets=shared)
