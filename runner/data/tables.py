"""Files -> a pandas frame. What its columns are is told by `columns`."""

from __future__ import annotations

import glob
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runner.data.columns import dtypes_of, required, separator_setting, with_text_names
from runner.data.values import TEXT, with_dates
from runner.errors import DataError
from runner.suggest import nearest

if TYPE_CHECKING:  # pandas is imported where a table is read
    import pandas as pd

_ENDINGS = {"csv": (".csv", ".tsv", ".txt", ".gz", ".zip"), "parquet": (".parquet", ".pq")}


def find_files(config: Mapping[str, Any]) -> list[Path]:
    """List the files that `path` names: one, or all that match a pattern, sorted. Raises DataError."""
    source = str(config.get("source"))
    text = str(required(config, "path", f"data.path=FILE.{source}"))
    try:
        path = Path(text).expanduser()
        if path.is_file():
            return [path]
    except (OSError, RuntimeError) as error:  # a name that no file system takes, the home of nobody
        raise DataError(f"data.path={text}: {getattr(error, 'strerror', error)}.") from None
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
        frame = with_text_names(read(path, config, left))
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
    text = {name: "str" for name, dtype in dtypes_of(config).items() if dtype in TEXT | {"category"}}
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
        return with_dates(frame, but=dtypes_of(config))  # type: ignore[no-any-return]
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
        with_text_names(first.set_axis(first.iloc[0].tolist(), axis=1))


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
            return separator_setting(best)
    return f"{separator_setting(';')} or {separator_setting(chr(9))}"
