"""What was asked for, the points that this means (overrides, and the `sweep:` section behind them), and their Specs.

Needs Hydra and no scikit-learn: a mistake in what was typed is told before that is imported.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from runner.compose.lookup import ComposedConfigs, check_read, chosen, describe_place, find_replaced
from runner.compose.overrides import read_arguments
from runner.compose.recorded import ENGINE, SWEEP, as_recorded
from runner.errors import ConfigError
from runner.points.axes import Axis, Grid, Point, merge_command_line
from runner.points.expansion import Expansion, expand
from runner.points.grids import read_sweep
from runner.points.naming import Namer
from runner.trial.spec import Spec
from tracking.records.names import is_bookkeeping
from tracking.records.overrides import Override
from tracking.records.secrets import redact_override

if TYPE_CHECKING:
    from runner.compose.composer import Composer

DEFAULT_DATA = "diabetes"  # of conf/config.yaml


@dataclass(frozen=True, slots=True)
class Invocation:
    """What was asked for, wherever it was typed."""

    overrides: tuple[str, ...]
    command: str  # as a person would type it
    sweeps: bool
    points_per_interval: int = 10
    quiet: bool = False  # from Python: print nothing
    keep_runs: bool = False  # from Python: remember the id of every run
    sweep_tags: Mapping[str, str] | None = None  # of a sweep that another sweeper steers, batch by batch

    @property
    def alone(self) -> bool:
        """Whether it is one run and no other."""
        return not self.sweeps and self.sweep_tags is None


def read_points(invocation: Invocation, composer: Composer) -> Expansion:
    """Read the overrides and the `sweep:` section behind them, and expand both to points."""
    asked = read_arguments(invocation.overrides, loader=composer.loader, points=invocation.points_per_interval)
    axes = [axis for axis in asked if not _is_sweep(axis)]
    _check_asked(invocation, asked)
    grids: list[Grid] = []
    notes: list[str] = []
    for experiment, others in _experiments(axes):
        structural = [*experiment, *(s for s in _fixed(others) if composer.is_structural(s))]
        sections = composer.sections([*structural, *_fixed(filter(_is_sweep, asked))], SWEEP, "seed")
        file_grids: Sequence[Grid] = ()
        if invocation.sweeps:
            file_grids = read_sweep(
                sections[SWEEP], base_seed=sections["seed"], points_per_interval=invocation.points_per_interval
            )
        elif sections[SWEEP] and invocation.alone:
            notes.append("this config has a sweep, and only its defaults run. Add -m to run every point of it")
        grids += merge_command_line(file_grids, [*map(Axis.plain, experiment), *others])
    expansion = expand(
        grids,
        applies=lambda choices, key: composer.has_key(chosen(choices), key),
        groups=composer.is_group,
        known_keys=lambda choices: composer.keys(chosen(choices)),
        place=lambda branches, key: describe_place(composer, [chosen(choices) for choices in branches], key),
        configs=ComposedConfigs(composer),
    )
    branches = [_branch(composer, axes, choices) for choices in expansion.branches]
    unread = check_read(composer, branches, invocation.overrides, alone=invocation.alone)
    replaced = find_replaced(composer, branches, grids, invocation.overrides)
    expansion.notes += (*unread, *dict.fromkeys(replaced), *notes)
    return expansion


def _check_asked(invocation: Invocation, axes: Iterable[Axis]) -> None:
    """Refuse several values, or a sweep, where one point is asked for; and several sweeps."""
    for axis in axes:
        key, several = axis.spelled[0], len(axis.values) > 1
        remedy = "Call runner.sweep" if invocation.quiet else "Add -m"
        if invocation.sweeps and several and _is_sweep(axis):
            raise ConfigError(f"{key} has {len(axis.values)} values. Write one list of grids: sweep=[{{...}},{{...}}]")
        if several and not invocation.sweeps:
            raise ConfigError(f"{key} has {len(axis.values)} values. {remedy} to run one point for each.")
        if invocation.alone and _is_sweep(axis) and axis.values[0][0].value is not None:
            raise ConfigError(f"{axis.values[0][0].text}: this is a sweep. {remedy} to run every point of it.")


def _is_sweep(axis: Axis) -> bool:
    """Tell whether what was typed is the sweep itself, or a part of it."""
    return any(name.partition(".")[0] == SWEEP for name in axis.keys)


def _experiments(axes: Sequence[Axis]) -> Iterator[tuple[list[Override], list[Axis]]]:
    """Yield each choice of `experiment` with the other axes: an experiment brings a `sweep:` of its own."""
    others = [axis for axis in axes if axis.spelled != ("experiment",)]
    mine = [axis for axis in axes if axis.spelled == ("experiment",)]
    for overrides in mine[0].values if mine else [()]:
        yield list(overrides), others


def _fixed(axes: Iterable[Axis]) -> list[Override]:
    return [override for axis in axes if len(axis.values) == 1 for override in axis.values[0]]


def _branch(composer: Composer, axes: Sequence[Axis], choices: Mapping[str, str]) -> list[Override]:
    """Return the structural overrides of one combination of choices, in the order in which a point has them."""
    typed = [override for axis in axes for override in axis.values[0] if composer.is_structural(override)]
    now = {override.spelled: override for override in chosen(choices)}
    of_files = [override for key, override in now.items() if key not in {o.spelled for o in typed}]
    return [*of_files, *(now.get(override.spelled, override) for override in typed)]


def name_experiment(model: str, data: Mapping[str, Any]) -> str:
    """Name where a point is filed unless that is said: its model, and its data where that is not the default.

    >>> name_experiment("ridge", {"source": "diabetes"}), name_experiment("ridge", {"source": "wine", "name": "wine"})
    ('ridge', 'ridge-wine')
    >>> name_experiment("lasso", {"source": "csv", "name": None, "path": "far/away/cars.csv"})
    'lasso-cars'
    """
    if data.get("source") == DEFAULT_DATA:
        return model
    called = data.get("name") or _file_name(data.get("path")) or str(data.get("function") or "").rpartition(".")[2]
    return "-".join(filter(None, [model, str(called or data.get("source") or "")]))


def _file_name(path: object) -> str:
    """Return a path without folder and ending; of a pattern such as `sales/*.csv` the folder."""
    file = PurePath(re.split("[?#]", str(path or ""))[0] if "://" in str(path) else str(path or ""))
    return file.parent.name if set(file.stem) & set("*?[") else file.stem


class SpecMaker:
    """Makes the Spec of a point: its config, its names, and what of it came from the sweep."""

    def __init__(self, invocation: Invocation, composer: Composer, expansion: Expansion) -> None:
        self._composer = composer
        self._varying = tuple(expansion.varying) if invocation.sweeps else ()
        self._namer = Namer(self._varying or None, expansion.overrides)
        self._config_dir = composer.own_folders()

    def spec(self, point: Point) -> Spec:
        """Compose a point and name it; a second call for the same point gives another name."""
        composed = self._composer.compose(point.overrides)
        config, hidden = as_recorded(composed)
        choices = composed.choices
        if ENGINE not in config:
            choices = {group: choice for group, choice in choices.items() if group != ENGINE}
        overrides = _without_secrets(point.overrides)
        model = choices.get("model") or str(config["model"].get("_target_")).rpartition(".")[2]
        return Spec(
            point.number,
            self._name(overrides, point.number, model, config.get("run_name")),
            str(config.get("experiment_name") or name_experiment(model, config["data"])),
            config,
            overrides,
            _without_secrets(composed.minimal),
            self._varying,
            choices,
            composed.origins,
            config_dir=self._config_dir,
            config_name=self._composer.config_name,
            follows=composed.follows,
            hidden=hidden,
        )

    def _name(self, overrides: Sequence[Override], number: int, model: str, asked: str | None) -> str:
        if self._varying:
            varied = [o for o in overrides if o.key != "run_name"]
            return self._namer.name(asked or model, varied, number)
        # what one run was scored on is said by its experiment: ridge-cars
        typed = [o for o in overrides if not is_bookkeeping(o.key) and o.key.partition(".")[0] != "data"]
        return asked or self._namer.name(model, typed, number)


def _without_secrets(overrides: Iterable[Override]) -> tuple[Override, ...]:
    redacted = ((override, redact_override(override.text)) for override in overrides)
    return tuple(old if text == old.text else Override.parse(text) for old, text in redacted)
