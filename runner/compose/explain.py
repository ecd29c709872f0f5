"""Foreign errors -> our messages: what was asked, what there is, what to do. Of Hydra, OmegaConf and YAML."""

from __future__ import annotations

import re
import traceback
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

from runner.compose.keys import Owners, no_such_key
from runner.errors import ConfigError
from runner.suggest import suggest
from tracking.records.overrides import Override

FOREIGN = (HydraException, OmegaConfBaseException, YAMLError)
KINDS = {"Integer": "a whole number", "Float": "a number", "Boolean": "true or false"}


def is_foreign(error: BaseException) -> bool:
    """Tell whether Hydra, OmegaConf or YAML raised it; Hydra checks some things with ValueError."""
    if isinstance(error, FOREIGN) or (isinstance(error, UnicodeDecodeError) and _file_read(error)):
        return True
    frames = list(traceback.walk_tb(error.__traceback__))
    return isinstance(error, ValueError) and bool(frames) and frames[-1][0].f_globals["__name__"].startswith("hydra.")


@dataclass(frozen=True, slots=True)
class Known:
    """What to suggest from, looked up when a mistake asks for it."""

    names: Callable[[], Iterable[str]] = lambda: ()  # the keys of the config that was asked for
    owners: Owners = lambda key: ()  # the choices that bring a key
    asker: Callable[[str], str] = lambda choice: ""  # who chooses `model=lasso`: an override, or a file


@contextmanager
def explained(asked: str = "", known: Known | None = None) -> Iterator[None]:
    """Turn what Hydra or OmegaConf raise inside the block into one ConfigError about the override `asked`."""
    try:
        yield
    except (*FOREIGN, ValueError) as error:  # Hydra checks some things with ValueError
        raise ConfigError(explain(error, asked, known)) from error


def explain(error: BaseException, asked: str = "", known: Known | None = None) -> str:
    """Return one message for an error of Hydra, OmegaConf or YAML."""
    mistake = _Mistake.of(error, asked, known or Known())
    for read in (_of_bytes, _of_syntax, _of_group, _of_key, _of_value):
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
    known: Known

    @classmethod
    def of(cls, error: BaseException, asked: str, known: Known) -> _Mistake:
        cause = error.__cause__ if isinstance(error.__cause__, OmegaConfBaseException) else error
        text = str(error).partition("\nConfig search path")[0]
        asked = getattr(error, "override", None) or asked
        for pattern in (r"Error merging override (.+)", r"To append to your config use \+(.+)"):
            if match := re.search(pattern, text):
                asked = match[1].strip()
        match = re.match(r"In '(.+?)': ", text)
        asks = match and match[1].removesuffix(".yaml").rpartition("/")[2] != "config"  # that one holds defaults
        file = f"{match[1].removesuffix('.yaml')}.yaml: " if match and asks else ""
        return cls(cause, text, asked, file, known)


def _of_bytes(mistake: _Mistake) -> str | None:
    cause = mistake.cause
    if not isinstance(cause, UnicodeDecodeError) or not (file := _file_read(cause)):
        return None
    odd = cause.object[cause.start : cause.start + 1].hex()
    return f"{file}: this config is no UTF-8, it holds the byte 0x{odd}. Save it as UTF-8."


def _file_read(error: BaseException) -> str:
    """Return the config file that Hydra was reading, "" for none: a UnicodeDecodeError does not name it."""
    frames = [frame.f_locals for frame, _ in traceback.walk_tb(error.__traceback__)]
    return next((str(names["full_path"]) for names in reversed(frames) if "full_path" in names), "")


def _of_syntax(mistake: _Mistake) -> str | None:
    cause, text, asked = mistake.cause, mistake.text, mistake.asked
    if isinstance(cause, MarkedYAMLError) and (mark := cause.problem_mark or cause.context_mark):
        return f"{mark.name}, line {mark.line + 1}: {cause.problem}. See there, or in the line before."
    if match := re.search(r"Expected header format: KEY VALUE, got '(.*)'", text):
        line = match[1]
        return f"A config file that was chosen begins with the line '# {line}'. Write there: # @package _global_"
    if match := re.search(r"Ambiguous value for argument '(.+)'", text):
        key = Override.parse(match[1]).spelled
        listed = f" One value that is a list is written {key}=[a,b]." if "." in key else ""
        return f"{match[1]}: this names several values. Add -m to run one point for each.{listed}"
    if not isinstance(cause, OverrideParseException):
        return None
    if "missing EQUAL" in text:
        return f"{asked}: this is no setting. Write KEY=VALUE: {asked}=..."
    return f"{asked}: cannot be read. {_how_to_write(asked, text)}"


def _how_to_write(asked: str, text: str) -> str:
    """Say what is wrong with a value that Hydra's grammar does not take, and how a shell hands it over."""
    key, value = Override.parse(asked).spelled, Override.parse(asked).written
    if "empty choice" in text or not value:
        return f"Give a value: {key}=..."
    for opening, closing in ("()", "[]", "{}"):
        if value.count(opening) != value.count(closing):
            return f"The {opening} and {closing} in it do not pair up."
    if value.endswith(","):
        return f"Nothing follows the last comma. Write: {asked.rstrip(',')}"
    if "'" in asked or '"' in asked:
        return "Quote what holds commas, braces, blanks or signs: 'KEY=\"a, b\"'"
    return f"Quote what holds signs or blanks, for the shell too: '{key}=\"{value}\"'"


_OVERRIDES_NOTHING = (  # Hydra 1.3, and 1.4
    r"(?s)(?:Could not override|No earlier Group Default for) '([^'@]+)'(?:.*No match in the|.*exists to override)"
)


def _of_group(mistake: _Mistake) -> str | None:
    text, file = mistake.text, mistake.file
    message = None
    if match := re.search(r"Cannot find primary config '(.+?)'", text):
        message = f"--config-name {match[1]}: no such file is beside config.yaml, or in --config-dir."
    elif match := re.search(r"Could not find '(.+?)'\s+Available options in '(.+?)':\s*(.*)", text, re.S):
        message = file + _no_such_choice(match[1], match[2], match[3].split())
    elif match := re.search(r"Could not find '(.+)/([^/]+?)'", text):
        message = f"{file}{match[1]}={match[2]}: there is no file {match[1]}/{match[2]}.yaml."
        if file and "/" in match[1]:  # relative to the folder of the file that asks
            message += f" To choose another group's file: - override /{match[1].rpartition('/')[2]}: {match[2]}"
    elif match := re.search(r"Multiple values for (.+?)\. To override a value use 'override (.+?): (.+)'", text):
        message = _second_choice(match[2], match[3], mistake.known.asker(f"{match[2]}={match[3]}"))
    elif "Config group override must be a string" in text:
        message = f"{mistake.asked}: a group takes the name of a file, as model=ridge. To leave it out: ~GROUP"
    elif match := re.search(r"Could not delete '((.+?)(=.+?)?)'. No match in the defaults list", text):
        message = f"~{match[1]}: that is not what is chosen. To leave out any choice: ~{match[2]}"
    elif file and (match := re.search(_OVERRIDES_NOTHING, text)):
        groups = {key.partition(".")[0] for key in mistake.known.names()}
        message = f"{file}override /{match[1]}: there is no such group.{suggest(match[1], groups)}"
    return message


def _of_key(mistake: _Mistake) -> str | None:
    cause, text, asked = mistake.cause, mistake.text, mistake.asked
    message = None
    if match := re.search(r"(?:Could not override|No earlier Group Default for) '(\w+)@experiment\.", text):
        message = (
            f"the file of experiment= chooses {match[1]} for itself, not for the run. "
            "Its first line has to be: # @package _global_"
        )
    elif match := re.search(r"Could not override '(.+?)'", text):
        message = no_such_key(match[1], asked or match[1], mistake.known.names(), mistake.known.owners)
    elif match := re.search(r"An item is already at '(.+?)'.*remove \+ prefix: '(.*?)'\n", text, re.S):
        message = f"+{match[2]}: the config has a key '{match[1]}' already. Set it without the +: {match[2]}"
    elif match := re.search(r"Could not delete from config. '(.+?)' does not exist", text):
        message = f"~{match[1]}: the config has no key '{match[1]}'.{suggest(match[1], mistake.known.names())}"
    elif isinstance(cause, InterpolationKeyError) and (match := re.search(r"key '(.+?)' not found", text)):
        key = f"{asked}: ${{{match[1]}}}" if asked else f"${{{match[1]}}}"
        message = f"{key}: the config has no key '{match[1]}'.{suggest(match[1], mistake.known.names())}"
    elif isinstance(cause, MissingMandatoryValue | InterpolationToMissingValueError):
        match = re.search(r"(?:full_key|mandatory value): (\S+)", str(cause))
        message = missing_values([match[1] if match else Override.parse(asked).spelled])
    elif isinstance(cause, ConfigAttributeError | ConfigKeyError) and asked:
        message = no_such_key(Override.parse(asked).spelled, asked, mistake.known.names(), mistake.known.owners)
    return message


def _of_value(mistake: _Mistake) -> str | None:
    cause, text = mistake.cause, mistake.text
    if mistake.file and (match := re.search(r"config:\s*(.*?)\s*full_key: (\S+)", text, re.S)):
        return f"{mistake.file}{_wrong_value(match[1], match[2], '')}"
    if isinstance(cause, ValidationError):
        key = getattr(cause, "full_key", None) or Override.parse(mistake.asked).spelled
        return _wrong_value(_first_line(cause), str(key), mistake.asked)
    if "Recursive interpolation" in text:
        where = mistake.asked or getattr(cause, "full_key", None) or "a value"
        return f"{where}: it refers to itself. Give it a plain value."
    return None


def missing_values(keys: Sequence[str]) -> str:
    """Say which keys without a default were not given."""
    if set(keys) <= {"scoring.objective.metric", "scoring.objective.direction"} and len(keys) > 1:
        return "Every run needs scoring, and nothing is chosen. Choose: scoring=regression or scoring=classification"
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


def _second_choice(group: str, choice: str, asker: str) -> str:
    if Override.parse(asker).prefix:
        return f"{asker}: {group} is chosen already. Write {asker.removeprefix('+')}"
    place = f"{asker}: its defaults list chooses" if asker else "The defaults list of a chosen file has"
    return f"{place} {group}={choice} beside the one that is chosen already. There write: - override /{group}: {choice}"


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
