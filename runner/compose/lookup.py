"""What expanding and checking a sweep asks about configs, answered by a Composer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from runner.compose.composer import Composer
from runner.errors import ConfigError
from runner.points.axes import Setting
from runner.spec import BOOKKEEPING, flatten

Leaf = tuple[str, ...]


class ComposedConfigs:
    """Answers for group choices, and for whole points. See `runner.points.sameness.Configs`."""

    def __init__(self, composer: Composer) -> None:
        self._composer = composer
        self._reached: dict[tuple[tuple[str, ...], str, type], dict[Leaf, str]] = {}

    def identity(self, choices: Mapping[str, str]) -> str:
        """Return the composed config as text; what chose it counts only where it cannot be composed alone."""
        settings = chosen(choices)
        try:
            raw = {key: value for key, value in self._composer.raw(settings).items() if key != "sweep"}
            # Runs are filed by the model's choice, so that two names for one model are two models.
            return repr((self._composer.choices(settings).get("model"), raw))
        except ConfigError:
            return repr(choices)

    def effects(self, choices: Mapping[str, str], setting: Setting) -> Mapping[Leaf, str] | None:
        """Return the leaves that a setting reaches, with the new value or "" for the old; None if not known."""
        try:
            return self.effects_beside(chosen(choices), setting)
        except ConfigError:  # of the choices: said where they are composed with everything else
            return None

    def effects_beside(self, structural: Sequence[Setting], setting: Setting) -> Mapping[Leaf, str] | None:
        """Return the same for structural settings of any kind."""
        kind = (tuple(s.text for s in structural), setting.key, type(setting.value))
        old = self._reached.get(kind)
        if old is None:
            effects = self._composer.effects(structural, setting)
            if effects is None:
                return None
            spelled = repr(setting.value)
            # A number that all leaves took as it is: they will take the next one of its type too.
            if isinstance(setting.value, int | float) and all(new == spelled for _, new in effects.values()):
                self._reached[kind] = {leaf: before for leaf, (before, _) in effects.items()}
            return {leaf: "" if new == before else new for leaf, (before, new) in effects.items()}
        spelled = repr(setting.value)
        return {leaf: "" if spelled == before else spelled for leaf, before in old.items()}

    def keys(self, choices: Mapping[str, str]) -> list[str]:
        """Return the dotted keys of the config that these choices compose, but for how and where to run."""
        keys = (key for key, _ in flatten(self._composer.raw(chosen(choices))))
        return [key for key in keys if key.partition(".")[0] not in BOOKKEEPING]

    def value(self, settings: Sequence[Setting], key: str, default: object) -> object:
        """Return the value of a key in the config of a point."""
        node: object = self._composer.compose(settings).config
        for name in key.split("."):
            if not isinstance(node, Mapping) or name not in node:
                return default
            node = node[name]
        return node


def chosen(choices: Mapping[str, str]) -> list[Setting]:
    """Return group choices as settings."""
    return [Setting.of(group, choice or None) for group, choice in choices.items()]  # None: `~tags`
