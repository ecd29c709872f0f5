"""`python -m runner.test`: score a recorded run, once, on the rows that `data.test` held out.

Exit code: 0 scored, 2 it cannot be: no held-out rows, no model, other data, no such run.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from runner.errors import RunnerError
from runner.report.console import emit, say

if TYPE_CHECKING:
    from runner.trial.held_out import HeldOutScores

_DESCRIPTION = """\
Score a recorded run on the rows that data.test held out, which no selection saw; record it in the run, as test_rmse
and so on. Do it once, for the run that was chosen: a run that is chosen by these scores has none that count."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `python -m runner.test`; return the exit code."""
    typed = list(sys.argv[1:] if arguments is None else arguments)
    asked: list[tuple[str, str | None]] = []
    try:
        _command().main(args=typed, prog_name="python -m runner.test", obj=asked)
    except SystemExit as ended:  # also after a mistake in the options, and --help
        if not asked:
            return ended.code if isinstance(ended.code, int) else 0
    from tracking import TrackingError

    try:
        _test(*asked[0])
    except (RunnerError, TrackingError) as error:
        say(f"error: {error}")
        return 2
    return 0


def _command() -> typer.core.TyperCommand:
    app = typer.Typer(add_completion=False, rich_markup_mode=None)

    @app.command(help=_DESCRIPTION)
    def _(
        context: typer.Context,
        run: Annotated[str, typer.Argument(help="best:EXPERIMENT, latest, an id's start, or a run's name")],
        store: Annotated[str | None, typer.Option(help="a tracking URI; default: the one in use")] = None,
    ) -> None:
        context.obj.append((run, store))

    command = typer.main.get_command(app)
    assert isinstance(command, typer.core.TyperCommand)
    return command


def _test(reference: str, store: str | None) -> None:
    import tracking
    from runner.trial.held_out import score_held_out
    from runner.trial.recorded import find_recorded

    with tracking.use_store(store):
        client = tracking.TrackingClient(tracking.get_tracking_uri())
        recorded = find_recorded(client, reference)
        found = score_held_out(client, recorded)
    emit([f"{recorded.name} (run {recorded.short}) on {found.shape} held-out rows", *_lines(found)])


def _lines(found: HeldOutScores) -> list[str]:
    width = max(map(len, found.scores))
    lines = [f"  test_{name:<{width}}  {value:.6g}" for name, value in found.scores.items()]
    if found.times_before:
        times = "once" if found.times_before == 1 else f"{found.times_before} times"
        lines.append(f"This run was scored on them {times} before. What was changed since then has seen them.")
    if found.others:
        names = ", ".join(found.others[:3]) + (", ..." if len(found.others) > 3 else "")
        lines.append(
            f"{len(found.others)} other run{'s' * (len(found.others) != 1)} had been scored on them: {names}."
            " If one is chosen by these scores, they are too good."
        )
    return lines
