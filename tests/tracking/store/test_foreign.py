"""A store that a stranger made, or that is damaged: nothing outside of a run's own folder is read or removed."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tracking.cli.app import main
from tracking.entities import LifecycleStage
from tracking.errors import ArtifactError, StoreCorrupt
from tracking.store.contents import read_bytes, read_text
from tracking.store.copying import copy_out
from tracking.store.process import current_process
from tracking.store.sqlite import Store
from tracking.stores import open_store

RUN = "a" * 32
OTHER = "b" * 32


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    uri = f"sqlite:///{tmp_path}/runs/tracking.db"
    monkeypatch.setenv("TRACKING_URI", uri)
    opened = open_store(uri)
    opened.create_run("0", run_id=RUN, run_name="bad", user_id="u", start_time=1, process=current_process(), tags={})
    opened.update_run(RUN, status="FAILED", end_time=2)
    return opened


@pytest.fixture
def victim(tmp_path: Path) -> Path:
    """A person's folder beside the store's, with a folder in it."""
    folder = tmp_path / "victim"
    (folder / "docs").mkdir(parents=True)
    (folder / "docs" / "secret.txt").write_text("secret")
    return folder


def change(tmp_path: Path, sql: str, *values: object) -> None:
    with closing(sqlite3.connect(tmp_path / "runs" / "tracking.db")) as connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        connection.execute(sql, values)
        connection.commit()


STRANGE = {
    "an id that climbs": lambda folder: change(folder, "UPDATE runs SET run_id = '../../../victim/docs'"),
    "an id that is absolute": lambda folder: change(folder, "UPDATE runs SET run_id = ?", f"{folder}/victim/docs"),
    "an id that is empty": lambda folder: change(folder, "UPDATE runs SET run_id = ''"),
    "a location elsewhere": lambda folder: [
        change(folder, "UPDATE experiments SET location = ?", f"{folder}/victim"),
        change(folder, "UPDATE runs SET run_id = 'docs'"),
    ],
    "a location that climbs": lambda folder: [
        change(folder, "UPDATE experiments SET location = '../victim'"),
        change(folder, "UPDATE runs SET run_id = 'docs'"),
    ],
    "a linked experiment": lambda folder: [
        (folder / "runs" / "artifacts").mkdir(),
        (folder / "runs" / "artifacts" / "0").symlink_to(folder / "victim"),
        change(folder, "UPDATE runs SET run_id = 'docs'"),
    ],
    "linked artifacts": lambda folder: [
        (folder / "victim").rename(folder / "0"),
        (folder / "victim").symlink_to(folder / "0"),
        (folder / "runs" / "artifacts").symlink_to(folder),
        change(folder, "UPDATE runs SET run_id = 'docs'"),
    ],
    "a linked run": lambda folder: [
        (folder / "runs" / "artifacts" / "0").mkdir(parents=True),
        (folder / "runs" / "artifacts" / "0" / RUN).symlink_to(folder / "victim" / "docs"),
    ],
}


@pytest.mark.parametrize("strange", STRANGE)
def test_files_outside_of_a_runs_own_folder_are_neither_read_nor_removed(
    store: Store, victim: Path, tmp_path: Path, strange: str, capsys: pytest.CaptureFixture[str]
) -> None:
    make: Callable[[Path], object] = STRANGE[strange]
    make(tmp_path)
    (run,) = store.search_runs(None)
    with pytest.raises(StoreCorrupt, match="no folder of its own"):
        store.artifact_dir(run.info.run_id)
    for command in (["artifacts", "bad", "secret.txt"], ["artifacts", "bad", "--copy-to", "out"], ["show", "bad"]):
        assert main(command) == 2
        out, error = capsys.readouterr()
        assert "secret" not in out
        assert "no folder of its own" in error
    change(tmp_path, "UPDATE runs SET lifecycle = 'deleted'")
    assert main(["gc", "--yes"]) == 2
    assert main(["check", "--fix"]) == 1
    assert "no folder of its own" in capsys.readouterr().out
    assert (victim / "docs" / "secret.txt").read_text() == "secret"
    assert main(["runs", "--deleted"]) == 0  # listing reads no file


@pytest.mark.parametrize("level", ["artifacts", "artifacts/5", f"artifacts/5/{OTHER}"])
def test_check_neither_follows_nor_removes_links(store: Store, victim: Path, tmp_path: Path, level: str) -> None:
    place = tmp_path / "runs" / level
    place.parent.mkdir(parents=True, exist_ok=True)
    (victim / "7").mkdir()
    (victim / "7" / OTHER).mkdir()
    (victim / ".artifact.uploading.1").write_text("x")
    place.symlink_to(victim)
    (problem,) = store.check(fix=True)
    assert (problem.kind, problem.subject, problem.fixed) == ("link", level, False)
    assert sorted(path.name for path in victim.iterdir()) == [".artifact.uploading.1", "7", "docs"]
    assert (victim / "7" / OTHER).is_dir()


def test_what_lies_in_a_location_of_the_persons_choice_is_removed_with_its_run_and_nothing_else(
    store: Store, victim: Path
) -> None:
    experiment = store.create_experiment("elsewhere", artifact_location=str(victim))
    process = current_process()
    store.create_run(experiment, run_id=OTHER, run_name="x", user_id="u", start_time=1, process=process, tags={})
    folder = store.artifact_dir(OTHER)
    folder.mkdir()
    (folder / "link").symlink_to(victim / "docs")
    store.update_run(OTHER, lifecycle_stage=LifecycleStage.DELETED)
    store.purge_runs([OTHER])
    assert sorted(path.name for path in victim.rglob("*")) == ["docs", "secret.txt"]


@pytest.fixture
def folder(store: Store) -> Path:
    folder = store.artifact_dir(RUN)
    folder.mkdir(parents=True)
    return folder


def link(place: Path) -> None:
    place.symlink_to("/etc/hostname")


def device(place: Path) -> None:
    place.symlink_to("/dev/zero")


@pytest.mark.parametrize("make", [link, device, os.mkfifo])
def test_links_pipes_and_devices_are_not_read(
    store: Store, folder: Path, make: Callable[[Path], None], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    make(folder / "traceback.txt")
    assert main(["show", "bad"]) == 0
    assert "(not shown: " in capsys.readouterr().out
    for command in (["artifacts", "bad", "traceback.txt"], ["artifacts", "bad", "--copy-to", "out"]):
        assert main(command) == 2
        assert "traceback.txt" in capsys.readouterr().err
    with pytest.raises(ArtifactError):
        read_text(str(folder), "traceback.txt")
    with pytest.raises(ArtifactError):
        copy_out(str(folder), "traceback.txt", str(tmp_path / "out"))


def test_a_file_is_read_up_to_a_size(folder: Path) -> None:
    (folder / "large").write_bytes(b"x" * 11)
    assert read_bytes(str(folder), "large", most=11) == b"x" * 11
    with pytest.raises(ArtifactError, match="more than 10 bytes"):
        read_bytes(str(folder), "large", most=10)


def test_a_link_to_another_file_of_the_run_is_read(folder: Path) -> None:
    (folder / "real").write_text("x")
    (folder / "link").symlink_to("real")
    assert read_text(str(folder), "link") == "x"
    assert read_text(str(folder), "nothing") is None
