"""Out-of-fold predictions of runs: what each row of the data was predicted by a model that had not seen it.

Small binary values of runs in the store (`tracking.store.blobs`), so that a sweep of 10,000 points makes no files:

* `predictions.rows` (.npz), the same bytes for every run on the same data and folds and so kept once: for each
  prediction, fold after fold, its row of the data, its fold, the true value and, where there are some, the group;
  of a classifier the classes, and the true values as their numbers;
* `predictions.residual` (.npy, float32) of a regressor: true minus predicted. A difference, because float32 keeps
  seven digits, and those of a target far from zero would be used up by what all predictions have in common;
* `predictions.predict` of a classifier: the number of the class; `predictions.predict_proba` and
  `predictions.decision_function` (float32), with two classes those of the second only. Kept are those that the
  scorers asked for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

import numpy as np

from tracking.errors import StoreCorrupt
from tracking.records.fitted import HasBlobs

if TYPE_CHECKING:
    import pandas as pd

RESPONSES = ("residual", "predict", "predict_proba", "decision_function")
_PREFIX = "predictions."
SHARED = f"{_PREFIX}rows"
NAMES = (SHARED, *(_PREFIX + name for name in RESPONSES))  # of the blobs


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Predictions:
    """Out-of-fold predictions of runs that were scored on the same rows of the same data in the same folds.

    There are n predictions a run: as many as rows, or more where a row is in several test sets (repeated splits), or
    fewer where it is in none (time series).
    """

    run_ids: tuple[str, ...]
    rows: Any  # n: the row of the data, from 0
    folds: Any  # n: the fold that predicted it, from 0
    true: Any  # n, or n x targets; of a classifier n labels
    groups: Any | None  # n: the number of the row's group
    classes: Any | None  # labels in their order; None of a regressor
    responses: Mapping[str, Any]  # of RESPONSES -> runs x n (x classes or targets), in the order of `run_ids`

    @property
    def codes(self) -> Any:
        """The true values of a classifier as numbers of its classes: n."""
        classes: Any = self.classes
        return np.searchsorted(classes, self.true)

    @property
    def by_fold(self) -> list[Any]:
        """For each fold the numbers of its predictions, from 0 to n - 1."""
        return [np.flatnonzero(self.folds == fold) for fold in np.unique(self.folds)]

    @property
    def predicted(self) -> Any:
        """What was predicted, in the units of the target or as labels: runs x n (x targets).

        Where no scorer asked for a classifier's `predict`, it is the class of the highest probability or decision.
        """
        if self.classes is None:
            return self.true - self.responses["residual"]
        if "predict" in self.responses:
            return self.classes[self.responses["predict"]]
        name = "predict_proba" if "predict_proba" in self.responses else "decision_function"
        values = self.responses[name]
        second = values > (0.5 if name == "predict_proba" else 0.0)
        return self.classes[second.astype(int) if values.ndim == 2 else values.argmax(axis=2)]

    def frame(self, run_id: str) -> pd.DataFrame:
        """Return the predictions of one run: columns row, fold, true, predicted, and group and the rest if there.

        Probabilities and decisions have a column for each class, `probability_<class>` and `decision_<class>`; of two
        classes the decision is that for the second.
        """
        import pandas as pd

        number = self.run_ids.index(run_id)
        columns: dict[str, Any] = {"row": self.rows, "fold": self.folds}
        if self.groups is not None:
            columns["group"] = self.groups
        predicted = self.predicted[number] if len(self.run_ids) == 1 else self._only(number).predicted[0]
        for name, values in (("true", self.true), ("predicted", predicted)):
            columns |= {name: values} if values.ndim == 1 else _numbered(name, values)
        if self.classes is not None:
            for name, word in (("predict_proba", "probability"), ("decision_function", "decision")):
                if name in self.responses:
                    columns |= _by_class(word, self.responses[name][number], self.classes)
        return pd.DataFrame(columns)

    def _only(self, number: int) -> Predictions:
        return Predictions(
            run_ids=(self.run_ids[number],),
            rows=self.rows,
            folds=self.folds,
            true=self.true,
            groups=self.groups,
            classes=self.classes,
            responses={name: values[number : number + 1] for name, values in self.responses.items()},
        )


def load_predictions(store: HasBlobs, run_ids: Sequence[str]) -> list[Predictions]:
    """Return the predictions that runs have, one noun for all that can be compared row by row, the largest first.

    Runs without predictions are left out; so are, from one noun, responses that not all of its runs have.
    """
    shared = store.get_blobs(list(run_ids), SHARED)
    alike: dict[bytes, list[str]] = {}
    for run_id in dict.fromkeys(run_ids):
        if run_id in shared:
            alike.setdefault(shared[run_id], []).append(run_id)
    found = (_load_sound(store, content, ids) for content, ids in alike.items())
    return sorted((made for made in found if made.responses), key=lambda made: -len(made.run_ids))


def write_rows(rows: Any, folds: Any, true: Any, groups: Any | None, classes: Any | None) -> dict[str, bytes]:
    """Return the blob that all runs on the same data and folds share; `true` and `groups` are numbers, not labels."""
    arrays = {"rows": rows, "folds": folds, "true": true, "groups": groups, "classes": classes}
    buffer = BytesIO()
    np.savez(buffer, **{name: array for name, array in arrays.items() if array is not None})
    return {SHARED: buffer.getvalue()}


def write_responses(responses: Mapping[str, Any]) -> dict[str, bytes]:
    """Return the blobs of one run: n predictions (x classes or targets) by the names of RESPONSES."""
    return {_PREFIX + name: _bytes(values) for name, values in responses.items()}


def _load_sound(store: HasBlobs, content: bytes, run_ids: list[str]) -> Predictions:
    try:
        return _load(store, content, run_ids)
    except (ValueError, KeyError, IndexError, EOFError, OSError, BadZipFile) as error:
        raise StoreCorrupt(
            f"The predictions of run {run_ids[0][:8]} are damaged, or were not written by this program: {error}."
        ) from error


def _load(store: HasBlobs, content: bytes, run_ids: list[str]) -> Predictions:
    arrays = np.load(BytesIO(content), allow_pickle=False)
    classes = arrays.get("classes")
    values = {name: store.get_blobs(run_ids, _PREFIX + name) for name in RESPONSES}
    kept = [run_id for run_id in run_ids if any(run_id in of_runs for of_runs in values.values())]
    return Predictions(
        run_ids=tuple(kept),
        rows=arrays["rows"],
        folds=arrays["folds"],
        true=arrays["true"] if classes is None else classes[arrays["true"]],
        groups=arrays.get("groups"),
        classes=classes,
        responses={
            name: np.stack([_array(of_runs[run_id]) for run_id in kept])
            for name, of_runs in values.items()
            if of_runs and all(run_id in of_runs for run_id in kept)
        },
    )


def _bytes(array: Any) -> bytes:
    buffer = BytesIO()
    np.lib.format.write_array(buffer, np.ascontiguousarray(array), allow_pickle=False)
    return buffer.getvalue()


def _array(content: bytes) -> Any:
    return np.lib.format.read_array(BytesIO(content), allow_pickle=False)


def _numbered(name: str, values: Any) -> dict[str, Any]:
    return {f"{name}_{number}": values[:, number] for number in range(values.shape[1])}


def _by_class(word: str, values: Any, classes: Any) -> dict[str, Any]:
    if values.ndim == 2:
        return {f"{word}_{label}": values[:, number] for number, label in enumerate(classes)}
    if word == "decision":
        return {f"{word}_{classes[1]}": values}
    return {f"{word}_{classes[0]}": 1 - values, f"{word}_{classes[1]}": values}
