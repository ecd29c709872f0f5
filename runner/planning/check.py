"""Which points are sound: every mistake of configuration and data that can be known before a fit."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any

from runner.compose.composer import Composer
from runner.compose.lookup import ComposedConfigs
from runner.data.checks import check
from runner.data.dataset import Dataset, load
from runner.data.notes import find_notes
from runner.errors import ConfigError, DataError, RunnerError
from runner.points.axes import Point
from runner.settings import Settings
from runner.trial.build import Parts, build
from runner.trial.fitting import check_fitting
from runner.trial.identity import data_key, targets
from runner.trial.scorers import check_objective, check_probabilities, check_scorers
from runner.trial.spec import Spec
from runner.trial.weights import request_weights, takes_weights
from tracking.records.overrides import Override

MOST_ERRORS = 10
OF_THE_SWEEP = ("tracking", "engine", *(setting.name for setting in fields(Settings)))  # what no point has for itself


@dataclass
class Checker:
    """Checks every mistake of configuration and data that can be known before a fit.

    Settings are checked one by one with the group choices they stand in, not in every combination: that is all
    that types and parameter constraints look at, and it makes 10,000 points as cheap to check as their axes. What
    decides whether rows can be split and prepared is checked in every combination: data, cv, prepare, the model's
    class.
    """

    composer: Composer
    spec_of: Callable[[Point], Spec]
    datasets: dict[str, Dataset] = field(default_factory=dict)
    targets: set[str] = field(default_factory=set)  # the code that the points run, by dotted name
    notes: dict[str, None] = field(default_factory=dict)  # what is no mistake for certain, in order
    _seen: set[tuple[tuple[str, ...], str]] = field(default_factory=set)
    _seen_together: set[tuple[str, ...]] = field(default_factory=set)
    _together: dict[tuple[tuple[str, ...], str], bool] = field(default_factory=dict)
    _combinations: set[str] = field(default_factory=set)
    _first: Mapping[str, Any] | None = None

    @cached_property
    def _configs(self) -> ComposedConfigs:
        return ComposedConfigs(self.composer)

    def check(self, points: Iterable[Point]) -> None:
        """Raise one error that lists the distinct mistakes of all points."""
        errors: dict[str, RunnerError] = {}
        for point in points:
            if self._is_known(point):
                continue
            try:
                self._check_spec(self.spec_of(point))
            except RunnerError as error:
                errors.setdefault(str(error), self._located(error, point))
            if len(errors) >= MOST_ERRORS:
                break
        if errors:
            kind = DataError if all(isinstance(e, DataError) for e in errors.values()) else ConfigError
            only = next(iter(errors.values())) if len(errors) == 1 else None
            raise only or kind("\n  ".join([f"{len(errors)} mistakes:", *map(str, errors.values())]))

    def _is_known(self, point: Point) -> bool:
        """Tell whether the overrides were seen, each with the same structural ones, and together where that matters."""
        structural = [s for s in point.overrides if self.composer.is_structural(s)]
        choices = tuple(s.text for s in structural)
        pairs = {(choices, override.text) for override in point.overrides} or {((), "")}
        together = (*choices, *(s.text for s in point.overrides if self._matters_together(structural, choices, s)))
        known = pairs <= self._seen and together in self._seen_together
        self._seen |= pairs
        self._seen_together.add(together)
        return known

    def _matters_together(self, structural: Sequence[Override], choices: tuple[str, ...], override: Override) -> bool:
        key = (choices, override.text)
        if key not in self._together:
            structural_too = self.composer.is_structural(override)
            reached = {} if structural_too else self._configs.effects_beside(structural, override)
            self._together[key] = reached is None or any(map(_decides, reached))
        return self._together[key]

    def _located(self, error: RunnerError, point: Point) -> RunnerError:
        """Return the error with the grid of the file in front, if the point comes from one."""
        if point.grid is None:
            return error
        structural = [s for s in point.overrides if self.composer.is_structural(s)]
        choices = tuple(s.text for s in structural)
        suspects = [s for s in point.overrides if s in structural or self._matters_together(structural, choices, s)]
        return type(error)(point.grid.locate(str(error), suspects))

    def _check_spec(self, spec: Spec) -> None:
        self._check_settings(spec.config)
        parts = build(spec.config)
        self.targets |= set(targets(spec.config))
        self.notes |= dict.fromkeys(parts.notes)
        check_fitting(spec.config, parts.estimator)
        key = data_key(spec.config)
        if key not in self.datasets:
            self.datasets[key] = load(spec.config["data"])
        model = spec.config["model"].get("_target_")
        cv = {name: value for name, value in spec.config["cv"].items() if name != "random_state"}
        combination = repr((key, model, spec.config.get("prepare"), cv))
        if combination not in self._combinations:
            self._combinations.add(combination)
            check(self.datasets[key], splitter=parts.splitter, estimator=parts.estimator)
            self._note(self.datasets[key], spec, parts)
        check_scorers(parts.scorers, is_classifier=parts.is_classifier)
        if parts.is_classifier:
            check_probabilities(parts.scorers, parts.estimator)
        check_objective(spec)

    def _note(self, data: Dataset, spec: Spec, parts: Parts) -> None:
        """Remember what reading left out, and what of the data is probably a mistake."""
        timed = spec.config["data"].get("time") is not None
        self.notes |= dict.fromkeys([*data.notes, *find_notes(data, parts.splitter, timed=timed)])
        if data.weights is not None:
            request_weights(parts.estimator)
            for name, scorer in parts.scorers.items():
                if not takes_weights(scorer):
                    self.notes[f"scoring.metrics.{name}={scorer}: it takes no weights, and counts every row alike"] = (
                        None
                    )

    def _check_settings(self, config: Mapping[str, Any]) -> None:
        """Refuse what says how the whole sweep is run where it is not the same at all points."""
        if self._first is None:
            self._first = config
        for key in OF_THE_SWEEP:
            if repr(config.get(key)) != repr(self._first.get(key)):
                raise ConfigError(
                    f"{key}={_spell(config.get(key))}: {key} is how the whole sweep is run, and it is "
                    f"{_spell(self._first.get(key))} at other points. Give it one value, or run two sweeps."
                )


def _decides(leaf: Sequence[str]) -> bool:
    """Tell whether a leaf has a part in whether the rows can be split, prepared and fitted."""
    return (leaf[0] in ("data", "cv", "prepare") and leaf[-1] != "random_state") or tuple(leaf) == ("model", "_target_")


def _spell(value: object) -> str:
    return json.dumps(value, default=repr).strip('"')
