"""What a run keeps of its final model beside the model itself: importances by feature, iterations, what a search chose.

Small values in the store (`tracking.store.blobs`): `importance.csv` (feature, and a column for each kind),
`features.json` (the names before and after the preparation; the same for many runs, so kept once) and `fitted.json`
(`n_iter`, `best_params`).
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from io import StringIO
from typing import Any, Final, Protocol

IMPORTANCE: Final = "importance.csv"
FEATURES: Final = "features.json"
FITTED: Final = "fitted.json"


class HasBlobs(Protocol):
    """What blobs are read from: a store, or a client."""

    def get_blobs(self, run_ids: Sequence[str], name: str) -> dict[str, bytes]:
        """Return {run id: content} of the runs that have a blob of this name."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    """What is known of a run's final model; empty where nothing was recorded."""

    importances: Mapping[str, Mapping[str, float]] = field(default_factory=dict)  # column -> feature -> number
    features_in: tuple[str, ...] = ()
    features_out: tuple[str, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)


def write_importances(features: Sequence[str], columns: Mapping[str, Iterable[float]]) -> dict[str, bytes]:
    """Return the blob of importances: a row a feature, a column for each kind, numbers in full."""
    text = StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(["feature", *columns])
    rows.writerows(zip(features, *columns.values(), strict=True))
    return {IMPORTANCE: text.getvalue().encode()}


def write_features(before: Sequence[str], after: Sequence[str]) -> dict[str, bytes]:
    """Return the blob of the names before and after the preparation."""
    return {FEATURES: json.dumps({"in": list(before), "out": list(after)}, ensure_ascii=False).encode()}


def write_facts(facts: Mapping[str, Any]) -> dict[str, bytes]:
    """Return the blob of what else is known of the model, {} where nothing is."""
    return {FITTED: json.dumps(facts, ensure_ascii=False, default=str).encode()} if facts else {}


def load_fitted(store: HasBlobs, run_id: str) -> Fitted:
    """Return what a run kept of its final model."""
    contents = {name: store.get_blobs([run_id], name).get(run_id) for name in (IMPORTANCE, FEATURES, FITTED)}
    table, names, facts = (content.decode() if content else "" for content in contents.values())
    features = json.loads(names) if names else {}
    return Fitted(
        importances=_columns(table),
        features_in=tuple(features.get("in", ())),
        features_out=tuple(features.get("out", ())),
        facts=json.loads(facts) if facts else {},
    )


def _columns(text: str) -> dict[str, dict[str, float]]:
    rows = list(csv.reader(StringIO(text)))
    if not rows:
        return {}
    header, *body = rows
    return {name: {row[0]: float(row[number]) for row in body} for number, name in enumerate(header) if number}
