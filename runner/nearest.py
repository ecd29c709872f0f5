"""The names that a mistyped one may have meant. Pure text."""

import difflib
from collections.abc import Iterable


def nearest(name: str, known: Iterable[str], *, limit: int = 3) -> list[str]:
    """List the known names closest to `name`, best first; the last part of a dotted name counts as well.

    >>> nearest("alhpa", ["alpha", "seed"])
    ['alpha']
    """
    names = sorted(set(known))
    tail = name.rsplit(".", 1)[-1].lower()
    scores: dict[str, float] = {}
    for candidate in names:
        whole = difflib.SequenceMatcher(None, name.lower(), candidate.lower()).ratio()
        part = difflib.SequenceMatcher(None, tail, candidate.rsplit(".", 1)[-1].lower()).ratio()
        scores[candidate] = max(whole, 0.95 * part)  # equal as a whole beats equal in the last part
    close = sorted((name for name in names if scores[name] >= 0.6), key=lambda name: -scores[name])
    return close[:limit]


def suggest(name: str, known: Iterable[str]) -> str:
    """Write ` Nearest: a, b.` for a message, or nothing when no name is close."""
    close = nearest(name, known)
    return f" Nearest: {', '.join(close)}." if close else ""
