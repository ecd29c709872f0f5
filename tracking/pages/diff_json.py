"""A `RunDiff` as plain data, for JSON. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from tracking.compare.config import ConfigDiff
from tracking.compare.metrics import MetricRow
from tracking.compare.run_diff import SECTIONS, RunDiff, Section
from tracking.records.values import ABSENT, Change


def diff_data(diff: RunDiff, *, only: Sequence[str] = ()) -> dict[str, Any]:
    """Return the comparison as plain data for JSON; `present` tells a null from a missing key."""
    data: dict[str, Any] = {
        "same": diff.is_same(only),
        "runs": [
            {
                "run_id": run.info.run_id,
                "name": run.info.run_name,
                "experiment": name,
                "status": run.info.status,
            }
            for run, name in zip(diff.runs, diff.experiments, strict=True)
        ],
        "config": _config_data(diff.config),
        "metrics": {
            "same": diff.metrics.same,
            "unranked": diff.metrics.unranked,
            "rows": [_metric_data(row) for row in diff.metrics.rows],
        },
        "outcome": _section_data(diff.outcome),
        "durations": list(diff.durations),
        "notes": list(diff.notes),
    }
    data |= {name: _section_data(getattr(diff, name)) for name in ("data", "code", "env")}
    data["code"]["patch"] = diff.code.patch
    kept = ("same", "runs", *only) if only else ("same", "runs", *SECTIONS, "outcome", "durations", "notes")
    return {name: data[name] for name in kept}


def _config_data(config: ConfigDiff) -> dict[str, Any]:
    return {
        "same": config.same,
        "groups": [_change_data(group.choice) for group in config.groups],
        "changes": [_change_data(change) for change in config.every],
        "bookkeeping": [_change_data(change) for change in config.bookkeeping],
        "commands": [asdict(command) for command in config.commands],
        "notes": list(config.notes),
    }


def _section_data(section: Section) -> dict[str, Any]:
    changes = [_change_data(change) for change in section.changes]
    return {"same": section.same, "changes": changes, "notes": list(section.notes), "unknown": section.unknown}


def _change_data(change: Change) -> dict[str, Any]:
    return {
        "key": change.key,
        "kind": change.kind.value,
        "values": [None if value is ABSENT else value for value in change.values],
        "present": [value is not ABSENT for value in change.values],
        "origins": list(change.origins),
    }


def _metric_data(row: MetricRow) -> dict[str, Any]:
    return {
        "key": row.key,
        "same": row.same,
        "direction": row.direction,
        "scores": [score and asdict(score) for score in row.scores],
        "changes": [change and asdict(change) for change in row.changes],
    }
