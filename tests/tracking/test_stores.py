"""Tracking URIs: what they name, and what is said about those that name nothing."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import pytest

import tracking
from tracking.errors import UnknownScheme
from tracking.store.process import current_process
from tracking.store.sqlite import Store
from tracking.stores import open_store


def start(store: Store, letter: str = "a") -> str:
    run = store.create_run(
        "0", run_id=letter * 32, run_name="x", user_id="u", start_time=1, process=current_process(), tags={}
    )
    return run.info.run_id


def test_three_slashes_are_relative_to_the_working_directory(tmp_path: Path) -> None:
    store = open_store("sqlite:///runs/a b.db")
    os.mkdir("below")
    os.chdir("below")
    store.create_experiment("x")
    assert (tmp_path / "runs" / "a b.db").is_file()
    assert not (tmp_path / "below" / "runs").exists()


def test_four_slashes_are_absolute(tmp_path: Path) -> None:
    open_store(f"sqlite:////{tmp_path}/x.db".replace("////", "///", 1)).create_experiment("x")
    assert (tmp_path / "x.db").is_file()


@pytest.mark.parametrize("uri", ["sqlite://", "sqlite:///:memory:"])
def test_in_memory_nothing_is_kept(uri: str, tmp_path: Path) -> None:
    store = open_store(uri)
    folder = store.artifact_dir(start(store))
    folder.mkdir(parents=True)
    store.close()
    assert not folder.exists()
    assert store.find_run_ids("") == []
    assert list(tmp_path.iterdir()) == []
    store.close()


@pytest.mark.parametrize("uri", ["http://host:5000", "postgresql://x/y", "file:///x/mlruns", "databricks://", "://"])
def test_an_unknown_scheme_names_the_known_ones(uri: str) -> None:
    with pytest.raises(UnknownScheme, match="sqlite:///relative") as caught:
        open_store(uri)
    assert repr(uri) in str(caught.value)


@pytest.mark.parametrize("path", ["mlruns", "./runs/x.db", "/tmp/x", "", Path("runs")])
def test_a_path_is_no_uri(path: str | Path) -> None:
    with pytest.raises(UnknownScheme, match=re.escape(f"sqlite:///{path}")):
        open_store(path)


def test_two_slashes_before_a_path_are_explained() -> None:
    with pytest.raises(UnknownScheme, match=r"sqlite:///runs/x\.db"):
        open_store("sqlite://runs/x.db")


def test_a_moved_store_works_with_its_artifacts_and_a_copy_is_independent(tmp_path: Path) -> None:
    first = open_store("sqlite:///one/tracking.db")
    inside = first.create_experiment("x", artifact_location=str(tmp_path / "one" / "kept here"))
    process = current_process()
    for letter, experiment in (("a", "0"), ("b", inside)):
        first.create_run(
            experiment, run_id=letter * 32, run_name=letter, user_id="u", start_time=1, process=process, tags={}
        )
        folder = first.artifact_dir(letter * 32)
        folder.mkdir(parents=True)
        (folder / "x.txt").write_text(letter)
    first.close()
    shutil.copytree("one", "copy")
    shutil.move("one", "moved")
    for place in ("copy", "moved"):
        store = open_store(f"sqlite:///{place}/tracking.db")
        for letter in "ab":
            folder = store.artifact_dir(letter * 32)
            assert folder.is_relative_to(tmp_path / place)
            assert (folder / "x.txt").read_text() == letter
            assert store.get_run(letter * 32).info.artifact_uri == folder.as_uri()
        assert store.check() == []
        start(store, "c")
        store.close()


@pytest.mark.parametrize("uri", ["file:./mlruns", "file:mlruns"])
def test_a_file_uri_of_mlflow_is_told_as_one(uri: str) -> None:
    with pytest.raises(UnknownScheme, match="scheme 'file'") as caught:
        open_store(uri)
    assert "sqlite:///file:" not in str(caught.value)
    assert re.search(r"sqlite:///(\./)?mlruns/tracking\.db", str(caught.value))


def test_a_folder_as_uri_is_answered_with_a_file_in_it(tmp_path: Path) -> None:
    (tmp_path / "runs").mkdir()
    with pytest.raises(UnknownScheme, match=r"sqlite:///runs/tracking\.db"):
        open_store("runs")


def test_a_uri_that_nobody_here_chose_is_told_with_the_variable_it_comes_from(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "postgresql://localhost/x")
    with pytest.raises(UnknownScheme, match="MLFLOW_TRACKING_URI"):
        tracking.search_runs()
    with pytest.raises(UnknownScheme) as caught:
        tracking.TrackingClient("http://elsewhere:5000")
    assert "MLFLOW_TRACKING_URI" not in str(caught.value)


def test_another_store_is_used_inside_of_a_block_only(tmp_path: Path) -> None:
    tracking.set_tracking_uri("sqlite:///mine.db")
    tracking.set_experiment("mine")
    before = tracking.get_tracking_uri(), {**os.environ}

    def fail_elsewhere() -> None:
        with tracking.use_store("sqlite:///other.db"):
            tracking.set_experiment("theirs")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_elsewhere()

    assert (tracking.get_tracking_uri(), {**os.environ}) == before
    with tracking.start_run() as run:
        pass
    assert tracking.get_experiment(run.info.experiment_id).name == "mine"
    other = tracking.TrackingClient("sqlite:///other.db")
    assert [e.name for e in other.find_experiments()] == ["theirs", "Default"]


def test_what_a_block_that_keeps_the_store_sets_is_taken_back() -> None:
    with tracking.use_store():
        tracking.set_tracking_uri("sqlite:///other.db")

    assert not tracking.is_tracking_uri_set()


def test_a_command_names_the_store_that_it_would_not_find_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    assert tracking.tracking_command("runs") == "python -m tracking runs"
    assert tracking.tracking_command("show", "a b", store="sqlite:///x.db").endswith(
        "show 'a b' --store sqlite:///x.db"
    )
    tracking.set_tracking_uri("sqlite:///set.db")
    assert tracking.tracking_command("runs").endswith("/set.db")
    tracking.reset()
    monkeypatch.setenv("TRACKING_URI", "sqlite:///said.db")
    assert tracking.tracking_command("runs", store="sqlite:///said.db") == "python -m tracking runs"
