"""What runs left behind, by the client: found by reference, read whole, judged for trust. Part of the client."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tracking import validation
from tracking.errors import RunNotFound

if TYPE_CHECKING:
    from tracking.entities import Run
    from tracking.records.reading import RunRecord
    from tracking.records.sweeps import Sweep
    from tracking.store.sqlite import Store


class ReadingMethods:
    """Methods for what is recorded, beside those of MlflowClient."""

    store: Store

    def find_run(self, reference: str) -> Run:
        """Return a run, deleted or not: by its id, or by what the command line takes: best:ridge, latest, a name.

        Raises RunNotFound, RunAmbiguous, ExperimentNotFound.
        """
        if not isinstance(reference, str) or not reference:
            return self.store.get_run(validation.run_id(reference))
        from tracking.records.refs import find_run

        try:
            return find_run(self.store, reference)
        except RunNotFound:
            if "/" in reference:  # to MLflow no unknown id, but none at all
                validation.run_id(reference)
            raise

    def load_records(self, runs: Sequence[Run]) -> list[RunRecord]:
        """Read config, request, metric histories and environment of runs. Raises ArtifactError."""
        from tracking.records.reading import load_records

        return load_records(self.store, runs)

    def read_sweeps(self) -> list[Sweep]:
        """Return the sweeps of the store, newest first."""
        from tracking.records.sweep_search import read_sweeps

        return read_sweeps(self.store)

    def find_sweep(self, reference: str) -> Sweep:
        """Return a sweep by `latest` or the start of its id. Raises RunNotFound, InvalidValue."""
        from tracking.records.sweep_search import find_sweep

        return find_sweep(self.store, reference)

    def is_foreign(self, run_id: str) -> bool:
        """Tell whether a run's store was made elsewhere and is not trusted. Raises RunNotFound."""
        return self.store.is_foreign(run_id)

    def require_trusted(self, run_id: str, also: str = "") -> None:
        """Raise StoreNotTrusted, saying `also` at its end, for a run of a store that was made elsewhere.

        What such a run names would be imported and run.
        """
        from tracking.records.trust import require_trusted

        require_trusted(self.store, self.store.get_run(run_id), also)
