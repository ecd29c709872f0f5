"""Hydra's override grammar -> Settings and Axes. Reads text; composes nothing."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any

from hydra.core.config_loader import ConfigLoader
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import (
    ChoiceSweep,
    Glob,
    IntervalSweep,
    Override,
    QuotedString,
    RangeSweep,
    Transformer,
)

from runner.compose.explain import explained
from runner.errors import SweepError
from runner.points.axes import Axis, Setting
from runner.points.spacing import interval_points, range_points

COMMAND_LINE = "command line"

WRAPPED = "choice("  # around a value that Hydra hands on to our sweeper as it is


def read_settings(texts: Iterable[str]) -> tuple[Setting, ...]:
    """Read overrides that sweep nothing. Raises ConfigError."""
    return tuple(_setting(text) for text in texts)


def read_arguments(
    texts: Sequence[str], *, loader: ConfigLoader | None, points: int, origin: str = COMMAND_LINE
) -> tuple[Axis, ...]:
    """Read overrides as axes, in the order they were typed; one that sweeps nothing is an axis of one value.

    The last word on a key counts. `points` is how many values an `interval(a, b)` stands for.
    Raises ConfigError.
    """
    axes: dict[str, Axis] = {}
    parser = OverridesParser.create(config_loader=loader)
    for text in map(spell_out, texts):
        with explained(text):
            [override] = parser.parse_overrides([text])  # not parse_override, which forgets the loader of glob()
            key = override.get_key_element()
            settings = _values(override, points) if override.is_sweep_override() else [_plain_setting(override, text)]
        if not settings:
            raise SweepError(f"{text}: no value to sweep over. Give at least one.")
        axes.pop(key, None)
        axes[key] = Axis((key,), tuple((setting,) for setting in settings), origin)
    return tuple(axes.values())


def _values(override: Override, points: int) -> list[Setting]:
    key = override.get_key_element()
    sweep = override.value()
    if isinstance(sweep, IntervalSweep):
        assert sweep.start is not None
        assert sweep.end is not None
        ends, log = (float(sweep.start), float(sweep.end)), "log" in sweep.tags
        return _spaced(override, lambda: interval_points(*ends, points, log))
    if isinstance(sweep, RangeSweep) and sweep.start is not None and sweep.stop is not None:
        start, stop, step = sweep.start, sweep.stop, sweep.step
        # Hydra adds up binary floats: its range(0.1,1,0.1) has 0.30000000000000004, and may be one longer
        settings = _spaced(override, lambda: range_points(start, stop, step))
        if sweep.shuffle:
            random.shuffle(settings)  # as Hydra does: by the global generator, another order each time
        return settings
    assert isinstance(sweep, ChoiceSweep | Glob | list)
    # Asked once: each call of Hydra's iterators shuffles anew, so values and texts of two calls are not pairs.
    values: list[Any] = list(override.sweep_iterator(transformer=Transformer.identity))
    return [Setting(key, _plain(value), f"{key}={Transformer.str(value)}") for value in values]


def _plain_setting(override: Override, text: str) -> Setting:
    if "shuffle(" in text:  # read again, the text would be another order
        text = f"{override.get_key_element()}={override.get_value_element_as_str()}"
    return Setting(override.get_key_element(), override.value(), text)


def _spaced(override: Override, values: Callable[[], Iterable[Any]]) -> list[Setting]:
    try:
        return [Setting.of(override.get_key_element(), value) for value in values()]
    except SweepError as error:
        raise SweepError(f"{override.input_line}: {error}") from None


@lru_cache(maxsize=4096)
def _setting(text: str) -> Setting:
    with explained(text):
        override = OverridesParser.create().parse_override(text)
        if override.is_sweep_override():
            raise SweepError(f"{text}: this names several values. Add -m to run one point for each.")
        return _plain_setting(override, text)


def _plain(value: Any) -> Any:
    if isinstance(value, QuotedString):
        return value.text
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {_plain(key): _plain(item) for key, item in value.items()}
    return value


def spell_out(override: str) -> str:
    """Write `linspace(...)` and `logspace(...)`, which Hydra does not know, as a choice of their values."""
    key, _, value = override.partition("=")
    if not value.startswith(("linspace(", "logspace(")):
        return override
    from runner.points.grids import read_spacing
    from tracking.records.overrides import render_value

    return f"{key}={WRAPPED}{','.join(map(render_value, read_spacing(value, override)))})"
