"""Where a folder's git repository is, and its commit, branch and remote. Reads files; runs no program.

Starting git twice and importing subprocess takes 13 to 30 ms in every process that starts a run (two busy cores);
these files are read in half a millisecond. What only git can tell is asked in `runner.provenance.git`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Head:
    """What is checked out; `branch` is None on a detached HEAD, `url` where there is no remote."""

    commit: str
    branch: str | None
    url: str | None


def find_top(directory: Path) -> Path | None:
    """Return the root of the tree around `directory`, or None outside a repository."""
    directory = directory.resolve()
    return next((path for path in (directory, *directory.parents) if (path / ".git").exists()), None)


def git_folders(top: Path) -> tuple[Path, Path]:
    """Return the git folder of a tree and the one it shares; they differ in a linked worktree. Raises OSError."""
    git_dir = top / ".git"
    if git_dir.is_file():  # worktrees and submodules: "gitdir: PATH"
        git_dir = top / git_dir.read_text().strip().removeprefix("gitdir: ")
    common = git_dir / "commondir"
    return git_dir, (git_dir / common.read_text().strip() if common.is_file() else git_dir).resolve()


def read_head(directory: Path) -> Head | None:
    """Return what is checked out around `directory`; None outside a repository and before the first commit."""
    try:
        top = find_top(directory)
        return None if top is None else _read_head(*git_folders(top))
    except (OSError, UnicodeDecodeError):
        return None


def read_url(top: Path) -> str | None:
    """Return where `origin` is, or else the first remote, without password and token. Raises OSError."""
    _, common = git_folders(top)
    return _read_url(common / "config")


def _read_head(git_dir: Path, common: Path) -> Head | None:
    head = (git_dir / "HEAD").read_text().strip()
    branch = None
    commit: str | None = head
    if head.startswith("ref: "):
        ref = head.removeprefix("ref: ")
        branch = ref.removeprefix("refs/heads/")
        commit = _resolve(ref, git_dir, common)
    return None if commit is None else Head(commit, branch, _read_url(common / "config"))


def _resolve(ref: str, git_dir: Path, common: Path) -> str | None:
    for base in (git_dir, common):
        if (loose := base / ref).is_file():
            return loose.read_text().strip()
    if (packed := common / "packed-refs").is_file():
        for line in packed.read_text().splitlines():
            commit, _, name = line.partition(" ")
            if name == ref:
                return commit
    return None


def _read_url(config: Path) -> str | None:
    urls: dict[str, str] = {}
    remote = ""
    for line in config.read_text(errors="replace").splitlines():
        text = line.strip()
        if text.startswith("["):
            remote = text[len("[remote ") :].strip('"] ') if text.startswith("[remote ") else ""
        elif remote and text.partition("=")[0].strip() == "url":
            urls.setdefault(remote, text.partition("=")[2].strip().strip('"'))
    found = urls.get("origin") or next(iter(urls.values()), "")
    return without_secret(found) or None


def without_secret(url: str) -> str:
    """Leave out the password or token of a URL; the user name of ssh stays."""
    from urllib.parse import urlsplit, urlunsplit

    parts = urlsplit(url)
    if not parts.scheme or "@" not in parts.netloc:
        return url
    user, _, host = parts.netloc.rpartition("@")
    keep = f"{user.partition(':')[0]}@" if parts.scheme == "ssh" else ""
    return urlunsplit(parts._replace(netloc=keep + host))
