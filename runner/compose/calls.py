"""Overrides that a Python call gives, where there is no command line: what belongs there is named or translated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import QuotedString

from runner.compose.arguments import check_length
from runner.compose.explain import explained
from runner.errors import ConfigError
from runner.project import read_project
from tracking.records.overrides import Override

_SWEEPER = "hydra.sweeper."
_OPTIONS = {"-m": "", "--multirun": "", "--config-dir": "config_dir", "-cd": "config_dir"}


@dataclass(slots=True)
class Call:
    """What a call asks for, once what only the sweeper of a command line reads is taken out."""

    overrides: tuple[str, ...] = ()
    points: int = 10  # that an `interval(a, b)` stands for
    _params: list[str] = field(default_factory=list)


def read_call(overrides: Sequence[str], name: str) -> Call:
    """Read the overrides given to `runner.run` or `runner.sweep`, whose name is for messages. Raises ConfigError."""
    if isinstance(overrides, str):
        raise ConfigError(f"Overrides are a list of texts: [{overrides!r}], not {overrides!r}.")
    texts = tuple(map(str, overrides))
    call, rest = Call(), []
    for position, text in enumerate(texts):
        if text.startswith("-"):
            raise ConfigError(_refused(text, texts[position + 1 : position + 2], name))
        override = Override.parse(text)
        check_length(override)
        if override.key.startswith(_SWEEPER) and override.prefix != "~":
            _read_sweeper(override, call)
        else:
            rest.append(text)
    call.overrides = (*call._params, *rest)  # what is typed counts more than what stands for a file
    return call


def check_folder(config_dir: str | PathLike[str] | None) -> list[str | PathLike[str]]:
    """Return the folders of configs that a call names, or else its project; none or one.

    Raises ConfigError where it is not there.
    """
    if config_dir is None:
        folder = read_project().config_dir
        return [] if folder is None else [folder]
    if not Path(config_dir).is_dir():
        raise ConfigError(
            f"config_dir={str(config_dir)!r}: there is no such folder. Looked at {Path(config_dir).resolve()}"
        )
    return [config_dir]


def _refused(option: str, following: Sequence[str], name: str) -> str:
    word, _, value = option.partition("=")
    parameter = _OPTIONS.get(word)
    if parameter == "":
        instead = "it sweeps already: leave it out." if name == "runner.sweep" else "call runner.sweep instead."
    elif parameter:
        folder = value or next(iter(following), "FOLDER")
        instead = f"write {name}([...], {parameter}={folder!r})."
    else:
        instead = "give overrides only, as 'alpha=0.1'."
    return f"{option} is an option of the command line. {name} takes overrides: {instead}"


def _read_sweeper(override: Override, call: Call) -> None:
    """Read what a command line gives its sweeper: `hydra.sweeper.params` and `hydra.sweeper.points`."""
    key, value = override.key.removeprefix(_SWEEPER), override.written
    if key.startswith("params."):
        call._params.append(f"{key.removeprefix('params.')}={value}")
        return
    with explained(override.text):
        parsed = OverridesParser.create().parse_override(f"{key}={value}").value()
    if key == "params" and isinstance(parsed, Mapping):
        call._params += [f"{_text(name)}={_text(values)}" for name, values in parsed.items()]
    elif key == "points" and isinstance(parsed, int):
        call.points = parsed
    else:
        raise ConfigError(
            f"{override.text}: there are hydra.sweeper.params={{KEY: 'VALUES'}} and hydra.sweeper.points=NUMBER."
        )


def _text(value: object) -> str:
    return value.text if isinstance(value, QuotedString) else str(value)
