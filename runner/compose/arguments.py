"""What is typed -> what Hydra reads: options first, their mistakes in our words, values kept for our sweeper."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from runner.compose.folder import config_folder
from runner.compose.overrides import WRAPPED, spell_out
from runner.errors import ConfigError
from runner.suggest import suggest
from tracking.records.names import BOOKKEEPING

_SHELLS = ("bash", "fish", "zsh")
_LEFT_OUT = ("prepare", "tags", "tracking", "experiment")  # groups that a run may do without

# option: the words that it takes, () for any one, None for no value
_OPTIONS: dict[str, tuple[str, ...] | None] = {
    "--help": None,
    "--hydra-help": None,
    "--version": None,
    "--cfg": ("job", "hydra", "all"),
    "--resolve": None,
    "--package": (),
    "--run": None,
    "--multirun": None,
    "--shell-completion": None,
    "--config-path": (),
    "--config-name": (),
    "--config-dir": (),
    "--experimental-rerun": (),
    "--info": ("all", "config", "defaults", "defaults-tree", "plugins", "searchpath"),
}
_SHORT = {
    "-h": "--help",
    "-c": "--cfg",
    "-p": "--package",
    "-r": "--run",
    "-m": "--multirun",
    "-sc": "--shell-completion",
    "-cp": "--config-path",
    "-cn": "--config-name",
    "-cd": "--config-dir",
    "-i": "--info",
}
_DOING = ("--run", "--multirun", "--cfg", "--info", "--shell-completion")
_TELLING = ("--help", "--hydra-help", "--version")


def for_hydra(arguments: Sequence[str]) -> list[str]:
    """Return the arguments as Hydra reads them: options first, values of a sweep as `choice(value)`.

    Stock Hydra sets values on a config composed before the sweep's groups are chosen, where `l1_ratio` may not
    exist yet; so wrapped, it leaves them to our sweeper. Untouched: groups, prefixes, bookkeeping, `hydra.*`,
    and everything for another sweeper. Raises ConfigError for what Hydra would meet with a traceback.
    """
    options, overrides = divide(arguments)
    _check_options(dict(options), overrides)
    for override in overrides:
        _check_choice(override)
    sweeps = any(name == "--multirun" for name, _ in options)
    overrides = [_in_quotes(_spaced(override, sweeps)) for override in overrides]
    if sweeps and not any(override.startswith("hydra/sweeper=") for override in overrides):
        overrides = [_wrap(override) for override in overrides]
    words = [word for name, value in options for word in (name, value) if word is not None]
    return [*words, *overrides]


def divide(arguments: Sequence[str]) -> tuple[list[tuple[str, str | None]], list[str]]:
    """Divide what is typed into options with their values, under their long names, and overrides."""
    options: list[tuple[str, str | None]] = []
    overrides: list[str] = []
    rest = list(arguments)
    while rest:
        word = rest.pop(0)
        if not word.startswith("-"):
            overrides.append(word)
            continue
        typed, equals, value = word.partition("=")
        name = _option(typed)
        if name is None:
            raise ConfigError(_no_option(word, rest))
        options.append((name, _value_of(name, value if equals else None, rest)))
    return options, overrides


def plain_argument(argument: str) -> str:
    """Undo `for_hydra`."""
    key, _, value = argument.partition("=")
    if value.startswith(WRAPPED) and value.endswith(")") and _is_value(key):
        from hydra.core.override_parser.overrides_parser import OverridesParser
        from hydra.core.override_parser.types import ChoiceSweep

        sweep = OverridesParser.create().parse_override(argument).value()
        if isinstance(sweep, ChoiceSweep) and len(sweep.list) == 1:
            return f"{key}={value[len(WRAPPED) : -1]}"
    return argument


# -- options


def _option(typed: str) -> str | None:
    if typed in _OPTIONS:
        return typed
    begun = [name for name in _OPTIONS if typed.startswith("--") and name.startswith(typed)]
    return _SHORT.get(typed) or (begun[0] if len(begun) == 1 else None)


def _value_of(name: str, value: str | None, rest: list[str]) -> str | None:
    words = _OPTIONS[name]
    if words is None:
        if value is not None:
            raise ConfigError(f"{name}={value}: {name} takes no value. Write {name}")
        return None
    if value is None and name == "--info" and (not rest or re.search("^[-+~]|=", rest[0])):
        return "all"  # the one whose value may be left out
    if value is None and rest:
        value = rest.pop(0)
    if value is None:
        raise ConfigError(f"{name} needs a value: {name} {'|'.join(words) or '...'}")
    if words and value not in words:
        raise ConfigError(f"{name} {value}: it takes {', '.join(words)}.{suggest(value, words)}")
    return value


def _no_option(word: str, rest: Sequence[str]) -> str:
    key, equals, value = word.lstrip("-").partition("=")
    close = suggest(word.partition("=")[0], _OPTIONS) if word.startswith("--") else ""
    if not equals and rest and not rest[0].startswith("-") and "=" not in rest[0]:
        word, value = f"{word} {rest[0]}", rest[0]
    return f"{word}: there is no such option.{close} A key is set without dashes: {key}={value or '...'}"


def _check_options(options: dict[str, str | None], overrides: Sequence[str]) -> None:
    """Refuse what does not go together."""
    if any(name in options for name in _TELLING):
        return
    for name in ("--resolve", "--package"):
        if name in options and "--cfg" not in options:
            given = f"{name} {options[name]}" if options[name] else name
            raise ConfigError(f"{given} shows a config in another form, so it goes with --cfg: --cfg job {given}")
    doing = [name for name in _DOING if name in options]
    if "--cfg" in doing and "--multirun" in doing:
        raise ConfigError(
            "--cfg shows one config, and -m makes many. Leave out one of the two; "
            "to see the points of a sweep: -m dry_run=true ..."
        )
    if len(doing) > 1:
        raise ConfigError(f"{doing[0]} and {doing[1]} do not go together. Leave one of them out.")
    rerun = options.get("--experimental-rerun")
    if rerun is not None and not Path(rerun).is_file():
        raise ConfigError(
            f"--experimental-rerun {rerun}: there is no such file. To repeat a run: python -m runner.reproduce RUN"
        )
    if "--shell-completion" in options:
        _check_completion(overrides)


def _check_completion(overrides: Sequence[str]) -> None:
    for override in overrides:
        what, _, shell = override.partition("=")
        if what in ("install", "uninstall", "query") and shell not in _SHELLS:
            raise ConfigError(f"--shell-completion {override}: known shells are {', '.join(_SHELLS)}.")


# -- overrides


def _check_choice(argument: str) -> None:
    """Refuse what Hydra meets with a traceback or in silence: no key, a group or metrics set to nothing."""
    key, equals, value = argument.partition("=")
    if not equals:
        return
    if not key.strip("+~"):
        raise ConfigError(f"{argument}: the key is missing. Write KEY={value or '...'}")
    if argument in ("scoring.metrics={}", "scoring={}"):
        raise ConfigError(f"{argument}: this leaves the metrics as they are. To leave one out: ~scoring.metrics.NAME")
    no_name = value.lower() in ("", "null", "true", "false") or re.fullmatch(r"[-+]?[\d._]+(e[-+]?\d+)?", value)
    if no_name and "." not in key and not key.startswith("~") and (config_folder() / key.lstrip("+")).is_dir():
        group = key.lstrip("+")
        choices = sorted(path.stem for path in (config_folder() / group).glob("*.yaml"))
        without = f" To leave it out: ~{group}" if group in _LEFT_OUT else ""
        raise ConfigError(f"{argument}: {group} takes the name of a choice: {', '.join(choices)}.{without}")


def _spaced(argument: str, sweeps: bool) -> str:
    spelled = spell_out(argument)
    if spelled != argument and not sweeps:
        raise ConfigError(f"{argument}: this names several values. Add -m to run one point for each.")
    return spelled


def _in_quotes(argument: str) -> str:
    """Quote what Hydra's grammar does not take: a path in the home folder, as a shell hands it over; a run's name."""
    key, _, value = argument.partition("=")
    if key == "diff" and value and value != "null" and value[0] not in "'\"":
        from tracking.records.overrides import render_value

        return f"diff={render_value(value)}"  # `ridge alpha=0.5`, `latest~1`, an id of digits
    return f'{key}="{value}"' if re.fullmatch(r"~/[^'\"\\]*", value) else argument


def _wrap(argument: str) -> str:
    key, equals, value = argument.partition("=")
    if not equals or not _is_value(key) or _sweeps(argument) is not False:
        return argument
    wrapped = f"{key}={WRAPPED}{value})"
    return wrapped if _sweeps(wrapped) is not None else argument


def _is_value(key: str) -> bool:
    first = key.partition(".")[0]
    if key.startswith(("+", "~")) or "/" in key or "@" in key or first in BOOKKEEPING:
        return False
    return "." in key or not (config_folder() / key).is_dir()


def _sweeps(argument: str) -> bool | None:
    """Tell whether an override names several values; None where it cannot be read: Hydra says what is wrong."""
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import HydraException

    try:
        return bool(OverridesParser.create().parse_override(argument).is_sweep_override())
    except HydraException:
        return None
