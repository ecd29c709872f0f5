"""Which points are new, done, failed or stale, and why."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from typing import Any

import tracking
from runner.data.dataset import Dataset
from runner.provenance.capture import Provenance
from runner.store import is_there
from runner.trial.build import Parts, build
from runner.trial.identity import (
    asked_fingerprint,
    data_key,
    earlier_fingerprint,
    fingerprint,
    identify,
    planned_making,
    splits_key,
)
from runner.trial.sharing import parts_to_share
from runner.trial.spec import Spec
from tracking.compare.making import Making
from tracking.compare.suspects import find_identity_differences
from tracking.records.names import ERROR, FINGERPRINT, FINGERPRINT_ASKED, IDENTITY, OBJECTIVE_METRIC
from tracking.records.reading import read_identity

BATCH = 500  # points looked up at once
RECORDED_OTHERWISE = "recorded in another way by an earlier version"  # nothing that both recorded differs

NEW, DONE, FAILED, STALE = "new", "done", "failed", "stale"


@dataclass(frozen=True, slots=True)
class Planned:
    """A point, what the store knows of it, and why it would run."""

    spec: Spec
    state: str
    reason: str = ""
    run: tracking.Run | None = None
    deaths: int = 0  # how often its run ended because the process did
    fingerprint: str = ""
    shares: tuple[Hashable, Hashable] = (None, None)  # its preparation, and its group: what it may share; None: nothing


def plan_points(
    specs: Iterable[Spec],
    datasets: Mapping[str, Dataset],
    provenance: Provenance,
    store: str,
    *,
    path: bool = False,
) -> Iterator[Planned]:
    """Look up what the store knows of each point, in batches, by the index of fingerprints.

    A finished run counts in whatever experiment it is filed: `experiment_name` changes no result.
    """
    iterator = iter(specs)
    ledger = _Ledger(tracking.TrackingClient(store) if is_there(store) else None)
    while batch := list(islice(iterator, BATCH)):
        data = [datasets[data_key(spec.config)] for spec in batch]
        built = [build(spec.config) for spec in batch]
        made_of = [
            identify(spec, parts, dataset, provenance.packages, path=path)
            for spec, parts, dataset in zip(batch, built, data, strict=True)
        ]
        prints = [fingerprint(parts) for parts in made_of]
        same = ledger.find(FINGERPRINT, prints)
        if len(same) < len(set(prints)):
            earlier_ones = map(earlier_fingerprint, made_of, batch, map(ledger.hash_as_0_1_0, data))
            prints_then = dict(zip(earlier_ones, prints, strict=True))
            for then, runs in ledger.find(FINGERPRINT, list(prints_then)).items():
                same.setdefault(prints_then[then], runs)
        asked = [asked_fingerprint(spec) for spec in batch]
        before = ledger.find(FINGERPRINT_ASKED, [asked[i] for i in range(len(batch)) if prints[i] not in same])
        shares = map(_shares, batch, built, data)
        for spec, parts, dataset, known, text, own in zip(batch, made_of, data, prints, asked, shares, strict=True):
            home = ledger.experiment_id(spec.experiment)
            # The same words may have asked for something else in another experiment. 0.1.0 filed by model alone.
            homes = {home, ledger.experiment_id(spec.choices.get("model", spec.experiment))}
            earlier = [run for run in before.get(text, ()) if run.info.experiment_id in homes]
            why = partial(ledger.explain, spec, parts, dataset)
            judged = _judge(spec, same.get(known, ()), earlier, home, why_stale=why)
            yield replace(judged, fingerprint=known, shares=own)


def _shares(spec: Spec, parts: Parts, data: Dataset) -> tuple[Hashable, Hashable]:
    """Return the preparation and the group of a point; what looks at rows or weighs them shares nothing."""
    if data.weights is not None or not all(isinstance(scorer, str) for scorer in parts.scorers.values()):
        return None, None
    place = data.fingerprint, splits_key(spec.config)
    preparation, group = parts_to_share(parts.estimator)
    return preparation and (place, preparation), group and (place, group)


def find_done(client: tracking.TrackingClient, known: str) -> tracking.Run | None:
    """Return a run of this fingerprint that has a result, None while there is none."""
    return next(filter(_is_done, _Ledger(client).find(FINGERPRINT, [known]).get(known, ())), None)


class _Ledger:
    """What the store knows of points."""

    def __init__(self, client: tracking.TrackingClient | None) -> None:
        self._client = client  # None: nothing has been recorded so far, and asking would make a store
        self._experiments: dict[str, str | None] = {}
        self._hashes: dict[str, str] = {}

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
        for run in self._client.find_runs(None, f"tags.`{tag}` IN ({texts})"):
            found.setdefault(run.data.tags[tag], []).append(run)
        return found

    def hash_as_0_1_0(self, data: Dataset) -> str:
        """Return the fingerprint that version 0.1.0 gave the data; '' where nothing is recorded to compare with."""
        if self._client is None:
            return ""
        if data.fingerprint not in self._hashes:
            self._hashes[data.fingerprint] = data.fingerprint_as("v1:")
        return self._hashes[data.fingerprint]

    def explain(self, spec: Spec, made_of: Mapping[str, Any], data: Dataset, run: tracking.Run) -> str:
        """Say what makes a point another one than the run that the same words once asked for."""
        assert self._client is not None
        identity = read_identity(run.data.tags, self._client.artifact_dir(run.info.run_id)) or {}
        then = Making(tags=run.data.tags, params=run.data.params, identity=identity)
        comparable = self.hash_as_0_1_0(data) if then.data.startswith("v1:") else data.fingerprint
        found = find_identity_differences(then, planned_making(spec, {**made_of, "data": comparable}))
        return "; ".join(difference.short for difference in found) or RECORDED_OTHERWISE


def _judge(
    spec: Spec,
    same: Sequence[tracking.Run],
    before: Sequence[tracking.Run],
    home: str | None,
    *,
    why_stale: Callable[[tracking.Run], str],
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
            return Planned(spec, STALE, why_stale(run), run)
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
