"""What a process says about itself, how it is written down, and what two such records differ in."""

from __future__ import annotations

import hashlib
import importlib.metadata
import pickle
import platform
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from runner.provenance.capture import GitState, Provenance, capture_provenance, forget
from runner.provenance.packages import list_packages


@pytest.fixture(autouse=True)
def _look_again() -> Iterator[None]:
    forget()
    yield
    forget()


@pytest.fixture
def provenance() -> Provenance:
    return Provenance(
        python="3.11.7",
        platform="Linux-6.1-x86_64",
        cpu="Fast CPU 3000",
        host="here",
        blas="openblas 0.3.30 Haswell pthreads",
        packages={"foo": "1.0", "numpy": "2.1.0", "scikit-learn": "1.8.0", "scipy": "1.15.0"},
        git=GitState(commit="a" * 40, branch="main", url="https://example.org/a.git", patch=b""),
    )


def make_repository(directory: Path) -> None:
    commands = (
        "init --quiet --initial-branch=work .",
        "config user.name A",
        "config user.email a@example.org",
        "config commit.gpgsign false",
        "commit --quiet --allow-empty -m first",
    )
    for command in commands:
        subprocess.run(("git", *command.split()), cwd=directory, check=True, capture_output=True)


# Capturing -------------------------------------------------------------------------------------------


def test_a_process_knows_its_python_machine_and_packages() -> None:
    here = capture_provenance()

    assert here.python.split()[0] == platform.python_version()
    assert here.host == platform.node()
    assert here.packages["pytest"] == importlib.metadata.version("pytest")
    assert here.packages["scikit-learn"] == importlib.metadata.version("scikit-learn")
    assert all((here.cpu, here.platform, here.blas))
    assert here.blas != "unknown"


def test_every_installed_distribution_is_listed_under_its_normal_name() -> None:
    named = {dist.metadata["Name"].lower().replace("_", "-") for dist in importlib.metadata.distributions()}

    assert set(list_packages()) >= {name.replace(".", "-") for name in named}


def test_capturing_again_gives_the_same_object_until_it_is_forgotten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_repository(tmp_path)
    monkeypatch.chdir(tmp_path)
    before = capture_provenance()
    (tmp_path / "model.py").write_text("slope = 1\n")

    assert capture_provenance() is before
    forget()
    assert b"slope = 1" in capture_provenance().patch


def test_the_tree_is_that_of_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_repository(tmp_path)
    monkeypatch.chdir(tmp_path)

    tags = capture_provenance().tags()

    assert tags["mlflow.source.git.branch"] == "work"
    assert tags["git.dirty"] == "false"
    assert "git.patch" not in tags


def test_the_store_in_the_working_directory_does_not_dirty_the_tree(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_repository(tmp_path)
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "tracking.db").write_text("rows")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "tracking.db").write_text("rows")
    monkeypatch.chdir(tmp_path)

    assert b"elsewhere" in capture_provenance().patch
    assert capture_provenance(exclude=[Path("runs"), Path("elsewhere")]).patch == b""


def test_outside_a_repository_the_tags_of_git_are_absent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    here = capture_provenance()

    assert set(here.tags(threads=2)) == {"python", "platform", "cpu", "blas", "threads"}
    assert here.patch == b""


def test_a_stub_distribution_is_seen_and_the_first_of_two_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "late" / "Some_Stub-1.0.dist-info").mkdir(parents=True)
    (tmp_path / "early" / "some_stub-2.0.post1.dist-info").mkdir(parents=True)
    (tmp_path / "late" / "old_egg-1.5-py3.11.egg-info").mkdir()
    (tmp_path / "late" / "develop.egg-info").mkdir()
    (tmp_path / "late" / "develop.egg-info" / "PKG-INFO").write_text("Name: develop\nVersion: 0.3\n\nName: x\n")
    (tmp_path / "late" / "bare.egg-info").mkdir()
    monkeypatch.syspath_prepend(str(tmp_path / "late"))
    monkeypatch.syspath_prepend(str(tmp_path / "early"))

    packages = capture_provenance().packages

    assert packages["some-stub"] == "2.0.post1"
    assert packages["old-egg"] == "1.5"
    assert packages["develop"] == "0.3"
    assert packages["bare"] == "unknown"


# Writing down ----------------------------------------------------------------------------------------


def test_the_environment_is_a_header_and_sorted_packages(provenance: Provenance) -> None:
    assert provenance.environment_text(threads=1) == (
        "# python: 3.11.7\n"
        "# platform: Linux-6.1-x86_64\n"
        "# cpu: Fast CPU 3000\n"
        "# blas: openblas 0.3.30 Haswell pthreads\n"
        "# threads: 1\n"
        "# host: here\n"
        "foo==1.0\nnumpy==2.1.0\nscikit-learn==1.8.0\nscipy==1.15.0\n"
    )


def test_a_dirty_tree_is_tagged_with_the_hash_of_its_patch(provenance: Provenance) -> None:
    assert provenance.git is not None
    dirty = replace(provenance, git=replace(provenance.git, patch=b"# a patch\n"))

    tags = dirty.tags(threads=1)

    assert tags["git.dirty"] == "true"
    assert tags["git.patch"] == hashlib.sha256(dirty.patch).hexdigest()
    assert tags["mlflow.source.git.commit"] == "a" * 40
    assert tags["mlflow.source.git.repoURL"] == "https://example.org/a.git"
    assert tags["threads"] == "1"


def test_workers_can_be_handed_it(provenance: Provenance) -> None:
    assert pickle.loads(pickle.dumps(provenance)).tags() == provenance.tags()
