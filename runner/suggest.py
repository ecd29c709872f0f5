"""The names that a mistyped one may have meant. Pure text."""

import difflib
from collections.abc import Iterable


def nearest(name: str, known: Iterable[str], *, limit: int = 3, least: float = 0.6) -> list[str]:
    """List the known names closest to `name`, best first; the last part of a dotted name counts as well.

    `least` is how alike they have to be, from 0 to 1. What dotted names have in common in front says
    nothing, and the section of a key is no other key.

    >>> nearest("alhpa", ["alpha", "seed"])
    ['alpha']
    """
    names = sorted(other for other in set(known) if not name.startswith(f"{other}."))
    front, _, tail = name.lower().rpartition(".")
    scores: dict[str, float] = {}
    for candidate in names:
        candidate_front, _, candidate_tail = candidate.lower().rpartition(".")
        part = difflib.SequenceMatcher(None, tail, candidate_tail).ratio()
        whole = difflib.SequenceMatcher(None, name.lower(), candidate.lower()).ratio()
        # equal as a whole beats equal in the last part
        scores[candidate] = part if front == candidate_front else max(whole, 0.95 * part)
    close = sorted((name for name in names if scores[name] >= least), key=lambda name: -scores[name])
    return [name for name in close if not name.startswith("__")][:limit]  # those of a module are Python's own


def suggest(name: str, known: Iterable[str]) -> str:
    """Write ` Nearest: a, b.` for a message, or nothing when no name is close."""
    close = nearest(name, known)
    return f" Nearest: {', '.join(close)}." if close else ""
