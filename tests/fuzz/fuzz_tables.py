"""Tables: CSV and parquet files with odd content, damaged or cut, read with any setting, are data or a DataError."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import random
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
import yaml
from nonsense import ODD, damaged, damaged_bytes, require_sentence

from runner.data.dataset import load, load_held_out
from runner.errors import RunnerError

CONFIGS = Path(__file__).parents[2] / "conf" / "data"
NAMES = [
    "x",
    "y",
    "z",
    "c",
    "when",
    "id",
    "w",
    "",
    " x",
    "y.1",
    "é",
    "nan",
    "0",
    "x",
    'q"',
    "a,b",
    "Unnamed: 0",
    "\u202ename",
]
CELLS = [
    "1",
    "2.5",
    "-3",
    "",
    "NA",
    "a",
    "b",
    "2024-01-31",
    "true",
    "1e400",
    "inf",
    "9" * 30,
    "1,5",
    '"q"',
    "0",
    "7",
    "٣",
    *ODD,
]
COLUMNS: list[Any] = [
    *(
        range(30),
        [None] * 30,
        ["a", "b", None] * 10,
        [[1]] * 30,
        [{"k": 1}] * 30,
        [b"\xff"] * 30,
        [1.5, float("inf")] * 15,
    ),
    pd.date_range("2024", periods=30, tz="UTC"),
    pd.to_timedelta(range(30), unit="h"),
    pd.Categorical(["u", "v", None] * 10),
    pd.period_range("2024", periods=30),
    pd.array([True, None, False] * 10, dtype="boolean"),
    pd.array([2**63 - 1] * 30, dtype="Int64"),
]


@cache
def _defaults(kind: str) -> dict[str, Any]:
    settings = yaml.safe_load((CONFIGS / f"{kind}.yaml").read_text(encoding="utf-8"))
    return {key: value for key, value in settings.items() if key != "defaults"}


def _csv(source: random.Random) -> bytes:
    sound = source.random() < 0.5
    names = source.sample(NAMES[:7], 4) if sound else [source.choice(NAMES) for _ in range(source.randrange(7))]
    cells = CELLS[:5] if sound else CELLS
    rows = [[source.choice(cells) for _ in names] for _ in range(source.choice([0, 1, 5, 30]))]
    separator = source.choice([",", ",", ";", "\t"])
    text = source.choice(["\n", "\r\n"]).join(separator.join(row) for row in [names, *rows])
    return damaged(source, text).encode(source.choice(["utf-8", "utf-8-sig", "utf-16", "latin-1"]), "replace")


def _parquet(source: random.Random) -> bytes:
    frame = pd.DataFrame({name: source.choice(COLUMNS) for name in source.sample(NAMES, source.randint(1, 4))})
    content = io.BytesIO()
    try:
        frame.to_parquet(content)
    except Exception:  # pyarrow has no such column
        return b"PAR1"
    return content.getvalue()


def _written(source: random.Random, kind: str) -> str:
    content = _parquet(source) if kind == "parquet" else _csv(source)
    name = f"data.{kind}"
    if kind == "csv" and source.random() < 0.2:
        ending, pack = source.choice(
            [(".gz", gzip.compress), (".xz", lzma.compress), (".bz2", bz2.compress), (".zip", bytes)]
        )
        name, content = name + ending, pack(content)
    if source.random() < 0.3:
        content = damaged_bytes(source, content)
    Path(name).write_bytes(content)
    return source.choice([name] * 8 + ["*.csv", "missing.csv", ".", damaged(source, name)])


def _settings(source: random.Random) -> dict[str, Any]:
    column = lambda: source.choice(NAMES[:8])  # noqa: E731
    choices: dict[str, Callable[[], Any]] = {  # noqa: F821
        "features": lambda: [column() for _ in range(source.randrange(3))],
        "drop": lambda: [column()],
        "groups": column,
        "time": column,
        "weights": column,
        "limit": lambda: source.choice([0, 1, 10, -1, "x"]),
        "task": lambda: source.choice(["regression", "classification", "both"]),
        "missing_target": lambda: source.choice(["drop", "keep"]),
        "dtypes": lambda: {column(): source.choice(["str", "int", "datetime", "category", "complex", "x"])},
        "test": lambda: source.choice([0.2, 3, 1.5, -1, "data.csv", "other.csv", True]),
        "separator": lambda: source.choice([";", "\t", "", "ab", None]),
        "decimal": lambda: source.choice([",", "", "ab"]),
        "encoding": lambda: source.choice(["latin-1", "utf-16", "nonsense", ""]),
        "options": lambda: source.choice(
            [{"skiprows": 1}, {"chunksize": 2}, {"header": None}, {"x": 1}, {"nrows": "a"}]
        ),
    }
    return {key: choices[key]() for key in source.sample([*choices], source.choice([0, 0, 1, 2, 3]))}


def table(source: random.Random, folder: Path) -> None:
    """Read a file of any content with any setting."""
    kind = source.choice(["csv", "csv", "csv", "parquet"])
    target = source.choice(["y", "y", "y", "x", "missing", ["y", "x"], []])
    config = {**_defaults(kind), "path": _written(source, kind), "target": target, **_settings(source)}
    try:
        load(config)
        if config["test"] is not None:
            load_held_out(config)
    except RunnerError as error:
        require_sentence(error, config)
