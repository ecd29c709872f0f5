"""What `exclude` of a grid speaks about: its own keys, or others that only the config of a point tells."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial

from runner.errors import SweepError
from runner.nearest import suggest
from runner.points.axes import Grid, Setting
from runner.points.expression import Expression
from runner.points.sameness import Configs

Asks = Callable[[Sequence[Setting]], Mapping[str, object]]


def find_asks(grid: Grid, branches: Sequence[Mapping[str, str]], configs: Configs | None) -> Asks | None:
    """Return how to ask for the values of keys that the conditions name and the grid does not set, if there are."""
    foreign = frozenset(name for condition in grid.exclude for name in condition.names - grid.names)
    if not foreign:
        return None
    known = {key for choices in branches for key in configs.keys(choices)} if configs else set()
    # What was typed beside it, as dry_run=true, is no matter of the grid's.
    axes = {name for a in grid.axes if a.origin == grid.origin or len(a.values) > 1 for name in a.names}
    for condition in grid.exclude:
        for name in sorted((condition.names & foreign) - known):
            raise SweepError(
                f"{grid.origin}: exclude: {condition.text}: no point of this grid has a key '{name}'. "
                f"Its axes are: {', '.join(sorted(axes)) or 'none'}.{suggest(name, axes | known)} "
                f"Text goes in quotes: '{name}'"
            )
    assert configs is not None
    return partial(_ask_values, configs, foreign)


def _ask_values(configs: Configs, names: Iterable[str], settings: Sequence[Setting]) -> Mapping[str, object]:
    absent = object()
    asked = {name: configs.value(settings, name, absent) for name in names}
    values = {setting.name: setting.value for setting in settings}
    return values | {name: value for name, value in asked.items() if value is not absent}


def is_excluded(conditions: Iterable[Expression], values: Mapping[str, object]) -> bool:
    """Tell whether a condition holds for the values of a point."""
    return any(condition.holds(values) for condition in conditions)
