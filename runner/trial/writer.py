"""Writes what a point leaves to its run: by the run's id, whatever its estimator makes of the active run.

Waiting for the database several times would take longer than a small fit: what a point leaves is gathered, and
written when it ends; what was asked is in the run from its start. Of a long point something is seen before: `flush`.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import tracking
from runner.trial.evaluate import Fold
from runner.trial.identity import asked_fingerprint
from runner.trial.session import Session
from runner.trial.spec import Spec
from tracking.records.names import (
    ATTEMPT,
    CONFIG_FILE,
    ENVIRONMENT_FILE,
    FINGERPRINT_ASKED,
    OBJECTIVE_DIRECTION,
    OBJECTIVE_METRIC,
    OVERRIDES,
    OVERRIDES_FILE,
    PATCH_FILE,
    SWEEP_ID,
    SWEEP_POINT,
)
from tracking.records.request import COMMAND_LINE, SWEEP, Request, write_request
from tracking.records.values import leaves
from tracking.records.yaml_text import write_mapping


@dataclass(slots=True)
class RunWriter:
    """One run of one store. Raises what the client does."""

    client: tracking.TrackingClient
    run_id: str
    _metrics: list[tracking.Metric] = field(default_factory=list)
    _named: dict[str, dict[str, Any]] = field(default_factory=lambda: {"tags": {}, "blobs": {}})

    def add(self, **values: Mapping[str, Any]) -> None:
        """Record tags and blobs."""
        for kind, added in values.items():
            self._named[kind] |= added

    def flush(self) -> None:
        """Write everything so far."""
        self.client.log_batch(self.run_id, **self._gathered())

    def end(self, status: str) -> None:
        """Write the rest, and end the run."""
        tracking.end_run(status, run_id=self.run_id, record=self._gathered())

    def log_text(self, text: str, file: str) -> None:
        """Write a file of the run now."""
        self.client.log_text(self.run_id, text, file)

    def log_request(self, spec: Spec, session: Session) -> None:
        """Write the files of what is known before anything is computed, now."""
        own = {CONFIG_FILE: write_mapping(spec.recorded), OVERRIDES_FILE: write_request(_request(spec))}
        shared = {ENVIRONMENT_FILE: session.environment}
        if session.patch:
            shared[PATCH_FILE] = session.patch.decode("utf-8", "surrogateescape")
        self.client.log_texts(self.run_id, own, shared=shared)

    def add_folds(self, folds: list[Fold], summary: Mapping[str, float] | None = None) -> None:
        """Record the scores and times of folds, with the fold as step; `summary` is of all of them."""
        now = time.time_ns() // 1_000_000
        self._metrics += [
            tracking.Metric(name, value, now, fold.number)
            for fold in folds
            for name, value in (
                *fold.scores.items(),
                ("fit_seconds", fold.fit_seconds),
                ("score_seconds", fold.score_seconds),
                *((("boosting_rounds", float(fold.rounds)),) if fold.rounds is not None else ()),
            )
        ]
        self._metrics += [tracking.Metric(name, value, now, 0) for name, value in (summary or {}).items()]

    def _gathered(self) -> dict[str, Any]:
        """Return what has not been written, by the keywords of `TrackingClient.log_batch`; it is forgotten here."""
        gathered = {"metrics": self._metrics, **self._named}
        self._metrics, self._named = [], {kind: {} for kind in self._named}
        return gathered


def first_tags(spec: Spec, session: Session, attempt: int) -> dict[str, str]:
    """Return the tags that a run starts with: what was asked, by whom, and as part of which sweep."""
    metric, direction = spec.objective
    tags = {str(key): str(value) for key, value in leaves(spec.recorded.get("tags") or {}) if key}
    tags |= session.tags
    if SWEEP_ID in session.tags:
        tags.setdefault(SWEEP_POINT, str(spec.number))  # another sweeper has numbered it already
    tags[OVERRIDES] = json.dumps([override.text for override in spec.overrides])
    tags[FINGERPRINT_ASKED] = asked_fingerprint(spec)
    tags[OBJECTIVE_METRIC] = metric
    tags[OBJECTIVE_DIRECTION] = direction
    if attempt > 1:
        tags[ATTEMPT] = str(attempt)
    return tags | dict(spec.extra_tags)


def _request(spec: Spec) -> Request:
    """Return what was asked for a point, and where every value of its config came from."""
    typed = (override.key for override in spec.overrides)
    return Request(
        overrides=spec.overrides,
        minimal=spec.minimal,
        sweep=spec.swept,
        choices=spec.choices,
        origins={**spec.origins, **{key: SWEEP if key in spec.swept else COMMAND_LINE for key in typed}},
        config_dir=spec.config_dir,
        config_name=spec.config_name,
        follows=spec.follows,
    )
