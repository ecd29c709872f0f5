"""Values on a composed config: set, read what depends on them, and put the old ones back."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from omegaconf import DictConfig, ListConfig, OmegaConf, open_dict
from omegaconf.errors import OmegaConfBaseException

from runner.compose.explain import Known, explained, missing_values
from runner.compose.tree import ABSENT, KeyPath, dotted, interpolates, leaf_paths, look_up, overlap, put, repeated_key
from runner.errors import ConfigError
from tracking.records.overrides import Override

MOST_EFFECTS = 20_000  # overrides whose effects are remembered, for each structural choice


@dataclass(frozen=True, slots=True)
class Base:
    """One structural choice, composed: the live config, its raw plain form, the leaves that interpolate."""

    config: DictConfig
    raw: dict[str, Any]  # with interpolations as text
    plain: dict[str, Any]  # without, where they only repeat another key
    choices: dict[str, str]
    minimal: tuple[Override, ...]
    origins: dict[str, str]
    interpolated: tuple[tuple[KeyPath, str | None], ...]  # with the key that it repeats, if it is just `${key}`
    follows: dict[str, str]  # dotted key -> the key that it repeats: `model.alpha: ${alpha}`
    missing: tuple[KeyPath, ...]
    asks_hydra: bool
    text: str  # all of `raw`, to look for a word in
    effects: dict[tuple[str, type], tuple[tuple[KeyPath, Any], ...]] = field(default_factory=dict)

    @property
    def tangled(self) -> bool:
        """Whether some leaf interpolates in a way that several overrides together may change."""
        return any(key is None for _, key in self.interpolated)


def set_as_hydra(base: Base, values: Sequence[Override]) -> dict[str, Any]:
    """Set values on a copy of the composed config, one after the other, and resolve the whole."""
    return resolve(set_values(base, values))


def set_values(base: Base, values: Sequence[Override]) -> DictConfig:
    """Return a copy of the composed config with values set, one after the other, and interpolations as they are."""
    config = copy.deepcopy(base.config)
    for override in values:
        _update(base, config, override)
    return config


def resolve(config: DictConfig) -> dict[str, Any]:
    """Return a config as plain data. Raises ConfigError for what is missing or interpolates what is not there."""
    leaves = list(leaf_paths(OmegaConf.to_container(config, resolve=False)))
    if missing := [".".join(path) for path, value in leaves if value == "???"]:
        raise ConfigError(missing_values(missing))
    try:
        resolved = OmegaConf.to_container(config, resolve=True)
    except OmegaConfBaseException:
        for path, value in leaves:
            if interpolates(value):
                read(config, path)  # one by one, so that the message names the key
        raise
    assert isinstance(resolved, dict)
    return {str(key): value for key, value in resolved.items()}


def set_in_place(base: Base, values: Sequence[Override]) -> dict[str, Any]:
    """Set values on the composed config, read what depends on them, and put the old values back."""
    result = dict(base.plain)
    owned: dict[KeyPath, dict[str, Any]] = {(): result}
    given = {tuple(override.key.split(".")) for override in values}
    if missing := [".".join(path) for path in base.missing if path not in given]:
        raise ConfigError(missing_values(missing))
    effects = [] if base.tangled else [leaf for override in values for leaf in find_effects(base, override)]
    # Two overrides of one leaf, as `alpha=2` and `model.alpha=3` with `model.alpha: ${alpha}`, are no sum of the two.
    if base.tangled or len({path for path, _ in effects}) < len(effects) or _any_overlap(values):
        effects = _try_together(base, values)
    for path, value in effects:
        put(result, owned, path, value)
    return result


def _any_overlap(values: Sequence[Override]) -> bool:
    return any(overlap(a.key, b.key) for a, b in itertools.combinations(values, 2))


def find_effects(base: Base, override: Override) -> tuple[tuple[KeyPath, Any], ...]:
    """Return the leaves that an override changes, by itself: the axes of a grid meet again and again."""
    known = (override.text, type(override.value))
    effects = base.effects.get(known)
    if effects is None:
        effects = tuple(_try_together(base, [override]))
        if len(base.effects) < MOST_EFFECTS:
            base.effects[known] = effects
    return effects


def _try_together(base: Base, values: Sequence[Override]) -> list[tuple[KeyPath, Any]]:
    done: list[KeyPath] = []
    try:
        for override in values:
            done.append(tuple(override.key.split(".")))
            _update(base, base.config, override)
        changed = [path for path, key in base.interpolated if key is None or _is_set(key, values)]
        return [(path, read(base.config, path)) for path in (*done, *changed)]
    finally:
        for path in done:
            _restore(base, path)


def _is_set(key: str, values: Sequence[Override]) -> bool:
    return any(overlap(key, override.key) for override in values)


def _update(base: Base, config: DictConfig, override: Override) -> None:
    with explained(override.text, Known(lambda: dotted(base.raw))):
        OmegaConf.update(config, override.key, override.value, merge=True)


def read(config: DictConfig, path: KeyPath) -> Any:
    """Return the resolved value at a path as plain data. Raises ConfigError."""
    with explained(".".join(path), Known(lambda: dotted(OmegaConf.to_container(config)))):  # type: ignore[arg-type]
        value = OmegaConf.select(config, ".".join(path), throw_on_resolution_failure=True)
        if isinstance(value, DictConfig | ListConfig):
            return OmegaConf.to_container(value, resolve=True)
        return value


def _restore(base: Base, path: KeyPath) -> None:
    old = look_up(base.raw, path)
    if old is not ABSENT:
        OmegaConf.update(base.config, ".".join(path), old, merge=False)
        return
    parent = OmegaConf.select(base.config, ".".join(path[:-1])) if path[:-1] else base.config
    with open_dict(base.config):
        parent.pop(path[-1], None)


def is_simple(raw: dict[str, Any], override: Override) -> bool:
    """Tell whether setting the value touches one leaf below a mapping that is there."""
    value = override.value
    if isinstance(value, dict) or interpolates(value) or value == "???":
        return False
    path = override.key.split(".")
    return isinstance(look_up(raw, path[:-1]), dict) and not isinstance(look_up(raw, path), dict)


def find_follows(base: Base, values: Sequence[Override]) -> Mapping[str, str]:
    """Return which keys only repeat which other one once these values are set."""
    own = {override.key: repeated_key(override.value) for override in values}
    replaced = {key for key in base.follows for given in own if overlap(key, given)}
    added = {key: repeated for key, repeated in own.items() if repeated is not None}
    if not replaced and not added:
        return base.follows
    return {key: repeated for key, repeated in base.follows.items() if key not in replaced} | added


def find_needed(base: Base, values: Sequence[Override], config: dict[str, Any]) -> tuple[Override, ...]:
    """Leave out overrides that the config has anyway, and those that later ones replace."""
    if not any(isinstance(s.value, dict) for s in values) and not _any_overlap(values):
        return tuple(value for value in values if not _is_given(base.raw, value, config))
    kept, wanted = list(values), _raw_with(base, values)
    number = 0
    while number < len(kept):
        without = kept[:number] + kept[number + 1 :]
        if _raw_with(base, without) == wanted:
            kept, number = without, 0  # what an override replaced may matter no more either
        else:
            number += 1
    return tuple(kept)


def _is_given(raw: dict[str, Any], override: Override, config: dict[str, Any]) -> bool:
    """Tell whether the config has this very value anyway; typed, so that 1.0 is not 1."""
    path = override.key.split(".")
    value = override.value if interpolates(override.value) else look_up(config, path)
    return repr(look_up(raw, path)) == repr(value)


def _raw_with(base: Base, values: Sequence[Override]) -> str:
    """Spell the config with these values, types and interpolations kept; empty if they cannot be set."""
    config = copy.deepcopy(base.config)
    try:
        for override in values:
            _update(base, config, override)
    except ConfigError:
        return ""
    return repr(OmegaConf.to_container(config, resolve=False))
