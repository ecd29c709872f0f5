"""Hydra's override grammar -> Overrides and Axes. Reads text; composes nothing."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

from hydra.core.config_loader import ConfigLoader
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import ChoiceSweep, Glob, IntervalSweep, QuotedString, RangeSweep, Transformer
from hydra.core.override_parser.types import Override as Parsed

from runner.compose.explain import explained
from runner.errors import SweepError
from runner.points.axes import COMMAND_LINE, Axis
from runner.points.grids import read_range
from runner.points.ranges import interval_points, range_points
from tracking.records.overrides import Override, render_value

WRAPPED = "choice("  # around a value that Hydra hands on to our sweeper as it is


def read_overrides(texts: Iterable[str]) -> tuple[Override, ...]:
    """Read overrides that sweep nothing. Raises ConfigError."""
    return tuple(map(_read, texts))


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
            [parsed] = parser.parse_overrides([text])  # not parse_override, which forgets the loader of glob()
            spelled = parsed.get_key_element()
            overrides = _values(parsed, points) if parsed.is_sweep_override() else [_single(parsed, text)]
        if not overrides:
            raise SweepError(f"{text}: no value to sweep over. Give at least one.")
        axes.pop(spelled, None)
        axes[spelled] = Axis((spelled,), tuple((override,) for override in overrides), origin)
    return tuple(axes.values())


def _values(parsed: Parsed, points: int) -> list[Override]:
    spelled = parsed.get_key_element()
    sweep = parsed.value()
    if isinstance(sweep, IntervalSweep):
        assert sweep.start is not None
        assert sweep.end is not None
        ends, log = (float(sweep.start), float(sweep.end)), "log" in sweep.tags
        return _spaced(parsed, lambda: interval_points(*ends, points, log))
    if isinstance(sweep, RangeSweep) and sweep.start is not None and sweep.stop is not None:
        start, stop, step = sweep.start, sweep.stop, sweep.step
        # Hydra adds up binary floats: its range(0.1,1,0.1) has 0.30000000000000004, and may be one longer
        overrides = _spaced(parsed, lambda: range_points(start, stop, step))
        if sweep.shuffle:
            random.shuffle(overrides)  # as Hydra does: by the global generator, another order each time
        return overrides
    assert isinstance(sweep, ChoiceSweep | Glob | list)
    # Asked once: each call of Hydra's iterators shuffles anew, so values and texts of two calls are not pairs.
    values: list[Any] = list(parsed.sweep_iterator(transformer=Transformer.identity))
    return [_typed(f"{spelled}={Transformer.str(value)}", _plain(value)) for value in values]


def _single(parsed: Parsed, text: str) -> Override:
    if "shuffle(" in text:  # read again, the text would be another order
        text = f"{parsed.get_key_element()}={parsed.get_value_element_as_str()}"
    return _typed(text, parsed.value())


def _typed(text: str, value: Any) -> Override:
    return replace(Override.parse(text), value=value)


def _spaced(parsed: Parsed, values: Callable[[], Iterable[Any]]) -> list[Override]:
    try:
        return [Override.of(parsed.get_key_element(), value) for value in values()]
    except SweepError as error:
        raise SweepError(f"{parsed.input_line}: {error}") from None


@lru_cache(maxsize=4096)
def _read(text: str) -> Override:
    with explained(text):
        parsed = OverridesParser.create().parse_override(text)
        if parsed.is_sweep_override():
            raise SweepError(f"{text}: this names several values. Add -m to run one point for each.")
        return _single(parsed, text)


def _plain(value: Any) -> Any:
    if isinstance(value, QuotedString):
        return value.text
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {_plain(key): _plain(item) for key, item in value.items()}
    return value


def spell_out(text: str) -> str:
    """Write `linspace(...)` and `logspace(...)`, which Hydra does not know, as a choice of their values."""
    override = Override.parse(text)
    if not override.written.startswith(("linspace(", "logspace(")):
        return text
    values = ",".join(map(render_value, read_range(override.written, text)))
    return f"{override.spelled}={WRAPPED}{values})"
