"""System tags: who and what from, read from the process and from .git."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import tracking
from tracking import context
from tracking.errors import InvalidValue

ROOT = Path(__file__).parents[2]


def git(*arguments: str, cwd: Path) -> str:
    """Run git with a fixed identity."""
    identity = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "init.defaultBranch=main"]
    return subprocess.run(
        ["git", *identity, *arguments], cwd=cwd, check=True, capture_output=True, text=True
    ).stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "repository"
    (folder / "sub").mkdir(parents=True)
    git("init", cwd=folder)
    git("commit", "--allow-empty", "-m", "first", cwd=folder)
    git("remote", "add", "origin", "https://example.org/r.git", cwd=folder)
    return folder


def tags_of(folder: Path) -> dict[str, str]:
    """Return what is read of a folder, as a new process would read it."""
    tracking.reset()
    return {key.removeprefix("mlflow.source.git."): text for key, text in context._git_tags(str(folder)).items()}


def test_commit_branch_and_remote_are_read_from_below_the_work_tree(repository: Path) -> None:
    commit = git("rev-parse", "HEAD", cwd=repository)

    assert tags_of(repository / "sub") == {
        "commit": commit,
        "branch": "main",
        "repoURL": "https://example.org/r.git",
    }


def test_packed_refs_detached_heads_and_linked_work_trees_are_understood(repository: Path, tmp_path: Path) -> None:
    commit = git("rev-parse", "HEAD", cwd=repository)
    git("worktree", "add", str(tmp_path / "linked"), "-b", "topic/x", cwd=repository)
    git("pack-refs", "--all", cwd=repository)

    assert tags_of(repository)["commit"] == commit
    assert tags_of(tmp_path / "linked")["branch"] == "topic/x"
    assert tags_of(tmp_path / "linked")["commit"] == commit

    git("checkout", "--detach", cwd=repository)
    assert "branch" not in tags_of(repository)
    assert tags_of(repository)["commit"] == commit


def test_outside_a_repository_and_before_the_first_commit_there_are_no_tags(tmp_path: Path) -> None:
    assert tags_of(tmp_path) == {}
    git("init", cwd=tmp_path)
    assert tags_of(tmp_path) == {}


def test_a_broken_repository_does_not_keep_a_run_from_starting(tmp_path: Path) -> None:
    (tmp_path / ".git").write_text("gitdir: nowhere")

    assert tags_of(tmp_path) == {}


def test_a_script_in_a_repository_records_its_commit_from_any_folder(repository: Path, tmp_path: Path) -> None:
    (repository / "script.py").write_text("import tracking\ntracking.start_run(run_name='r')\n")

    subprocess.run(
        [sys.executable, str(repository / "script.py")],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "USER": "someone", "LOGNAME": "someone"},
        check=True,
    )

    (run,) = tracking.search_runs(output_format="list", search_all_experiments=True)
    assert run.data.tags["mlflow.source.git.commit"] == git("rev-parse", "HEAD", cwd=repository)
    assert run.data.tags["mlflow.source.name"] == str(repository / "script.py")
    assert run.data.tags["mlflow.user"] == run.info.user_id == "someone"


@pytest.mark.parametrize("text", ["not json", "[1]"])
def test_a_context_that_is_no_object_of_tags_is_refused(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_RUN_CONTEXT", text)

    with pytest.raises(InvalidValue, match="MLFLOW_RUN_CONTEXT"):
        tracking.start_run()
    assert tracking.active_run() is None


def test_made_up_names_do_not_depend_on_the_seed_and_do_not_disturb_it() -> None:
    import random

    random.seed(1)
    expected = random.random()
    random.seed(1)
    names = {context.random_name() for _ in range(50)}

    assert random.random() == expected
    assert len(names) > 40


def test_a_password_in_the_remotes_url_is_not_recorded(repository: Path) -> None:
    git("remote", "set-url", "origin", "https://user:secret@example.org/r.git", cwd=repository)

    assert tags_of(repository)["repoURL"] == "https://example.org/r.git"


def test_origin_comes_before_other_remotes(repository: Path) -> None:
    git("remote", "rename", "origin", "z", cwd=repository)
    assert tags_of(repository)["repoURL"] == "https://example.org/r.git"

    git("remote", "add", "origin", "https://example.org/mine.git", cwd=repository)

    assert tags_of(repository)["repoURL"] == "https://example.org/mine.git"
