"""Folders of artifacts on this machine, as other programs name them, copied into a run's own."""

from __future__ import annotations

import shutil
import stat
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote, urlsplit

from tracking.remote.artifacts import PROXY
from tracking.store.paths import check_path


def local_path(location: str, beside: Path) -> Path | None:
    """Return the folder that a location means, or None where it is elsewhere.

    `beside` is the folder of the source: relative paths begin there, and the default folder of the artifact proxy is
    `mlartifacts` in it. Every folder that MLflow makes is called `artifacts`; another one may be somebody else's.
    """
    parts = urlsplit(location)
    path = unquote(parts.path)
    roots = {"file": Path(), "": beside, PROXY: beside / "mlartifacts"}
    if parts.scheme not in roots or not path.endswith("/artifacts") or not roots[parts.scheme].is_dir():
        return None
    return roots[parts.scheme] / (path.lstrip("/") if parts.scheme == PROXY else path)


def copier(folders: dict[str, Path]) -> Callable[[Path], None]:
    """Return what copies folders into a run's own: the keys are where to in it, "" for the top.

    It raises InvalidArtifactPath for a key that leads out.
    """

    def fill(target: Path) -> None:
        for name, source in folders.items():
            if source.is_dir():
                shutil.copytree(source, target / check_path(name), dirs_exist_ok=True, ignore=_no_files)

    return fill


def _no_files(folder: str, names: list[str]) -> list[str]:
    """Leave out links, which point to what is not the run's own, and pipes and devices, which are no files."""
    return [
        name for name in names if stat.S_IFMT(Path(folder, name).lstat().st_mode) not in (stat.S_IFREG, stat.S_IFDIR)
    ]
