"""Runs of MLflow's file store: `mlruns/`, in it a folder for each experiment and run, and a file for each value."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tracking.entities import Metric, RunStatus
from tracking.errors import StoreCorrupt
from tracking.records.names import RUN_NAME
from tracking.remote.folders import copier, local_path
from tracking.remote.foreign import Foreign, Listed, value_of
from tracking.remote.names import RUN_ID

_META = "meta.yaml"


class FolderSource:
    """An `mlruns/` folder."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._folders: dict[str, Path] = {}

    def listing(self) -> list[Listed]:
        """Return its runs that are not deleted."""
        found = []
        for meta in sorted(self._root.glob(f"*/{_META}")):
            experiment = _read_meta(meta)
            if experiment.get("lifecycle_stage") == "deleted" or "experiment_id" not in experiment:
                continue
            for run_meta in sorted(meta.parent.glob(f"*/{_META}")):
                run = _read_meta(run_meta)
                if run.get("lifecycle_stage") == "deleted" or "run_id" not in run:
                    continue
                self._folders[run["run_id"]] = run_meta.parent
                pushed = run_meta.parent / "tags" / RUN_ID
                ours = _text(pushed) if pushed.is_file() else None
                status = RunStatus.to_string(run.get("status", RunStatus.RUNNING))
                found.append(Listed(run["run_id"], str(experiment["name"]), status, ours))
        return found

    def read(self, listed: Sequence[Listed]) -> list[Foreign]:
        """Return these runs, whole."""
        return [self._read(entry, self._folders[entry.run_id]) for entry in listed]

    def _read(self, entry: Listed, folder: Path) -> Foreign:
        meta = _read_meta(folder / _META)
        tags = {key: _text(path) for key, path in _values(folder / "tags")}
        location = str(meta.get("artifact_uri") or "")
        artifacts = local_path(location, self._root.absolute().parent) if location else None
        if artifacts is None or not artifacts.is_dir():
            artifacts = folder / "artifacts"  # the whole of mlruns/ may have been copied from elsewhere
        return Foreign(
            listed=entry,
            name=tags.get(RUN_NAME) or str(meta.get("run_name") or ""),
            user=str(meta.get("user_id") or ""),
            start_time=int(meta.get("start_time") or 0),
            end_time=None if meta.get("end_time") is None else int(meta["end_time"]),
            tags=tags,
            params={key: _text(path) for key, path in _values(folder / "params")},
            points=[point for key, path in _values(folder / "metrics") for point in _points(key, path)],
            location=location,
            fill=copier({"": artifacts, **self._models(folder)}),
        )

    def _models(self, folder: Path) -> dict[str, Path]:
        """Return the logged models that come from a run, by name: since MLflow 3 they lie beside the runs."""
        found = {}
        for meta in (folder.parent / "models").glob(f"*/{_META}"):
            model = _read_meta(meta)
            if model.get("source_run_id") == folder.name and model.get("lifecycle_stage", "active") == "active":
                found[str(model["name"])] = meta.parent / "artifacts"
        return found


def _read_meta(path: Path) -> dict[str, Any]:
    import yaml

    try:
        meta = yaml.load(path.read_bytes(), getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except (yaml.YAMLError, OSError) as error:
        raise StoreCorrupt(f"{path} cannot be read ({error}). Mend or remove its folder.") from error
    if not isinstance(meta, dict):
        raise StoreCorrupt(f"{path} is not what MLflow writes there. Mend or remove its folder.")
    return meta


def _values(folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield key and file of each value; a key with a slash is a path."""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield path.relative_to(folder).as_posix(), path


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace")


def _points(key: str, path: Path) -> Iterator[Metric]:
    """Read a metric's file: a line `timestamp value [step [more]]` for each point."""
    for line in _text(path).splitlines():
        words = line.split()
        if len(words) >= 2:
            yield Metric(key, value_of(float(words[1])), int(words[0]), int(words[2]) if len(words) > 2 else 0)
