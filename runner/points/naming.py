"""Names of runs: short, readable, saying what varies; never the same twice in a sweep. Pure text."""

import hashlib
import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping
from math import isfinite
from types import MappingProxyType
from typing import Final

from tracking.records.overrides import Override

LONGEST: Final = 100
_FINGERPRINT: Final = 6  # hex digits that stand for what a name leaves out
_LONG_NUMBER: Final = 8  # characters; as in the tables
_PATH: Final = re.compile(r"\S*[/\\][^\s/\\]+\.\w+")
_REPLACED: Final = str.maketrans({"/": "_", "\\": "_", "\x7f": " "})  # a name may become a file name


def name_for(
    lead: str,
    overrides: Iterable[Override],
    varying: Collection[str] | None = None,
    short: Mapping[str, str] = MappingProxyType({}),
) -> str:
    """Write the name of a run: the model's choice, then what varies.

    `lead` is the first word, by convention the choice of the group `model`, which is therefore not repeated;
    `varying` limits the overrides to these keys (without prefix), None shows all; `short` has shorter words for
    the values of some overrides. What is cut, or cannot be shown, is represented by a few digits of its hash,
    so that different points keep different names.

    >>> name_for("ridge", [Override.of("model", "ridge"), Override.of("alpha", 0.1)])
    'ridge alpha=0.1'
    """
    shown = [s for s in overrides if s.key != "model" and (varying is None or s.key in varying)]
    labels = _labels(override.key for override in shown)
    parts = [lead, *(f"{_sign(s)}{labels[s.key]}{_assigned(s, short)}" for s in shown)]
    return _fit(" ".join(part for part in parts if part), exact=" ".join([lead, *(s.text for s in shown)]))


class Namer:
    """Names for the points of one sweep; remembers a hash of each name it gave."""

    def __init__(self, varying: Collection[str] | None = None, overrides: Iterable[Override] = ()) -> None:
        """`overrides` are all that points may have: their values are shortened where they stay apart."""
        self._varying = None if varying is None else frozenset(varying)
        self._short = shorten_values(overrides)
        self._given: set[bytes] = set()

    def name(self, lead: str, overrides: Iterable[Override], number: int) -> str:
        """Name a point; a name that is taken gets ` #<number>`, the point's number in the sweep."""
        name = name_for(lead, overrides, self._varying, self._short)
        candidate = name
        if self._is_taken(candidate):
            candidate = _with_ending(name, f" #{number}")
        attempt = 1
        while self._is_taken(candidate):
            attempt += 1
            candidate = _with_ending(name, f" #{number}.{attempt}")
        self._given.add(_key(candidate))
        return candidate

    def _is_taken(self, name: str) -> bool:
        return _key(name) in self._given


def shorten_values(overrides: Iterable[Override]) -> dict[str, str]:
    """Return shorter words for long numbers and for paths, by the text of the override.

    The values of a key are shortened together or not at all: if two of them would look the same, none is.

    >>> shorten_values([Override.of("alpha", 0.31622776601683794), Override.of("data.path", "far/away/cars.csv")])
    {'alpha=0.31622776601683794': '0.31623', 'data.path=far/away/cars.csv': 'cars.csv'}
    """
    by_key: dict[str, dict[str, str]] = {}
    for override in overrides:
        by_key.setdefault(override.key, {})[override.text] = _shorter(override)
    short: dict[str, str] = {}
    for words in by_key.values():
        if len({word.casefold() for word in words.values()}) == len(words):
            short |= words
    return {text: word for text, word in short.items() if word != Override.parse(text).written}


def _shorter(override: Override) -> str:
    value = override.value
    text = override.written
    if isinstance(value, float) and isfinite(value) and len(text) > _LONG_NUMBER:
        return f"{value:.0f}" if 1e5 <= abs(value) < 1e9 else f"{value:.5g}"
    is_path = override.key.rpartition(".")[2] == "path" or _PATH.fullmatch(str(value))
    if isinstance(value, str) and is_path:
        return re.split(r"[/\\]", value.rstrip("/\\"))[-1] or value
    return value if isinstance(value, str) else text


def _key(name: str) -> bytes:
    # Case is folded: on some file systems `C=1` and `c=1` are one folder.
    return hashlib.blake2b(name.casefold().encode(), digest_size=16).digest()


def _labels(names: Iterable[str]) -> Mapping[str, str]:
    """Shorten dotted names to their last part where that is not ambiguous."""
    names = list(names)
    tails = [name.rsplit(".", 1)[-1] for name in names]
    return {name: tail if tails.count(tail) == 1 else name for name, tail in zip(names, tails, strict=True)}


def _sign(override: Override) -> str:
    return "~" if override.prefix == "~" else ""


def _assigned(override: Override, short: Mapping[str, str]) -> str:
    if override.text == override.spelled:  # a deletion
        return ""
    if override.text in short:
        return f"={short[override.text]}"
    value = override.value
    text = value if isinstance(value, str) else override.written
    return f"={text}"


def _fit(text: str, exact: str) -> str:
    shown = "".join(
        " " if unicodedata.category(letter)[0] in "CZ" else letter
        for letter in unicodedata.normalize("NFC", text).translate(_REPLACED)
    )
    shown = " ".join(shown.split())
    if shown == text and len(shown) <= LONGEST:
        return shown
    fingerprint = hashlib.blake2b(exact.encode(errors="surrogatepass")).hexdigest()[:_FINGERPRINT]
    return _with_ending(shown, f" ~{fingerprint}")


def _with_ending(text: str, ending: str) -> str:
    return text[: LONGEST - len(ending)].rstrip() + ending
