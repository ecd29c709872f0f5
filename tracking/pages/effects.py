"""What each key does to a metric, as rows of a table. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from tracking.compare.effects import Effect, Trend
from tracking.compare.factors import short_key, short_value
from tracking.compare.table import format_spread
from tracking.text.formatting import NumberText, format_value
from tracking.text.plot import render_sparkline


def effect_rows(effects: Iterable[Effect], *, exact: bool = False) -> list[dict[str, object]]:
    """Return a row for each effect: for people, or `exact` with every digit and full names, for JSON and CSV."""
    return [_row(effect, exact=exact) for effect in effects]


def _row(effect: Effect, *, exact: bool) -> dict[str, object]:
    def shown(value: str | None) -> str | None:
        return value if exact or value is None else NumberText(short_value(effect.key, value))

    row: dict[str, object] = {
        "key": effect.key if exact else short_key(effect.key),
        "from": shown(effect.old),
        "to": shown(effect.new),
    }
    if exact:
        row |= {"change": effect.change.mean, "spread": effect.change.std}
    else:
        row["change"] = format_spread(effect.change)
    row["pairs"] = effect.change.count
    if effect.improved is not None:
        row["better"] = effect.improved if exact else f"{effect.improved} of {effect.change.count}"
    return row


def trend_sentence(trend: Trend, metric: str) -> str:
    """Say how a metric goes along a key: its course, where it turns, and where it is best."""

    def at(place: int) -> str:
        return format_value(NumberText(trend.values[place]))

    first, last = trend.region
    best = at(first) if first == last else f"{at(first)} to {at(last)}"
    word = {"minimize": "best", "maximize": "best"}.get(trend.direction or "", "lowest")
    return (
        f"{short_key(trend.key)}, {len(trend.values)} values from {at(0)} to {at(-1)}: {metric} {_course(trend, at)};"
        f" {word} at {best}. {render_sparkline(trend.profile)}"
    )


def _course(trend: Trend, at: Callable[[int], str]) -> str:
    if trend.rises_first is None:
        return "is level"
    verbs = ("rises", "falls") if trend.rises_first else ("falls", "rises")
    match trend.turns:
        case []:
            return f"{verbs[0]} throughout"
        case [turn]:
            return f"{verbs[0]} until {at(turn)}, then {verbs[1]}"
    return f"is not monotone: it turns {len(trend.turns)} times"


def trend_footnote() -> str:
    """Say what counts in `trend_sentence`."""
    return "All else equal. Steps below 1 % of the range count as level; best is what lies within 5 % of it."
