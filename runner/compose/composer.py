"""Points -> configs. Composes with Hydra once for each structural choice, then only sets values.

An override is structural when it changes what is merged: a group choice, `+`, `++`, `~`, `@`, `hydra.*`. Any
other is a value: it is set on the composed config, the leaves that interpolate are resolved again, and the
old values are put back. Where that would not be exact (a mapping as a value, an interpolation, a place that
the composed config does not have, a key that a structural override touches too) Hydra's own way is taken.
"""

from __future__ import annotations

import copy
import importlib
import inspect
import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from hydra import compose as hydra_compose
from hydra.core.config_loader import ConfigLoader
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, ListConfig, OmegaConf, open_dict
from omegaconf.errors import OmegaConfBaseException

from runner.compose.explain import Known, explained, missing_values
from runner.compose.keys import find_unread
from runner.compose.origins import choices_in, find_asker, find_origins, find_owners, find_packages, own_folders
from runner.errors import ConfigError
from tracking.records.overrides import Override, key_of, parse_overrides

Path = tuple[str, ...]
MOST_EFFECTS = 20_000  # overrides whose effects are remembered, for each structural choice
_ABSENT = object()
BUILT = ("model", "prepare")  # sections that take what their `_target_` takes


@dataclass(frozen=True, slots=True)
class Composed:
    """A resolved config as plain data, the group choices behind it, and where its values came from."""

    config: dict[str, Any]
    choices: Mapping[str, str]
    minimal: tuple[Override, ...]  # the shortest overrides that compose this config
    origins: Mapping[str, str]  # dotted key -> the config file that gave the value


@dataclass(frozen=True, slots=True)
class _Base:
    """One structural choice, composed: the live config, its raw plain form, the leaves that interpolate."""

    config: DictConfig
    raw: dict[str, Any]  # with interpolations as text
    plain: dict[str, Any]  # without, where they only repeat another key
    choices: dict[str, str]
    minimal: tuple[Override, ...]
    origins: dict[str, str]
    interpolated: tuple[tuple[Path, str | None], ...]  # with the key that it repeats, if it is just `${key}`
    missing: tuple[Path, ...]
    asks_hydra: bool
    effects: dict[tuple[str, type], tuple[tuple[Path, Any], ...]] = field(default_factory=dict)

    @property
    def tangled(self) -> bool:
        """Whether some leaf interpolates in a way that several overrides together may change."""
        return any(key is None for _, key in self.interpolated)


class Composer:
    """Compose the configs of many points. Needs an initialised Hydra: inside `hydra.main`, or a `session`."""

    def __init__(self, config_name: str = "config", *, hydra_overrides: Sequence[str] = (), keep: int = 256) -> None:
        self.config_name = config_name
        self._hydra_overrides = parse_overrides(hydra_overrides)
        self._keep = keep
        self._bases: dict[tuple[Override, ...], _Base] = {}
        self._groups: dict[str, bool] = {}

    @property
    def loader(self) -> ConfigLoader:
        """The config loader of the Hydra that is initialised."""
        return GlobalHydra.instance().config_loader()

    def own_folders(self) -> tuple[str, ...]:
        """Return the folders of the user's own configs that are searched beside the shipped ones."""
        return own_folders(self.loader, self._hydra_overrides)

    def compose(self, overrides: Sequence[Override]) -> Composed:
        """Return the config of one point. Raises ConfigError naming the key, the value and the remedy."""
        structural, values = self._divide(overrides)
        base = self._base(structural)
        if base.asks_hydra or any("${hydra:" in override.text for override in values):
            config = self._ask_hydra(base, structural, values)
        elif not all(_is_simple(base.raw, override) for override in values):
            config = _set_as_hydra(base, values)
        else:
            config = _set_in_place(base, values)
        return Composed(config, base.choices, base.minimal + _needed(base, values, config), base.origins)

    def is_group(self, key: str) -> bool:
        """Tell whether the key names a config group, so that setting it chooses a file."""
        group = key_of(key).partition("@")[0]
        if group not in self._groups:
            self._groups[group] = "." not in group and bool(self.loader.get_group_options(group))
        return self._groups[group]

    def has_key(self, structural: Sequence[Override], key: str) -> bool:
        """Tell whether the config that these overrides compose has a place for the key."""
        node: Any = self._base(structural).config
        section = ""
        for name in key.split("."):
            if isinstance(node, ListConfig):
                return name.isdigit() and int(name) < len(node)
            if not isinstance(node, DictConfig):
                return False
            if name not in node.keys():  # noqa: SIM118 - `in` does not see a key whose value is missing
                return not OmegaConf.is_struct(node) and (section not in BUILT or _takes(node, name))
            if OmegaConf.is_missing(node, name) or OmegaConf.is_interpolation(node, name):
                return True
            node, section = node[name], f"{section}.{name}".lstrip(".")
        return True

    def keys(self, structural: Sequence[Override]) -> list[str]:
        """Return the dotted keys of the config that these overrides compose, and what else it can take."""
        known = {name: self.parameters(structural, name)[1] for name in (*BUILT, "cv")}
        more = [f"{name}.{key}" for name, keys in known.items() for key in keys]
        groups = [group for group in self.loader.list_groups("") if group != "hydra"]
        return list(dict.fromkeys([*_dotted(self._base(structural).raw), *more, *groups]))

    def parameters(self, structural: Sequence[Override], section: str) -> tuple[str, tuple[str, ...]]:
        """Return the `_target_` of a section, "" for none, and the names of what it takes as far as they are known."""
        target = _lookup(self._base(structural).raw, (section, "_target_"))
        if not isinstance(target, str):
            return "", ()
        return target, tuple(name for name in _parameters(target) or () if name != "**")

    def unread(self, structural: Sequence[Override], texts: Sequence[str] = ()) -> dict[str, str]:
        """Return the keys that nothing reads, not even an interpolation of `texts`, and the file that sets each."""
        base = self._base(structural)
        asked = [*self._hydra_overrides, *structural]
        keys = find_unread(base.raw, brought=lambda: find_packages(self.loader, self.config_name, asked), texts=texts)
        return {key: next((file for leaf, file in base.origins.items() if _overlap(leaf, key)), "") for key in keys}

    def owners(self, key: str) -> list[str]:
        """Return the choices, as `model=lasso`, that bring a key."""
        return find_owners(self.loader, key)

    def effects(self, structural: Sequence[Override], override: Override) -> dict[Path, tuple[str, str]] | None:
        """Return the leaves that an override reaches, each with its old and its new value spelled out.

        None where that depends on other overrides, or cannot be done.
        """
        base = self._base(structural)
        if base.tangled or base.asks_hydra or self.is_structural(override) or not _is_simple(base.raw, override):
            return None
        try:
            return {path: (repr(_lookup(base.plain, path)), repr(value)) for path, value in _effects(base, override)}
        except ConfigError:
            return None

    def raw(self, structural: Sequence[Override]) -> Mapping[str, Any]:
        """Return the config that these overrides compose, with interpolations as text."""
        return self._base(structural).raw

    def choices(self, structural: Sequence[Override]) -> Mapping[str, str]:
        """Return the choice of every group, defaults included."""
        return self._base(structural).choices

    def sections(self, overrides: Sequence[Override], *keys: str) -> dict[str, Any]:
        """Return resolved top-level values of the config that these overrides compose, None where missing."""
        base = self._base(overrides)
        with explained():
            return {key: _read(base.config, (key,)) if key in base.config else None for key in keys}

    def is_structural(self, override: Override) -> bool:
        """Tell whether an override changes what is merged, and not only a value."""
        if override.prefix or override.key.startswith(("hydra.", "hydra/")) or "@" in override.key:
            return True
        return not isinstance(override.value, dict) and self.is_group(override.key)

    # -------------------------------------------------------------------------------------------
    def _divide(self, overrides: Sequence[Override]) -> tuple[list[Override], list[Override]]:
        structural: list[Override] = []
        values: list[Override] = []
        for override in overrides:
            (structural if self.is_structural(override) else values).append(override)
        touched = [override.group for override in structural if not self.is_group(override.key)]
        if any(_overlap(override.key, key) for override in values for key in touched):
            return list(overrides), []  # their order matters, and Hydra keeps it
        return structural, values

    def _base(self, structural: Sequence[Override]) -> _Base:
        overrides = tuple(structural)
        base = self._bases.get(overrides)
        if base is None:
            if len(self._bases) >= self._keep:
                self._bases.pop(next(iter(self._bases)))
            base = self._bases[overrides] = self._compose_base(overrides)
        return base

    def _compose_base(self, overrides: tuple[Override, ...]) -> _Base:
        config, hydra = self._hydra_compose(overrides)
        raw = OmegaConf.to_container(config, resolve=False)
        assert isinstance(raw, dict)
        _check_deleted(overrides, raw)
        leaves = list(_leaves(raw))
        interpolated = {path: _repeated_key(value) for path, value in leaves if _interpolates(value)}
        chained = {".".join(path) for path in interpolated}
        plain: dict[str, Any] = {str(key): value for key, value in raw.items()}
        owned: dict[Path, dict[str, Any]] = {(): plain}
        for path, key in interpolated.items():
            if key is not None and (key in chained or _lookup(raw, key.split(".")) in (_ABSENT, "???")):
                interpolated[path] = None
            elif key is not None:
                _put(plain, owned, path, _read(config, path))
        return _Base(
            config,
            raw,  # type: ignore[arg-type]
            plain,
            {k: str(v) for k, v in hydra.runtime.choices.items() if "hydra/" not in k and v is not None},
            self._necessary(overrides, raw),
            find_origins(self.loader, self.config_name, [*self._hydra_overrides, *overrides]),
            tuple(interpolated.items()),
            tuple(path for path, value in leaves if value == "???"),
            any("${hydra:" in str(value) for _, value in leaves),
        )

    def _hydra_compose(self, overrides: Sequence[Override]) -> tuple[DictConfig, DictConfig]:
        asked = [*self._hydra_overrides, *overrides]
        known = Known(
            names=lambda: self.keys(()) if overrides else [],
            owners=self.owners,
            asker=lambda choice: find_asker(self.loader, asked, choice),
        )
        with explained(" ".join(override.text for override in overrides), known):
            texts = [override.text for override in asked]
            config = hydra_compose(self.config_name, overrides=texts, return_hydra_config=True)
        hydra = config.hydra
        with open_dict(config):
            del config["hydra"]
        return config, hydra

    def _necessary(self, overrides: tuple[Override, ...], raw: Any) -> tuple[Override, ...]:
        """Drop group choices that a later one replaces, or that the files make anyway."""
        chosen = [o for o in overrides if self.is_group(o.key) and not isinstance(o.value, dict)]
        last = {override.spelled: override for override in chosen}
        kept = [override for override in overrides if override not in chosen or override in last.values()]
        made = self._choices_in_files(kept)
        for override in [override for override in kept if override.text in made]:
            without = [other for other in kept if other != override]
            if not without or repr(OmegaConf.to_container(self._hydra_compose(without)[0])) == repr(raw):
                kept = without
        return tuple(kept)

    def _choices_in_files(self, overrides: Sequence[Override]) -> set[str]:
        """Return the choices, as `group=choice`, in the defaults of the main file and of chosen files."""
        files = [self.config_name, *(f"{o.key}/{o.written}" for o in overrides if not o.prefix)]
        return {choice for file in files for choice in choices_in(self.loader, file, self._hydra_overrides)}

    def _ask_hydra(self, base: _Base, structural: Sequence[Override], values: Sequence[Override]) -> dict[str, Any]:
        texts = [override.text for override in (*self._hydra_overrides, *structural, *values)]
        with explained(" ".join(texts), Known(lambda: _dotted(base.raw))):
            config = hydra_compose(self.config_name, overrides=texts, return_hydra_config=True)
            HydraConfig.instance().set_config(config)
            with open_dict(config):
                del config["hydra"]
        return _resolved(config)


def _check_deleted(overrides: Sequence[Override], raw: Any) -> None:
    """Refuse `~alpha` where `model.alpha` is `${alpha}`."""
    for key in [override.key for override in overrides if override.prefix == "~"]:
        readers = [".".join(path) for path, value in _leaves(raw) if f"${{{key}}}" in str(value)]
        if readers and _lookup(raw, key.split(".")) is _ABSENT:
            verb = "reads" if len(readers) == 1 else "read"
            raise ConfigError(f"~{key}: {', '.join(readers)} {verb} it. Set it instead: {key}=...")


def _takes(section: DictConfig, name: str) -> bool:
    """Tell whether the class of a section has the parameter: `model.max_depth` is for forests only."""
    target = section.get("_target_")
    if target is None or name.startswith("_"):
        return target is not None or name == "_target_"
    parameters = _parameters(str(target))
    return parameters is None or name in parameters or "**" in parameters


@lru_cache(maxsize=1024)
def _parameters(target: str) -> tuple[str, ...] | None:
    """Return the names that a class or function takes, None if that is not known: building it says more."""
    module, _, attribute = target.rpartition(".")
    try:
        found = inspect.signature(getattr(importlib.import_module(module), attribute)).parameters
    except Exception:  # importing runs any code
        return None
    return tuple("**" if p.kind is p.VAR_KEYWORD else name for name, p in found.items())


def _set_as_hydra(base: _Base, values: Sequence[Override]) -> dict[str, Any]:
    config = copy.deepcopy(base.config)
    for override in values:
        _update(base, config, override)
    return _resolved(config)


def _resolved(config: DictConfig) -> dict[str, Any]:
    leaves = list(_leaves(OmegaConf.to_container(config, resolve=False)))
    if missing := [".".join(path) for path, value in leaves if value == "???"]:
        raise ConfigError(missing_values(missing))
    try:
        resolved = OmegaConf.to_container(config, resolve=True)
    except OmegaConfBaseException:
        for path, value in leaves:
            if _interpolates(value):
                _read(config, path)  # one by one, so that the message names the key
        raise
    assert isinstance(resolved, dict)
    return {str(key): value for key, value in resolved.items()}


def _set_in_place(base: _Base, values: Sequence[Override]) -> dict[str, Any]:
    """Set values on the composed config, read what depends on them, and put the old values back."""
    result = dict(base.plain)
    owned: dict[Path, dict[str, Any]] = {(): result}
    given = {tuple(override.key.split(".")) for override in values}
    if missing := [".".join(path) for path in base.missing if path not in given]:
        raise ConfigError(missing_values(missing))
    effects = [] if base.tangled else [leaf for override in values for leaf in _effects(base, override)]
    # Two overrides of one leaf, as `alpha=2` and `model.alpha=3` with `model.alpha: ${alpha}`, are no sum of the two.
    if base.tangled or len({path for path, _ in effects}) < len(effects) or _any_overlap(values):
        effects = _try_together(base, values)
    for path, value in effects:
        _put(result, owned, path, value)
    return result


def _any_overlap(values: Sequence[Override]) -> bool:
    return any(_overlap(a.key, b.key) for a, b in itertools.combinations(values, 2))


def _effects(base: _Base, override: Override) -> tuple[tuple[Path, Any], ...]:
    """Return the leaves that an override changes, by itself: the axes of a grid meet again and again."""
    known = (override.text, type(override.value))
    effects = base.effects.get(known)
    if effects is None:
        effects = tuple(_try_together(base, [override]))
        if len(base.effects) < MOST_EFFECTS:
            base.effects[known] = effects
    return effects


def _try_together(base: _Base, values: Sequence[Override]) -> list[tuple[Path, Any]]:
    done: list[Path] = []
    try:
        for override in values:
            done.append(tuple(override.key.split(".")))
            _update(base, base.config, override)
        changed = [path for path, key in base.interpolated if key is None or _is_set(key, values)]
        return [(path, _read(base.config, path)) for path in (*done, *changed)]
    finally:
        for path in done:
            _restore(base, path)


def _is_set(key: str, values: Sequence[Override]) -> bool:
    return any(_overlap(key, override.key) for override in values)


def _update(base: _Base, config: DictConfig, override: Override) -> None:
    with explained(override.text, Known(lambda: _dotted(base.raw))):
        OmegaConf.update(config, override.key, override.value, merge=True)


def _read(config: DictConfig, path: Path) -> Any:
    with explained(".".join(path), Known(lambda: _dotted(OmegaConf.to_container(config)))):  # type: ignore[arg-type]
        value = OmegaConf.select(config, ".".join(path), throw_on_resolution_failure=True)
        if isinstance(value, DictConfig | ListConfig):
            return OmegaConf.to_container(value, resolve=True)
        return value


def _restore(base: _Base, path: Path) -> None:
    old = _lookup(base.raw, path)
    if old is not _ABSENT:
        OmegaConf.update(base.config, ".".join(path), old, merge=False)
        return
    parent = OmegaConf.select(base.config, ".".join(path[:-1])) if path[:-1] else base.config
    with open_dict(base.config):
        parent.pop(path[-1], None)


def _put(result: dict[str, Any], owned: dict[Path, dict[str, Any]], path: Path, value: Any) -> None:
    """Set a leaf in a tree that shares its branches with others: copy each branch once, then write."""
    for depth in range(1, len(path)):
        branch = path[:depth]
        if branch not in owned:
            parent = owned[branch[:-1]]
            owned[branch] = parent[branch[-1]] = dict(parent[branch[-1]])
    owned[path[:-1]][path[-1]] = value


def _is_simple(raw: dict[str, Any], override: Override) -> bool:
    """Tell whether setting the value touches one leaf below a mapping that is there."""
    value = override.value
    if isinstance(value, dict) or _interpolates(value) or value == "???":
        return False
    path = override.key.split(".")
    return isinstance(_lookup(raw, path[:-1]), dict) and not isinstance(_lookup(raw, path), dict)


def _needed(base: _Base, values: Sequence[Override], config: dict[str, Any]) -> tuple[Override, ...]:
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
    value = override.value if _interpolates(override.value) else _lookup(config, path)
    return repr(_lookup(raw, path)) == repr(value)


def _raw_with(base: _Base, values: Sequence[Override]) -> str:
    """Spell the config with these values, types and interpolations kept; empty if they cannot be set."""
    config = copy.deepcopy(base.config)
    try:
        for override in values:
            _update(base, config, override)
    except ConfigError:
        return ""
    return repr(OmegaConf.to_container(config, resolve=False))


def _lookup(tree: Any, path: Sequence[str]) -> Any:
    for name in path:
        if not isinstance(tree, dict) or name not in tree:
            return _ABSENT
        tree = tree[name]
    return tree


def _leaves(tree: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    if isinstance(tree, dict) and (tree or not path):
        for key, value in tree.items():
            yield from _leaves(value, (*path, str(key)))
    else:
        yield path, tree


def _dotted(tree: Mapping[str, Any]) -> list[str]:
    return [".".join(path) for path, _ in _leaves(tree)]


def _interpolates(value: object) -> bool:
    if isinstance(value, str):
        return "${" in value
    if isinstance(value, list | tuple):
        return any(_interpolates(item) for item in value)
    return isinstance(value, dict) and any(_interpolates(item) for item in value.values())


def _repeated_key(value: object) -> str | None:
    match = re.fullmatch(r"\$\{([A-Za-z_][\w.]*)\}", value) if isinstance(value, str) else None
    return match[1] if match else None


def _overlap(one: str, other: str) -> bool:
    return one == other or one.startswith(f"{other}.") or other.startswith(f"{one}.")
