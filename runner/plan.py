"""Which points are sound, and which are new, done, failed or stale, and why."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import tracking
from runner.compose.composer import Composer
from runner.data.dataset import Dataset, check, load
from runner.errors import ConfigError, DataError, RunnerError
from runner.evaluate import check_scorers
from runner.points.axes import Point
from runner.provenance.capture import Provenance
from runner.record import asked_fingerprint, data_key, identify
from runner.spec import Spec, build, fingerprint, targets

BATCH = 500  # points looked up at once
MOST_ERRORS = 10

NEW, DONE, FAILED, STALE = "new", "done", "failed", "stale"


@dataclass(frozen=True, slots=True)
class Planned:
    """A point, what the store knows of it, and why it would run."""

    spec: Spec
    state: str
    reason: str = ""
    run: tracking.Run | None = None
    deaths: int = 0  # how often its run ended because the process did


@dataclass(slots=True)
class Checker:
    """Checks every mistake of configuration and data that can be known before a fit.

    Settings are checked one by one with the group choices they stand in, not in every combination: that is all
    that types and parameter constraints look at, and it makes 10,000 points as cheap to check as their axes.
    """

    composer: Composer
    spec_of: Callable[[Point], Spec]
    datasets: dict[str, Dataset] = field(default_factory=dict)
    targets: set[str] = field(default_factory=set)  # the code that the points run, by dotted name
    _seen: set[tuple[tuple[str, ...], str]] = field(default_factory=set)
    _combinations: set[str] = field(default_factory=set)

    def check(self, points: Iterable[Point]) -> None:
        """Raise one error that lists the distinct mistakes of all points."""
        errors: dict[str, RunnerError] = {}
        for point in points:
            if self._is_known(point):
                continue
            try:
                self._check_spec(self.spec_of(point))
            except RunnerError as error:
                errors.setdefault(str(error), error)
            if len(errors) >= MOST_ERRORS:
                break
        if errors:
            kind = DataError if all(isinstance(e, DataError) for e in errors.values()) else ConfigError
            only = next(iter(errors.values())) if len(errors) == 1 else None
            raise only or kind("\n  ".join([f"{len(errors)} mistakes:", *errors]))

    def _is_known(self, point: Point) -> bool:
        """Tell whether every setting of the point was seen with the same structural settings."""
        structural = tuple(s.text for s in point.settings if self.composer.is_structural(s))
        pairs = {(structural, setting.text) for setting in point.settings} or {((), "")}
        known = pairs <= self._seen
        self._seen |= pairs
        return known

    def _check_spec(self, spec: Spec) -> None:
        parts = build(spec.config)
        self.targets |= set(targets(spec.config))
        key = data_key(spec.config)
        if key not in self.datasets:
            self.datasets[key] = load(spec.config["data"])
        model = spec.config["model"].get("_target_")
        combination = repr((key, model, spec.config.get("prepare"), spec.config["cv"]))
        if combination not in self._combinations:
            self._combinations.add(combination)
            check(self.datasets[key], splitter=parts.splitter, estimator=parts.estimator)
        check_scorers(parts.scorers, is_classifier=parts.is_classifier)


def plan_points(
    specs: Iterable[Spec], datasets: Mapping[str, Dataset], provenance: Provenance, store: str
) -> Iterator[Planned]:
    """Look up what the store knows of each point, in batches, by the index of fingerprints.

    A finished run counts in whatever experiment it is filed: `experiment_name` changes no result.
    """
    iterator = iter(specs)
    ledger = _Ledger(tracking.TrackingClient(store))
    while batch := list(islice(iterator, BATCH)):
        made_of = [
            identify(spec, build(spec.config), datasets[data_key(spec.config)], provenance.packages) for spec in batch
        ]
        prints = [fingerprint(parts) for parts in made_of]
        same = ledger.find("fingerprint", prints)
        asked = [asked_fingerprint(spec) for spec in batch]
        before = ledger.find("fingerprint.asked", [asked[i] for i in range(len(batch)) if prints[i] not in same])
        for spec, parts, known, text in zip(batch, made_of, prints, asked, strict=True):
            home = ledger.experiment_id(spec.experiment)
            # The same words may have asked for something else in another experiment.
            earlier = [run for run in before.get(text, ()) if run.info.experiment_id == home]
            yield _judge(spec, parts, same.get(known, ()), earlier, home)


class _Ledger:
    """What the store knows of points."""

    def __init__(self, client: tracking.TrackingClient) -> None:
        self._client = client
        self._experiments: dict[str, str | None] = {}

    def experiment_id(self, name: str) -> str | None:
        """Return the id of the experiment of this name, None while there is none."""
        if name not in self._experiments:
            found = self._client.get_experiment_by_name(name)
            self._experiments[name] = None if found is None else found.experiment_id
        return self._experiments[name]

    def find(self, tag: str, values: Sequence[str]) -> dict[str, list[tracking.Run]]:
        """Return runs by the value of a tag, newest first."""
        if not values:
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
    ended = same or [run for run in before if not _is_done(run) and "fingerprint" not in run.data.tags]
    deaths = sum(map(_has_died, ended))
    if same:
        return Planned(spec, FAILED, _reason(same[0]), same[0], deaths)
    for run in before:
        if _is_done(run) and "identity" in run.data.tags:
            return Planned(spec, STALE, explain_change(run.data.tags["identity"], made_of), run)
    failed = [run for run in ended if run.info.status in ("FAILED", "KILLED", "FINISHED")]
    return Planned(spec, FAILED, _reason(failed[0]), failed[0], deaths) if failed else Planned(spec, NEW)


def _is_done(run: tracking.Run) -> bool:
    """Tell whether a run has a result: a program's end may call a run finished that was in the middle of a fit."""
    metric = run.data.tags.get("objective.metric")
    return run.info.status == "FINISHED" and (metric is None or metric in run.data.metrics)


def _reason(run: tracking.Run) -> str:
    unfinished = "ended without a result" if run.info.status == "FINISHED" else run.info.status.lower()
    return run.data.tags.get("error", unfinished)


def _has_died(run: tracking.Run) -> bool:
    """Tell whether a run ended because its process did: nobody could write why, or another process did."""
    error = run.data.tags.get("error")
    return run.info.status == "KILLED" if error is None else error.startswith("worker ")


def explain_change(recorded: str, current: Mapping[str, Any]) -> str:
    """Say which parts of a recorded identity differ from the current one."""
    try:
        old = json.loads(recorded)
    except json.JSONDecodeError:
        return "changed"
    if "config" not in old:
        return "changed"
    new = json.loads(json.dumps(current, default=repr))
    reasons = []
    keys = [key for key in (old["config"] | new["config"]) if _differs(old["config"], new["config"], key)]
    if keys:
        reasons.append(f"config changed: {', '.join(keys)}")
    if old["data"] != new["data"]:
        reasons.append("data changed")
    for part, word in (("environment", ""), ("code", "code of ")):
        for name in sorted(old[part] | new[part]):
            if word and name in old["environment"] and name in new["environment"]:
                continue  # the code of an installed package is its version, which is told already
            if _differs(old[part], new[part], name):
                reasons.append(
                    f"{word}{name} changed"
                    if word
                    else f"{name} {old[part].get(name, 'missing')} -> {new[part].get(name, 'missing')}"
                )
    return "; ".join(reasons) or "changed"


def _differs(old: Mapping[str, Any], new: Mapping[str, Any], key: str) -> bool:
    a, b = old.get(key), new.get(key)
    return (key in old) != (key in new) or type(a) is not type(b) or a != b
