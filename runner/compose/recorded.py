"""A composed config in the form in which it is recorded: made here only, so that it can be compared with a record."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from runner.dotted import public_targets
from runner.settings import LOCAL
from tracking.records.secrets import Hidden, find_redacted, redact_config

if TYPE_CHECKING:
    from runner.compose.composer import Composed

SWEEP, ENGINE = "sweep", "engine"
# Keys that version 0.1.0 did not have, by section, "" the top, with the values of conf/ that ask for nothing.
IDLE: Mapping[str, Mapping[str, Any]] = {
    "data": {"test": None, "test_seed": 0, "weights": None, "missing_target": "error", "silence": []},
    "scoring": {"simpler": {}},
    "": {"early_stopping": None, "early_stopping_share": 0.1, "fit_params": {}},
}


def as_recorded(composed: Composed) -> tuple[dict[str, Any], Hidden | None]:
    """Return the config of a point, and how it is written down if some of it may not be.

    Left out are the sweep that it came from, the engine where it is this machine, and keys that ask for
    nothing, so that a run that does not use them is recorded as by version 0.1.0. No spelling of a `_target_` makes
    two configs differ.
    """
    config = _without_idle(composed.config)
    told = config if composed.hidden is None else _without_idle(composed.hidden.config)
    written = redact_config(told)
    if written is config:
        return config, None
    known = {} if composed.hidden is None else composed.hidden.secrets
    return config, Hidden(written, {**known, **find_redacted(told, written)})


def _without_idle(config: Mapping[str, Any]) -> dict[str, Any]:
    kept = {key: public_targets(value) for key, value in config.items() if key != SWEEP}
    if kept.get(ENGINE, {}).get("name") == LOCAL:
        del kept[ENGINE]
    for section in IDLE.keys() & kept.keys():
        kept[section] = _asking(kept[section], IDLE[section])
    return _asking(kept, IDLE[""])


def _asking(section: Mapping[str, Any], idle: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in section.items() if key not in idle or value != idle[key]}
