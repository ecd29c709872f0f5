"""Which points are the same: a number for each override, so that the sums of two points are equal if they are.

Two points are the same if their configs are, however they were asked for: `seed=42` where 42 is the default changes
nothing. What an override does to a config is asked once for each combination of group choices; where that cannot be
told one by one, points count as the same if their texts are.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from hashlib import blake2b
from typing import Protocol

from tracking.records.overrides import Override, render_value

MASK = (1 << 128) - 1
Choices = Mapping[str, str]
Digest = Callable[[Sequence[Override]], int]


class Configs(Protocol):
    """What is asked about the configs that group choices compose."""

    def identity(self, choices: Choices) -> str:
        """Return a text that is the same for the same config."""
        ...

    def effects(self, choices: Choices, override: Override) -> Mapping[tuple[str, ...], str] | None:
        """Return the leaves that an override reaches, each with its new value, "" for the old; None if not known."""
        ...

    def keys(self, choices: Choices) -> Collection[str]:
        """Return the dotted keys that a point of this config has."""
        ...

    def value(self, overrides: Sequence[Override], key: str, default: object) -> object:
        """Return the value of a key in the config of a point."""
        ...


class Wording:
    """Numbers overrides by key and typed value, so that 1 and 1.0 differ and `1e-1` is 0.1."""

    def __init__(self) -> None:
        self._known: dict[str, int] = {}

    def __call__(self, overrides: Iterable[Override]) -> int:
        """Return the number of these overrides."""
        # A sum, so that the order in which two grids name their keys does not matter.
        return sum(self._of(override) for override in overrides) & MASK

    def _of(self, override: Override) -> int:
        if override.text not in self._known:
            try:
                value = render_value(override.value)
            except ValueError:  # beyond the grammar as a value, yet given as text
                value = override.text
            self._known[override.text] = hash_words(override.spelled, value)
        return self._known[override.text]


def hash_words(*words: object) -> int:
    """Return 128 bits of a hash."""
    text = "\0".join(map(str, words))
    return int.from_bytes(blake2b(text.encode(errors="surrogatepass"), digest_size=16).digest())


def effect_digest(configs: Configs, choices: Choices, overrides: Iterable[Override], wording: Wording) -> Digest:
    """Return the numbering of all these overrides under group choices, which count for nothing themselves."""
    effects = {s.text: configs.effects(choices, s) for s in overrides if s.spelled not in choices}
    by_key: dict[str, set[tuple[str, ...]]] = {}
    for override in overrides:
        if override.spelled not in choices:
            by_key.setdefault(override.spelled, set()).update(effects[override.text] or ())
    reached = Counter(leaf for leaves in by_key.values() for leaf in leaves)
    # Effects add up unless two keys reach the same leaf; what one unknown override reaches could be any.
    unknown = None in effects.values()
    worded = {key for key, leaves in by_key.items() if unknown or any(reached[leaf] > 1 for leaf in leaves)}
    known = {
        text: sum(hash_words(*leaf, "", value) for leaf, value in (changes or {}).items() if value)
        for text, changes in effects.items()
    }

    def digest(overrides: Sequence[Override]) -> int:
        own = [override for override in overrides if override.spelled not in choices]
        added = sum(known[s.text] for s in own if s.spelled not in worded)
        return (wording(s for s in own if s.spelled in worded) + added) & MASK

    return digest
