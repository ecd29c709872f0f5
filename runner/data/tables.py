"""Tables: files -> a pandas frame -> features, target and groups by column name."""

from __future__ import annotations

import glob
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runner.data.values import TEXT, convert, in_order, plain, values, with_dates
from runner.errors import DataError
from runner.suggest import nearest, suggest

if TYPE_CHECKING:  # pandas is imported where a table is read
    import pandas as pd

_ENDINGS = {"csv": (".csv", ".tsv", ".txt", ".gz", ".zip"), "parquet": (".parquet", ".pq")}


# -- files


def find_files(config: Mapping[str, Any]) -> list[Path]:
    """List the files that `path` names: one, or all that match a pattern, sorted. Raises DataError."""
    source = str(config.get("source"))
    text = str(required(config, "path", f"data.path=FILE.{source}"))
    path = Path(text).expanduser()
    if path.is_file():
        return [path]
    if path.is_dir():
        raise DataError(f"data.path={text} is a folder. For all of its files: 'data.path=\"{text}/*.{source}\"'")
    matches = sorted(Path(match) for match in glob.glob(str(path), recursive=True))
    files = [match for match in matches if match.is_file()]
    if not files:
        raise DataError(_missing(text, path, source))
    return files


def _missing(text: str, path: Path, source: str) -> str:
    folder = path.parent
    while not folder.is_dir() and folder != folder.parent:
        folder = folder.parent
    inside = [entry.name for entry in folder.iterdir()] if folder.is_dir() else []
    what = "file matches" if glob.has_magic(text) else "file is at"
    endings = (path.suffix, *_ENDINGS.get(source, ()))
    stems = {Path(name).stem: name for name in inside if name.endswith(endings)}  # which are alike anyway
    near = [stems[stem] for stem in nearest(path.stem, stems)]
    close = f" Nearest: {', '.join(near)}." if near else ""
    if not close:
        tables = sorted(name for name in inside if name.endswith(_ENDINGS.get(source, ())))[:5]
        close = f" There is: {', '.join(tables)}." if tables else f" There is no {source} file either."
    return f"No {what} data.path={text}. Looked in {folder.resolve()}.{close}"


def read_files(paths: Sequence[Path], config: Mapping[str, Any]) -> pd.DataFrame:
    """Read files of one layout into one frame, `limit` rows in all. Raises DataError."""
    import pandas as pd

    read = _read_csv if config["source"] == "csv" else _read_parquet
    left: int | None = config.get("limit")
    frames: list[pd.DataFrame] = []
    for path in paths:
        frame = _named(read(path, config, left))
        if frames and set(frame.columns) != set(frames[0].columns):
            odd = sorted(set(frame.columns) ^ set(frames[0].columns))
            raise DataError(
                f"{path} and {paths[0]} differ in columns: {', '.join(odd[:5])}. "
                "The files of one pattern have to have the same columns."
            )
        frames.append(frame)
        if left is not None:
            left -= len(frame)
            if left <= 0:
                break
    return frames[0] if len(frames) == 1 else pd.concat(frames, ignore_index=True)


def _read_csv(path: Path, config: Mapping[str, Any], limit: int | None) -> pd.DataFrame:
    import pandas as pd

    if _is_parquet(path):
        raise DataError(f"data.path={path}: this is a parquet file. Write data=parquet")
    # text is told to the reader, because afterwards 01234 has lost its zero
    text = {name: "str" for name, dtype in _dtypes(config).items() if dtype in TEXT | {"category"}}
    options = {
        "sep": str(config.get("separator") or ",").replace("\\t", "\t"),  # as a shell hands it over
        "decimal": config.get("decimal") or ".",
        "encoding": config.get("encoding") or "utf-8",
        "dtype": text,
        "nrows": limit,
        "low_memory": False,  # types by the whole column, not by chunks
        **(config.get("options") or {}),
    }
    if len(options["sep"]) > 1 and "engine" not in options:
        options["engine"] = "python"  # the other one warns and switches
        del options["low_memory"]
    if _version_of(pd) < (3, 1) and options.get("engine", "c") == "c":
        options.setdefault("float_precision", "round_trip")  # the default reads 0.30000000000000004 as 0.3 there
    try:
        if parts := options.keys() & {"chunksize", "iterator"}:
            raise DataError(f"data.options.{min(parts)}: it reads no table, but parts of one. Leave it out.")
        frame = pd.read_csv(path, **options)
        _refuse_repeated_names(path, frame, options)
        return with_dates(frame, but=_dtypes(config))  # type: ignore[no-any-return]
    except pd.errors.EmptyDataError:
        raise DataError(f"{path} is empty: there is nothing to read.") from None
    except pd.errors.ParserError as error:
        raise DataError(
            f"{path} cannot be read as a table: {str(error).strip()}. Is the separator right? "
            f"It is {options['sep']!r} now. Another: {_other_separator(path)}"
        ) from error
    except UnicodeError as error:
        raise DataError(f"{path} is not {options['encoding']} text. Perhaps: data.encoding=latin-1") from error
    except DataError:
        raise
    except Exception as error:  # each kind of compression has errors of its own
        what = str(error).rstrip(".") or type(error).__name__
        raise DataError(f"{path} cannot be read: {what}. See data.options, data.encoding.") from error


def _refuse_repeated_names(path: Path, frame: pd.DataFrame, options: Mapping[str, Any]) -> None:
    """Raise DataError for two columns of one name, which pandas would rename to `a` and `a.1` without a word."""
    import pandas as pd

    names = {str(name) for name in frame.columns}
    renamed = [name for name in names if name.rpartition(".")[2].isdigit() and name.rpartition(".")[0] in names]
    if renamed and not {"header", "names"} & options.keys():
        first = pd.read_csv(path, **{**options, "header": None, "nrows": 1, "dtype": "str"})
        _named(first.set_axis(first.iloc[0].tolist(), axis=1))


def _version_of(package: Any) -> tuple[int, ...]:
    return tuple(map(int, package.__version__.split(".")[:2]))


def _read_parquet(path: Path, config: Mapping[str, Any], limit: int | None) -> pd.DataFrame:
    import pandas as pd

    if not _is_parquet(path):
        raise DataError(f"data.path={path}: this is no parquet file. If it is text with columns: data=csv")
    try:
        frame = pd.read_parquet(path, **(config.get("options") or {}))
    except ImportError as error:
        raise DataError(
            "Parquet files need pyarrow, which is not installed: pip install 'experiment-runner[parquet]'"
        ) from error
    except Exception as error:  # damaged metadata may raise anything
        raise DataError(f"{path} cannot be read as parquet: {type(error).__name__}: {error}") from error
    return frame if limit is None else frame.head(limit)


def _is_parquet(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4) == b"PAR1"


def _other_separator(path: Path) -> str:
    """Write the setting of the separator that the first line of a file seems to have, as a shell takes it."""
    with suppress(OSError), path.open("rb") as file:
        first = file.readline(10_000)
        marks = {mark: first.count(mark.encode()) for mark in (";", "\t", "|", ",")}
        best = max(marks, key=lambda mark: marks[mark])
        if marks[best]:
            return _separator_setting(best)
    return f"{_separator_setting(';')} or {_separator_setting(chr(9))}"


def _separator_setting(mark: str) -> str:
    spelled = "\\t" if mark == "\t" else mark
    return f"'data.separator=\"{spelled}\"'"


def _named(frame: pd.DataFrame) -> pd.DataFrame:
    """Give every column a distinct text name."""
    names = [str(name) for name in frame.columns]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DataError(f"Two columns are named {twice[0]!r}. Column names have to differ: rename one.")
    return frame.set_axis(names, axis=1)


# -- columns


def divide(frame: pd.DataFrame, config: Mapping[str, Any], *, name: str, origin: str) -> Columns:
    """Divide a frame into features, target and groups, by the names in `config`. Raises DataError."""
    frame = _named(frame)
    if len(frame) == 0:
        raise DataError(f"{origin} has the columns {_listed(frame.columns)}, but no rows.")
    if config.get("limit") is not None:
        frame = frame.head(int(config["limit"]))
    required(config, "target", f"data.target=COLUMN. Its columns: {_listed(frame.columns)}")
    target, groups, time = (_one(config, key, frame, origin) for key in ("target", "groups", "time"))
    assert target is not None
    features = _features(config, frame, origin, apart={target, groups, time})
    for column in _dtypes(config):
        _known(column, "data.dtypes", frame, origin)
    frame = convert(frame, _dtypes(config))
    if time is not None:
        frame = in_order(frame, time)
    return Columns(
        name=name,
        X=plain(frame[features]),
        y=values(frame[target]),
        groups=None if groups is None else values(frame[groups]),
        feature_names=tuple(features),
        target_name=target,
    )


def _one(config: Mapping[str, Any], key: str, frame: pd.DataFrame, origin: str) -> str | None:
    column = config.get(key)
    if column is None:
        return None
    if not isinstance(column, str | int | float):
        raise DataError(f"data.{key}={column} should name one column of {origin}.")
    return _known(str(column), f"data.{key}", frame, origin)


def _known(column: str, asked: str, frame: pd.DataFrame, origin: str) -> str:
    if column in frame.columns:
        return column
    hint = suggest(column, frame.columns) or f" Its columns: {_listed(frame.columns)}."
    if len(frame.columns) == 1:
        marks = [mark for mark in (";", "\t", "|") if mark in str(frame.columns[0])]
        setting = _separator_setting(marks[0] if marks else ";")
        hint += f" All of it is one column, so the separator is probably another: {setting}"
    raise DataError(f"{asked}={column}: {origin} has no column {column!r}.{hint}")


def _features(config: Mapping[str, Any], frame: pd.DataFrame, origin: str, *, apart: set[str | None]) -> list[str]:
    chosen, dropped = config.get("features"), _names(config.get("drop"))
    for column in dropped:
        _known(column, "data.drop", frame, origin)
    if chosen is not None:
        features = [_known(column, "data.features", frame, origin) for column in _names(chosen)]
        if config.get("target") in features:
            raise DataError(f"data.features names the target {config['target']!r}: it would predict itself.")
    else:
        features = [column for column in frame.columns if column not in apart]
    features = [column for column in dict.fromkeys(features) if column not in dropped]
    if not features:
        raise DataError(f"{origin} has no column left to predict from. Its columns: {_listed(frame.columns)}.")
    return features


def _names(value: Any) -> list[str]:
    if value is None:
        return []
    return [str(item) for item in value] if isinstance(value, list | tuple) else [str(value)]


def _listed(names: Iterable[Any], limit: int = 12) -> str:
    names = [str(name) for name in names]
    more = f", ... ({len(names)} in all)" if len(names) > limit else ""
    return ", ".join(names[:limit]) + more


def _dtypes(config: Mapping[str, Any]) -> dict[str, str]:
    return {str(column): str(dtype) for column, dtype in (config.get("dtypes") or {}).items()}


@dataclass(frozen=True, eq=False)
class Columns:
    """Features, target and groups as they were read; not yet checked."""

    name: str
    X: Any
    y: Any
    groups: Any | None
    feature_names: tuple[str, ...]
    target_name: str
    task: str | None = None  # None: to be told from the target
    raw: Any | None = None  # what X was computed from, where the last bits of X depend on who computes


def required(config: Mapping[str, Any], key: str, example: str) -> Any:
    """Return `config[key]`, or say how to set it."""
    value = config.get(key)
    if value in (None, "", "???"):
        raise DataError(f"data.{key} is not set, and data={config.get('source')} needs it: add {example}")
    return value
