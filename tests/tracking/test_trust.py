"""A store that came from elsewhere executes nothing unasked; what it would execute is read without loading."""

from __future__ import annotations

import os
import pickle
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import joblib
import numpy as np
import pytest
from sklearn.linear_model import Ridge

import tracking
from runner.cli import main as run
from runner.reproducing.command import main as reproduce
from tracking.cli.app import main as track
from tracking.errors import StoreNotTrusted
from tracking.records.trust import UNREADABLE, named_code, pickle_globals
from tracking.store.trust import trust_file

MARK = "executed"


class Malicious:
    """A pickle that makes a folder when it is loaded."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (MARK,)


@pytest.fixture
def own() -> Path:
    """Record a run in a store of one's own."""
    assert run(["progress=false"]) == 0
    return Path("runs")


@pytest.fixture
def foreign(own: Path) -> Path:
    """Make the store one that another person made, with code that would make a folder."""
    folder = next(own.glob("artifacts/*/*"))
    (folder / "model" / "model.joblib").unlink(missing_ok=True)
    for file in (folder / "model").glob("*.pkl"):
        joblib.dump(Malicious(), file)
    joblib.dump(Malicious(), folder / "model" / "model.joblib")
    Path("evil.py").write_text(f"import os\nos.mkdir('{MARK}')\n")
    config = folder / "config.yaml"
    config.write_text(config.read_text().replace("sklearn.linear_model.Ridge", "evil.Estimator"))
    trust_file().unlink()
    return own


def run_of(store: Path) -> tracking.Run:
    client = tracking.TrackingClient(f"sqlite:///{store}/tracking.db")
    return client.search_runs([experiment.experiment_id for experiment in client.search_experiments()])[0]


@pytest.mark.heavy
@pytest.mark.parametrize(
    "command", [["latest"], ["latest", "alpha=0.5"], ["--check", "latest"], ["--sweep", "latest"]], ids=" ".join
)
def test_reproduce_executes_nothing_of_a_store_from_elsewhere(
    foreign: Path, command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    if "--sweep" in command:
        with closing(sqlite3.connect(foreign / "tracking.db")) as connection, connection:
            connection.execute("INSERT OR IGNORE INTO keys(name) VALUES ('sweep.id')")
            connection.execute("INSERT INTO tags SELECT 1, id, 'ab12cd34' FROM keys WHERE name = 'sweep.id'")

    assert reproduce(command) == 2

    said = "".join(capsys.readouterr())
    assert not Path(MARK).exists()
    assert "evil.Estimator" in said
    assert "posix.mkdir" in said
    assert "python -m tracking trust" in said


@pytest.mark.heavy
def test_no_way_to_load_a_model_executes_a_store_from_elsewhere(foreign: Path) -> None:
    found = run_of(foreign)
    folder = next(foreign.glob("artifacts/*/*/model"))
    Path("link").symlink_to(folder)

    for address in (found, found.info.run_id, f"runs:/{found.info.run_id}/model", folder, str(folder), Path("link")):
        with pytest.raises(StoreNotTrusted, match=r"posix\.mkdir"):
            tracking.load_model(address)
    assert not Path(MARK).exists()


@pytest.mark.heavy
def test_predict_executes_nothing_of_a_store_from_elsewhere(foreign: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("new.csv").write_text("a\n1\n")

    assert track(["predict", "latest", "new.csv"]) == 2

    assert not Path(MARK).exists()
    assert "posix.mkdir" in capsys.readouterr().err


@pytest.mark.heavy
def test_looking_executes_nothing_and_asks_nothing(foreign: Path) -> None:
    assert track(["show", "latest"]) == 0
    assert track(["check"]) == 0
    assert run(["diff=latest"]) == 0
    assert not Path(MARK).exists()


@pytest.mark.heavy
def test_a_store_that_is_trusted_is_used(own: Path, capsys: pytest.CaptureFixture[str]) -> None:
    trust_file().unlink()
    with pytest.raises(StoreNotTrusted):
        tracking.load_model(run_of(own))

    assert track(["trust", "runs"]) == 0

    assert reproduce(["latest"]) == 0
    assert isinstance(tracking.load_model(run_of(own)), Ridge)


def test_a_store_that_was_moved_is_still_ones_own(own: Path) -> None:
    shutil.move(own, "elsewhere")

    assert reproduce(["latest", "--store", "sqlite:///elsewhere/tracking.db"]) == 0


def test_the_list_of_trusted_stores_is_for_this_user_only(own: Path) -> None:
    assert trust_file().stat().st_mode & 0o077 == 0
    assert len(trust_file().read_text().split()) >= 1


def without_id(store: Path) -> None:
    with closing(sqlite3.connect(store / "tracking.db")) as connection, connection:
        connection.execute("DELETE FROM origin")


@pytest.mark.heavy
def test_a_store_without_an_id_is_trusted_for_what_this_user_recorded_on_this_machine(own: Path) -> None:
    without_id(own)

    assert tracking.load_model(run_of(own))


@pytest.mark.heavy
@pytest.mark.parametrize("column", ["user", "host"])
def test_a_store_without_an_id_is_not_trusted_for_what_others_recorded(foreign: Path, column: str) -> None:
    without_id(foreign)
    with closing(sqlite3.connect(foreign / "tracking.db")) as connection, connection:
        connection.execute(f"UPDATE runs SET {column} = 'somebody-else'")

    with pytest.raises(StoreNotTrusted):
        tracking.load_model(run_of(foreign))
    assert track(["trust", "runs/tracking.db"]) == 0
    assert tracking.load_model(run_of(foreign)) is None
    assert Path(MARK).exists()


def test_an_imported_run_is_from_elsewhere_though_the_store_is_ones_own(foreign: Path) -> None:
    found = run_of(foreign)
    shutil.move(foreign, "theirs")
    mine = tracking.TrackingClient("sqlite:///runs/tracking.db")
    mine.create_experiment("mine")
    assert track(["merge", "theirs/tracking.db"]) == 0

    with pytest.raises(StoreNotTrusted, match=r"posix\.mkdir"):
        tracking.load_model(f"runs:/{found.info.run_id}/model")
    assert not Path(MARK).exists()


@pytest.mark.heavy
def test_where_nothing_can_be_remembered_ones_own_runs_are_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))

    assert run(["progress=false"]) == 0
    assert reproduce(["latest"]) == 0


def test_a_folder_without_a_store_cannot_be_trusted(capsys: pytest.CaptureFixture[str]) -> None:
    assert track(["trust", "nowhere"]) == 2
    assert "there is no store" in capsys.readouterr().err


@pytest.mark.parametrize("protocol", range(6))
def test_what_a_pickle_names_is_read_without_loading_it(protocol: int) -> None:
    names = list(pickle_globals(pickle.dumps({"a": [Malicious(), Ridge()]}, protocol)))

    assert {"posix.mkdir", "sklearn.linear_model._ridge.Ridge"} <= set(names)
    assert not Path(MARK).exists()


def test_what_comes_behind_arrays_in_a_file_of_joblib_is_read_too() -> None:
    arrays = [
        *(np.arange(1000.0), np.arange(1000.0).reshape(10, 100).T, np.array(["a", "bc"]), np.zeros((3, 0), "int8")),
        *(np.array([Ridge(), None], dtype=object), np.float64(3), np.array(5.0)),
    ]
    joblib.dump([arrays, Malicious()], "x.joblib")

    names = list(pickle_globals(Path("x.joblib").read_bytes()))

    assert {"posix.mkdir", "sklearn.linear_model._ridge.Ridge"} <= set(names)
    assert UNREADABLE not in names


@pytest.mark.parametrize("data", [b"", b"\x80\x04", b"no pickle at all", b"\x82\x01.", b"(" * 100_000])
def test_what_cannot_be_read_is_said_to_be_so(data: bytes) -> None:
    assert list(pickle_globals(data)) == [UNREADABLE]


def test_the_code_that_a_config_names_is_listed() -> None:
    config = {
        "model": {"_target_": "a.B", "estimators": [["x", {"_target_": "c.d.E"}]]},
        "data": {"function": "f.g", "path": "x.csv"},
        "cv": {"_target_": "hydra.utils.get_method", "path": "j.k"},
        "scoring": {"metrics": {"own": "h.i", "r2": "r2"}},
    }

    assert list(named_code(config)) == ["a.B", "c.d.E", "f.g", "hydra.utils.get_method", "j.k", "h.i"]
