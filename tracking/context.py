"""System tags: who ran what, from which commit; and the made-up names of runs.

Reads the process and the environment; runs no program and touches no store.
What does not change during a process is found out once, at its first run.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from tracking.errors import InvalidValue
from tracking.git import read_head
from tracking.records.names import GIT_BRANCH, GIT_COMMIT, GIT_REPO_URL, SOURCE_NAME, SOURCE_TYPE, USER
from tracking.state import state
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


def _main_folder() -> str:
    if state.main_folder is None:
        main = sys.argv[0] if sys.argv else ""
        state.main_folder = os.path.dirname(os.path.realpath(main)) if os.path.isfile(main) else os.getcwd()
    return state.main_folder


def _git_tags(folder: str) -> dict[str, str]:
    if folder not in state.git_tags:
        head = read_head(Path(folder))
        tags = {} if head is None else {GIT_BRANCH: head.branch, GIT_COMMIT: head.commit, GIT_REPO_URL: head.url}
        state.git_tags[folder] = {key: text for key, text in tags.items() if text}
    return state.git_tags[folder]
