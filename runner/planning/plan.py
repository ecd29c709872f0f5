"""Which points are sound, and which are new, done, failed or stale, and why."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from typing import Any

import tracking
from runner.compose.composer import Composer
from runner.compose.lookup import ComposedConfigs
from runner.data.checks import check
from runner.data.dataset import Dataset, load
from runner.errors import ConfigError, DataError, RunnerError
from runner.points.axes import Point, Setting
from runner.provenance.capture import Provenance
from runner.store import is_there
from runner.trial.build import build
from runner.trial.evaluate import check_scorers
from runner.trial.identity import asked_fingerprint, data_key, explain_change, fingerprint, identify, targets
from runner.trial.spec import Spec
from tracking.records.names import ERROR, FINGERPRINT, FINGERPRINT_ASKED, IDENTITY, OBJECTIVE_METRIC

BATCH = 500  # points looked up at once
MOST_ERRORS = 10
# bookkeeping that no point has for itself
OF_THE_SWEEP = (
    *("tracking", "n_jobs", "backend", "threads_per_run", "resume", "retries", "dry_run", "fail_fast"),
    *("timeout_per_point", "progress", "diff"),
)

NEW, DONE, FAILED, STALE = "new", "done", "failed", "stale"


@dataclass(frozen=True, slots=True)
class Planned:
    """A point, what the store knows of it, and why it would run."""

    spec: Spec
    state: str
    reason: str = ""
    run: tracking.Run | None = None
    deaths: int = 0  # how often its run ended because the process did


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
        """Tell whether the settings were seen, each with the same structural ones, and together where that matters."""
        structural = [s for s in point.settings if self.composer.is_structural(s)]
        choices = tuple(s.text for s in structural)
        pairs = {(choices, setting.text) for setting in point.settings} or {((), "")}
        together = (*choices, *(s.text for s in point.settings if self._matters_together(structural, choices, s)))
        known = pairs <= self._seen and together in self._seen_together
        self._seen |= pairs
        self._seen_together.add(together)
        return known

    def _matters_together(self, structural: Sequence[Setting], choices: tuple[str, ...], setting: Setting) -> bool:
        key = (choices, setting.text)
        if key not in self._together:
            structural_too = self.composer.is_structural(setting)
            reached = {} if structural_too else self._configs.effects_beside(structural, setting)
            self._together[key] = reached is None or any(map(_decides, reached))
        return self._together[key]

    def _located(self, error: RunnerError, point: Point) -> RunnerError:
        """Return the error with the grid of the file in front, if the point comes from one."""
        if point.grid is None:
            return error
        structural = [s for s in point.settings if self.composer.is_structural(s)]
        choices = tuple(s.text for s in structural)
        suspects = [s for s in point.settings if s in structural or self._matters_together(structural, choices, s)]
        return type(error)(point.grid.locate(str(error), suspects))

    def _check_spec(self, spec: Spec) -> None:
        self._check_settings(spec.config)
        parts = build(spec.config)
        self.targets |= set(targets(spec.config))
        key = data_key(spec.config)
        if key not in self.datasets:
            self.datasets[key] = load(spec.config["data"])
        model = spec.config["model"].get("_target_")
        cv = {name: value for name, value in spec.config["cv"].items() if name != "random_state"}
        combination = repr((key, model, spec.config.get("prepare"), cv))
        if combination not in self._combinations:
            self._combinations.add(combination)
            check(self.datasets[key], splitter=parts.splitter, estimator=parts.estimator)
        check_scorers(parts.scorers, is_classifier=parts.is_classifier)

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


def plan_points(
    specs: Iterable[Spec], datasets: Mapping[str, Dataset], provenance: Provenance, store: str
) -> Iterator[Planned]:
    """Look up what the store knows of each point, in batches, by the index of fingerprints.

    A finished run counts in whatever experiment it is filed: `experiment_name` changes no result.
    """
    iterator = iter(specs)
    ledger = _Ledger(tracking.TrackingClient(store) if is_there(store) else None)
    while batch := list(islice(iterator, BATCH)):
        made_of = [
            identify(spec, build(spec.config), datasets[data_key(spec.config)], provenance.packages) for spec in batch
        ]
        prints = [fingerprint(parts) for parts in made_of]
        same = ledger.find(FINGERPRINT, prints)
        asked = [asked_fingerprint(spec) for spec in batch]
        before = ledger.find(FINGERPRINT_ASKED, [asked[i] for i in range(len(batch)) if prints[i] not in same])
        for spec, parts, known, text in zip(batch, made_of, prints, asked, strict=True):
            home = ledger.experiment_id(spec.experiment)
            # The same words may have asked for something else in another experiment.
            earlier = [run for run in before.get(text, ()) if run.info.experiment_id == home]
            yield _judge(spec, parts, same.get(known, ()), earlier, home)


class _Ledger:
    """What the store knows of points."""

    def __init__(self, client: tracking.TrackingClient | None) -> None:
        self._client = client  # None: nothing has been recorded so far, and asking would make a store
        self._experiments: dict[str, str | None] = {}

    def experiment_id(self, name: str) -> str | None:
        """Return the id of the experiment of this name, None while there is none."""
        if self._client is None:
            return None
        if name not in self._experiments:
            found = self._client.get_experiment_by_name(name)
            self._experiments[name] = None if found is None else found.experiment_id
        return self._experiments[name]

    def find(self, tag: str, values: Sequence[str]) -> dict[str, list[tracking.Run]]:
        """Return runs by the value of a tag, newest first."""
        if not values or self._client is None:
            return {}
        found: dict[str, list[tracking.Run]] = {}
        texts = ", ".join(f"'{value}'" for value in dict.fromkeys(values))
        for run in self._client.store.search_runs(None, filter_string=f"tags.`{tag}` IN ({texts})"):
            found.setdefault(run.data.tags[tag], []).append(run)
        return found


def _judge(
    spec: Spec,
    made_of: Mapping[str, Any],
    same: Sequence[tracking.Run],
    before: Sequence[tracking.Run],
    home: str | None,
) -> Planned:
    done = sorted(filter(_is_done, same), key=lambda run: run.info.experiment_id != home)
    if done:
        elsewhere = "" if done[0].info.experiment_id == home else "filed in another experiment"
        return Planned(spec, DONE, elsewhere, done[0])
    # A run that ended before it was identified has no fingerprint.
    ended = same or [run for run in before if not _is_done(run) and FINGERPRINT not in run.data.tags]
    deaths = sum(map(_has_died, ended))
    if same:
        return Planned(spec, FAILED, _reason(same[0]), same[0], deaths)
    for run in before:
        if _is_done(run) and IDENTITY in run.data.tags:
            return Planned(spec, STALE, explain_change(run.data.tags[IDENTITY], made_of), run)
    failed = [run for run in ended if run.info.status in ("FAILED", "KILLED", "FINISHED")]
    return Planned(spec, FAILED, _reason(failed[0]), failed[0], deaths) if failed else Planned(spec, NEW)


def _is_done(run: tracking.Run) -> bool:
    """Tell whether a run has a result: a program's end may call a run finished that was in the middle of a fit."""
    metric = run.data.tags.get(OBJECTIVE_METRIC)
    return run.info.status == "FINISHED" and (metric is None or metric in run.data.metrics)


def _reason(run: tracking.Run) -> str:
    unfinished = "ended without a result" if run.info.status == "FINISHED" else run.info.status.lower()
    return run.data.tags.get(ERROR, unfinished)


def _has_died(run: tracking.Run) -> bool:
    """Tell whether a run ended because its process did: nobody could write why, or another process did."""
    error = run.data.tags.get(ERROR)
    return run.info.status == "KILLED" if error is None else error.startswith("worker ")
