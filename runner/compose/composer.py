"""Points -> configs. Composes with Hydra once for each structural choice, then only sets values.

An override is structural when it changes what is merged: a group choice, `+`, `++`, `~`, `@`, `hydra.*`. Any
other is a value: it is set on the composed config, the leaves that interpolate are resolved again, and the
old values are put back. Where that would not be exact (a mapping as a value, an interpolation, a place that
the composed config does not have, a key that a structural override touches too) Hydra's own way is taken.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hydra import compose as hydra_compose
from hydra.core.config_loader import ConfigLoader
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, ListConfig, OmegaConf, open_dict

from runner.compose import chain
from runner.compose.arguments import check_key
from runner.compose.explain import Known, explained
from runner.compose.hiding import hide, hide_section, mentions, secret_resolvers
from runner.compose.keys import BUILT, find_unread, parameters_of, takes
from runner.compose.origins import choices_in, find_asker, find_origins, find_owners, find_packages, own_folders
from runner.compose.tree import ABSENT, KeyPath, dotted, interpolates, leaf_paths, look_up, overlap, put, repeated_key
from runner.compose.values import (
    Base,
    find_effects,
    find_follows,
    find_needed,
    is_simple,
    read,
    resolve,
    set_as_hydra,
    set_in_place,
    set_values,
)
from runner.errors import ConfigError
from runner.project import read_project
from tracking.records.overrides import Override, key_of, parse_overrides
from tracking.records.secrets import Hidden


@dataclass(frozen=True, slots=True)
class Composed:
    """A resolved config as plain data, the group choices behind it, and where its values came from."""

    config: dict[str, Any]
    choices: Mapping[str, str]
    minimal: tuple[Override, ...]  # the shortest overrides that compose this config
    origins: Mapping[str, str]  # dotted key -> the config file that gave the value
    follows: Mapping[str, str]  # dotted key -> the key that it only repeats: `model.alpha: ${alpha}`
    hidden: Hidden | None  # where values of it may not be written down


class Composer:
    """Compose the configs of many points. Needs an initialised Hydra: inside `hydra.main`, or a `session`."""

    def __init__(self, config_name: str = "config", *, hydra_overrides: Sequence[str] = (), keep: int = 256) -> None:
        self.config_name = config_name
        self._hydra_overrides = parse_overrides(hydra_overrides)
        self._keep = keep
        self._bases: dict[tuple[Override, ...], Base] = {}
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
        elif not all(is_simple(base.raw, override) for override in values):
            config = set_as_hydra(base, values)
        else:
            config = set_in_place(base, values)
        minimal = base.minimal + find_needed(base, values, config)
        hidden = self._hide(base, structural, values, config)
        return Composed(config, base.choices, minimal, base.origins, find_follows(base, values), hidden)

    def is_group(self, key: str) -> bool:
        """Tell whether the key names a config group, so that setting it chooses a file. Raises ConfigError."""
        group = key_of(key).partition("@")[0]
        if group not in self._groups:
            check_key(group)
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
                return not OmegaConf.is_struct(node) and (section not in BUILT or takes(node, name))
            if OmegaConf.is_missing(node, name) or OmegaConf.is_interpolation(node, name):
                return True
            node, section = node[name], f"{section}.{name}".lstrip(".")
        return True

    def keys(self, structural: Sequence[Override]) -> list[str]:
        """Return the dotted keys of the config that these overrides compose, and what else it can take."""
        known = {name: self.parameters(structural, name)[1] for name in (*BUILT, "cv")}
        more = [f"{name}.{key}" for name, keys in known.items() for key in keys]
        groups = [group for group in self.loader.list_groups("") if group != "hydra"]
        return list(dict.fromkeys([*dotted(self._base(structural).raw), *more, *groups]))

    def parameters(self, structural: Sequence[Override], section: str) -> tuple[str, tuple[str, ...]]:
        """Return the `_target_` of a section, "" for none, and the names of what it takes as far as they are known."""
        target = look_up(self._base(structural).raw, (section, "_target_"))
        if not isinstance(target, str):
            return "", ()
        return target, tuple(name for name in parameters_of(target) or () if name != "**")

    def unread(self, structural: Sequence[Override], texts: Sequence[str] = ()) -> dict[str, str]:
        """Return the keys that nothing reads, not even an interpolation of `texts`, and the file that sets each."""
        base = self._base(structural)
        asked = [*self._hydra_overrides, *structural]
        keys = find_unread(base.raw, brought=lambda: find_packages(self.loader, self.config_name, asked), texts=texts)
        own = read_project().own_keys if keys else ()
        keys = [key for key in keys if key not in own]
        return {key: next((file for leaf, file in base.origins.items() if overlap(leaf, key)), "") for key in keys}

    def readers(self, structural: Sequence[Override], key: str) -> list[str]:
        """Return the leaves that interpolate a key, `${key}`."""
        return _readers(self._base(structural).raw, key)

    def owners(self, key: str) -> list[str]:
        """Return the choices, as `model=lasso`, that bring a key."""
        return find_owners(self.loader, key)

    def effects(self, structural: Sequence[Override], override: Override) -> dict[KeyPath, tuple[str, str]] | None:
        """Return the leaves that an override reaches, each with its old and its new value spelled out.

        A whole number counts as the float that it is where a float stands. None where what is reached depends on other
        overrides, or cannot be done.
        """
        base = self._base(structural)
        if base.tangled or base.asks_hydra or self.is_structural(override) or not is_simple(base.raw, override):
            return None
        try:
            return {path: _spell(look_up(base.plain, path), value) for path, value in find_effects(base, override)}
        except ConfigError:
            return None

    def raw(self, structural: Sequence[Override]) -> Mapping[str, Any]:
        """Return the config that these overrides compose, with interpolations as text."""
        return self._base(structural).raw

    def choices(self, structural: Sequence[Override]) -> Mapping[str, str]:
        """Return the choice of every group, defaults included."""
        return self._base(structural).choices

    def sections(self, overrides: Sequence[Override], *keys: str) -> dict[str, Any]:
        """Return resolved top-level values of the config that these overrides compose, None where missing.

        What comes from a secret resolver stays an expression: these are values to set, and the record has them too.
        """
        base = self._base(overrides)
        with explained():
            found = {key: read(base.config, (key,)) if key in base.config else None for key in keys}
        resolvers = secret_resolvers(base.raw)
        if not mentions(base.text, resolvers):
            return found
        return {key: hide_section(base.config, key, value, resolvers) for key, value in found.items()}

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
        if any(overlap(override.key, key) for override in values for key in touched):
            return list(overrides), []  # their order matters, and Hydra keeps it
        return structural, values

    def _base(self, structural: Sequence[Override]) -> Base:
        overrides = tuple(structural)
        base = self._bases.get(overrides)
        if base is None:
            if len(self._bases) >= self._keep:
                self._bases.pop(next(iter(self._bases)))
            base = self._bases[overrides] = self._compose_base(overrides)
        return base

    def _compose_base(self, overrides: tuple[Override, ...]) -> Base:
        config, choices = self._hydra_compose(overrides)
        raw = OmegaConf.to_container(config, resolve=False)
        assert isinstance(raw, dict)
        _check_deleted(overrides, raw)
        leaves = list(leaf_paths(raw))
        interpolated = {path: repeated_key(value) for path, value in leaves if interpolates(value)}
        chained = {".".join(path) for path in interpolated}
        plain: dict[str, Any] = {str(key): value for key, value in raw.items()}
        owned: dict[KeyPath, dict[str, Any]] = {(): plain}
        for path, key in interpolated.items():
            if key is not None and (key in chained or look_up(raw, key.split(".")) in (ABSENT, "???")):
                interpolated[path] = None
            elif key is not None:
                put(plain, owned, path, read(config, path))
        return Base(
            config,
            raw,  # type: ignore[arg-type]
            plain,
            choices,
            self._necessary(overrides, raw),
            self._origins(overrides, choices),
            tuple(interpolated.items()),
            {".".join(path): key for path, value in leaves if (key := repeated_key(value)) is not None},
            tuple(path for path, value in leaves if value == "???"),
            any("${hydra:" in str(value) for _, value in leaves),
            repr(raw),
        )

    def _origins(self, overrides: Sequence[Override], choices: Mapping[str, str]) -> dict[str, str]:
        origins = find_origins(self.loader, self.config_name, [*self._hydra_overrides, *overrides])
        names = chain.names_in(choices)
        if not names:
            return origins
        return chain.origins_apart(origins, {name: self._origins([_alone(name)], {}) for name in names})

    def _hydra_compose(self, overrides: Sequence[Override]) -> tuple[DictConfig, dict[str, str]]:
        """Return what Hydra composes without its own section, and the choices; a row of preparations set apart."""
        asked = [*self._hydra_overrides, *overrides]
        known = Known(
            names=lambda: self.keys(()) if overrides else [],
            owners=self.owners,
            asker=lambda choice: find_asker(self.loader, asked, choice),
        )
        with explained(" ".join(override.text for override in overrides), known):
            texts = [override.text for override in asked]
            config = hydra_compose(self.config_name, overrides=texts, return_hydra_config=True)
        return config, self._without_hydra(config, asked)

    def _without_hydra(self, config: DictConfig, asked: Sequence[Override]) -> dict[str, str]:
        """Leave out Hydra's own section, and give each preparation of a row one; return the choice of every group."""
        choices = {k: str(v) for k, v in config.hydra.runtime.choices.items() if "hydra/" not in k and v is not None}
        with open_dict(config):
            del config["hydra"]
        names = [] if chain.GROUP in choices else chain.chosen_in_a_row(self.loader, self.config_name, asked)
        if names:
            chain.set_apart(config, {name: self._base((_alone(name),)).raw[chain.GROUP] for name in names})
            choices[chain.GROUP] = chain.spell_row(names)
        return choices

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

    def _hide(
        self, base: Base, structural: Sequence[Override], values: Sequence[Override], config: Mapping[str, Any]
    ) -> Hidden | None:
        """Return how a config is recorded that has values of secret resolvers; None for one that has none."""
        resolvers = secret_resolvers(config)
        if not mentions("\n".join([base.text, *(override.text for override in values)]), resolvers):
            return None
        asks = base.asks_hydra or any("${hydra:" in override.text for override in values)
        live = self._live(base, structural, values) if asks else set_values(base, values)
        return hide(live, config, resolvers)

    def _ask_hydra(self, base: Base, structural: Sequence[Override], values: Sequence[Override]) -> dict[str, Any]:
        return resolve(self._live(base, structural, values))

    def _live(self, base: Base, structural: Sequence[Override], values: Sequence[Override]) -> DictConfig:
        asked = [*self._hydra_overrides, *structural, *values]
        texts = [override.text for override in asked]
        with explained(" ".join(texts), Known(lambda: dotted(base.raw))):
            config = hydra_compose(self.config_name, overrides=texts, return_hydra_config=True)
            HydraConfig.instance().set_config(config)
        self._without_hydra(config, asked)
        return config


def _alone(choice: str) -> Override:
    return Override.of(chain.GROUP, choice)


def _spell(old: Any, new: Any) -> tuple[str, str]:
    """Spell two values of a key so that they are the same text if they are one value: 1 is 1.0 where 0.5 stands."""
    if isinstance(old, float) and type(new) is int and float(new) == new:
        new = float(new)
    return repr(old), repr(new)


def _readers(raw: Any, key: str) -> list[str]:
    return [".".join(path) for path, value in leaf_paths(raw) if f"${{{key}}}" in str(value)]


def _check_deleted(overrides: Sequence[Override], raw: Any) -> None:
    """Refuse `~alpha` where `model.alpha` is `${alpha}`."""
    for key in [override.key for override in overrides if override.prefix == "~"]:
        readers = _readers(raw, key)
        if readers and look_up(raw, key.split(".")) is ABSENT:
            verb = "reads" if len(readers) == 1 else "read"
            raise ConfigError(f"~{key}: {', '.join(readers)} {verb} it. Set it instead: {key}=...")
