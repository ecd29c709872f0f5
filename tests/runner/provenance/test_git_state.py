"""Real repositories in tmp_path: what is recorded of a tree, and that it can be written out again."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from runner.errors import NotReproducible
from runner.provenance.git import FILE_LIMIT, GitState, read_git_state
from runner.provenance.restore import restore, unrecorded


def git(directory: Path, *arguments: str) -> str:
    done = subprocess.run(("git", *arguments), cwd=directory, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def make_repository(directory: Path) -> Path:
    directory.mkdir(parents=True)
    git(directory, "init", "--quiet", "--initial-branch=work", ".")
    git(directory, "config", "user.name", "A Person")
    git(directory, "config", "user.email", "person@example.org")
    git(directory, "config", "commit.gpgsign", "false")
    (directory / "model.py").write_text("slope = 1\n")
    (directory / "weights.bin").write_bytes(bytes(range(256)))
    (directory / ".gitignore").write_text("*.log\n")
    git(directory, "add", ".")
    git(directory, "commit", "--quiet", "-m", "first")
    return directory


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    return make_repository(tmp_path / "repo")


def read(directory: Path, **options: list[Path]) -> GitState:
    state = read_git_state(directory, **options)
    assert state is not None
    return state


def files(directory: Path) -> dict[str, bytes]:
    found = (path for path in directory.rglob("*") if path.is_file() and ".git" not in path.parts)
    return {str(path.relative_to(directory)): path.read_bytes() for path in found}


def test_a_clean_tree_is_its_commit_and_branch(repo: Path) -> None:
    state = read(repo)

    assert state == GitState(commit=git(repo, "rev-parse", "HEAD"), branch="work", url=None, patch=b"")
    assert not state.dirty


def test_the_tree_is_found_from_a_folder_inside_it(repo: Path) -> None:
    (repo / "deep" / "er").mkdir(parents=True)
    (repo / "new.py").write_text("x = 1\n")

    assert read(repo / "deep" / "er") == read(repo)
    assert b"b/new.py" in read(repo / "deep" / "er").patch


def test_outside_a_repository_there_is_no_state(tmp_path: Path) -> None:
    assert read_git_state(tmp_path) is None


def test_before_the_first_commit_there_is_no_state(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet", ".")
    (tmp_path / "model.py").write_text("slope = 1\n")

    assert read_git_state(tmp_path) is None


def test_without_git_on_the_machine_there_is_no_state_but_a_warning(
    repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))

    assert read_git_state(repo) is None
    assert "is not recorded" in caplog.text
    assert "git" in caplog.text


def test_a_broken_repository_is_a_warning_and_not_an_error(repo: Path, caplog: pytest.LogCaptureFixture) -> None:
    (repo / ".git" / "HEAD").write_text("nonsense")

    assert read_git_state(repo) is None
    assert "is not recorded" in caplog.text


def test_a_detached_head_has_no_branch(repo: Path) -> None:
    git(repo, "checkout", "--quiet", "--detach")

    assert read(repo).branch is None


def test_a_branch_with_an_upstream_is_read_like_any_other(repo: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "--quiet", str(repo), "clone")

    state = read(tmp_path / "clone")

    assert (state.branch, state.url, state.dirty) == ("work", str(repo), False)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://someone:secret@example.org/a/b.git", "https://example.org/a/b.git"),
        ("https://token@example.org/a/b.git", "https://example.org/a/b.git"),
        ("ssh://git:secret@example.org:22/a/b.git", "ssh://git@example.org:22/a/b.git"),
        ("git@example.org:a/b.git", "git@example.org:a/b.git"),
        ("https://example.org/a/b.git", "https://example.org/a/b.git"),
    ],
)
def test_the_origin_is_recorded_without_secrets(repo: Path, url: str, shown: str) -> None:
    git(repo, "remote", "add", "origin", url)

    assert read(repo).url == shown


def test_ignored_files_and_the_store_are_no_change(repo: Path) -> None:
    (repo / "run.log").write_text("noise")
    (repo / "runs").mkdir()
    (repo / "runs" / "tracking.db").write_text("rows")

    assert read(repo, exclude=[repo / "runs"]).patch == b""
    assert read(repo).dirty


def test_an_excluded_folder_may_be_elsewhere_or_the_tree_itself(repo: Path, tmp_path: Path) -> None:
    (repo / "new.py").write_text("x = 1\n")

    assert read(repo, exclude=[tmp_path / "store", repo]).dirty


def test_a_store_beside_the_code_in_a_subfolder_is_left_out(repo: Path) -> None:
    (repo / "study" / "runs").mkdir(parents=True)
    (repo / "study" / "runs" / "tracking.db").write_text("rows")

    assert not read(repo / "study", exclude=[repo / "study" / "runs"]).dirty


def test_large_and_secret_files_are_named_with_the_reason_and_not_taken(repo: Path) -> None:
    (repo / "big.csv").write_bytes(b"x" * (FILE_LIMIT + 1))
    (repo / ".env").write_text("PASSWORD=hunter2\n")
    (repo / "small.csv").write_text("1,2\n")

    state = read(repo)

    assert state.skipped == (".env (looks like a secret)", "big.csv (over 1 MiB)")
    assert unrecorded(state.patch) == state.skipped
    assert b"small.csv" in state.patch
    assert b"hunter2" not in state.patch


def test_many_files_stop_being_taken_at_the_common_limit(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runner.provenance.git.TOTAL_LIMIT", 100)
    for name in ("a.txt", "b.txt", "c.txt"):
        (repo / name).write_text("x" * 40)

    state = read(repo)

    assert len(state.skipped) == 1
    assert state.skipped[0].startswith("c.txt (beyond")


def test_a_tree_with_nothing_but_a_large_file_is_dirty_and_restores(repo: Path, tmp_path: Path) -> None:
    (repo / "big.csv").write_bytes(b"x" * (FILE_LIMIT + 1))
    state = read(repo)

    missing = restore(state.commit, state.patch, tmp_path / "out", repo)

    assert state.dirty
    assert missing == ("big.csv (over 1 MiB)",)


def test_reading_leaves_the_repository_as_it_was(repo: Path) -> None:
    (repo / "new.py").write_text("x = 1\n")
    (repo / "model.py").write_text("slope = 2\n")
    folder = repo / ".git"
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}

    read(repo)

    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def test_a_persons_diff_settings_do_not_change_the_patch(repo: Path) -> None:
    (repo / "model.py").write_text("slope = 2\n")
    before = read(repo).patch

    for key, value in (("diff.noprefix", "true"), ("color.ui", "always"), ("diff.context", "0")):
        git(repo, "config", key, value)
    git(repo, "config", "diff.external", "false")

    assert read(repo).patch == before


def test_the_environment_of_a_git_hook_does_not_lead_to_another_tree(
    repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = make_repository(tmp_path / "other")
    git(other, "commit", "--quiet", "--allow-empty", "-m", "second")
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))

    state = read(repo)
    monkeypatch.delenv("GIT_DIR")

    assert state.commit == git(repo, "rev-parse", "HEAD")


def make_everything_dirty(repo: Path) -> None:
    (repo / "model.py").write_text("slope = 2  # \N{MIDDLE DOT}")  # and no newline at the end
    (repo / "weights.bin").write_bytes(bytes(reversed(range(256))))
    (repo / ".gitignore").unlink()
    (repo / "staged.py").write_text("x = 1\n")
    git(repo, "add", "staged.py")
    (repo / "pack age").mkdir()
    (repo / "pack age" / "new \N{LATIN SMALL LETTER E WITH ACUTE} *.py").write_bytes(b"\xe9 = 1\r\n")
    (repo / "pack age" / "new.bin").write_bytes(bytes(range(256)) * 3)
    (repo / "empty.py").touch()
    (repo / "run.sh").write_text("true\n")
    (repo / "run.sh").chmod(0o755)
    (repo / "link").symlink_to("model.py")


def test_a_dirty_tree_is_written_out_exactly(repo: Path, tmp_path: Path) -> None:
    make_everything_dirty(repo)
    state = read(repo)

    missing = restore(state.commit, state.patch, tmp_path / "out", repo)

    out = tmp_path / "out"
    assert missing == ()
    assert state.patch.decode()  # UTF-8 whatever the files are, so that it can be logged as a text
    assert files(out) == files(repo)
    assert os.access(out / "run.sh", os.X_OK)
    assert (out / "link").is_symlink()
    assert read(out).patch == state.patch
    assert read(out).commit == state.commit


def test_a_file_changed_within_the_moment_of_the_commit_is_in_the_patch(repo: Path) -> None:
    """Git compares sizes and times, and contents only where a file is as young as its index."""
    git(repo, "config", "core.trustctime", "false")
    weights, moment = repo / "weights.bin", (1_000_000_000, 1_000_000_000)
    os.utime(weights, moment)
    git(repo, "add", "weights.bin")
    weights.write_bytes(bytes(reversed(range(256))))
    for path in (weights, repo / ".git" / "index"):
        os.utime(path, moment)
    (repo / "new.py").write_text("x = 1\n")  # an untracked file has git look through a copy of the index

    assert b"weights.bin" in read(repo).patch


def test_text_changes_can_be_read_in_the_patch(repo: Path) -> None:
    (repo / "model.py").write_text("slope = 2  # \N{MIDDLE DOT}\n")

    assert "-slope = 1\n+slope = 2  # \N{MIDDLE DOT}\n" in read(repo).patch.decode()


def test_a_linked_worktree_is_read_and_written_out_like_any_other(repo: Path, tmp_path: Path) -> None:
    git(repo, "worktree", "add", "--quiet", "-b", "side", str(tmp_path / "side"))
    make_everything_dirty(tmp_path / "side")
    state = read(tmp_path / "side")

    restore(state.commit, state.patch, tmp_path / "out", tmp_path / "side")

    assert state.branch == "side"
    assert files(tmp_path / "out") == {k: v for k, v in files(tmp_path / "side").items() if k != ".git"}


def test_an_earlier_commit_that_no_branch_holds_any_more_is_written_out(repo: Path, tmp_path: Path) -> None:
    (repo / "model.py").write_text("slope = 2\n")
    git(repo, "commit", "--quiet", "-am", "second")
    state = read(repo)
    git(repo, "commit", "--quiet", "--amend", "-m", "second, better")

    restore(state.commit, state.patch, tmp_path / "deep" / "out", repo)

    assert (tmp_path / "deep" / "out" / "model.py").read_text() == "slope = 2\n"
    assert read(tmp_path / "deep" / "out").commit == state.commit


def test_a_folder_inside_the_repository_can_be_the_target(repo: Path) -> None:
    (repo / "model.py").write_text("slope = 3\n")
    state = read(repo)

    restore(state.commit, state.patch, repo / "restored", repo)

    assert (repo / "restored" / "model.py").read_text() == "slope = 3\n"


def test_writing_into_a_folder_with_content_is_refused(repo: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("keep")

    with pytest.raises(NotReproducible, match="is not empty"):
        restore(read(repo).commit, b"", tmp_path / "out", repo)
    assert (tmp_path / "out" / "mine.txt").read_text() == "keep"


def test_a_commit_of_another_repository_is_named_with_the_way_to_get_it(repo: Path, tmp_path: Path) -> None:
    with pytest.raises(NotReproducible, match=r"Commit aaaaaaaaaaaa is not in .* fetch origin a+$"):
        restore("a" * 40, b"", tmp_path / "out", repo)
    assert not (tmp_path / "out").exists()


def test_a_commit_that_is_no_hash_is_refused(repo: Path, tmp_path: Path) -> None:
    with pytest.raises(NotReproducible, match="'--all' is not a commit hash"):
        restore("--all", b"", tmp_path / "out", repo)


def test_restoring_outside_a_repository_says_so(tmp_path: Path) -> None:
    with pytest.raises(NotReproducible, match="not inside a git repository"):
        restore("a" * 40, b"", tmp_path / "out", tmp_path)


@pytest.mark.parametrize("existed", [True, False])
def test_a_patch_that_does_not_apply_leaves_nothing_behind(repo: Path, tmp_path: Path, existed: bool) -> None:
    (repo / "model.py").write_text("slope = 2\n")
    patch = read(repo).patch.replace(b"-slope = 1", b"-slope = 9")
    if existed:
        (tmp_path / "out").mkdir()

    with pytest.raises(NotReproducible, match="could not be written"):
        restore(git(repo, "rev-parse", "HEAD"), patch, tmp_path / "out", repo)

    assert (tmp_path / "out").exists() == existed
    assert files(tmp_path / "out") == {}
