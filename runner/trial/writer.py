"""Writes what a point leaves to its run: by the run's id, whatever its estimator makes of the active run."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class RunWriter:
    """One run of one store. Raises what the client does."""

    client: tracking.TrackingClient
    run_id: str

    def log(self, **values: Any) -> None:
        """Record metrics, params, tags and blobs, as `TrackingClient.log_batch`."""
        self.client.log_batch(self.run_id, **values)

    def log_text(self, text: str, file: str, *, shared: bool = False) -> None:
        """Write a file of the run; with `shared` runs with the same text may share it."""
        self.client.log_text(self.run_id, text, file, shared=shared)

    def log_request(self, spec: Spec, session: Session) -> None:
        """Record what is known before anything is computed."""
        self.log_text(write_mapping(spec.recorded), CONFIG_FILE)
        self.log_text(write_request(_request(spec)), OVERRIDES_FILE)
        self.log_text(session.environment, ENVIRONMENT_FILE, shared=True)
        if session.patch:
            patch = session.patch.decode("utf-8", "surrogateescape")
            self.log_text(patch, PATCH_FILE, shared=True)

    def log_folds(
        self, folds: list[Fold], summary: Mapping[str, float] | None = None, blobs: Mapping[str, bytes] | None = None
    ) -> None:
        """Record the scores and times of folds, with the fold as step; `summary` and `blobs` are of all of them."""
        now = time.time_ns() // 1_000_000
        metrics = [
            tracking.Metric(name, value, now, fold.number)
            for fold in folds
            for name, value in (
                *fold.scores.items(),
                ("fit_seconds", fold.fit_seconds),
                ("score_seconds", fold.score_seconds),
            )
        ]
        metrics += [tracking.Metric(name, value, now, 0) for name, value in (summary or {}).items()]
        self.log(metrics=metrics, blobs=blobs)


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
