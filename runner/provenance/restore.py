"""Write out the code state that a run recorded: its commit with its uncommitted changes on top."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

from runner.errors import NotReproducible
from runner.provenance.git import SKIPPED, explain, run_git
from tracking.git import find_top


def unrecorded(patch: bytes) -> tuple[str, ...]:
    """Return the untracked files that a recorded patch names without containing them, with the reason."""
    head = patch.split(b"diff --git ", 1)[0].decode(errors="replace")
    return tuple(line.removeprefix(SKIPPED) for line in head.splitlines() if line.startswith(SKIPPED))


def restore(commit: str, patch: bytes, directory: Path, repo: Path) -> tuple[str, ...]:
    """Write the recorded code into `directory`, as a clone at `commit` with `patch` applied.

    Being a clone, it is seen by a run inside it as the same commit and the same patch.
    Returns the files that the patch could only name. Raises NotReproducible, leaving nothing behind.
    """
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise NotReproducible(f"The code cannot be written to {directory}: it is not empty. Name a new folder.")
    top = _require_commit(commit, repo)
    existed = directory.exists()
    directory.parent.mkdir(parents=True, exist_ok=True)
    try:
        run_git(top, "clone", "--quiet", "--no-checkout", "--", str(top), str(directory.absolute()))
        run_git(directory, "checkout", "--quiet", "--detach", commit)
        url = run_git(top, "config", "--get", "remote.origin.url", ok=(0, 1)).decode().strip()
        run_git(directory, "remote", *(("set-url", "origin", url) if url else ("remove", "origin")))
        if b"diff --git " in patch:
            run_git(directory, "apply", "--whitespace=nowarn", "-", stdin=patch)
    except (OSError, subprocess.SubprocessError) as error:
        _remove(directory, keep=existed)
        raise NotReproducible(
            f"The code of commit {commit[:12]} could not be written to {directory}: {explain(error)}"
        ) from error
    return unrecorded(patch)


def _require_commit(commit: str, repo: Path) -> Path:
    top = find_top(repo)
    if top is None:
        raise NotReproducible(f"{repo} is not inside a git repository. Name a clone of the run's repository.")
    if not re.fullmatch("[0-9a-f]{7,64}", commit):
        raise NotReproducible(f"'{commit}' is not a commit hash; the run records none that can be restored.")
    try:
        run_git(top, "cat-file", "-e", f"{commit}^{{commit}}")
    except (OSError, subprocess.SubprocessError) as error:
        message = f"Commit {commit[:12]} is not in the repository {top}. Try: git -C {top} fetch origin {commit}"
        raise NotReproducible(message) from error
    return top


def _remove(directory: Path, *, keep: bool) -> None:
    shutil.rmtree(directory, ignore_errors=True)
    if keep:
        directory.mkdir(exist_ok=True)
