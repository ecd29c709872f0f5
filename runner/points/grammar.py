"""Plain Python values written in Hydra's override grammar, so that Hydra reads the same typed value back.

Pure text: imports nothing of Hydra. The grammar is the one of hydra-core 1.3 (OverrideLexer.g4).
"""

import math
import re
from collections.abc import Mapping

from runner.errors import SweepError

# Text that Hydra reads as itself without quotes. Deliberately narrower than the grammar: what is not
# obviously safe is quoted, which is always right.
_BARE_TEXT = re.compile(r"[A-Za-z_][A-Za-z0-9_./\-]*", re.ASCII)
_KEYWORDS = frozenset({"true", "false", "null", "inf", "nan"})
_BACKSLASHES_BEFORE_QUOTE = re.compile(r"(\\*)('|\Z)")

# Mapping keys cannot be quoted in the grammar, only escaped.
_KEY_ESCAPES = re.compile(r"[\\()\[\]{}:=, \t]")
_KEY_TEXT = re.compile(r"[A-Za-z0-9_/\-\\+.$%*@?|()\[\]{}:=, \t]+", re.ASCII)
_KEY_STARTS_AS_TEXT = re.compile(r"[A-Za-z_/$%*@?|]")


def render_value(value: object) -> str:
    """Write a plain value as the right-hand side of a Hydra override.

    Plain is: None, bool, int, float, str, and lists, tuples and mappings of these. Floats are written in
    their shortest exact form, so that different floats give different text. A value that the grammar cannot
    express (a mapping key with quotes or non-ASCII letters, an object) raises SweepError.
    """
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _render_text(value)
    if isinstance(value, int):
        return str(int(value))
    if isinstance(value, float):
        return _render_float(float(value))
    if isinstance(value, list | tuple):
        return "[" + ",".join(render_value(item) for item in value) + "]"
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{_render_key(k)}:{render_value(v)}" for k, v in value.items()) + "}"
    raise SweepError(
        f"A {type(value).__name__} cannot be written as an override: {value!r}. "
        "Use null, true/false, a number, text, a list or a mapping."
    )


def _render_float(value: float) -> str:
    if math.isnan(value):
        return "nan"
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    return repr(value)


def _render_text(text: str) -> str:
    if _BARE_TEXT.fullmatch(text) and text.lower() not in _KEYWORDS:
        return text

    # Only backslashes that stand before a quote (or the closing one) are escapes; all others are themselves.
    def escape(match: re.Match[str]) -> str:
        backslashes, quote = match.groups()
        return backslashes * 2 + ("\\'" if quote else "")

    return "'" + _BACKSLASHES_BEFORE_QUOTE.sub(escape, text) + "'"


def _render_key(key: object) -> str:
    if isinstance(key, str):
        text = _KEY_ESCAPES.sub(lambda match: "\\" + match.group(), key)
        expressible = _KEY_TEXT.fullmatch(key) and _KEY_STARTS_AS_TEXT.match(key) and key.lower() not in _KEYWORDS
        if expressible:
            return text
    elif key is None or isinstance(key, bool | int | float):
        return render_value(key)
    raise SweepError(
        f"The mapping key {key!r} cannot be written as an override: Hydra's grammar has no quotes for keys. "
        "Use letters, digits and underscores."
    )
