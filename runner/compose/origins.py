"""Where the values of a composed config come from: dotted key -> the config file that gave it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from hydra.core.config_loader import ConfigLoader
from hydra.core.default_element import ResultDefault
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf


def find_origins(loader: ConfigLoader, config_name: str, overrides: list[str]) -> dict[str, str]:
    """Return for every leaf the file that set it last, as `cv/kfold.yaml`; schemas are left out."""
    defaults = loader.compute_defaults_list(config_name, overrides, RunMode.RUN).defaults
    origins: dict[str, str] = {}
    for default in defaults:
        if default.config_path is None or default.config_path.startswith(("hydra/", "_dummy")):
            continue
        for key in _keys_of(loader, default):
            origins[key] = f"{default.config_path.removesuffix('.yaml')}.yaml"
    return origins


def choices_in(loader: ConfigLoader, config_path: str) -> Iterator[str]:
    """Yield the choices, as `group=choice`, that a file's own defaults list makes."""
    for source in loader.get_sources():
        if source.scheme() != "structured" and source.is_config(config_path):
            defaults = OmegaConf.select(source.load_config(config_path).config, "defaults") or ()
            for default in defaults:
                for words, choice in default.items() if isinstance(default, DictConfig) else ():
                    yield f"{str(words).split()[-1].lstrip('/')}={choice}"
            return


def find_owners(loader: ConfigLoader, key: str) -> list[str]:
    """Return the choices whose files bring a key: `model=ridge` brings `alpha`, `data=csv` brings `data.path`."""
    groups = [group for group in loader.list_groups("") if group not in ("hydra", "experiment")]
    return [
        f"{group}={choice}"
        for group in groups
        for choice in loader.get_group_options(group)
        if key in _keys_in(loader, group, f"{group}/{choice}")
    ]


def _keys_in(loader: ConfigLoader, group: str, config_path: str) -> set[str]:
    """Return the dotted keys that a file of a group sets, without what its own defaults list adds."""
    for source in loader.get_sources():
        if source.scheme() != "structured" and source.is_config(config_path):
            loaded = source.load_config(config_path)
            package = "" if loaded.header.get("package") == "_global_" else group
            return set(_leaf_keys(OmegaConf.to_container(loaded.config, resolve=False), package))
    return set()


def _keys_of(loader: ConfigLoader, default: ResultDefault) -> Iterable[str]:
    assert default.config_path is not None
    for source in loader.get_sources():
        if source.scheme() == "structured" or not source.is_config(default.config_path):
            continue
        loaded = source.load_config(default.config_path)
        if isinstance(loaded.config, DictConfig):
            package = default.package if default.package and default.package != "_global_" else ""
            return _leaf_keys(OmegaConf.to_container(loaded.config, resolve=False), package)
    return ()


def _leaf_keys(tree: Any, prefix: str) -> Iterator[str]:
    if not isinstance(tree, dict) or not tree:
        yield prefix
        return
    for key, value in tree.items():
        if prefix or key not in ("defaults", "hydra"):
            yield from _leaf_keys(value, f"{prefix}.{key}" if prefix else str(key))
