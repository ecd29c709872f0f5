"""A recorded run with some keys changed: `python -m runner.reproduce RUN model=lasso alpha=0.3`.

Composed anew from what was asked for then and what is asked for now, where that is the truth: where today's
conf/ still composes the recorded config exactly. Otherwise the keys are set on the recorded config itself.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runner.compose.composer import Composer
from runner.compose.overrides import read_overrides
from runner.compose.recorded import as_recorded
from runner.compose.session import session
from runner.errors import ConfigError, NotReproducible, RunnerError
from runner.invocation import Invocation, SpecMaker, read_points
from runner.points.naming import name_for
from runner.reproducing.running import Options, check_runnable, record_one, relocate, reveal
from runner.trial.identity import data_key
from runner.trial.recorded import RecordedRun, read_run
from runner.trial.session import open_session
from runner.trial.spec import Spec
from tracking.records.names import BOOKKEEPING, DERIVED_FROM
from tracking.records.overrides import Override
from tracking.records.values import leaves

if TYPE_CHECKING:
    from runner.trial.outcome import Outcome
    from tracking import TrackingClient

# What a recorded run asked for that does not carry over to a run derived from it.
_ONLY_THEN = BOOKKEEPING - {"tags", "experiment_name"}


@dataclass(frozen=True, slots=True)
class Changed:
    """A new point made from a recorded run, and what is worth saying about how it was made."""

    spec: Spec
    notes: tuple[str, ...] = ()


def change_recorded(then: RecordedRun, overrides: Sequence[str], *, config_dirs: Sequence[str] = ()) -> Changed:
    """Return the point that a run becomes with these overrides. Raises ConfigError, NotReproducible.

    The user's own configs are looked for in `config_dirs`, and where they were when the run was made.
    """
    then.require_trusted()
    recorded = [folder for folder in then.record.request.config_dir if _is_there(folder)]
    with session(*dict.fromkeys([*config_dirs, *recorded])) as own:
        composer = Composer(then.record.request.config_name, hydra_overrides=own)
        return change_with(composer, then, overrides)


def change_with(composer: Composer, then: RecordedRun, overrides: Sequence[str]) -> Changed:
    """Return the point that a run becomes with these overrides, by a composer that finds the run's configs."""
    settings = read_overrides(overrides)
    difference = _first_drift(then, composer)
    if difference is None:
        changed = _compose(then, settings, composer)
    else:
        _refuse_structural(then, settings, composer, difference)
        changed = _set(then, settings, difference)
    tags = dict(changed.spec.extra_tags) | {DERIVED_FROM: then.id}
    return replace(changed, spec=replace(changed.spec, extra_tags=tags))


def run_changed(
    client: TrackingClient, then: RecordedRun, changed: Changed, options: Options
) -> tuple[Outcome, RecordedRun]:
    """Run the new point and return how it ended, with the new run. Raises NotReproducible."""
    cannot = f"The changed run {then.short} cannot be run"
    spec = reveal(relocate(changed.spec, options), cannot)
    data = check_runnable(spec, cannot)
    threads = options.threads or int(spec.config.get("threads_per_run") or 1)
    outcome = record_one(spec, open_session(client.tracking_uri, {data_key(spec.config): data}, threads=threads))
    return outcome, read_run(client, outcome.run_id)


# Composed anew -----------------------------------------------------------------------------------
def _asked(then: RecordedRun) -> tuple[Override, ...]:
    request = then.record.request
    asked = request.overrides if request.minimal is None else request.minimal
    return read_overrides(override.text for override in asked)


def _first_drift(then: RecordedRun, composer: Composer) -> str | None:
    """Return what keeps today's conf/ from composing the recorded config, None if nothing does."""
    if not then.record.request.choices:
        return "the run does not say how it was asked for"
    try:
        composed = composer.compose(_asked(then))
    except RunnerError as error:
        gone = [folder for folder in then.record.request.config_dir if not _is_there(folder)]
        if gone:
            return f"its config folder {' and '.join(gone)} is not here; name the place: --config-dir DIR"
        return str(error).splitlines()[0]
    config, hidden = as_recorded(composed)
    recorded, today = (_leaves(config) for config in (then.config, config if hidden is None else hidden.config))
    for key in dict.fromkeys([*recorded, *today]):
        if recorded.get(key) != today.get(key):
            return f"{key} was {recorded.get(key, 'absent')} and is {today.get(key, 'absent')} in today's conf/"
    return None


def _is_there(folder: str) -> bool:
    return "://" in folder or Path(folder).is_dir()


def _leaves(config: Mapping[str, Any]) -> dict[str, str]:
    return {key: repr(value) for key, value in leaves(config) if key.partition(".")[0] not in BOOKKEEPING}


def _compose(then: RecordedRun, settings: Sequence[Override], composer: Composer) -> Changed:
    recorded = [setting for setting in _asked(then) if setting.key.partition(".")[0] not in _ONLY_THEN]
    new = _without_cancelled(settings, recorded, composer)
    asked = {setting.key for setting in settings}
    regrouped = _regrouped(then, [*(s for s in recorded if s.key not in asked), *new], composer)
    kept: list[Override] = []
    left_out: list[Override] = []
    for setting in recorded:
        if setting.key not in asked:
            below = any(setting.key.startswith(f"{group}.") for group in regrouped)
            (left_out if below else kept).append(setting)
    structural = [setting for setting in (*kept, *new) if composer.is_structural(setting)]
    for setting in [s for s in kept if not composer.is_structural(s)]:
        if not composer.has_key(structural, setting.spelled):
            kept.remove(setting)
            left_out.append(setting)
    notes = [f"{s.text} of the recorded run does not apply any more and is left out" for s in left_out]
    invocation = Invocation(tuple(setting.text for setting in (*kept, *new)), "", sweeps=False, quiet=True)
    expansion = read_points(invocation, composer)
    return Changed(SpecMaker(invocation, composer, expansion).spec(next(iter(expansion))), tuple(notes))


def _regrouped(then: RecordedRun, settings: Sequence[Override], composer: Composer) -> list[str]:
    """Return the groups whose choice is another one now: it brings values of its own."""
    before = then.record.request.choices
    choosing = [s for s in settings if composer.is_structural(s) and composer.is_group(s.spelled)]
    return [group for group, choice in composer.choices(choosing).items() if before.get(group) != choice]


def _without_cancelled(
    settings: Sequence[Override], recorded: Sequence[Override], composer: Composer
) -> list[Override]:
    """Leave out what only takes back an override of the recorded run: `~x` after `+x=1`, `group=null`."""
    added = {setting.key for setting in recorded if "+" in setting.prefix}
    kept = []
    for setting in settings:
        if setting.prefix == "~" and setting.key in added:
            rest = [other for other in recorded if other.key != setting.key]
            if setting.key not in dict(leaves(composer.compose(rest).config)):
                continue
        no_choice = setting.value is None and not setting.prefix
        if no_choice and composer.is_group(setting.spelled) and setting.key not in composer.choices(()):
            continue
        kept.append(setting)
    return kept


# Set on the recorded config ------------------------------------------------------------------------
def _refuse_structural(then: RecordedRun, settings: Sequence[Override], composer: Composer, difference: str) -> None:
    for setting in settings:
        if composer.is_structural(setting) and composer.is_group(setting.spelled):
            raise NotReproducible(
                f"{setting.text} chooses a file of conf/, and today's conf/ does not compose the config of"
                f" {then.short}: {difference.rstrip('.')}. Or set single keys, as model.NAME=value."
            )


def _set(then: RecordedRun, settings: Sequence[Override], difference: str) -> Changed:
    config: dict[str, Any] = copy.deepcopy(dict(then.config))
    notes = [f"set on the recorded config, because it cannot be composed anew: {difference}"]
    for setting in settings:
        followers = _followers(then, setting)
        for path in ((setting.key,), *((key,) for key in followers)):
            _assign(config, path[0], setting)
        if followers:
            notes.append(f"{setting.text} also sets {', '.join(followers)}, which had the same value")
    spec = then.spec()
    model = then.record.request.choices.get("model") or str(config["model"].get("_target_")).rpartition(".")[2]
    asked = (*spec.overrides, *settings)
    origins = dict(spec.origins) | {setting.key: "command line" for setting in settings}
    given = {setting.key for setting in settings}
    follows = spec.follows and {key: repeated for key, repeated in spec.follows.items() if key not in given}
    name = name_for(model, settings)
    experiment = str(config.get("experiment_name") or spec.experiment)
    config.pop("sweep", None)
    return Changed(
        replace(
            spec,
            config=config,
            name=name,
            experiment=experiment,
            overrides=asked,
            minimal=asked,
            origins=origins,
            follows=follows,
        ),
        tuple(notes),
    )


def _followers(then: RecordedRun, setting: Override) -> list[str]:
    """Return the keys that repeat a key. Where that was not recorded: of the same name below, or random states."""
    config, follows = then.config, then.record.request.follows
    if follows is not None:
        return [key for key, repeated in follows.items() if repeated == setting.key]
    if "." in setting.key or setting.key not in config:
        return []
    old = repr(config[setting.key])
    names = ("random_state",) if setting.key == "seed" else (setting.key,)
    return [
        key for key, value in leaves(config) if "." in key and key.rpartition(".")[2] in names and repr(value) == old
    ]


def _assign(config: dict[str, Any], key: str, setting: Override) -> None:
    *above, last = key.split(".")
    node: Any = config
    for name in above:
        node = node.get(name) if isinstance(node, dict) else None
    if not isinstance(node, dict) or (not above and last not in node and "+" not in setting.prefix):
        from runner.suggest import suggest

        known = [name for name, _ in leaves(config)]
        raise ConfigError(f"{setting.text}: the recorded config has no {key}.{suggest(key, known)}")
    if setting.prefix == "~":
        node.pop(last, None)
    else:
        node[last] = setting.value
