"""Which columns an estimator cannot take, and what to do about them."""

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from runner.errors import DataError, RunnerError

if TYPE_CHECKING:
    from runner.data.dataset import Dataset

_TRIAL_ROWS = 500  # a preparation is tried on so many rows
_TRIAL_GAPS = 20  # and for each column on so many with missing values


class _Unfit(DataError):
    """What a preparation or model says of the values it was given."""


def check_features(dataset: "Dataset", estimator: Any) -> None:
    """Raise DataError if a column holds what neither the preparation nor the model takes."""
    steps = [step for _, step in getattr(estimator, "steps", [("model", estimator)])]
    model, prepare = steps[-1], steps[:-1]
    tags = _input_tags(model)
    odd = [] if tags is None or tags.string else _not_numeric(dataset, model)
    if prepare or not odd:
        _check_infinite(dataset, estimator)
    holes = {} if tags is None or tags.allow_nan else _holes(dataset)
    if not odd and not holes:
        return
    if prepare:
        _check_prepared(dataset, _prepared(dataset, estimator[:-1], odd), estimator, bool(holes))
    elif not type(model).__module__.startswith("sklearn."):
        _try(dataset, estimator, "model")  # what others' tags leave unsaid, a trial tells
    elif odd:
        raise DataError(_explain_text(dataset, odd))
    elif holes:
        raise DataError(_explain_holes(dataset, holes, type(model).__name__))


def _input_tags(model: Any) -> Any | None:
    """Return scikit-learn's tags of what a model takes; None when it does not say."""
    from sklearn.utils import get_tags

    try:
        return get_tags(model).input_tags
    except (AttributeError, TypeError):
        return None


def _columns(dataset: "Dataset") -> list[tuple[str, Any]]:
    X = dataset.X
    if hasattr(X, "iloc"):
        return [(name, X.iloc[:, i]) for i, name in enumerate(dataset.feature_names)]
    return [(name, X[:, i]) for i, name in enumerate(dataset.feature_names)]


def _numbers(dataset: "Dataset") -> list[tuple[str, Any]]:
    """List the float columns as arrays; one quick look settles the common case that all values are finite."""
    X = dataset.X
    if hasattr(X, "tocsr"):
        return [] if np.isfinite(X.data).all() else [("X", X.data)]
    if not hasattr(X, "iloc"):
        return [] if X.dtype.kind != "f" or np.isfinite(X).all() else _columns(dataset)
    return [(name, column.to_numpy()) for name, column in _columns(dataset) if getattr(column.dtype, "kind", "") == "f"]


def _check_infinite(dataset: "Dataset", estimator: Any) -> None:
    """Raise DataError for infinite values, unless the model takes them, which no tag tells but a trial."""
    for name, values in _numbers(dataset):
        infinite = np.isinf(values)
        if not infinite.any():
            continue
        try:
            _try(dataset, estimator, "model")
        except _Unfit as error:
            leave_out = f", or leave it out: data.drop=[{name}]" if hasattr(dataset.X, "iloc") else ""
            raise DataError(
                f"Column {name!r} of {dataset.name} is infinite {in_rows(infinite)}. {_name(estimator)} takes no "
                f"infinite values: repair the data{leave_out}"
            ) from error
        return


def _holes(dataset: "Dataset") -> dict[str, int]:
    found = {name: int(np.isnan(values).sum()) for name, values in _numbers(dataset)}
    return {name: count for name, count in found.items() if count}


def _not_numeric(dataset: "Dataset", model: Any) -> list[str]:
    X = dataset.X
    if not hasattr(X, "iloc"):
        return list(dataset.feature_names) if X.dtype.kind not in "iufb" else []
    takes = {"category"} if _takes_categories(model) else set()
    return [
        name
        for name, column in _columns(dataset)
        if getattr(column.dtype, "kind", "O") not in "iufb" and str(column.dtype) not in takes
    ]


def _takes_categories(model: Any) -> bool:
    """Tell whether a model takes pandas' categories as they are."""
    libraries = {kind.__module__.partition(".")[0] for kind in type(model).__mro__}
    if "xgboost" in libraries:
        return bool(model.get_params().get("enable_categorical"))
    return bool(libraries & {"lightgbm", "catboost"}) or getattr(model, "categorical_features", None) == "from_dtype"


def _prepared(dataset: "Dataset", prepare: Any, odd: list[str]) -> Any:
    try:
        return _try(dataset, prepare, "preparation")
    except _Unfit as error:
        if not odd:
            raise
        raise DataError(_explain_text(dataset, odd, f"The preparation ({_name(prepare)})")) from error


def _explain_text(dataset: "Dataset", odd: list[str], part: str = "The model") -> str:
    listed = ", ".join(repr(name) for name in odd[:5]) + (", ..." if len(odd) > 5 else "")
    one = len(odd) == 1
    message = f"{part} takes numbers only, and {listed} {'is' if one else 'are'} not: {_example(dataset, odd[0])}. "
    message += f"{'Add' if part == 'The model' else 'Use'} prepare=tabular, or leave {'it' if one else 'them'} out"
    return message + (": data.drop=[" + ",".join(odd[:5]) + "]" if hasattr(dataset.X, "iloc") else ".")


def _example(dataset: "Dataset", name: str) -> str:
    column = dict(_columns(dataset))[name]
    present = [value for value in np.asarray(column, dtype=object).tolist() if not _absent(value)]
    texts = [value for value in present if isinstance(value, str) and not _is_number(value)]
    if present and texts and 2 * len(texts) < len(present):
        marks = ", ".join(repr(text) for text in dict.fromkeys(texts[:5]))
        return (
            f"{len(texts)} of {len(present)} values are text ({marks}; "
            f"if it means missing: 'data.options={{na_values: [{marks}]}}')"
        )
    if texts and all(_is_number(text.replace(",", ".")) for text in texts):
        return f"{name!r} holds {texts[0]!r}; if that is a number: data.decimal=','"
    kind = "text" if texts else dataset.dtypes[name]  # pandas 3 says str of it, pandas 2 object
    return f"{name!r} holds {kind}, e.g. {str((texts or present or ['nothing'])[0])!r}"


def _absent(value: Any) -> bool:
    return value is None or value != value or str(value) in ("NaT", "<NA>")  # noqa: PLR0124 - NaN


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _explain_holes(dataset: "Dataset", holes: dict[str, int], model: str) -> str:
    listed = ", ".join(f"{name!r} ({count})" for name, count in list(holes.items())[:5])
    more = f" and {len(holes) - 5} more columns" if len(holes) > 5 else ""
    return (
        f"{model} takes no missing values, and {dataset.name} has some in {listed}{more}. "
        "Add prepare=tabular, which fills them, or use a model that takes them: model=gradient_boosting"
    )


def _try(dataset: "Dataset", part: Any, role: str) -> Any:
    """Fit a preparation or model on some rows, for only it knows what it takes; return what comes out."""
    from sklearn.base import clone

    rows = _sample(dataset)
    X = dataset.X.iloc[rows] if hasattr(dataset.X, "iloc") else dataset.X[rows]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the fits themselves report theirs
            fit = clone(part).fit_transform if role == "preparation" else clone(part).fit
            return fit(X, dataset.y[rows])
    except RunnerError:  # which says it already
        raise
    except Exception as error:  # it may be anybody's
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        if not _is_about_values(error, own_may=role == "model"):
            raise DataError(
                f"The {role} ({_name(part)}) raised {type(error).__name__}: {reason}. It was tried on {len(rows)} rows"
                f" of {dataset.name} before the run."
            ) from error
        raise _Unfit(
            f"The {role} ({_name(part)}) cannot take the columns of {dataset.name}: {reason.rstrip('.')}. "
            "Add prepare=tabular"
        ) from error


def _is_about_values(error: Exception, *, own_may: bool) -> bool:
    """Tell whether an error says that values do not fit. A person's own model may say so, too.

    An exception that a person's own preparation raises is taken for a fault of that preparation.
    """
    if not isinstance(error, ValueError | TypeError):
        return False
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = trace.tb_frame.f_globals if trace is not None else {}
    library = str(where.get("__name__")).partition(".")[0]
    installed = "site-packages" in str(where.get("__file__")) or library in ("sklearn", "numpy", "pandas", "runner")
    return own_may or installed


def _name(part: Any) -> str:
    return type(part.steps[-1][1] if hasattr(part, "steps") else part).__name__


def _sample(dataset: "Dataset") -> Any:
    """Choose rows from all over, and rows with missing values."""
    rows = np.unique(np.linspace(0, dataset.n_rows - 1, _TRIAL_ROWS).astype(int))
    for _, values in _numbers(dataset):
        if len(values) == dataset.n_rows:  # of a sparse matrix there are only the values that it keeps
            rows = np.union1d(rows, np.flatnonzero(~np.isfinite(values))[:_TRIAL_GAPS])
    return rows


def _check_prepared(dataset: "Dataset", result: Any, estimator: Any, holes: bool) -> None:
    prepare, model = estimator[:-1], estimator[-1]
    if hasattr(result, "iloc"):
        rest = result.select_dtypes(exclude=["bool", *(["category"] if _takes_categories(model) else [])])
        result = rest if rest.shape[1] else np.zeros((len(result), 0))
    values = result.data if hasattr(result, "tocsr") else np.asarray(result)
    if values.dtype.kind not in "iufb":
        raise DataError(
            f"The preparation ({_name(prepare)}) leaves columns of {dataset.name} as text, "
            "and the model takes numbers only. Add prepare=tabular"
        )
    if holes and values.dtype.kind == "f" and np.isnan(values).any():
        raise DataError(
            f"Values are missing in {', '.join(map(repr, _holes(dataset)))}, the preparation "
            f"({_name(prepare)}) leaves them so, and the model takes none. Add prepare=tabular"
        )


def in_rows(marked: Any) -> str:
    """Write `in 2 of 40 rows, first in row 4`, as a person counts: from 1, without the header of a file."""
    count, first = int(marked.sum()), int(np.argmax(marked)) + 1
    if count == 1:
        return f"in 1 of {len(marked)} rows: row {first} (the first is 1, a header does not count)"
    return f"in {count} of {len(marked)} rows, first in row {first} (the first is 1, a header does not count)"
