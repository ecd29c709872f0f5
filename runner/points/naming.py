"""Names of runs: short, readable, saying what varies; never the same twice in a sweep. Pure text."""

import hashlib
import unicodedata
from collections.abc import Collection, Iterable, Mapping
from typing import Final

from runner.points.axes import Setting

LONGEST: Final = 80
_FINGERPRINT: Final = 6  # hex digits that stand for what a name leaves out
_REPLACED: Final = str.maketrans({"/": "_", "\\": "_", "\x7f": " "})  # a name may become a file name


def name_for(lead: str, settings: Iterable[Setting], varying: Collection[str] | None = None) -> str:
    """Write the name of a run: the model's choice, then what varies.

    `lead` is the first word, by convention the choice of the group `model`, which is therefore not repeated;
    `varying` limits the settings to these keys (without prefix), None shows all. What is cut, or cannot be
    shown, is represented by a few digits of its hash, so that different points keep different names.

    >>> name_for("ridge", [Setting.of("model", "ridge"), Setting.of("alpha", 0.1)])
    'ridge alpha=0.1'
    """
    shown = [s for s in settings if s.name != "model" and (varying is None or s.name in varying)]
    labels = _labels(setting.name for setting in shown)
    parts = [lead, *(f"{_sign(s)}{labels[s.name]}{_assigned(s)}" for s in shown)]
    return _fit(" ".join(part for part in parts if part), exact=" ".join([lead, *(s.text for s in shown)]))


class Namer:
    """Names for the points of one sweep; remembers a hash of each name it gave."""

    def __init__(self, varying: Collection[str] | None = None) -> None:
        self._varying = None if varying is None else frozenset(varying)
        self._given: set[bytes] = set()

    def name(self, lead: str, settings: Iterable[Setting], number: int) -> str:
        """Name a point; a name that is taken gets ` #<number>`, the point's number in the sweep."""
        name = name_for(lead, settings, self._varying)
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


def _key(name: str) -> bytes:
    # Case is folded: on some file systems `C=1` and `c=1` are one folder.
    return hashlib.blake2b(name.casefold().encode(), digest_size=16).digest()


def _labels(names: Iterable[str]) -> Mapping[str, str]:
    """Shorten dotted names to their last part where that is not ambiguous."""
    names = list(names)
    tails = [name.rsplit(".", 1)[-1] for name in names]
    return {name: tail if tails.count(tail) == 1 else name for name, tail in zip(names, tails, strict=True)}


def _sign(setting: Setting) -> str:
    return "~" if setting.key.startswith("~") else ""


def _assigned(setting: Setting) -> str:
    if setting.text == setting.key:  # a deletion
        return ""
    value = setting.value
    text = value if isinstance(value, str) else setting.text.partition("=")[2]
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
