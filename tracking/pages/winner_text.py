"""The best of many runs in three lines: best, honest, as good as. Pure."""

from __future__ import annotations

from collections.abc import Callable

from tracking.compare.winner import Winner
from tracking.text.formatting import format_number, plain

_WIDTH = 12  # of the first column


def winner_lines(winner: Winner, command: Callable[[str], str]) -> list[str]:
    """Return what is said of the best of many runs; `command` gives the one that runs a run again, by its id."""
    return [_best(winner), _honest(winner), *_alike(winner, command)]


def _best(winner: Winner) -> str:
    spread = f" ± {format_number(winner.spread)}" if winner.spread is not None else ""
    folds = f", over {winner.folds} folds" if winner.folds else ""
    reasons = ", ".join(f"{count} {why}" for why, count in winner.left_out.items())
    left_out = f"; not ranked with it: {reasons}" if reasons else ""
    what = f"{plain(winner.run.info.run_name)} (the best of {winner.points}{folds}{left_out})"
    return _line("best", f"{winner.metric} {format_number(winner.score)}{spread}  {what}")


def _honest(winner: Winner) -> str:
    honest, why_not = winner.honest, winner.missing.get("honest")
    if honest is None:
        return _line("honest", f"not known: {why_not}")
    interval = ""
    if honest.low is not None and honest.high is not None:
        interval = f" [{format_number(honest.low)} to {format_number(honest.high)}]"
    method = honest.method if why_not is None else f"{honest.method}: {why_not}"
    why = f"corrected for having been chosen ({method})"
    return _line("honest", f"{winner.metric} {format_number(honest.score)}{interval}  {why}")


def _alike(winner: Winner, command: Callable[[str], str]) -> list[str]:
    if why_not := winner.missing.get("as good as"):
        return [_line("as good as", f"not known: {why_not}")]
    if winner.alike == 1:
        return [_line("as good as", "no other point is within chance of it")]
    others = winner.alike - 1
    tied = " (tied: also the second)" if winner.tied else ""
    lines = [_line("as good as", f"{others} of {winner.points - 1} others are within chance of it{tied}")]
    simplest = winner.simplest
    if simplest is not None and simplest.info.run_id != winner.run.info.run_id:
        score = format_number(simplest.data.metrics[f"{winner.metric}_mean"])
        lines.append(_line("", f"the simplest within one standard error: {plain(simplest.info.run_name)}, {score}"))
        lines.append(_line("", command(simplest.info.run_id)))
    return lines


def _line(name: str, text: str) -> str:
    return f"{name:<{_WIDTH}}{text}"
