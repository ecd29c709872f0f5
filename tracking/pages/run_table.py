"""Runs to rows: which columns a table of runs has, and which of them tell the runs apart. Pure.

A row's keys are `id`, `name`, `status`, `started`, `duration`, `experiment`, `user`, and `params.KEY`,
`metrics.KEY`, `tags.KEY`; `labels` gives them the short names that people read and type.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from tracking.compare.following import guess_followed
from tracking.entities import Run, duration
from tracking.errors import InvalidValue
from tracking.records.names import is_recorders_tag
from tracking.records.refs import nearest_names
from tracking.records.values import ABSENT
from tracking.text.tables import DottedName, NumberText, Row, ShortId, local_time, varying_columns

INFO = ("id", "name", "status", "started", "duration", "experiment", "user")

_TIMINGS = ("fit_seconds", "score_seconds")


def run_rows(runs: Iterable[Run], experiments: Mapping[str, str]) -> list[dict[str, object]]:
    """Return one flat row for each run; `experiments` gives the names by id."""
    return [run_row(run, experiments.get(run.info.experiment_id)) for run in runs]


def run_row(run: Run, experiment: str | None = None) -> dict[str, object]:
    """Return everything a run recorded as one flat row."""
    info = run.info
    row: dict[str, object] = {
        "id": ShortId(info.run_id),
        "name": info.run_name,
        "status": info.status,
        "started": local_time(info.start_time),
        "duration": duration(info),
        "experiment": experiment,
        "user": info.user_id,
    }
    row |= {f"params.{key}": _param(key, value) for key, value in run.data.params.items()}
    row |= {f"metrics.{key}": value for key, value in run.data.metrics.items()}
    row |= {f"tags.{key}": value for key, value in run.data.tags.items()}
    return row


def _param(key: str, value: str) -> str:
    return DottedName(value) if key.endswith("_target_") else NumberText(value)


def telling_columns(rows: Sequence[Row]) -> list[str]:
    """Return id, name, status, objective, started, duration, and whatever else differs between the rows.

    Left out are the recorder's own tags, timings, and scores of single folds beside their mean. What
    matters most comes first, as a narrow terminal shows only the first columns.
    """
    objectives = {f"metrics.{row['tags.objective.metric']}" for row in rows if "tags.objective.metric" in row}
    known = all_columns(rows)
    lead = ["id", "name", "status", *sorted(objectives & set(known))]
    # One run differs from nothing; what it achieved is still worth a column, its params have a page.
    differing = varying_columns(rows, known if len(rows) > 1 else [c for c in known if c.startswith("metrics.")])
    seen = set(known)
    others = [column for column in differing if column not in lead and _is_telling(column, seen)]
    params = _without_followers(rows, [column for column in others if column.startswith("params.")])
    different = {column: len({row[column] for row in rows if column in row}) > 1 for column in params}
    varied = [column for column in params if different[column]]
    merely_absent = [column for column in params if not different[column]]
    rest = [column for column in others if not column.startswith("params.")]
    return [*lead, *varied, "started", "duration", *rest, *merely_absent]


def _without_followers(rows: Sequence[Row], params: Sequence[str]) -> list[str]:
    """Leave out `model.alpha` beside an `alpha` that it always equals: a config refers to its own keys."""
    keys = {column.removeprefix("params."): column for column in params}
    followed = guess_followed({key: tuple(row.get(column, ABSENT) for row in rows) for key, column in keys.items()})
    return [column for key, column in keys.items() if key not in followed]


def _is_telling(column: str, known: set[str]) -> bool:
    kind, _, key = column.partition(".")
    match kind:
        case "params":
            return True
        case "metrics":
            return not (f"{column}_mean" in known or key.startswith(_TIMINGS))
        case "tags":
            return not is_recorders_tag(key)
    return column == "experiment"


def all_columns(rows: Iterable[Row]) -> list[str]:
    """Return every column of the rows: what the run is, then params, metrics and tags by name."""
    found = sorted({column for row in rows for column in row} - set(INFO))
    return [*INFO, *(name for kind in ("params.", "metrics.", "tags.") for name in found if name.startswith(kind))]


def labels(columns: Iterable[str]) -> dict[str, str]:
    """Return a short label for each column, without its kind, where no two columns would share it.

    A score that has a mean keeps its kind: `rmse` alone is the mean.

    >>> labels(["id", "params.alpha", "params.model._target_", "params.seed", "tags.seed"]).values()
    dict_values(['id', 'alpha', 'model', 'params.seed', 'tags.seed'])
    """
    columns = list(columns)
    short = {
        column: column if column in INFO else column.partition(".")[2].removesuffix("._target_") for column in columns
    }
    uses = Counter(short.values())
    folds = {column for column in columns if f"{column}_mean" in short and column.startswith("metrics.")}
    return {column: label if uses[label] == 1 and column not in folds else column for column, label in short.items()}


def labelled(rows: Iterable[Row], columns: Sequence[str]) -> tuple[list[dict[str, object]], list[str]]:
    """Return rows and headers under short labels, cut down to these columns."""
    names = labels(columns)
    shown = [{label: row[key] for key, label in names.items() if key in row} for row in rows]
    return shown, list(names.values())


def pick_columns(
    rows: Sequence[Row], asked: Iterable[str], known: Iterable[str]
) -> tuple[list[dict[str, object]], list[str]]:
    """Return rows and headers for columns as a person typed them, `alpha` or `params.alpha`; `rmse` is the mean.

    Raises InvalidValue, with the nearest, for a column that is not known.
    """
    known = list(known)
    typed = {label: column for column, label in labels(known).items()} | {column: column for column in known}
    for kind in ("tags", "metrics", "params"):
        bare = {column.partition(".")[2]: column for column in known if column.startswith(f"{kind}.")}
        typed = typed | {key: column for key, column in bare.items() if key not in INFO}
    headers = list(dict.fromkeys(f"{name}_mean" if f"metrics.{name}_mean" in known else name for name in asked))
    for header in headers:
        if header not in typed:
            nearest = ", ".join(nearest_names(header, list(typed)))
            raise InvalidValue(f"No column {header!r} in these runs. Nearest: {nearest}.")
    shown = [{header: row.get(typed[header]) for header in headers} for row in rows]
    return shown, headers
