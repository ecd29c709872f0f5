"""Foreign errors -> our messages: what was asked, what there is, what to do. Of Hydra, OmegaConf and YAML."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from hydra.errors import HydraException, OverrideParseException
from omegaconf.errors import (
    ConfigAttributeError,
    ConfigKeyError,
    InterpolationKeyError,
    InterpolationToMissingValueError,
    MissingMandatoryValue,
    OmegaConfBaseException,
    ValidationError,
)
from yaml import MarkedYAMLError, YAMLError

from runner.errors import ConfigError
from runner.nearest import nearest, suggest

Names = Callable[[], Iterable[str]]
FOREIGN = (HydraException, OmegaConfBaseException, YAMLError)
KINDS = {"Integer": "a whole number", "Float": "a number", "Boolean": "true or false"}


@contextmanager
def explained(asked: str = "", *, keys: Names = lambda: ()) -> Iterator[None]:
    """Turn what Hydra or OmegaConf raise inside the block into one ConfigError about the override `asked`."""
    try:
        yield
    except (*FOREIGN, ValueError) as error:  # Hydra checks some things with ValueError
        raise ConfigError(explain(error, asked, keys)) from error


def explain(error: BaseException, asked: str = "", keys: Names = lambda: ()) -> str:
    """Return one message for an error of Hydra, OmegaConf or YAML."""
    mistake = _Mistake.of(error, asked, keys)
    for read in (_of_syntax, _of_group, _of_key, _of_value):
        if message := read(mistake):
            return message
    lines = [line.strip() for line in mistake.text.splitlines()]
    text = " ".join(line for line in lines if line and not line.startswith(("full_key", "object_type")))
    return f"{mistake.asked}: {text}" if mistake.asked and mistake.asked not in text else text or repr(error)


@dataclass(frozen=True, slots=True)
class _Mistake:
    """What was raised, in the words that the readers look for."""

    cause: BaseException
    text: str
    asked: str  # the override, if it is known
    file: str  # "experiment/mine.yaml: " if a file asked for it
    names: Names  # of the config's keys, to suggest from

    @classmethod
    def of(cls, error: BaseException, asked: str, keys: Names) -> _Mistake:
        cause = error.__cause__ if isinstance(error.__cause__, OmegaConfBaseException) else error
        text = str(error).partition("\nConfig search path")[0]
        asked = getattr(error, "override", None) or asked
        for pattern in (r"Error merging override (.+)", r"To append to your config use \+(.+)"):
            if match := re.search(pattern, text):
                asked = match[1].strip()
        match = re.match(r"In '(.+?)': ", text)
        asks = match and match[1].removesuffix(".yaml").rpartition("/")[2] != "config"  # that one holds defaults
        file = f"{match[1].removesuffix('.yaml')}.yaml: " if match and asks else ""
        return cls(cause, text, asked, file, keys)


def _of_syntax(mistake: _Mistake) -> str | None:
    cause, text, asked = mistake.cause, mistake.text, mistake.asked
    if isinstance(cause, MarkedYAMLError) and (mark := cause.problem_mark or cause.context_mark):
        return f"{mark.name}, line {mark.line + 1}: {cause.problem}. See there, or in the line before."
    if match := re.search(r"Ambiguous value for argument '(.+)'", text):
        remedy = f"Add -m to run one point for each, or write a list: {match[1].partition('=')[0]}=[a,b]."
        return f"{match[1]}: this names several values. {remedy}"
    if not isinstance(cause, OverrideParseException):
        return None
    if "missing EQUAL" in text:
        return f"{asked}: this is no setting. Write KEY=VALUE: {asked}=..."
    why = re.search(r"(empty choice|no viable alternative|token recognition)[^\n]*", text)
    remedy = "Quote what holds commas, braces, blanks or signs: 'KEY=\"a, b\"'"
    return f"{asked}: cannot be read{f' ({why[0]})' if why else ''}. {remedy}"


def _of_group(mistake: _Mistake) -> str | None:
    text, file = mistake.text, mistake.file
    message = None
    if match := re.search(r"Cannot find primary config '(.+?)'", text):
        message = f"--config-name {match[1]}: no such file is beside config.yaml, or in --config-dir."
    elif match := re.search(r"Could not find '(.+?)'\s+Available options in '(.+?)':\s*(.*)", text, re.S):
        message = file + _no_such_choice(match[1], match[2], match[3].split())
    elif match := re.search(r"Could not find '(.+)/([^/]+?)'", text):
        message = f"{file}{match[1]}={match[2]}: there is no file {match[1]}/{match[2]}.yaml."
    elif "Config group override must be a string" in text:
        message = f"{mistake.asked}: a group takes the name of a file, as model=ridge. To leave it out: ~GROUP"
    elif match := re.search(r"Could not delete '((.+?)(=.+?)?)'. No match in the defaults list", text):
        message = f"~{match[1]}: that is not what is chosen. To leave out any choice: ~{match[2]}"
    elif file and (match := re.search(r"Could not override '(.+?)'.*No match in the defaults", text, re.S)):
        groups = {key.partition(".")[0] for key in mistake.names()}
        message = f"{file}override /{match[1]}: there is no such group.{suggest(match[1], groups)}"
    return message


def _of_key(mistake: _Mistake) -> str | None:
    cause, text, asked = mistake.cause, mistake.text, mistake.asked
    message = None
    if match := re.search(r"Could not override '(.+?)'", text):
        message = _no_such_key(match[1], asked, mistake.names())
    elif match := re.search(r"An item is already at '(.+?)'.*remove \+ prefix: '(.*?)'\n", text, re.S):
        message = f"+{match[2]}: the config has a key '{match[1]}' already. Set it without the +: {match[2]}"
    elif match := re.search(r"Could not delete from config. '(.+?)' does not exist", text):
        message = f"~{match[1]}: the config has no key '{match[1]}'.{suggest(match[1], mistake.names())}"
    elif isinstance(cause, InterpolationKeyError) and (match := re.search(r"key '(.+?)' not found", text)):
        key = f"{asked}: ${{{match[1]}}}" if asked else f"${{{match[1]}}}"
        message = f"{key}: the config has no key '{match[1]}'.{suggest(match[1], mistake.names())}"
    elif isinstance(cause, MissingMandatoryValue | InterpolationToMissingValueError):
        match = re.search(r"(?:full_key|mandatory value): (\S+)", str(cause))
        message = missing_values([match[1] if match else asked.partition("=")[0]])
    elif isinstance(cause, ConfigAttributeError | ConfigKeyError) and asked:
        message = _no_such_key(asked.partition("=")[0], asked, mistake.names())
    return message


def _of_value(mistake: _Mistake) -> str | None:
    cause, text = mistake.cause, mistake.text
    if mistake.file and (match := re.search(r"config:\s*(.*?)\s*full_key: (\S+)", text, re.S)):
        return f"{mistake.file}{_wrong_value(match[1], match[2], '')}"
    if isinstance(cause, ValidationError):
        key = getattr(cause, "full_key", None) or mistake.asked.partition("=")[0]
        return _wrong_value(_first_line(cause), str(key), mistake.asked)
    if "Recursive interpolation" in text:
        where = mistake.asked or getattr(cause, "full_key", None) or "a value"
        return f"{where}: it refers to itself. Give it a plain value."
    return None


def missing_values(keys: Sequence[str]) -> str:
    """Say which keys without a default were not given."""
    verb = (
        "has no value yet and no default. Give it" if len(keys) == 1 else "have no value yet and no default. Give them"
    )
    return f"{', '.join(keys)} {verb}: {' '.join(f'{key}=...' for key in keys)}"


def _no_such_choice(path: str, group: str, options: list[str]) -> str:
    choice = path.removeprefix(f"{group}/")
    return (
        f"{group}={choice}: there is no such choice.{suggest(choice, options)}"
        f" Choices of {group}: {', '.join(options)}."
    )


def _no_such_key(key: str, asked: str, keys: Iterable[str]) -> str:
    names = list(keys)
    tops = list(dict.fromkeys(name.partition(".")[0] for name in names))
    there = f" Keys of this config: {', '.join(tops)}." if tops and not nearest(key, names) else ""
    remedy = f" To add a key that is not there: +{asked or key + '=...'}"
    return f"{asked or key}: the config has no key '{key}'.{suggest(key, names)}{there}{remedy}"


def _wrong_value(problem: str, key: str, asked: str) -> str:
    start = f"{asked}: " if asked else ""
    if match := re.search(r"Value '(.*)' of type '.*' could not be converted to (\w+)", problem):
        return f"{start}{key} must be {KINDS.get(match[2], match[2])}, not '{match[1]}'."
    if match := re.search(r"must be (.*)$", problem):
        given = re.match(r"'(.*)' is not allowed", problem)
        return f"{start}{key} must be {match[1]}{f', not {given[1]}' if given and not asked else ''}."
    if "None" in problem or "not Optional" in problem:
        return f"{start}{key} cannot be null."
    return f"{asked or key}: {problem}"


def _first_line(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0].rstrip(".")
