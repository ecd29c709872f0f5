"""What expanding and checking a sweep asks about configs, answered by a Composer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from runner.compose.composer import Composer
from runner.compose.keys import closed_sections, name_owners, no_such_key
from runner.compose.overrides import read_overrides
from runner.errors import ConfigError
from runner.points.axes import Grid
from runner.suggest import nearest
from tracking.records.names import BOOKKEEPING
from tracking.records.overrides import Override
from tracking.records.values import leaves

Leaf = tuple[str, ...]


class ComposedConfigs:
    """Answers for group choices, and for whole points. See `runner.points.duplicates.Configs`."""

    def __init__(self, composer: Composer) -> None:
        self._composer = composer
        self._reached: dict[tuple[tuple[Override, ...], str, type], dict[Leaf, str]] = {}

    def identity(self, choices: Mapping[str, str]) -> str:
        """Return the composed config as text; what chose it counts only where it cannot be composed alone."""
        overrides = chosen(choices)
        try:
            raw = {key: value for key, value in self._composer.raw(overrides).items() if key != "sweep"}
            # Runs are filed by the model's choice, so that two names for one model are two models.
            return repr((self._composer.choices(overrides).get("model"), raw))
        except ConfigError:
            return repr(choices)

    def effects(self, choices: Mapping[str, str], override: Override) -> Mapping[Leaf, str] | None:
        """Return the leaves that an override reaches, with the new value or "" for the old; None if not known."""
        try:
            return self.effects_beside(chosen(choices), override)
        except ConfigError:  # of the choices: said where they are composed with everything else
            return None

    def effects_beside(self, structural: Sequence[Override], override: Override) -> Mapping[Leaf, str] | None:
        """Return the same for structural overrides of any kind."""
        kind = (tuple(structural), override.spelled, type(override.value))
        old = self._reached.get(kind)
        if old is None:
            effects = self._composer.effects(structural, override)
            if effects is None:
                return None
            spelled = repr(override.value)
            # A number that all leaves took as it is: they will take the next one of its type too.
            if isinstance(override.value, int | float) and all(new == spelled for _, new in effects.values()):
                self._reached[kind] = {leaf: before for leaf, (before, _) in effects.items()}
            return {leaf: "" if new == before else new for leaf, (before, new) in effects.items()}
        spelled = repr(override.value)
        return {leaf: "" if spelled == before else spelled for leaf, before in old.items()}

    def keys(self, choices: Mapping[str, str]) -> list[str]:
        """Return the dotted keys of the config that these choices compose, but for how and where to run."""
        keys = (key for key, _ in leaves(self._composer.raw(chosen(choices))))
        return [key for key in keys if key.partition(".")[0] not in BOOKKEEPING]

    def value(self, overrides: Sequence[Override], key: str, default: object) -> object:
        """Return the value of a key in the config of a point."""
        node: object = self._composer.compose(overrides).config
        for name in key.split("."):
            if not isinstance(node, Mapping) or name not in node:
                return default
            node = node[name]
        return node


def chosen(choices: Mapping[str, str]) -> list[Override]:
    """Return group choices as overrides."""
    return [_choose(group, choice) for group, choice in choices.items()]


def _choose(group: str, choice: str) -> Override:
    if choice.startswith(("[", "{")):  # a list of choices, or a section in place of one, as it is written
        return read_overrides([f"{group}={choice}"])[0]
    return Override.of(group, choice or None)  # None: `~tags`


def check_read(
    composer: Composer, branches: Iterable[Sequence[Override]], texts: Sequence[str], *, alone: bool
) -> tuple[str, ...]:
    """Raise ConfigError for keys that are read in no branch, or that every run needs; return notes on the rest.

    What a file sets without effect is a mistake. What was added with `+` may be meant for the record, unless it
    looks like another key. `alone`: no other run may have a use for what another choice would read.
    """
    unread: dict[str, str] | None = None
    chosen: set[str] = set()
    for overrides in branches:
        _check_complete(composer, overrides)
        chosen |= composer.choices(overrides).keys()
        found = composer.unread(overrides, texts)
        unread = found if unread is None else {key: file for key, file in unread.items() if key in found}
        if not unread:
            return ()
    notes, mistakes = [], []
    for key, file in (unread or {}).items():
        owners = composer.owners(key)
        names = [name for name in composer.keys(()) if name not in (unread or {})]
        if key == "experiment":
            mistakes.append(f"{file}: nothing reads it where it is. Its first line has to be: # @package _global_")
        elif "/" in key:
            mistakes.append(f"+{key}: there is no config group {key}, or it has no such choice.")
        elif owners and (not alone or chosen.isdisjoint(Override.parse(owner).key for owner in owners)):
            continue  # a recorded config, with all groups written out, has the keys that they brought
        elif file or owners or nearest(key, names, least=0.75):
            asked = f"{file}: {key}" if file else next((text for text in texts if key in text), key)
            mistakes.append(no_such_key(key, asked, names, lambda _, owners=owners: owners))  # type: ignore[misc]
        else:
            notes.append(f"nothing reads {key}; it is recorded as a parameter")
    if mistakes:
        raise ConfigError(" ".join(mistakes))
    return tuple(notes)


def find_replaced(
    composer: Composer, branches: Sequence[Sequence[Override]], grids: Iterable[Grid], texts: Sequence[str]
) -> Iterator[str]:
    """Yield a note on each key whose readers are all given themselves: `alpha=2` beside `model.alpha=3`."""
    for keys in dict.fromkeys(grid.keys for grid in grids):
        for key in sorted(keys - closed_sections()[""]):
            if any(f"${{{key}}}" in text for text in texts):
                continue
            readers = dict.fromkeys(reader for branch in branches for reader in composer.readers(branch, key))
            if readers and keys.issuperset(readers):
                verb = "is" if len(readers) == 1 else "are"
                yield f"nothing reads {key}: {' and '.join(readers)} {verb} given too"


def describe_place(composer: Composer, branches: Sequence[Sequence[Override]], key: str) -> str:
    """Say what there is where a swept key is not: the parameters of the estimator, or who brings the key."""
    section = key.partition(".")[0]
    taken = {composer.parameters(overrides, section) for overrides in branches}
    if section in ("model", "prepare") and len(taken) == 1:
        target, parameters = next(iter(taken))
        if target:
            return f" Parameters of {target.rpartition('.')[2]}: {', '.join(parameters)}." if parameters else ""
        return name_owners(composer.owners(key)) or f" What is chosen for {section} takes none."
    return name_owners(composer.owners(key))


def _check_complete(composer: Composer, overrides: Sequence[Override]) -> None:
    for override in overrides:
        key = override.key
        if override.prefix == "~" and key in closed_sections()[""] and not composer.is_group(key):
            raise ConfigError(f"~{key}: every run needs {key}. Set it instead: {key}=...")
