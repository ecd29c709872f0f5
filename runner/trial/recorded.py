"""A recorded run, read back: its config as a Spec that can be run again, its scores, its model, its making.

The recorded config alone is enough: no Hydra, no file of `conf/`. Reads the store; never writes.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tracking
from runner.errors import NotReproducible
from runner.trial.spec import Spec
from tracking import TrackingClient
from tracking.compare.making import Making, making_of
from tracking.records.names import (
    CONFIG_FILE,
    MODEL_FOLDER,
    PATH_TOLERANCE,
    THREADS,
)
from tracking.records.reading import RunRecord

if TYPE_CHECKING:
    from tracking import Run

NEEDED = ("model", "data", "cv", "scoring", "seed")  # sections without which nothing can be run
_DERIVED = ("_mean", "_std", "_seconds")  # summaries and timings: no scores of a fold


@dataclass(frozen=True, slots=True)
class RecordedRun:
    """One run of the store with what it takes to run it again and to compare."""

    record: RunRecord
    folder: Path  # of its artifacts
    client: TrackingClient  # of the store that it is in

    @property
    def run(self) -> Run:
        """The run as the store has it."""
        return self.record.run

    @property
    def id(self) -> str:
        """The run's id."""
        return self.run.info.run_id

    @property
    def short(self) -> str:
        """The start of the id, as one would type it."""
        return self.id[:8]

    @property
    def name(self) -> str:
        """The run's name."""
        return self.run.info.run_name

    @property
    def finished(self) -> bool:
        """Whether there is a result to compare with."""
        return self.run.info.status == "FINISHED"

    @property
    def config(self) -> Mapping[str, Any]:
        """The resolved config. Raises NotReproducible where none was recorded."""
        config = self.record.config
        if not config:
            raise NotReproducible(self._say_no_config())
        missing = [key for key in NEEDED if key not in config]
        if missing:
            sections = " and no ".join(missing)
            raise NotReproducible(
                f"Run {self.short} ({self.name}) cannot be run again: its {CONFIG_FILE} has no {sections}."
            )
        return config

    @property
    def threads(self) -> int:
        """How many BLAS and OpenMP threads it was limited to."""
        said = str(self.run.data.tags.get(THREADS) or self.config.get("threads_per_run") or 1)
        return int(said) if said.isdecimal() and int(said) else 1

    @property
    def making(self) -> Making:
        """What it was made with, to be compared with today."""
        return making_of(self.record)

    @property
    def path_tolerance(self) -> float:
        """How far from alone it may be, relative: 0, but for what was computed along a path."""
        return float(self.run.data.tags.get(PATH_TOLERANCE, 0))

    @property
    def scores(self) -> Folds:
        """The metrics of every fold, without timings: metric -> fold -> value."""
        histories = self.record.histories
        metrics = ((self.record.config or {}).get("scoring") or {}).get("metrics") or {}
        names = [name for name in metrics if name in histories]
        names = names or [name for name in histories if not name.endswith(_DERIVED)]
        return {name: {point.step: point.value for point in histories[name]} for name in names}

    @property
    def is_foreign(self) -> bool:
        """Whether its store was made elsewhere and is not trusted."""
        return self.client.is_foreign(self.id)

    def require_trusted(self, also: str = "") -> None:
        """Raise StoreNotTrusted, saying `also` at its end, where what it says to import and run may not be run."""
        self.client.require_trusted(self.id, also)

    def spec(self, *, number: int = 0, tags: Mapping[str, str] | None = None) -> Spec:
        """Return the point that runs this again, filed where this run is filed."""
        asked = self.record.request
        return Spec(
            number,
            self.name,
            self.record.experiment,
            {key: value for key, value in self.config.items() if key != "sweep"},
            asked.overrides,
            asked.minimal or (),
            asked.sweep,
            asked.choices,
            asked.origins,
            dict(tags or {}),
            asked.config_dir,
            asked.config_name,
            asked.follows,
        )

    def load_model(self) -> tuple[Any, str]:
        """Return the recorded model, or None and why there is none. Raises StoreNotTrusted."""
        self.require_trusted()
        path = self.folder / MODEL_FOLDER
        if not path.is_dir():
            return None, "no model was recorded"
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # another version of scikit-learn is named as an ingredient
                return tracking.load_model(path), ""
        except tracking.TrackingError as error:
            cause = error.__cause__ or error
            return None, f"the model of {self.short} cannot be loaded: {type(cause).__name__}: {cause}"

    def _say_no_config(self) -> str:
        problem = next((text for text in self.record.problems if text.startswith(CONFIG_FILE)), "")
        if problem:
            return f"Run {self.short} ({self.name}) cannot be run again: {problem}"
        return (
            f"Run {self.short} ({self.name}) cannot be run again: it has no {CONFIG_FILE}, so it was not made by"
            " python -m runner. Run its own script again."
        )


def find_recorded(client: TrackingClient, reference: str) -> RecordedRun:
    """Return the run that a reference names (`latest`, an id's start, a name). Raises TrackingError."""
    return read_recorded(client, client.find_run(reference))


def read_recorded(client: TrackingClient, run: Run) -> RecordedRun:
    """Read what a run left behind."""
    (record,) = client.load_records([run])
    return RecordedRun(record, client.artifact_dir(run.info.run_id), client)


def read_run(client: TrackingClient, run_id: str) -> RecordedRun:
    """Read the run of this very id."""
    return read_recorded(client, client.get_run(run_id))


Folds = Mapping[str, Mapping[int, float]]  # metric -> fold -> value
