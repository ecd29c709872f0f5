"""One plain value to text: numbers, times, durations, ids; for people, and exact for machines.

The value's type says how it is shown. Everything is in one line and safe for a terminal.
"""

from __future__ import annotations

import json
import math
import unicodedata
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

_MISSING = "-"
_LONG_NUMBER = 8
_ELLIPSIS = "…"


class ShortId(str):
    """An id: whole in JSON and CSV, its first eight characters elsewhere."""

    __slots__ = ()


class DottedName(str):
    """The full name of a class or function: in JSON and CSV as it is, its last part elsewhere."""

    __slots__ = ()


class NumberText(str):
    """The text of a value that may be a number: shortened and right-aligned in tables if it is one."""

    __slots__ = ()

    def number(self) -> float | None:
        """Return the number, or None where the text is not one."""
        try:
            return float(self)
        except ValueError:
            return None


def format_value(value: object) -> str:
    """Return one value as a person reads it, in one line and without control characters."""
    return plain(_shown(value))


def format_number(value: float, *, digits: int = 5) -> str:
    """Return a number in few significant digits: `0.12346`, `54.1`, `1.2e-07`; integers whole.

    >>> format_number(54.12345678), format_number(3.0), format_number(1234567.8)
    ('54.123', '3', '1234568')
    """
    if isinstance(value, int):
        return str(value)
    if not math.isfinite(value):
        return str(value)
    if 10**digits <= abs(value) < 10**9:
        return f"{value:.0f}"
    return f"{value:.{digits}g}"


def format_duration(duration: timedelta | float) -> str:
    """Return seconds (or a timedelta) as its one or two largest units: `12ms`, `3.4s`, `2m 05s`, `3h 20m`.

    >>> format_duration(0.0123), format_duration(3.42), format_duration(125), format_duration(90000)
    ('12ms', '3.4s', '2m 05s', '1d 1h')
    """
    seconds = duration.total_seconds() if isinstance(duration, timedelta) else float(duration)
    if seconds < 0:
        return "-" + format_duration(-seconds)
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f}ms"
    if seconds < 59.95:
        return f"{seconds:.1f}s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes}m {rest:02d}s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h {minutes:02d}m" if hours < 24 else f"{hours // 24}d {hours % 24}h"


def format_size(size: int) -> str:
    """Return bytes in the largest unit that fits: `512 B`, `1.5 kB`, `3.2 MB` (powers of 1000).

    >>> format_size(512), format_size(1500)
    ('512 B', '1.5 kB')
    """
    if abs(size) < 1000:
        return f"{size} B"
    amount = float(size)
    for unit in ("kB", "MB", "GB"):
        amount /= 1000
        if abs(amount) < 999.95:
            return f"{amount:.1f} {unit}"
    return f"{amount / 1000:.1f} TB"


def local_time(milliseconds: int) -> datetime:
    """Return milliseconds since the epoch as a local time with its offset."""
    return datetime.fromtimestamp(milliseconds / 1000).astimezone()


def _shown(value: object) -> str:
    match value:
        case None:
            return _MISSING
        case bool():
            return "true" if value else "false"
        case int() | float():
            return format_number(value)
        case timedelta():
            return format_duration(value)
        case datetime():
            return f"{value:%Y-%m-%d %H:%M}"
        case ShortId():
            return value[:8]
        case DottedName():
            return value.rpartition(".")[2] or str(value)
        case NumberText():
            return _short_number(value)
        case str():
            return value
        case list() | tuple() | dict():
            return render_json(value, indent=None)
    return str(value)


def _short_number(text: NumberText) -> str:
    """Shorten only what is long: 0.5 and 100 stay as they were written."""
    number = text.number() if len(text) > _LONG_NUMBER and not text.isdigit() else None
    return str(text) if number is None else format_number(number)


def plain(text: str) -> str:
    """Escape what would move the cursor, colour the screen or break the line."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def plain_lines(text: str) -> str:
    """Escape as `plain` does, but keep the lines."""
    return "\n".join(map(plain, text.split("\n")))


def exact(value: object) -> object:
    """Return the value as JSON can carry it, keeping every digit.

    Numbers that JSON lacks become the words "NaN", "Infinity", "-Infinity", as in protobuf's JSON mapping.
    """
    match value:
        case float() if not math.isfinite(value):
            return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
        case timedelta():
            return value.total_seconds()
        case datetime():
            return value.isoformat(timespec="milliseconds")
        case Mapping():
            return {str(key): exact(item) for key, item in value.items()}
        case list() | tuple():
            return [exact(item) for item in value]
        case None | str() | bool() | int() | float():
            return value
    return str(value)


def is_numeric(value: object) -> bool:
    """Tell whether a value is shown as a number, and so belongs at the right of its column."""
    if isinstance(value, NumberText):
        return value.number() is not None
    return isinstance(value, (int, float, timedelta)) and not isinstance(value, bool)


def render_json(value: Any, *, indent: int | None = 2) -> str:
    """Return a value as strict JSON; times in ISO format, durations in seconds.

    What a terminal would obey (escapes, marks of direction) is written as `\\u202e`, which is the same JSON.
    """
    text = json.dumps(exact(value), indent=indent, ensure_ascii=False)
    return "\n".join(line if line.isprintable() else _escaped_json(line) for line in text.split("\n"))


def _escaped_json(line: str) -> str:
    return "".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in line)


def cell_width(text: str) -> int:
    """Return how many terminal cells a text takes: two for a wide character, none for a combining one."""
    if text.isascii():
        return len(text)
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def cut(text: str, width: int) -> str:
    """Return the text in at most so many terminal cells, with an ellipsis where it was longer."""
    if cell_width(text) <= width:
        return text
    kept, used = [], 1
    for character in text:
        used += cell_width(character)
        if used > width:
            break
        kept.append(character)
    return "".join(kept) + _ELLIPSIS
