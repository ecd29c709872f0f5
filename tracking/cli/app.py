"""`python -m tracking`: the program, its verbs, and how it ends.

A user's mistake is one line on stderr and exit code 2; Ctrl-C is 130; nothing ends in a traceback
that is not a bug.
"""

from __future__ import annotations

import io
import itertools
import re
import shlex
import sys
from collections.abc import Sequence

import typer

from tracking.cli import artifacts, carry, compare, maintenance, plot, predict, remote, report, runs, sweeps, ui
from tracking.cli.terminal import note
from tracking.errors import TrackingError

_PROGRAM = "python -m tracking"

_HELP = """Find, read and look after recorded runs.

A RUN is four or more characters of its id, its name, latest, latest~N (the N-th before it),
best or best:EXPERIMENT (by the objective the runs are tagged with).

\b
python -m tracking runs
python -m tracking show latest
python -m tracking diff latest~1 latest
python -m tracking runs ridge --order-by "metrics.rmse_mean ASC" --format md

\b
The store is --store URI, else TRACKING_URI, else sqlite:///runs/tracking.db.
Every listing takes --format table|json|csv|md. Piped output is plain and never cut.
"""


def build_app() -> typer.Typer:
    """Return the program with all its verbs."""
    app = typer.Typer(
        help=_HELP,
        add_completion=False,
        no_args_is_help=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["--help", "-h"]},
    )
    for room in (runs, compare, report, plot, ui, artifacts, predict, sweeps, maintenance, remote, carry):
        room.register(app)
    app.callback()(_program)
    return app


def _program() -> None:
    """Stand for the program itself; without it Typer would run a single verb as the program."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    given = _store_after_verb(list(sys.argv[1:] if arguments is None else arguments))
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a name may hold what the terminal cannot show
    try:
        typer.main.get_command(build_app()).main(args=given, prog_name=_PROGRAM)
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else 0 if ended.code is None else 1
    except TrackingError as error:
        note(_in_store(str(error), given))
        return 2
    except KeyboardInterrupt:
        return 130
    return 0


def _in_store(message: str, arguments: Sequence[str]) -> str:
    """Let the commands that a message names open the store that was given, as the failed one did."""
    stores = [words[1] for words in itertools.pairwise(arguments) if words[0] == "--store"]
    stores += [word.partition("=")[2] for word in arguments if word.startswith("--store=")]
    if not stores or "--store" in message:
        return message
    return re.sub(
        r"(python -m tracking [a-z]+)\b", lambda found: f"{found[1]} --store {shlex.quote(stores[0])}", message
    )


def _store_after_verb(arguments: list[str]) -> list[str]:
    """Let `--store URI` also stand before the verb, where people who think of the store first put it."""
    match arguments:
        case ["--store", uri, verb, *rest]:
            return [verb, "--store", uri, *rest]
        case [option, verb, *rest] if option.startswith("--store="):
            return [verb, option, *rest]
    return arguments
