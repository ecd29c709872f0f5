"""One run as a page of sections, and the explanation of its fingerprint. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tracking.entities import FileInfo, LifecycleStage, Metric, Run, duration
from tracking.errors import InvalidValue
from tracking.records.names import (
    ERROR,
    FINGERPRINT,
    FINGERPRINT_PREFIX,
    GIT_COMMIT,
    GIT_DIRTY,
    IDENTITY,
    MLFLOW_PREFIX,
    NOTE,
    OBJECTIVE_PREFIX,
    PARENT_RUN_ID,
    SOURCE_NAME,
    SWEEP_COMMAND,
    WARNINGS,
    is_recorders_tag,
)
from tracking.records.ranking import objective
from tracking.text.tables import Row, format_duration, format_number, format_size, local_time

Section = tuple[str, Row | str]

FINGERPRINT_PARTS = ("config", "data", "splits", "code", "environment")

_TRACEBACK_LINES = 25


def run_sections(
    run: Run,
    *,
    experiment: str,
    histories: Mapping[str, Sequence[Metric]],
    artifacts: Sequence[FileInfo],
    traceback: str = "",
    kept: Sequence[Section] = (),
) -> list[Section]:
    """Return the sections of a run's page, most wanted first; empty ones are the renderer's to drop.

    `kept` are those about its predictions and its model (`tracking.pages.kept_sections`).
    """
    tags = run.data.tags
    shown = {key: value for key, value in tags.items() if not is_recorders_tag(key)}
    recorded = {key: value for key, value in tags.items() if is_recorders_tag(key)}
    lines = traceback.rstrip().splitlines()
    cut = [f"... {len(lines) - _TRACEBACK_LINES} lines before"] if len(lines) > _TRACEBACK_LINES else []
    return [
        ("run", _info(run, experiment)),
        ("error", tags.get(ERROR, "")),
        ("traceback", "\n".join(cut + lines[-_TRACEBACK_LINES:])),
        ("params", dict(sorted(run.data.params.items()))),
        ("metrics", {key: _metric(key, run, histories) for key in sorted(run.data.metrics)}),
        *kept,
        ("tags", dict(sorted(shown.items()))),
        ("warnings", tags.get(WARNINGS, "")),
        ("recorded", _without_shown(recorded)),
        ("artifacts", {file.path: _size(file) for file in artifacts}),
    ]


def _info(run: Run, experiment: str) -> dict[str, object]:
    info, tags = run.info, run.data.tags
    took = duration(info)
    commit = tags.get(GIT_COMMIT, "")
    dirty = " with uncommitted changes" if tags.get(GIT_DIRTY) == "true" else ""
    deleted = " (deleted)" if info.lifecycle_stage == LifecycleStage.DELETED else ""
    lines: dict[str, object] = {
        "id": info.run_id,
        "experiment": f"{experiment} ({info.experiment_id})",
        "status": info.status + deleted,
        "objective": _objective(run),
        "started": f"{local_time(info.start_time):%Y-%m-%d %H:%M:%S}",
        "duration": None if took is None else format_duration(took),
        "user": info.user_id,
        "source": tags.get(SOURCE_NAME),
        "command": tags.get(SWEEP_COMMAND),
        "commit": commit + dirty if commit else None,
        "parent": tags.get(PARENT_RUN_ID),
        "artifact uri": info.artifact_uri,
        "note": tags.get(NOTE),
    }
    return {key: value for key, value in lines.items() if value}


def _objective(run: Run) -> str | None:
    try:
        metric, direction = objective(run)
    except InvalidValue:
        return None
    value = run.data.metrics.get(metric)
    return f"{metric} = {'not recorded' if value is None else format_number(value)} ({direction})"


def _metric(key: str, run: Run, histories: Mapping[str, Sequence[Metric]]) -> str:
    latest = format_number(run.data.metrics[key])
    points = histories.get(key, ())
    if len(points) < 2:
        return latest
    values = [point.value for point in points]
    few = ", ".join(map(format_number, values[:10])) + (", ..." if len(values) > 10 else "")
    return f"{latest}  ({len(values)} points: {few})"


def _without_shown(tags: Mapping[str, str]) -> dict[str, str]:
    """Leave out what the page says elsewhere."""
    elsewhere = {ERROR, WARNINGS, IDENTITY, SWEEP_COMMAND, GIT_DIRTY}
    kept = {key: value for key, value in tags.items() if key not in elsewhere}
    return {key: value for key, value in sorted(kept.items()) if not key.startswith((MLFLOW_PREFIX, OBJECTIVE_PREFIX))}


def _size(file: FileInfo) -> str:
    return "folder" if file.file_size is None else format_size(file.file_size)


def fingerprint_sections(run: Run, identity: Mapping[str, object] | None) -> list[Section]:
    """Return what a run's stored fingerprint is made of; `identity` is None where it was not recorded whole.

    Raises InvalidValue where the run has no fingerprint.
    """
    tags = run.data.tags
    if FINGERPRINT not in tags:
        raise InvalidValue(f"Run {run.info.run_id} has no fingerprint: only runs made by python -m runner record one.")
    parts = dict.fromkeys(FINGERPRINT_PARTS, "not recorded")
    parts |= {key.partition(".")[2]: value for key, value in tags.items() if key.startswith(FINGERPRINT_PREFIX)}
    sections: list[Section] = [("fingerprint", {"whole": tags[FINGERPRINT], **parts})]
    if IDENTITY not in tags:
        return [*sections, ("made of", "not recorded: the run has no tag 'identity'")]
    if identity is None:
        return [*sections, ("identity", {"unreadable": tags[IDENTITY]})]
    for part, content in identity.items():
        sections.append((part, content if isinstance(content, dict) else {"value": content}))
    return sections
