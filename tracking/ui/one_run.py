"""The page of one run, and its files: shown as text, or sent where they can do nothing."""

from __future__ import annotations

import csv
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import FileResponse, Response

from tracking.entities import LifecycleStage, Metric, Run, RunStatus
from tracking.errors import ArtifactError, InvalidValue, TrackingError
from tracking.pages import charts
from tracking.pages.run_page import Section, fingerprint_sections, run_sections
from tracking.records.names import FINGERPRINT, LOG_FILE, OBJECTIVE_METRIC, OVERRIDES_FILE, TRACEBACK_FILE
from tracking.records.reading import read_identity
from tracking.records.refs import find_run
from tracking.records.request import parse_request
from tracking.records.yaml_text import parse_yaml_mapping
from tracking.store.contents import existing, list_files, open_regular, read_text
from tracking.store.sqlite import Store
from tracking.text.formatting import format_number, format_size
from tracking.ui.page import looking, render, text
from tracking.ui.security import FILE_POLICY

_MOST_SHOWN = 200_000  # bytes of a file
_MOST_ROWS = 200  # of a CSV file
_LOG_TAIL = 100_000
_MOST_FILES = 500
_MOST_HISTORIES = 40
_MOST_POINTS = 2_000  # of one metric in its chart
_PICTURES = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".gif": "image/gif",
    ".webp": "image/webp",
    ".svg": "image/svg+xml",
}


def run(request: Request) -> Response:
    """Show one run."""
    here = looking(request)
    store = here.store
    notes: list[str] = []
    found = find_run(store, request.path_params["run"])
    folder = store.artifact_dir(found.info.run_id)
    histories = store.get_metric_histories([found.info.run_id]).get(found.info.run_id, {})
    try:
        files = list_files(str(folder))
    except ArtifactError as error:
        files, notes = [], [str(error)]
    sections = dict(
        run_sections(
            found,
            experiment=store.get_experiment(found.info.experiment_id).name,
            histories=histories,
            artifacts=[],
            traceback=_text(folder, TRACEBACK_FILE),
            kept=_kept(store, found.info.run_id),
        )
    )
    figures, data = _figures(histories, found.data.tags.get(OBJECTIVE_METRIC, "").removesuffix("_mean"))
    return render(
        request,
        "run.html",
        run=found,
        notes=notes,
        sections=sections,
        origins=_origins(folder, found),
        metrics=[_metric(name, found, histories.get(name, ())) for name in sorted(found.data.metrics)],
        files=[(file.path, format_size(file.file_size or 0)) for file in files[:_MOST_FILES]],
        more_files=max(len(files) - _MOST_FILES, 0),
        log=_text(folder, LOG_FILE)[-_LOG_TAIL:],
        fingerprints=_fingerprints(found, folder),
        figures=figures,
        data=data,
        deleted=found.info.lifecycle_stage == LifecycleStage.DELETED,
        running=found.info.status == RunStatus.RUNNING,
        charts=figures,
        themes={"light": charts.theme(), "dark": charts.theme(dark=True)},
    )


def _text(folder: Path, name: str) -> str:
    try:
        return read_text(str(folder), name) or ""
    except ArtifactError as error:
        return f"(not shown: {error})"


def _kept(store: Store, run_id: str) -> list[Section]:
    """Return the sections about what a run kept beside its metrics; numpy is imported only where there is something."""
    if not store.list_blobs(run_id):
        return []
    from tracking.pages.kept_sections import kept_sections
    from tracking.records.fitted import load_fitted
    from tracking.records.predictions import load_predictions

    predictions = load_predictions(store, [run_id])
    return kept_sections(predictions[0] if predictions else None, load_fitted(store, run_id))


def _origins(folder: Path, found: Run) -> Mapping[str, str]:
    try:
        asked = parse_yaml_mapping(read_text(str(folder), OVERRIDES_FILE) or "{}")
    except (ArtifactError, ValueError):
        return {}
    return parse_request(asked, found.data.tags).origins


def _fingerprints(found: Run, folder: Path) -> Sequence[Section]:
    if FINGERPRINT not in found.data.tags:
        return []
    try:
        return fingerprint_sections(found, read_identity(found.data.tags, folder))
    except TrackingError as error:
        return [("fingerprint", str(error))]


# Metrics -----------------------------------------------------------------------------------------
def _metric(name: str, found: Run, points: Sequence[Metric]) -> dict[str, object]:
    values = [point.value for point in points]
    return {
        "metric": name,
        "latest": found.data.metrics[name],
        "points": len(values) or None,
        "min": min(values) if len(values) > 1 else None,
        "max": max(values) if len(values) > 1 else None,
    }


def _figures(histories: Mapping[str, Sequence[Metric]], first: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return a chart with a choice for each metric that has several points, the objective `first`, and its data."""
    names = [name for name, points in histories.items() if len(points) > 1]
    several = sorted(names, key=lambda name: (name != first, name.endswith("_seconds"), name))
    choices, data = [], {}
    for at, name in enumerate(several[:_MOST_HISTORIES]):
        points = histories[name]
        kept = points[:: len(points) // _MOST_POINTS + 1]
        data[f"h{at}"] = {"step": [point.step for point in kept], "value": [_finite(point.value) for point in kept]}
        some = f"every {len(points) // _MOST_POINTS + 1}th of " if len(kept) < len(points) else ""
        caption = f"{name} at each step (of a cross-validation: each fold): {some}{len(points)} values."
        choices.append({"label": name, "caption": caption, "spec": charts.history(f"h{at}", name)})
    return ({"history": choices} if choices else {}), data


def _finite(value: float) -> float | None:
    return float(format_number(value, digits=7)) if abs(value) < float("inf") else None


# Files --------------------------------------------------------------------------------------------
def artifact(request: Request) -> Response:
    """Show a file of a run as what it is: text, a table, a picture; nothing of it is run."""
    store, path = looking(request).store, request.path_params["path"]
    found = find_run(store, request.path_params["run"])
    root = str(store.artifact_dir(found.info.run_id))
    place = existing(root, path)
    if os.path.isdir(place):
        raise InvalidValue(f"{path} is a folder. Its files are listed on the page of the run.")
    with open_regular(os.path.realpath(place)) as file:
        content, size = file.read(_MOST_SHOWN), os.path.getsize(place)
    suffix = os.path.splitext(path)[1].lower()
    kind = "picture" if suffix in _PICTURES else "binary" if b"\0" in content else "text"
    shown = content.decode(errors="replace") if kind == "text" else ""
    return render(
        request,
        "artifact.html",
        run=found,
        path_in_run=path,
        kind=kind,
        text=shown,
        table=_table(shown) if suffix in (".csv", ".tsv") else None,
        cut=size > len(content),
        size=format_size(size),
        html=suffix in (".html", ".htm", ".svg"),
    )


def _table(shown: str) -> list[list[str]] | None:
    """Return the first rows of a CSV file, None for what is none."""
    lines = shown.splitlines()[: _MOST_ROWS + 1]
    try:
        dialect = csv.Sniffer().sniff("\n".join(lines[:20]), delimiters=",;\t|")
        return [row for row in csv.reader(lines, dialect) if row] or None
    except csv.Error:
        return None


def file(request: Request) -> Response:
    """Send a file of a run. A picture or HTML is shown by the browser in an origin of its own, all else is saved."""
    store, path = looking(request).store, request.path_params["path"]
    found = find_run(store, request.path_params["run"])
    place = existing(str(store.artifact_dir(found.info.run_id)), path)
    open_regular(os.path.realpath(place)).close()  # no pipe, no device
    suffix = os.path.splitext(path)[1].lower()
    kind = _PICTURES.get(suffix) or ("text/html" if suffix in (".html", ".htm") else None)
    shown = kind is not None and not text(request, "save")
    return FileResponse(
        os.path.realpath(place),
        media_type=kind if shown else "application/octet-stream",
        filename=os.path.basename(path),
        content_disposition_type="inline" if shown else "attachment",
        headers={"content-security-policy": FILE_POLICY},
    )
