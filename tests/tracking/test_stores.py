"""Tracking URIs: what they name, and what is said about those that name nothing."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import pytest

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
