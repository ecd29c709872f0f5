"""What is typed -> what Hydra reads: options first, their mistakes in our words, values kept for our sweeper."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from runner.compose.folder import config_folder
from runner.compose.overrides import WRAPPED, spell_out
from runner.errors import ConfigError
from runner.suggest import suggest
from tracking.records.names import is_bookkeeping
from tracking.records.overrides import Override

_SHELLS = ("bash", "fish", "zsh")
_COMPLETING = ("install", "uninstall", "query")
_LONGEST_NAME = 250  # bytes of a file's name: Hydra looks for a file of every key
_NO_NAMES = ("", "null", "true", "false", "inf", "+inf", "-inf", "nan")
_PLUGINS = {"hydra/sweeper": "grid", "hydra/launcher": "pool"}  # what runs without being chosen
_FOLDERS = ("hydra.run.dir", "hydra.sweep.dir")
_MOST_DIGITS = sys.get_int_max_str_digits() or 4300
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
    for text in overrides:
        _check_override(Override.parse(text))
    sweeps = any(name == "--multirun" for name, _ in options)
    overrides = [_in_quotes(_spaced(text, sweeps)) for text in overrides]
    if sweeps and not any(Override.parse(text).key == "hydra/sweeper" for text in overrides):
        overrides = [_wrap(text) for text in overrides]
    if any(name == "--cfg" for name, _ in options):
        overrides = [word for text in overrides for word in _spread(text)]
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
    override = Override.parse(argument)
    if override.written.startswith(WRAPPED) and override.written.endswith(")") and _is_value(override):
        from hydra.core.override_parser.overrides_parser import OverridesParser
        from hydra.core.override_parser.types import ChoiceSweep

        sweep = OverridesParser.create().parse_override(argument).value()
        if isinstance(sweep, ChoiceSweep) and len(sweep.list) == 1:
            return f"{override.spelled}={override.written[len(WRAPPED) : -1]}"
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
    if (file := options.get("--config-name")) and _has_long_name(file):
        raise ConfigError(f"--config-name {file[:60]}...: no file has a name of {len(file)} characters.")
    rerun = options.get("--experimental-rerun")
    if rerun is not None and not Path(rerun).is_file():
        raise ConfigError(
            f"--experimental-rerun {rerun}: there is no such file. To repeat a run: python -m runner.reproduce RUN"
        )
    if "--shell-completion" in options:
        _check_completion(overrides)


def _check_completion(overrides: Sequence[str]) -> None:
    doing = [override for override in map(Override.parse, overrides) if override.key in _COMPLETING]
    if len(doing) != 1:
        given = " ".join(overrides)
        raise ConfigError(f"--shell-completion {given}: write install=SHELL, uninstall=SHELL or query=SHELL.")
    for override in doing:
        if override.written not in _SHELLS:
            raise ConfigError(f"--shell-completion {override.text}: known shells are {', '.join(_SHELLS)}.")


# -- overrides


def _check_override(override: Override) -> None:
    """Refuse what Hydra meets with a traceback or in silence."""
    if override.value is None:
        return
    if not override.key:
        raise ConfigError(f"{override.text}: the key is missing. Write KEY={override.written or '...'}")
    check_length(override)
    _check_choice(override)


def check_length(override: Override) -> None:
    """Refuse what is too long for a file's name, or for a number, and half a character. Raises ConfigError."""
    value, start = override.written, f"{override.text[:60]}..."
    if any("\ud800" <= character <= "\udfff" for character in override.text):
        raise ConfigError(f"{ascii(override.text)[:60]}: this holds half of a character. Type it again.")
    check_key(override.key)
    if override.key in _groups() and len(value.encode()) > _LONGEST_NAME:
        raise ConfigError(f"{start}: a choice is the name of a file, and this has {len(value)} characters.")
    digits = max(map(len, re.findall(r"\d+", value)), default=0)
    if digits > _MOST_DIGITS:
        raise ConfigError(f"{start}: a number of {digits:,} digits cannot be read. Give a shorter one.")


def check_key(key: str) -> None:
    """Refuse a key that is too long for a file's name, as which Hydra looks for it. Raises ConfigError."""
    if _has_long_name(key):
        raise ConfigError(f"{key[:60]}...: a key of {len(key)} characters. No config has one that long.")


def _has_long_name(path: str) -> bool:
    return max(len(part.encode()) for part in path.split("/")) > _LONGEST_NAME


def _check_choice(override: Override) -> None:
    """Refuse what is no name where a group, a plugin or a folder takes one, and metrics set to nothing."""
    text, key, value = override.text, override.key, override.written
    if text in ("scoring.metrics={}", "scoring={}"):
        raise ConfigError(f"{text}: this leaves the metrics as they are. To leave one out: ~scoring.metrics.NAME")
    if override.prefix == "~" and "@" in key and value:
        raise ConfigError(f"{text}: a package is left out by its name alone. Write ~{key}")
    no_name = value.lower() in _NO_NAMES or re.fullmatch(r"[-+]?[\d._]+(e[-+]?\d+)?", value)
    if key in _FOLDERS and (no_name or re.match(r"\w+\(", value)):
        raise ConfigError(f"{text}: it takes the name of a folder, as {key}=outputs")
    if key in _PLUGINS and no_name:
        plain = f"{key}={_PLUGINS[key]}"
        raise ConfigError(f"{text}: a sweep needs one. Leave it out for the one of this program, or name it: {plain}")
    if no_name and override.prefix != "~" and key in _groups():
        choices = sorted(path.stem for path in (config_folder() / key).glob("*.yaml"))
        without = f" To leave it out: ~{key}" if key in _LEFT_OUT else ""
        raise ConfigError(f"{text}: {key} takes the name of a choice: {', '.join(choices)}.{without}")


def _spaced(text: str, sweeps: bool) -> str:
    spelled = spell_out(text)
    if spelled != text and not sweeps:
        raise ConfigError(f"{text}: this names several values. Add -m to run one point for each.")
    return spelled


def _in_quotes(text: str) -> str:
    """Quote what Hydra's grammar does not take: a path in the home folder, as a shell hands it over; a run's name."""
    override = Override.parse(text)
    value = override.written
    if override.spelled == "diff" and value and value != "null" and value[0] not in "'\"":
        return Override.of("diff", value).text  # `ridge alpha=0.5`, `latest~1`, an id of digits
    return f'{override.spelled}="{value}"' if re.fullmatch(r"~/[^'\"\\]*", value) else text


def _spread(text: str) -> list[str]:
    """Write `prepare=[a,b]` so that Hydra, which shows the config itself, gives each its section (`compose.chain`)."""
    override = Override.parse(text)
    if override.spelled != "prepare" or not re.fullmatch(r"\[[\w, /-]+\]", override.written):
        return [text]
    names = [name.strip() for name in override.written[1:-1].split(",")]
    return ["prepare=none", *(f"+prepare@prepare.{name}={name}" for name in names)]


def _wrap(text: str) -> str:
    override = Override.parse(text)
    if override.value is None or not _is_value(override) or _sweeps(text) is not False:
        return text
    wrapped = f"{override.spelled}={WRAPPED}{override.written})"
    return wrapped if _sweeps(wrapped) is not None else text


def _is_value(override: Override) -> bool:
    key = override.key
    if override.prefix or "/" in key or "@" in key or is_bookkeeping(key):
        return False
    return key not in _groups()


@cache
def _groups() -> frozenset[str]:
    """Return the shipped groups, without Hydra."""
    return frozenset(path.name for path in config_folder().iterdir() if path.is_dir())


def _sweeps(text: str) -> bool | None:
    """Tell whether an override names several values; None where it cannot be read: Hydra says what is wrong."""
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import HydraException

    try:
        return bool(OverridesParser.create().parse_override(text).is_sweep_override())
    except HydraException:
        return None
