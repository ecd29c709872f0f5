"""Names and limits: what may be recorded, in one table, and the functions that hold values to it.

Pure: no store, no environment beyond MLFLOW_TRUNCATE_LONG_VALUES. What comes out is text, float or int,
ready for a `Store`; what may not be recorded raises InvalidValue or InvalidType. The rules and figures
are MLflow's, so that what is recorded here can be carried there.
"""

from __future__ import annotations

import operator
import os
import posixpath
import re
import time
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, Final

from tracking.entities import Metric, RunStatus
from tracking.errors import InvalidType, InvalidValue

MAX_KEY: Final = 250
MAX_PARAM_VALUE: Final = 6000
MAX_TAG_VALUE: Final = 8000
MAX_EXPERIMENT_TAG_VALUE: Final = 20_000
MAX_EXPERIMENT_NAME: Final = 500
MAX_ARTIFACT_LOCATION: Final = 2048
MAX_PAGE: Final = 50_000
STEP_RANGE: Final = range(-(2**63), 2**63)

# How each kind of key is called in messages.
PARAM: Final = "Param key"
METRIC: Final = "Metric name"
TAG: Final = "Tag key"

_NAME = re.compile(r"[/\w.\- :]*")
_RUN_ID = re.compile(r"[a-zA-Z0-9][\w\-]{0,255}")


def now_ms() -> int:
    """Return the time in milliseconds since the epoch."""
    return time.time_ns() // 1_000_000


def flag(variable: str, *, default: bool) -> bool:
    """Read a yes or no from the environment, as MLflow does."""
    text = os.environ.get(variable)
    if not text:
        return default
    if text.lower() in ("true", "1", "false", "0"):
        return text.lower() in ("true", "1")
    raise InvalidValue(f"{variable} must be one of 'true', 'false', '1' and '0', not {shorten(text)}.")


def shorten(value: object, width: int = 80) -> str:
    """Quote a value for a message, cut in the middle when it is long."""
    text = repr(value)
    return text if len(text) <= width else f"{text[: width - 20]}...{text[-16:]}"


# Keys -----------------------------------------------------------------------------------------------
@lru_cache(maxsize=8192)  # the same few names come by in every call of a training loop
def _key_problem(key: str, kind: str) -> str | None:
    if not _NAME.fullmatch(key):
        return (
            f"Invalid {kind.lower()} {shorten(key)}. Names may only contain alphanumerics, underscores (_), "
            "dashes (-), periods (.), spaces ( ), colons (:) and slashes (/)."
        )
    normal = posixpath.normpath(key)
    if key != normal or key == "." or key.startswith(("..", "/")):
        return (
            f"Invalid {kind.lower()} {shorten(key)}. Names may be treated as files in certain cases, and "
            f"must not resolve to other names: this one would resolve to {shorten(normal)}. "
            "Leave out empty parts, '.', '..' and slashes at either end."
        )
    if len(key) > MAX_KEY:
        had = f"{shorten(key)} has {len(key)}"
        return f"'{kind}' exceeds the maximum length of {MAX_KEY} characters: {had}. Shorten it."
    return None


def check_key(key: object, kind: str) -> str:
    """Return a param, metric or tag key that obeys MLflow's rule for names."""
    if key.__class__ is not str:
        key = _as_plain_key(key, kind)
    problem = _key_problem(key, kind)
    if problem is not None:
        raise InvalidValue(problem)
    return key


def _as_plain_key(key: object, kind: str) -> str:
    if key is None:
        raise InvalidValue(f"{kind} is missing: None is not a name. Give a text.")
    if not isinstance(key, str):
        raise InvalidType(f"{kind} must be text, not {shorten(key)} of type {type(key).__name__}.")
    return str.__str__(key)


# Text values ----------------------------------------------------------------------------------------
def as_text(value: object, what: str) -> str:
    """Return str(value), refusing what has no text or cannot be written as UTF-8."""
    if value.__class__ is not str:
        try:
            value = str(value)
        except Exception as problem:  # somebody's __str__ may raise anything
            raise InvalidType(f"{what}: a {type(value).__name__} has no text form ({problem!r}).") from problem
    text: str = value
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError as problem:
            raise InvalidValue(f"{what}: {shorten(text)} is not valid Unicode text ({problem.reason}).") from problem
    return text


def _fit(text: str, limit: int, what: str) -> str:
    if len(text) <= limit:
        return text
    if not flag("MLFLOW_TRUNCATE_LONG_VALUES", default=True):
        raise InvalidValue(
            f"{what} exceeds the maximum length of {limit} characters: {shorten(text)} has {len(text)}. "
            "Shorten it, log it with log_text, or let it be cut: MLFLOW_TRUNCATE_LONG_VALUES=true."
        )
    import logging

    logging.getLogger("tracking").warning(
        "%s has %d characters; only the first %d are recorded.", what, len(text), limit
    )
    return text[:limit]


def param_value(key: str, value: object) -> str:
    """Return the text that is recorded for a param: str(value), cut to the limit."""
    text = as_text(value, f"Param {key!r}")
    return text if len(text) <= MAX_PARAM_VALUE else _fit(text, MAX_PARAM_VALUE, f"Param value of {key!r}")


def tag_value(key: str, value: object) -> str:
    """Return the text that is recorded for a run's tag: str(value), cut to the limit."""
    text = as_text(value, f"Tag {key!r}")
    return text if len(text) <= MAX_TAG_VALUE else _fit(text, MAX_TAG_VALUE, f"Tag value of {key!r}")


def file_text(value: object) -> bytes:
    """Return the UTF-8 form of a text that is to become a file."""
    if not isinstance(value, str):
        raise InvalidType(f"log_text takes text, not {shorten(value)} of type {type(value).__name__}.")
    try:
        return value.encode()
    except UnicodeEncodeError as problem:
        raise InvalidValue(f"{shorten(value)} is not valid Unicode text ({problem.reason}).") from problem


def experiment_tag_value(key: str, value: object) -> str:
    """Return the text of an experiment's tag; too long is refused, never cut."""
    text = as_text(value, f"Tag {key!r}")
    if len(text) > MAX_EXPERIMENT_TAG_VALUE:
        raise InvalidValue(
            f"Tag value of {key!r} exceeds the maximum length of {MAX_EXPERIMENT_TAG_VALUE} characters: "
            f"it has {len(text)}. Shorten it."
        )
    return text


def params(items: object) -> dict[str, str]:
    """Return valid params of a mapping, or of objects with `key` and `value`; one has one value."""
    found: dict[str, str] = {}
    for key, value in _pairs(items, "params"):
        text = param_value(key, value)
        if found.setdefault(check_key(key, PARAM), text) != text:
            raise InvalidValue(f"Param {key!r} has two values in one call: {shorten(found[key])}, {shorten(text)}.")
    return found


def tags(items: object) -> dict[str, str]:
    """Return valid run tags of a mapping, or of objects with `key` and `value`; the last of a key counts."""
    return {check_key(key, TAG): tag_value(key, value) for key, value in _pairs(items, "tags")}


def experiment_tags(items: object) -> dict[str, str]:
    """Return valid experiment tags of a mapping."""
    return {check_key(key, TAG): experiment_tag_value(key, value) for key, value in _pairs(items, "tags")}


def metrics(items: object, *, timestamp: object = None, step: object = None) -> list[Metric]:
    """Return valid points of a mapping, all at one time and step, or of Metric-like objects."""
    if isinstance(items, Mapping):
        when, where = metric_timestamp(timestamp), metric_step(step)
        return [Metric(check_key(k, METRIC), metric_value(k, v), when, where) for k, v in items.items()]
    return [metric(p.key, p.value, p.timestamp, p.step) for p in _entities(items, "metrics")]


def metric(key: object, value: object, timestamp: object, step: object) -> Metric:
    """Return a valid point; None is now, and step 0."""
    name = check_key(key, METRIC)
    return Metric(name, metric_value(name, value), metric_timestamp(timestamp), metric_step(step))


def mapping(items: object, what: str) -> Mapping[str, Any]:
    """Return the argument of a function that takes nothing but a mapping."""
    if isinstance(items, Mapping):
        return items
    raise InvalidType(f"A mapping of {what}, names to values, is needed, not {shorten(items)}.")


def _pairs(items: object, what: str) -> Iterable[tuple[str, object]]:
    if isinstance(items, Mapping):
        return items.items()
    return [(entity.key, entity.value) for entity in _entities(items, what)]


def _entities(items: object, what: str) -> Iterable[Any]:
    if isinstance(items, Iterable) and not isinstance(items, (str, bytes)):
        items = list(items)
        if all(hasattr(item, "key") and hasattr(item, "value") for item in items):
            return items
    raise InvalidType(f"A mapping of {what}, names to values, is needed, not {shorten(items)}.")


# Numbers --------------------------------------------------------------------------------------------
def metric_value(key: str, value: Any) -> float:
    """Return a metric's value as a float; arrays of one element give that element."""
    if value.__class__ is float:
        return value
    if value is None:
        raise InvalidValue(f"Missing value for required parameter 'value' of metric {key!r}. Give a number.")
    try:
        item = getattr(value, "item", None)
        return float(value if item is None else item())
    except TypeError as problem:
        raise InvalidType(
            f"Metric {key!r}: {shorten(value)} of type {type(value).__name__} is not a number. "
            "Log one number a call, or several under several names."
        ) from problem
    except (ValueError, OverflowError) as problem:
        raise InvalidValue(
            f"Metric {key!r}: {shorten(value)} is not a valid double. Give one number that fits a float."
        ) from problem


def metric_step(step: Any) -> int:
    """Return a step as an integer; None is 0."""
    if step is None:
        return 0
    try:
        number = int(step) if isinstance(step, float) and step.is_integer() else operator.index(step)
    except TypeError as problem:
        raise InvalidValue(f"A metric's step is a whole number, not {shorten(step)}.") from problem
    if number not in STEP_RANGE:
        raise InvalidValue(f"Step {number} is out of range: from -2**63 to 2**63 - 1.", error_code="INTERNAL_ERROR")
    return number


def metric_timestamp(timestamp: Any) -> int:
    """Return the time of a point in milliseconds since the epoch, not before it; None is now."""
    if timestamp is None:
        return now_ms()
    number = time_ms(timestamp)
    if number < 0:
        raise InvalidValue(f"Timestamp {number} is out of range: milliseconds since 1970, not negative.")
    return number


def time_ms(value: Any) -> int:
    """Return a time in milliseconds since the epoch; None is now."""
    if value is None:
        return now_ms()
    try:
        number = int(value) if isinstance(value, float) else operator.index(value)
    except (TypeError, ValueError, OverflowError) as problem:
        raise InvalidValue(f"A timestamp is a number of milliseconds since 1970, not {shorten(value)}.") from problem
    if number not in STEP_RANGE:
        raise InvalidValue(f"Timestamp {number} is out of range: milliseconds since 1970, in 64 bits.")
    return number


# Identities -----------------------------------------------------------------------------------------
def run_id(value: object) -> str:
    """Return a well-formed run id."""
    if isinstance(value, str):
        if _RUN_ID.fullmatch(value):
            return value
        raise InvalidValue(
            f"Invalid run id {shorten(value)}: letters, digits, '_' and '-', at most 256, the first a "
            "letter or digit. See: python -m tracking runs"
        )
    raise InvalidType(f"A run id is text, not {shorten(value)}. Pass run.info.run_id.")


def experiment_id(value: object) -> str:
    """Return an experiment id as text; whole numbers are accepted."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if isinstance(value, str) and value.isascii() and value.isdigit():
        return value
    raise InvalidValue(
        f"Invalid experiment id {shorten(value)}: an id is a whole number, as '0'. "
        "To name an experiment use set_experiment or get_experiment_by_name."
    )


def experiment_ids(values: object) -> list[str]:
    """Return experiment ids as texts; a single one stands for a list of one."""
    if isinstance(values, (str, int)) or not isinstance(values, Iterable):
        values = [values]
    return [experiment_id(value) for value in values]


def experiment_name(value: object) -> str:
    """Return a valid name of an experiment."""
    if not isinstance(value, str) or not value:
        raise InvalidValue(f"Invalid experiment name {shorten(value)}: give a text that is not empty.")
    if len(value) > MAX_EXPERIMENT_NAME:
        raise InvalidValue(
            f"Experiment name exceeds the maximum length of {MAX_EXPERIMENT_NAME} characters: "
            f"{shorten(value)} has {len(value)}. Shorten it."
        )
    return as_text(value, "Experiment name")


def artifact_location(value: object) -> str:
    """Return an absolute path or file URI in which an experiment's files are to be kept."""
    if not isinstance(value, (str, os.PathLike)):
        raise InvalidType(f"An artifact location is a path or a file: URI, not {shorten(value)}.")
    text = as_text(os.fspath(value), "Artifact location")
    if len(text) > MAX_ARTIFACT_LOCATION:
        raise InvalidValue(
            f"Artifact location exceeds the maximum length of {MAX_ARTIFACT_LOCATION} characters. Shorten it."
        )
    scheme = re.match(r"([A-Za-z][A-Za-z0-9+.\-]+):", text)
    if scheme is None:
        return os.path.abspath(text)
    if scheme[1].lower() != "file" or "?" in text or "#" in text:
        raise InvalidValue(
            f"Artifact location {shorten(text)} cannot be used: files are kept in folders of this machine. Give a "
            "folder's path or a plain file: URI (of a bucket that is mounted, say), or leave it out: then they lie "
            "beside the store."
        )
    return text


def run_status(value: object) -> str:
    """Return the name of a run's status; None and the empty text mean FINISHED."""
    if value is None or value == "":
        return RunStatus.FINISHED.value
    known = [status.value for status in RunStatus]
    if isinstance(value, str) and str.__str__(value) in known:
        return str.__str__(value)
    raise InvalidValue(f"Unknown run status {shorten(value)}. Known: {', '.join(known)}.")


def page_size(value: object) -> int:
    """Return the size of one page of a search, 1 to 50000."""
    if not isinstance(value, int) or not 1 <= value <= MAX_PAGE:
        raise InvalidValue(f"Invalid max_results {shorten(value)}: a whole number from 1 to {MAX_PAGE}.")
    return int(value)


def result_limit(value: object) -> int | None:
    """Return how many results at most; None means all, 0 and less none."""
    if value is None:
        return None
    try:
        return operator.index(value)  # type: ignore[arg-type]
    except TypeError as problem:
        raise InvalidValue(f"Invalid max_results {shorten(value)}: a whole number, or None for all.") from problem


def output_format(value: object) -> str:
    """Return in which form found runs are wanted: "pandas" or "list"."""
    if value not in ("pandas", "list"):
        raise InvalidValue(f"Unsupported output format {shorten(value)}. Known: 'pandas', 'list'.")
    return str(value)


def run_name(value: object) -> str | None:
    """Return a run's name as text; None where none is given."""
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise InvalidType(f"A run name is text, not {shorten(value)} of type {type(value).__name__}.")
    return as_text(value, "Run name")


def name_list(value: object, what: str) -> list[str]:
    """Return a list of texts; one text stands for a list of one."""
    if value is None:
        return []
    if isinstance(value, str):
        return [value]
    if not isinstance(value, Iterable):
        raise InvalidType(f"{what} takes a list of texts, not {shorten(value)}.")
    items = list(value)
    for item in items:
        if not isinstance(item, str):
            raise InvalidType(f"{what} takes a list of texts; {shorten(item)} is not one.")
    return items
