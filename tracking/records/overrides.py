"""Overrides (`alpha=0.5`, `+a.b=1`, `~c`), in both directions: taken apart, and written. Pure, without Hydra.

The runner has Hydra read the values of what is typed; a record has them as text.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tracking.errors import InvalidValue
from tracking.records.names import is_bookkeeping

_PREFIXES = ("++", "+", "~")


@dataclass(frozen=True, slots=True)
class Override:
    """One assignment in Hydra's grammar. Two are the same if their texts are."""

    prefix: str = field(compare=False)  # "", "+", "++" or "~"
    key: str = field(compare=False)  # without the prefix: "alpha", "model.max_depth", "model@other"
    value: Any = field(compare=False)  # typed, as Hydra reads it: 0.1, "ridge", None, [1, 2]; of a record the text
    text: str  # the whole, as it was typed: "alpha=0.1"

    @classmethod
    def of(cls, spelled: str, value: object = None) -> Override:
        """Make the override of a key with its prefix and a plain value; `~key` without a value is a deletion.

        Raises InvalidValue for a value that the grammar cannot express.
        """
        prefix, key = _divide(spelled)
        if prefix == "~" and value is None:
            return cls(prefix, key, None, spelled)
        try:
            return cls(prefix, key, value, f"{spelled}={render_value(value)}")
        except InvalidValue as error:
            raise InvalidValue(f"{spelled}: {error}") from None

    @classmethod
    def parse(cls, text: str) -> Override:
        """Take a text apart, whose value stays the text after `=`, None where there is none.

        >>> Override.parse("+model@extra=ridge").key
        'model@extra'
        """
        spelled, equals, written = text.partition("=")
        return cls(*_divide(spelled), written if equals else None, text)

    @property
    def spelled(self) -> str:
        """The key with its prefix."""
        return self.prefix + self.key

    @property
    def written(self) -> str:
        """The value as it is written; empty where there is none."""
        return self.text.partition("=")[2]

    @property
    def group(self) -> str:
        """The key without `@package`: the config group, if it is one."""
        return self.key.partition("@")[0]

    @property
    def section(self) -> str:
        """The first part of the key."""
        return self.key.partition(".")[0]


def parse_overrides(texts: Iterable[str]) -> tuple[Override, ...]:
    """Take recorded texts apart."""
    return tuple(map(Override.parse, texts))


def key_of(spelled: str) -> str:
    """Strip `+`, `++` or `~` from a key.

    >>> key_of("++tags.note")
    'tags.note'
    """
    return _divide(spelled)[1]


def _divide(spelled: str) -> tuple[str, str]:
    prefix = next((prefix for prefix in _PREFIXES if spelled.startswith(prefix)), "")
    return prefix, spelled.removeprefix(prefix)


def change_request(
    first: Sequence[Override],
    second: Sequence[Override],
    *,
    before: Mapping[str, str],
    choices: Mapping[str, str],
    values: Mapping[str, Any],
) -> tuple[str, ...] | None:
    """Return the overrides that lead from what one request composed to what another composes.

    What only the second asks for; and for what only the first asked, the second's own group choice
    (`choices`, those of the first are `before`) or value (`values`, its flat config); null for a group
    of which only the first chose anything. Whatever lies below a group with another choice is given
    anew: with the old choice it goes. None where that cannot be said in overrides: the first took
    something away that the second has, or a value is beyond the grammar.
    """
    asked = {override.key for override in second}
    back = [override for override in first if override.key not in asked]
    regrouped = [override.key for override in back if override.key in choices]
    changed = [group for group, choice in choices.items() if before.get(group) != choice]
    delta = [f"{o.key}=null" for o in back if o.key in before and o.key not in choices]
    delta += [f"{key}={choices[key]}" for key in regrouped]
    delta += [o.text for o in second if o not in first or _is_below(o.key, changed)]
    for override in back:
        key = override.key
        if key in choices or is_bookkeeping(key):
            continue
        if override.prefix == "~" or "@" in key:
            return None
        value = _section(values, key)
        if value is not None or key in values:
            try:
                delta.append(f"{key}={render_value(value)}")
            except InvalidValue:
                return None
        elif override.prefix and not _is_below(key, changed):
            delta.append(f"~{key}")
    return tuple(delta)


def _is_below(key: str, groups: Iterable[str]) -> bool:
    return any(key.startswith(f"{group}.") for group in groups)


def _section(flat: Mapping[str, Any], key: str) -> Any:
    """Return the value of a key, or the mapping of what is below it; None where there is neither."""
    if key in flat:
        return flat[key]
    below = {name[len(key) + 1 :]: value for name, value in flat.items() if name.startswith(f"{key}.")}
    return _nested(below) if below else None


def _nested(flat: Mapping[str, Any]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for key, value in flat.items():
        *path, last = key.split(".")
        node = tree
        for step in path:
            node = node.setdefault(step, {})
        node[last] = value
    return tree


# Text that Hydra reads as itself without quotes. Deliberately narrower than the grammar: what is not
# obviously safe is quoted, which is always right.
_BARE_TEXT = re.compile(r"(\.{0,2}/)*[A-Za-z_][A-Za-z0-9_./\-]*", re.ASCII)
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
    express (a mapping key with quotes or non-ASCII letters, an object) raises InvalidValue.
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
    raise InvalidValue(
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
    raise InvalidValue(
        f"The mapping key {key!r} cannot be written as an override: Hydra's grammar has no quotes for keys. "
        "Use letters, digits and underscores."
    )
