"""What each key does to a metric, as rows of a table. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from tracking.compare.effects import Effect
from tracking.compare.factors import short_key, short_value
from tracking.compare.table import format_spread
from tracking.text.formatting import NumberText


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
