"""The git side of provenance: which commit, and everything that was not committed. Only reads.

The tree looked at is that of the working directory, because that is where a user's own code lives.
Outside a repository, before the first commit, or without git on the machine there is no state, and
that is no error. A clean tree costs one short git call, a dirty one two more; outside a repository none.
"""

from __future__ import annotations

import logging
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from runner.provenance.private import looks_private, shows_secret, split_patch
from tracking.git import find_top, git_folders, read_url

FILE_LIMIT = 1024**2
TOTAL_LIMIT = 10 * 1024**2
FILES_LIMIT = 2000
TIMEOUT = 30  # seconds; a tree that takes longer is recorded without its git state
SECRET = "looks like a secret"

SKIPPED = "# not recorded: "
# The patch must not depend on what a person has set for their own reading of diffs.
_DIFF = (
    *("-c", "core.quotePath=true", "diff", "HEAD", "--binary", "--full-index", "--no-color", "--no-renames"),
    *("--no-ext-diff", "--no-textconv", "--src-prefix=a/", "--dst-prefix=b/", "--submodule=short"),
    *("--ignore-submodules=dirty", "--unified=3", "--no-relative", "--diff-algorithm=myers"),
)
_ELSEWHERE = {"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_OBJECT_DIRECTORY"}
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class GitState:
    """A commit and what was changed on top of it."""

    commit: str
    """The full hash of HEAD."""
    branch: str | None
    """None on a detached HEAD."""
    url: str | None
    """Where `origin` is, or else the first remote, without passwords or tokens."""
    patch: bytes
    """What `git apply` needs on top of the commit, untracked files included, as UTF-8; empty when clean."""
    skipped: tuple[str, ...] = ()
    """Files that the patch only names: untracked ones that are too large, and all that look like a secret."""

    @property
    def dirty(self) -> bool:
        """Whether anything was changed, added or removed since the commit."""
        return bool(self.patch)


def read_git_state(directory: Path, *, exclude: Sequence[Path] = ()) -> GitState | None:
    """Return the state of the tree around `directory`, or None where git has nothing to say.

    What `.gitignore` ignores and what lies under the paths of `exclude` is left out.
    """
    top = find_top(directory)
    if top is None:
        return None
    try:
        head = _read_status(top, exclude)
        commit, branch = head.fields.get("oid", ""), head.fields.get("head")
        if not re.fullmatch("[0-9a-f]{40,64}", commit):  # "(initial)": no commit yet
            return None
        untracked, skipped = _select(top, head.untracked)
        patch, secret = _read_patch(top, untracked) if head.changed or untracked else (b"", [])
        skipped = sorted([*skipped, *secret])
        url = read_url(top)
    except (OSError, subprocess.SubprocessError) as error:
        _log.warning("The git state of %s is not recorded: %s", top, explain(error))
        return None
    return GitState(
        commit=commit,
        branch=None if branch == "(detached)" else branch,
        url=url,
        patch=_header(commit, skipped) + patch if patch or skipped else b"",
        skipped=tuple(skipped),
    )


@dataclass(frozen=True, slots=True)
class _Status:
    fields: Mapping[str, str]
    changed: bool
    untracked: Sequence[str]


def _read_status(top: Path, exclude: Sequence[Path]) -> _Status:
    inside = [os.path.relpath(path.resolve(), top.resolve()) for path in exclude]
    specs = [f":(top,exclude,literal){path}" for path in inside if path != "." and not path.startswith("..")]
    options = ("--porcelain=v2", "--branch", "-z", "--untracked-files=all", "--no-renames")
    output = run_git(top, "status", *options, "--ignore-submodules=dirty", "--", ":/", *specs)
    entries = [os.fsdecode(entry) for entry in output.split(b"\0") if entry]
    fields = dict(entry[len("# branch.") :].split(" ", 1) for entry in entries if entry.startswith("# branch."))
    untracked = [entry[2:] for entry in entries if entry.startswith("? ")]
    return _Status(fields, any(entry[0] in "12u" for entry in entries), untracked)


def _select(top: Path, untracked: Sequence[str]) -> tuple[list[str], list[str]]:
    """Split untracked files into those that the patch takes in and those it names, with the reason."""
    taken: list[str] = []
    skipped: list[str] = []
    total = 0
    for name in sorted(untracked):
        try:
            size = (top / name).lstat().st_size
        except OSError:  # gone since git looked
            continue
        if reason := _refuse(name, size, total, len(taken)):
            skipped.append(f"{name} ({reason})")
        else:
            taken.append(name)
            total += size
    return taken, skipped


def _refuse(name: str, size: int, total: int, count: int) -> str:
    # Reasons carry limits, not sizes: a log file that grows must not make every patch a new one.
    if name.endswith("/"):
        return "a repository of its own"
    if looks_private(name):
        return SECRET
    if size > FILE_LIMIT:
        return f"over {FILE_LIMIT // 1024**2} MiB"
    if total + size > TOTAL_LIMIT or count >= FILES_LIMIT:
        return f"beyond {TOTAL_LIMIT // 1024**2} MiB or {FILES_LIMIT} files together"
    return ""


def _read_patch(top: Path, untracked: Sequence[str]) -> tuple[bytes, list[str]]:
    """Return the difference to HEAD as UTF-8, and the files that it leaves out because they look like a secret.

    Files in another encoding come as git's binary patches.
    """
    with _scratch_index(top) if untracked else nullcontext() as environment:
        if untracked:
            names = b"\0".join(os.fsencode(name) for name in untracked)
            from_stdin = ("--pathspec-from-file=-", "--pathspec-file-nul")
            run_git(top, "add", "--intent-to-add", *from_stdin, stdin=names, environment=environment)
        patch = run_git(top, *_DIFF, environment=environment)
        parts = list(split_patch(patch))
        secret = {name for name, part in parts if shows_secret(name, part, partial(_contents, top))}
        if not _is_text(patch):
            with tempfile.NamedTemporaryFile("w", prefix="git-attributes-") as attributes:
                attributes.write("* -diff\n")
                attributes.flush()
                patch = run_git(top, "-c", f"core.attributesFile={attributes.name}", *_DIFF, environment=environment)
            parts = list(split_patch(patch))
        kept = b"".join(part for name, part in parts if name not in secret)
        return kept, [f"{name} ({SECRET})" for name in secret]


def _contents(top: Path, name: str) -> list[bytes]:
    """Return what a file holds and what it held at HEAD, as far as there is such a file."""
    found = [run_git(top, "cat-file", "blob", f"HEAD:{name}", ok=(0, 128))]
    path = top / name
    if path.is_file() and not path.is_symlink():
        found.append(path.read_bytes())
    return found


def _is_text(patch: bytes) -> bool:
    try:
        patch.decode()
    except UnicodeDecodeError:
        return False
    return True


@contextmanager
def _scratch_index(top: Path) -> Iterator[dict[str, str]]:
    """Give git a copy of the index and a place for new objects, so that the user's `.git` is only read."""
    git_dir, common = git_folders(top)
    with tempfile.TemporaryDirectory(prefix="git-state-") as scratch:
        if (git_dir / "index").exists():
            # With its time: git looks into files that are as young as the index, and believes it about older ones.
            shutil.copy2(git_dir / "index", Path(scratch, "index"))
        yield {
            "GIT_INDEX_FILE": str(Path(scratch, "index")),
            "GIT_OBJECT_DIRECTORY": scratch,
            "GIT_ALTERNATE_OBJECT_DIRECTORIES": str(common / "objects"),
            "GIT_LITERAL_PATHSPECS": "1",
        }


def run_git(
    directory: Path,
    *arguments: str,
    stdin: bytes = b"",
    ok: tuple[int, ...] = (0,),
    environment: Mapping[str, str] | None = None,
) -> bytes:
    """Run one git command and return what it printed. Raises OSError or SubprocessError."""
    # Inside a git hook these name another tree than the one that was found.
    inherited = {key: value for key, value in os.environ.items() if key not in _ELSEWHERE}
    # Without optional locks a capture never gets in the way of a git command that the user is running.
    settings = {**inherited, "LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0"}
    done = subprocess.run(
        ("git", *arguments),
        cwd=directory,
        input=stdin,
        capture_output=True,
        env={**settings, **(environment or {})},
        timeout=TIMEOUT,
        check=False,
    )
    if done.returncode not in ok:
        raise subprocess.CalledProcessError(done.returncode, done.args, done.stdout, done.stderr)
    return done.stdout


def explain(error: Exception) -> str:
    """Return the first line of what git said, or what kept it from saying anything."""
    said = (getattr(error, "stderr", None) or b"").decode(errors="replace").strip()
    return said.splitlines()[0] if said else str(error)


def _header(commit: str, skipped: Sequence[str]) -> bytes:
    lines = [f"# uncommitted changes on top of commit {commit}", *(SKIPPED + name for name in skipped)]
    return "".join(f"{line}\n" for line in lines).encode(errors="backslashreplace")
