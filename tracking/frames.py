"""What runs keep beside their metrics, as pandas frames: `predictions` and `importances`.

`Run.predictions()` and `Run.importances()` are these functions for one run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tracking import entities
from tracking.client import TrackingClient
from tracking.entities import Run
from tracking.errors import InvalidValue

if TYPE_CHECKING:
    import pandas as pd


def predictions(run: str | Run) -> pd.DataFrame:
    """Return a run's out-of-fold predictions: what each row was predicted by a model that had not seen it.

    Columns: row (of the data, from 0), fold, true, predicted, in the units of the target or as labels; group where
    rows have one; probability_<class> or decision_<class> where a scorer asked for them. Takes a run, an id or another
    reference (`best:ridge`) in the store in use. Raises RunNotFound; InvalidValue where the run kept none.
    """
    from tracking.records.predictions import load_predictions

    client, found = _find(run)
    kept = load_predictions(client, [found.info.run_id])
    if not kept:
        raise InvalidValue(
            f"Run {found.info.run_id[:8]} ({found.info.run_name}) kept no predictions: it did not finish, ran with"
            " keep_predictions=false, or is not among the best of a big sweep. To keep all: keep_predictions=true."
        )
    return kept[0].frame(found.info.run_id)


def importances(run: str | Run) -> pd.DataFrame:
    """Return the coefficients or importances of a run's final model: a row a feature, indexed by its name.

    The features are those that the model itself is given, after the preparation. Takes what `predictions` takes.
    Raises RunNotFound; InvalidValue where the run kept none.
    """
    import pandas as pd

    from tracking.records.fitted import load_fitted

    client, found = _find(run)
    columns = load_fitted(client, found.info.run_id).importances
    if not columns:
        raise InvalidValue(
            f"Run {found.info.run_id[:8]} ({found.info.run_name}) kept no importances: its model has neither"
            " coefficients nor importances, or it ran with refit=false or keep_importances=false."
        )
    return pd.DataFrame({name: pd.Series(dict(values)) for name, values in columns.items()}).rename_axis("feature")


def _find(run: str | Run) -> tuple[TrackingClient, Run]:
    client = TrackingClient()
    return client, run if isinstance(run, Run) else client.find_run(run)


entities.readers.update(predictions=predictions, importances=importances)
