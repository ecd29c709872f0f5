"""What a value of a config may be: each rule returns the value to keep, or raises ValueError saying what is allowed.

Functions of modules, so that a config with them can be pickled.
"""

from contextlib import suppress
from typing import Any

from runner.suggest import suggest


def whole(value: Any, *, minimum: int, maximum: int | None, words: tuple[str, ...]) -> int | str:
    """Take a whole number in a range, or one of the words."""
    if isinstance(value, str) and value in words:
        return value
    number: Any = value
    if isinstance(value, str):
        with suppress(ValueError):
            number = int(value)
    if isinstance(number, bool):  # an int to Python, not to a person
        number = None
    if isinstance(number, int) and minimum <= number and (maximum is None or number <= maximum):
        return number
    limits = f"a whole number >= {minimum}" if maximum is None else f"a whole number, {minimum} to {maximum}"
    raise ValueError(" or ".join([limits, *words]))


def jobs(value: Any) -> int | str:
    """Take a number of jobs, -1 for every core, or auto."""
    try:
        number = whole(value, minimum=-1, maximum=None, words=("auto",))
    except ValueError:
        number = 0
    if number == 0:
        raise ValueError("a number of jobs, -1 for every core, or auto")
    return number


def yes_no(value: Any, *, words: tuple[str, ...]) -> bool | str:
    """Take true or false, or one of the words."""
    if isinstance(value, bool) or (isinstance(value, str) and value in words):
        return value
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    raise ValueError(" or ".join(["true or false", *words]))


def text(value: Any, *, words: tuple[str, ...]) -> str:
    """Take text, or only one of the words if there are such."""
    if isinstance(value, (str, int, float)) and not isinstance(value, bool):
        if not words or value in words:
            return str(value)
        raise ValueError(f"{' or '.join(words)}.{suggest(str(value), words)}".rstrip("."))
    raise ValueError(" or ".join(words) if words else "text")


def positive(value: Any) -> float:
    """Take a number > 0."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = 0.0
    if isinstance(value, bool) or not 0 < number < float("inf"):
        raise ValueError("a number > 0")
    return number


def share(value: Any) -> float | int:
    """Take a share of the rows, or a number of them."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = 0.0
    if isinstance(value, bool) or not (0 < number < 1 or (number >= 1 and number.is_integer())):
        raise ValueError("a share of the rows between 0 and 1, or a whole number of rows")
    return number if number < 1 else int(number)


def share_or_path(value: Any) -> float | int | str:
    """Take a share of the rows, a number of them, or the path of a file."""
    try:
        return share(value)
    except ValueError:
        if isinstance(value, str) and value and not value.replace(".", "").replace("-", "").isdigit():
            return value
    raise ValueError("a share of the rows between 0 and 1, a whole number of rows, or the path of a file")


def names(value: Any) -> Any:
    """Take a name, or a list of names."""
    if isinstance(value, list | tuple) and value:
        return [text(name, words=()) for name in value]
    return text(value, words=())
