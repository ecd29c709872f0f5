"""System tags: who ran what, from which commit; and the made-up names of runs.

Reads the process, the environment and the files of `.git`; runs no program and touches no store.
What does not change during a process is found out once, at its first run.
"""

from __future__ import annotations

import json
import os
import sys
from functools import lru_cache
from pathlib import Path

from tracking.errors import InvalidValue
from tracking.records.names import GIT_BRANCH, GIT_COMMIT, GIT_REPO_URL, SOURCE_NAME, SOURCE_TYPE, USER
from tracking.validation import shorten

_ADJECTIVES = (  # noqa: SIM905  # a word list reads best as words
    "able amber ample apt awake bold brave breezy brisk bronze calm candid careful charming cheerful "
    "civil clear "
    "clever cobalt copper cosy crisp curious daring deft dapper eager early earnest easy fair famous "
    "fearless fine "
    "fleet fond frank fresh gentle glad golden grand green handy happy hardy hearty honest humble hushed "
    "ivory jade "
    "jolly keen kind lively lucid lucky mellow merry mighty mild misty modest neat nimble noble patient "
    "placid plucky "
    "polite proud quick quiet rapid ready robust rosy royal rustic sage serene sharp silent silver "
    "sincere sleek smart "
    "snug solid spry steady stout subtle sunny swift tidy tranquil upbeat valiant velvet vivid warm wise "
    "witty zesty"
).split()
_NOUNS = (  # noqa: SIM905
    "acorn alder ant aspen badger bass beech beetle birch bison brook cedar clover cod cove crane creek "
    "cricket crow "
    "cypress dale deer delta dove drake dune eagle eel egret elk elm ermine falcon fern finch fjord fox "
    "frog gannet "
    "glade goose grebe grove gull hare harbor hawk hazel heath hedge heron hill holly ibex ibis iris "
    "island ivy jackdaw "
    "jay juniper kelp kestrel kite lagoon lake lark laurel lemur lichen lily linden lynx magpie maple "
    "marsh marten "
    "meadow mink moss newt oak orchid oriole osprey otter owl pebble perch pine plover poppy puffin "
    "quail rail raven "
    "reed ridge river robin rook salmon seal sedge shore shrew sparrow spruce starling stoat stork "
    "swallow swan tern "
    "thistle thrush trout tulip valley vole walnut warbler weasel willow wolf wren yarrow yew"
).split()


def random_name() -> str:
    """Make up a run name: adjective-noun-number.

    Draws from the system, so that a seed set by the user neither fixes the names nor is disturbed.
    """
    draw = int.from_bytes(os.urandom(8))
    draw, number = divmod(draw, 1000)
    draw, noun = divmod(draw, len(_NOUNS))
    return f"{_ADJECTIVES[draw % len(_ADJECTIVES)]}-{_NOUNS[noun]}-{number}"


def user_name() -> str:
    """Return who runs this process, as the environment or the system knows."""
    for variable in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        if name := os.environ.get(variable):
            return name
    try:
        import pwd

        return pwd.getpwuid(os.getuid()).pw_name
    except (ImportError, KeyError, AttributeError, OSError):  # no such database, or no such user in it
        return "unknown"


def system_tags() -> dict[str, str]:
    """Return the tags that every new run gets; those of MLFLOW_RUN_CONTEXT come last and win."""
    program = sys.argv[0] if sys.argv and sys.argv[0] else "<console>"
    # A file name need not be valid text; a tag must be.
    tags = {USER: user_name(), SOURCE_NAME: program.encode(errors="replace").decode(), SOURCE_TYPE: "LOCAL"}
    tags.update(_git_tags(_main_folder()))
    if text := os.environ.get("MLFLOW_RUN_CONTEXT"):
        tags.update(_environment_tags(text))
    return tags


def _environment_tags(text: str) -> dict[str, str]:
    try:
        given = json.loads(text)
    except ValueError as problem:
        raise InvalidValue(f"MLFLOW_RUN_CONTEXT is not JSON: {shorten(text)} ({problem}).") from problem
    if not isinstance(given, dict):
        raise InvalidValue(f"MLFLOW_RUN_CONTEXT must be a JSON object of tags, not {shorten(text)}.")
    return {key: value if isinstance(value, str) else json.dumps(value) for key, value in given.items()}


@lru_cache(maxsize=1)
def _main_folder() -> str:
    main = sys.argv[0] if sys.argv else ""
    return os.path.dirname(os.path.realpath(main)) if os.path.isfile(main) else os.getcwd()


# Git ------------------------------------------------------------------------------------------------
@lru_cache(maxsize=8)
def _git_tags(folder: str) -> dict[str, str]:
    # Starting `git` costs 3 to 10 ms, more than a whole run; the three facts lie in plain files.
    try:
        return _read_git(Path(folder))
    except (OSError, UnicodeDecodeError):
        return {}


def _read_git(folder: Path) -> dict[str, str]:
    git_dir = _find_git_dir(folder)
    if git_dir is None:
        return {}
    common = git_dir
    if (pointer := git_dir / "commondir").is_file():  # a linked work tree keeps its refs with the main one
        common = git_dir / pointer.read_text().strip()
    head = (git_dir / "HEAD").read_text().strip()
    tags = {}
    if head.startswith("ref: "):
        ref = head.removeprefix("ref: ")
        commit = _resolve(ref, git_dir, common)
        tags[GIT_BRANCH] = ref.removeprefix("refs/heads/")
    else:
        commit = head
    if commit is None:  # no commit yet: a branch without one says nothing
        return {}
    tags[GIT_COMMIT] = commit
    if url := _first_remote(common / "config"):
        tags[GIT_REPO_URL] = url
    return tags


def _find_git_dir(folder: Path) -> Path | None:
    for parent in (folder, *folder.parents):
        git = parent / ".git"
        if git.is_dir():
            return git
        if git.is_file():  # work trees and submodules: "gitdir: <path>"
            return parent / git.read_text().strip().removeprefix("gitdir: ")
    return None


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


def _first_remote(config: Path) -> str | None:
    in_remote = False
    for line in config.read_text().splitlines():
        text = line.strip()
        if text.startswith("["):
            in_remote = text.startswith("[remote ")
        elif in_remote and text.partition("=")[0].strip() == "url":
            return text.partition("=")[2].strip()
    return None
