"""Datasets for other processes: small ones travel along, big ones lie in a file that every process maps."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

from runner.data.dataset import Dataset
from runner.trial.session import Session
from runner.trial.sharing import nbytes

SMALL = 2**20  # bytes
_PREFIX = "runner-data-"
_LOCK = "lock"


class DataFolder:
    """A temporary folder for big data; the one of a driver that was killed is removed by the next driver."""

    def __init__(self) -> None:
        _remove_abandoned()
        self._folder = tempfile.TemporaryDirectory(prefix=_PREFIX)
        self.path = Path(self._folder.name)
        self._lock = (self.path / "new").open("w")
        fcntl.flock(self._lock, fcntl.LOCK_EX)  # the system lets go of it when this process ends, however that is
        (self.path / "new").rename(self.path / _LOCK)  # now it is held, others may see it

    def close(self) -> None:
        """Remove the folder."""
        self._folder.cleanup()
        self._lock.close()


def _remove_abandoned() -> None:
    """Remove folders of this user whose lock nobody holds."""
    for lock in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*/{_LOCK}"):
        with contextlib.suppress(OSError), lock.open("r+") as file:  # held, or gone meanwhile
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if lock.parent.lstat().st_uid == os.getuid():
                shutil.rmtree(lock.parent, ignore_errors=True)


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
