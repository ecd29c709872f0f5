"""The final model as a run keeps it: an MLflow model with a signature, a few rows, and the packages it needs.

What depends on the data alone is found out once per process: in a sweep it is the same for all points.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from typing import Any, Final

import joblib

import tracking
from runner.data.dataset import Dataset
from runner.store import model_format
from runner.trial.memory import on_reset
from runner.trial.spec import Spec
from tracking.records.names import MODEL_FOLDER

_OWN: Final = frozenset({"experiment-runner"})  # what is pickled needs nothing of this program
_ROWS: Final = 3  # of the input example
_MOST_COLUMNS: Final = 1000  # a wider example would be longer than its model

_inputs: dict[str, tuple[Any, Any]] = {}  # data -> the schema of its columns, and the example
_outputs: dict[tuple[str, str, str], Any] = {}  # data, model and preparation -> the schema of predictions
on_reset(_inputs.clear)
on_reset(_outputs.clear)


def keep_final(
    run_id: str, model: Any, spec: Spec, data: Dataset, *, needs: Iterable[str], packages: Mapping[str, str]
) -> dict[str, str]:
    """Save the final model in a run; it `needs` some of the installed `packages`, names to versions.

    Returns the tags that say that it is there.
    """
    inputs, example = _of_data(data)
    written_as = model_format(spec.config.get("tracking") or {})
    frames = ("pandas",) if hasattr(data.X, "iloc") else ()
    names = {*needs, *frames, *(() if written_as == "pickle" else (written_as,))} - _OWN
    return tracking.models.keep_model(
        model,
        MODEL_FOLDER,
        run_id=run_id,
        signature=tracking.models.ModelSignature(inputs, _predicted(model, spec, data)),
        input_example=example,
        serialization_format=written_as,
        pip_requirements=[f"{name}=={packages[name]}" for name in sorted(names & packages.keys())],
    )


def find_secret(model: Any, spec: Spec) -> str | None:
    """Return what is recorded in place of a secret that the model's file would hold; None for no secret."""
    if spec.hidden is None:
        return None
    joblib.dump(model, file := io.BytesIO())
    content = file.getvalue()
    return next(
        (shown for text, shown in spec.hidden.secrets.items() if text.encode(errors="replace") in content), None
    )


def _of_data(data: Dataset) -> tuple[Any, Any]:
    if data.fingerprint not in _inputs:
        schema = tracking.models.infer_signature(data.X).inputs
        example = tracking.models.example_of(data.X[:_ROWS]) if data.n_columns <= _MOST_COLUMNS else None
        _inputs[data.fingerprint] = schema, example
    return _inputs[data.fingerprint]


def _predicted(model: Any, spec: Spec, data: Dataset) -> Any:
    """Return the schema of predictions. Their type depends on the classes and the data, not on parameters."""
    model_class, prepared_by = (str((spec.config.get(part) or {}).get("_target_")) for part in ("model", "prepare"))
    key = data.fingerprint, model_class, prepared_by
    if key not in _outputs:
        try:
            _outputs[key] = tracking.models.infer_signature(model.predict(data.X[:_ROWS])).inputs
        except Exception:  # a model that cannot predict so few rows
            _outputs[key] = None
    return _outputs[key]
