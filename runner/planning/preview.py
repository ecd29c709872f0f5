"""What would change against a recorded run if a point were run now: `python -m runner diff=RUN model=lasso`.

The point is described as the record that it would leave, and the two records are compared as any two are.
"""

from __future__ import annotations

import time

from runner.data.dataset import Dataset
from runner.errors import ConfigError
from runner.provenance.capture import Provenance
from runner.store import is_there
from runner.trial.build import build
from runner.trial.identity import identify, identity_tags, parameters
from runner.trial.recorded import find_recorded
from runner.trial.spec import Spec
from tracking import Run, RunData, RunInfo, TrackingClient
from tracking.compare.run_diff import RunDiff, compare_runs
from tracking.pages.diff_page import render_diff
from tracking.records.environment import parse_environment
from tracking.records.names import FINGERPRINT
from tracking.records.overrides import Override
from tracking.records.reading import RunRecord
from tracking.records.request import Request

SECTIONS = ("config", "data", "code", "env")


def render_preview(spec: Spec, store: str, *, data: Dataset, provenance: Provenance, width: int | None) -> list[str]:
    """Return what would change against the run that the config's `diff` names. Raises TrackingError."""
    if not is_there(store):
        raise ConfigError(f"No run '{spec.config['diff']}': the store has no runs.")
    then = find_recorded(TrackingClient(store), str(spec.config["diff"]))
    planned = imagine_record(spec, data, provenance)
    diff = compare_runs([then.record, planned])
    page = render_diff(diff, only=SECTIONS, width=width)
    recorded, now = (record.run.data.tags.get(FINGERPRINT) for record in (then.record, planned))
    return [page, "", _verdict(diff, f"{then.name} ({then.short})", same_identity=recorded == now)]


def _verdict(diff: RunDiff, name: str, *, same_identity: bool) -> str:
    changed = [section for section in SECTIONS if not diff.is_same((section,))]
    if not changed:
        return f"Nothing would change: running this now repeats {name}."
    where = ", ".join(changed)
    if same_identity:
        return f"Nothing that is part of its identity would change against {name}, only: {where}."
    return f"Would change against {name}: {where}."


def imagine_record(spec: Spec, data: Dataset, provenance: Provenance) -> RunRecord:
    """Return the record that a point would leave if it were run now, without results."""
    made_of = identify(spec, build(spec.config), data, provenance.packages)
    threads = int(spec.config.get("threads_per_run") or 1)
    tags = provenance.tags(threads=threads) | identity_tags(made_of, spec, data, 0.0)
    params = {key: str(value) for key, value in parameters(spec.recorded).items()}
    info = RunInfo("planned", "", "", "PLANNED", time.time_ns() // 1_000_000, None, "active", "", spec.name)
    return RunRecord(
        Run(info, RunData({}, params, tags)),
        experiment=spec.experiment,
        config={**spec.recorded, "diff": None},  # what was compared with is no part of the point
        request=_request(spec),
        environment=parse_environment(provenance.environment_text(threads=threads)),
        patch=provenance.patch.decode("utf-8", "replace"),
    )


def _request(spec: Spec) -> Request:
    overrides, minimal = (_without_diff(asked) for asked in (spec.overrides, spec.minimal))
    given = {override.key: "command line" for override in overrides}
    origins = {**spec.origins, **given}
    return Request(overrides, minimal, (), spec.choices, origins, spec.config_dir, spec.config_name, spec.follows)


def _without_diff(asked: tuple[Override, ...]) -> tuple[Override, ...]:
    return tuple(override for override in asked if override.key != "diff")
