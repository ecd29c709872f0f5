"""The command line: what a person types, before Hydra reads it and after."""

from __future__ import annotations

import contextlib
import re
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from omegaconf import DictConfig, OmegaConf

from runner.compose.composer import Composer
from runner.compose.schema import register
from runner.errors import ConfigError
from runner.spec import BOOKKEEPING

SWEEP_VARIABLE = "RUNNER_SWEEP"  # tells jobs of another launcher which sweep they belong to
_PACKAGE = Path(__file__).parents[1]
PLUGINS = _PACKAGE / "plugins"
_WRAPPED = "choice("


def config_folder() -> Path:
    """Return the shipped configs: inside the package when installed, beside it in a checkout."""
    inside = _PACKAGE / "conf"
    return inside if inside.is_dir() else _PACKAGE.parent / "conf"


def prepare_hydra() -> None:
    """Let Hydra find our plugins and schemas, also one that a program of its own has started before."""
    from hydra.core.plugins import Plugins

    if str(PLUGINS) not in sys.path:
        sys.path.append(str(PLUGINS))
    register()
    found = Plugins.instance()  # looks for plugins once in a process, perhaps before ours were on the path
    if "hydra_plugins.runner_edge.GridSweeper" not in found.class_name_to_class:
        from hydra_plugins.runner_edge import GridSweeper, PoolLauncher

        found.register(GridSweeper)
        found.register(PoolLauncher)


def for_hydra(arguments: Sequence[str]) -> list[str]:
    """Write plain values of a sweep as `choice(value)`, so that Hydra leaves them to our sweeper.

    Stock Hydra sets them on a config composed before the sweep's groups are chosen, where `l1_ratio` may not
    exist yet. Untouched: groups, prefixes, bookkeeping, `hydra.*`, and everything for another sweeper.
    """
    for argument in arguments:
        _check_choice(argument)
    sweeps = any(argument in ("-m", "--multirun") for argument in arguments)
    if not sweeps or any(argument.startswith("hydra/sweeper=") for argument in arguments):
        return list(arguments)
    return [_wrap(argument) for argument in arguments]


def plain_argument(argument: str) -> str:
    """Undo `for_hydra`."""
    key, _, value = argument.partition("=")
    if value.startswith(_WRAPPED) and value.endswith(")") and _is_value(key):
        from hydra.core.override_parser.overrides_parser import OverridesParser
        from hydra.core.override_parser.types import ChoiceSweep

        sweep = OverridesParser.create().parse_override(argument).value()
        if isinstance(sweep, ChoiceSweep) and len(sweep.list) == 1:
            return f"{key}={value[len(_WRAPPED) : -1]}"
    return argument


def command_line() -> str:
    """Return what was typed."""
    return shlex.join(["python", "-m", "runner", *_typed])


def remember(arguments: Sequence[str]) -> None:
    """Keep what was typed, for the record."""
    _typed[:] = arguments


def as_typed(overrides: Sequence[str]) -> tuple[str, ...]:
    """Return the texts that Hydra keeps of a command line, whose `${...}` its list would resolve."""
    texts = OmegaConf.to_container(overrides, resolve=False) if OmegaConf.is_list(overrides) else overrides
    return tuple(str(text) for text in texts)  # type: ignore[union-attr]


def composer_for(config: DictConfig) -> Composer:
    """Return a Composer for the config name and Hydra overrides of a running Hydra application."""
    hydra = config.hydra
    typed = as_typed(hydra.overrides.hydra)
    own = [text for text in typed if not text.lstrip("+~").startswith("hydra.mode")]
    return Composer(hydra.job.config_name, hydra_overrides=own)


def known_keys(arguments: Sequence[str]) -> list[str]:
    """Return the keys of the config that the group choices among the arguments compose, to suggest from."""
    from runner.compose.overrides import read_settings
    from runner.compose.session import session
    from runner.errors import RunnerError

    with session():
        composer = Composer()
        chosen = []
        for argument in arguments:
            if argument.startswith("-") or "=" not in argument:
                continue
            with contextlib.suppress(RunnerError):
                [setting] = read_settings([argument])
                if composer.is_group(setting.key):
                    chosen.append(setting)
        try:
            return composer.keys(chosen)
        except RunnerError:
            return composer.keys(())


_typed: list[str] = []


def _wrap(argument: str) -> str:
    key, equals, value = argument.partition("=")
    if argument.startswith("-") or not equals or not _is_value(key) or _sweeps(argument):
        return argument
    return f"{key}={_WRAPPED}{value})"


def _check_choice(argument: str) -> None:
    """Refuse what Hydra meets with a traceback: no key, or a group that is set to null or to a number."""
    key, equals, value = argument.partition("=")
    if argument.startswith("-") or not equals:
        return
    if not key.strip("+~"):
        raise ConfigError(f"{argument}: the key is missing. Write KEY={value or '...'}")
    no_name = value.lower() in ("", "null", "true", "false") or re.fullmatch(r"[-+]?[\d._]+(e[-+]?\d+)?", value)
    if no_name and "." not in key and not key.startswith("~") and (config_folder() / key.lstrip("+")).is_dir():
        choices = sorted(path.stem for path in (config_folder() / key.lstrip("+")).glob("*.yaml"))
        raise ConfigError(
            f"{argument}: {key} takes the name of a choice: {', '.join(choices)}. To leave it out: ~{key}"
        )


def _is_value(key: str) -> bool:
    first = key.partition(".")[0]
    if key.startswith(("+", "~")) or "/" in key or "@" in key or first in BOOKKEEPING:
        return False
    return "." in key or not (config_folder() / key).is_dir()


def _sweeps(argument: str) -> bool:
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import HydraException

    try:
        return bool(OverridesParser.create().parse_override(argument).is_sweep_override())
    except HydraException:
        return True  # not ours to judge: Hydra says what is wrong with it
