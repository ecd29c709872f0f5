"""Stores from elsewhere, damaged at random or on purpose: looking at them answers, and touches nothing beside them."""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
from contextlib import closing, suppress
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

from nonsense import ODD, answer, damaged, damaged_bytes

import tracking
from runner.cli import main as run
from runner.reproducing.command import main as reproduce
from tracking.cli.app import main as track
from tracking.store.trust import trust_file

LOOKS = """
runs
runs --format json
runs --format csv
runs --all-columns
runs --deleted
runs --filter metrics.rmse>0
runs --order-by metrics.rmse
show latest
show latest~1
show best
metrics latest
diff latest latest~1
diff latest~1 latest~2
compare
effects
sweeps
sweeps latest
experiments
artifacts latest
artifacts latest config.yaml
artifacts latest --copy-to out
report --out r.html
report --experiment ridge --out r.html
plot latest alpha rmse
predict latest x.csv
check
check --fix
delete latest --yes
gc --yes
merge runs/tracking.db --store sqlite:///other/tracking.db
""".strip().splitlines()
BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{b}: &{b} [{','.join(['*' + a] * 9)}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)
)
YAMLS = [
    BOMB,
    "a: &a {b: *a}",
    "!!python/object/apply:os.mkdir [x]",
    "- 1",
    "[" * 500,
    "",
    "\x00",
    "model: 3",
    "{model: {_target_: 5}}",
]
PLACES = [
    "../../../../victim",
    "/etc",
    "../victim",
    "",
    ".",
    "..",
    "a" * 32,
    "a/b",
    "\x1b[31m",
    "victim",
    None,
    5,
    b"\xff",
    -1,
]


@cache
def _template() -> Path:
    folder = Path(mkdtemp(prefix="fuzz-store-"))
    before = os.getcwd()
    os.chdir(folder)
    try:
        answer(run, ["-m", "model=ridge,knn", "alpha=0.1,1", "n_jobs=1", "progress=false"])
        with suppress(ValueError), tracking.start_run(run_name="failed"):
            tracking.log_text("Traceback (most recent call last):\n  it was so", "traceback.txt")
            raise ValueError
        with tracking.start_run(run_name="plain"):
            tracking.log_metric("rmse", 1.0)
            tracking.log_text("a", "folder/a.txt")
    finally:
        os.chdir(before)
        tracking.reset()
    trust_file().unlink(missing_ok=True)
    return folder


def _change_database(source: random.Random, file: Path) -> None:
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'")
        tables = [name for (name,) in names]
        for _ in range(source.randint(1, 3)):
            table = source.choice(tables)
            columns = [row[1] for row in connection.execute(f'PRAGMA table_info("{table}")')]
            value = source.choice([*PLACES, *(text for text in ODD if text != "\ud800"), 2**62, 1e400])
            try:
                match source.randrange(6):
                    case 0:
                        connection.execute(f'DELETE FROM "{table}" WHERE rowid % 2')
                    case 1:
                        connection.execute(f'DROP TABLE "{table}"')
                        tables.remove(table)
                    case _:
                        connection.execute(
                            f'UPDATE "{table}" SET "{source.choice(columns)}" = ? WHERE rowid % 2', (value,)
                        )
                connection.commit()
            except sqlite3.Error:  # a constraint forbids it
                connection.rollback()


def _change_file(source: random.Random, file: Path) -> None:
    match source.randrange(6):
        case 0:
            file.write_bytes(damaged_bytes(source, file.read_bytes(), 10))
        case 1:
            file.write_text(source.choice(YAMLS), encoding="utf-8")
        case 2:
            text = file.read_bytes().decode("utf-8", "replace")
            file.write_text(damaged(source, text, 8), encoding="utf-8", errors="replace")
        case kind:
            file.unlink()
            if kind == 3:
                os.mkfifo(file)
            elif kind == 4:
                file.symlink_to(source.choice(["/etc/passwd", "/dev/zero", "../../../../victim", str(file)]))
            else:
                file.mkdir()


def foreign_store(source: random.Random, folder: Path) -> None:
    """Look at a store with anything in it, clean it, and ask for its runs again."""
    store, victim = folder / "runs", folder / "victim"
    shutil.copytree(_template() / "runs", store)
    (victim / ("a" * 32)).mkdir(parents=True)
    (victim / "secret.txt").write_text("secret")
    if source.random() < 0.6:
        _change_database(source, store / "tracking.db")
    elif source.random() < 0.3:
        (store / "tracking.db").write_bytes(damaged_bytes(source, (store / "tracking.db").read_bytes(), 40))
    files = sorted(path for path in (store / "artifacts").rglob("*") if path.is_file())
    for file in source.sample(files, min(len(files), source.randint(0, 5))):
        if file.is_file() and not file.is_symlink():
            _change_file(source, file)
    try:
        for line in source.sample(LOOKS, 4):
            answer(track, line.split())
        answer(reproduce, ["latest"])
        answer(run, ["model=ridge", "alpha=0.1", source.choice(["diff=latest", "resume=true"]), "dry_run=true"])
        assert [path.name for path in sorted(victim.iterdir())] == ["a" * 32, "secret.txt"]
        assert (victim / "secret.txt").read_text() == "secret"
    finally:
        tracking.reset()
