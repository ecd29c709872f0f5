"""The verb that uses a model: predict."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tracking.cli.terminal import RunArgument, StoreOption, emit, note, opened
from tracking.entities import Run
from tracking.errors import ArtifactError, ArtifactNotFound, InvalidValue
from tracking.records.names import CONFIG_FILE, MODEL_FOLDER
from tracking.records.refs import resolve_run
from tracking.records.signature import TEXT, conform, read_signature
from tracking.records.trust import require_trusted
from tracking.records.yaml_text import parse_yaml_mapping
from tracking.store.contents import read_text

if TYPE_CHECKING:
    import pandas as pd


def register(app: typer.Typer) -> None:
    """Add this verb to the program."""
    app.command()(predict)


def predict(
    run: RunArgument,
    table: Annotated[str, typer.Argument(metavar="FILE", help="New rows: a .csv or .parquet file.")],
    out: Annotated[
        str | None, typer.Option("-o", "--out", metavar="FILE", help="Where to write; else stdout.", show_default=False)
    ] = None,
    store: StoreOption = None,
) -> None:
    """Predict new rows with a run's model: a CSV with one line a row, in their order.

    The file is read as the training data were (separator, decimal, encoding), and has to have their columns and
    types; further columns are left out. Classifiers that know probabilities add a column for each class.

    \b
    python -m tracking predict best:ridge new.csv -o predicted.csv
    """
    from tracking.models import load_model  # every other verb starts without it

    with opened(store) as source:
        found = resolve_run(source, run, tell=note)
        folder = source.artifact_dir(found.info.run_id)
        require_trusted(source, found)
    if not (folder / MODEL_FOLDER).exists():
        raise ArtifactNotFound(
            f"Run {found.info.run_id[:8]} ({found.info.run_name}) kept no model: it failed, or ran with refit=false."
        )
    signature = read_signature(found)
    rows = _read_table(Path(table), _data_config(folder), signature or {})
    model = load_model(folder / MODEL_FOLDER)
    signature = signature if signature is not None else dict.fromkeys(getattr(model, "feature_names_in_", ()), "")
    if signature:
        rows = conform(rows, signature, origin=table)
    given = rows if hasattr(model, "feature_names_in_") else rows.to_numpy()
    try:
        predicted = _predictions(model, given)
    except Exception as error:  # the model's own code: missing values it does not take, say
        raise InvalidValue(f"The model of run {found.info.run_id[:8]} cannot predict {table}: {error}") from error
    _write(predicted, out, found)


def _data_config(folder: Path) -> Mapping[str, Any]:
    try:
        config = parse_yaml_mapping(read_text(str(folder), CONFIG_FILE) or "{}")
    except (ValueError, ArtifactError):
        return {}
    data = config.get("data")
    return data if isinstance(data, Mapping) else {}


def _read_table(path: Path, config: Mapping[str, Any], signature: Mapping[str, str]) -> pd.DataFrame:
    """Read a file as the training data were; text is read as text, so that 01234 keeps its zero."""
    import pandas as pd

    if not path.is_file():
        raise InvalidValue(f"No file is at {path}. Give a table with the columns of the training data.")
    options = config.get("options") or {}
    try:
        if path.suffix in (".parquet", ".pq"):
            frame = pd.read_parquet(path)
        else:
            frame = pd.read_csv(
                path,
                **{
                    "sep": str(config.get("separator") or ",").replace("\\t", "\t"),
                    "decimal": config.get("decimal") or ".",
                    "encoding": config.get("encoding") or "utf-8",
                    "dtype": {name: "str" for name, dtype in signature.items() if dtype in TEXT},
                    "low_memory": False,
                    **(options if config.get("source") == "csv" else {}),
                },
            )
    except Exception as error:  # each kind of file has errors of its own
        raise InvalidValue(f"{path} cannot be read as a table: {str(error).strip()}") from error
    return frame.set_axis([str(name) for name in frame.columns], axis=1)


def _predictions(model: Any, rows: Any) -> dict[str, Any]:
    columns = _numbered("prediction", model.predict(rows))
    if hasattr(model, "predict_proba") and len(columns) == 1:
        probabilities = model.predict_proba(rows)
        labels = getattr(model, "classes_", range(probabilities.shape[1]))
        columns |= {f"probability_{label}": probabilities[:, number] for number, label in enumerate(labels)}
    return columns


def _numbered(name: str, values: Any) -> dict[str, Any]:
    if values.ndim == 1:
        return {name: values}
    return {f"{name}_{number}": values[:, number] for number in range(values.shape[1])}


def _write(columns: Mapping[str, Any], out: str | None, run: Run) -> None:
    import pandas as pd

    frame = pd.DataFrame(columns)
    if out is None:
        emit(frame.to_csv(index=False).rstrip("\n"), exact=True)
        return
    try:
        frame.to_csv(out, index=False)
    except OSError as error:
        raise InvalidValue(f"{out} cannot be written: {error.strerror or error}.") from error
    rows = f"{len(frame)} row{'' if len(frame) == 1 else 's'}"
    note(f"{rows} predicted with {run.info.run_name} ({run.info.run_id[:8]}): {out}")
