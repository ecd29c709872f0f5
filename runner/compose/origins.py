"""Where the values of a composed config come from: dotted key -> the config file that gave it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from hydra._internal.sources_registry import SourcesRegistry
from hydra.core.config_loader import ConfigLoader
from hydra.core.default_element import ResultDefault
from hydra.plugins.config_source import ConfigSource
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from runner.compose.overrides import read_overrides
from tracking.records.overrides import Override


def find_origins(loader: ConfigLoader, config_name: str, overrides: Sequence[Override]) -> dict[str, str]:
    """Return for every leaf the file that set it last, as `cv/kfold.yaml`; schemas are left out."""
    defaults = find_defaults(loader, config_name, overrides)
    origins: dict[str, str] = {}
    sources = _searched(loader, overrides)
    for default in defaults:
        if default.config_path is None or default.config_path.startswith(("hydra/", "_dummy")):
            continue
        for key in _keys_of(sources, default):
            origins[key] = f"{default.config_path.removesuffix('.yaml')}.yaml"
    return origins


def find_packages(loader: ConfigLoader, config_name: str, overrides: Sequence[Override]) -> set[str]:
    """Return the top-level keys that exist because a chosen file was put there, but `experiment`, which sets others."""
    defaults = find_defaults(loader, config_name, overrides)
    packages = {str(default.package or "").partition(".")[0] for default in defaults}
    return packages - {"", "_global_", "hydra", "experiment"}


def find_defaults(loader: ConfigLoader, config_name: str, overrides: Sequence[Override]) -> Sequence[ResultDefault]:
    """Return the files that are composed, in order, each with the file that chose it."""
    texts = [override.text for override in overrides]
    defaults: Sequence[ResultDefault] = loader.compute_defaults_list(config_name, texts, RunMode.RUN).defaults
    return defaults


def choices_in(loader: ConfigLoader, config_path: str, overrides: Sequence[Override] = ()) -> Iterator[str]:
    """Yield the choices, as `group=choice`, that a file's own defaults list makes."""
    for source in _searched(loader, overrides):
        if source.is_config(config_path):
            defaults = OmegaConf.select(source.load_config(config_path).config, "defaults") or ()
            for default in defaults:
                for words, choice in default.items() if isinstance(default, DictConfig) else ():
                    yield f"{str(words).split()[-1].lstrip('/')}={choice}"
            return


def find_asker(loader: ConfigLoader, overrides: Sequence[Override], choice: str) -> str:
    """Return the override, as `+model=lasso`, or the file chosen by one, that makes a choice such as `model=lasso`."""
    wanted = Override.parse(choice)
    for override in overrides:
        if override.prefix == "+" and override.key == wanted.key and wanted.written in override.written.split(","):
            return override.text
    files = [f"{override.key}/{override.written}" for override in overrides if override.written]
    return next((f"{file}.yaml" for file in files if choice in choices_in(loader, file, overrides)), "")


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
    for source in _searched(loader):
        if source.is_config(config_path):
            loaded = source.load_config(config_path)
            package = "" if loaded.header.get("package") == "_global_" else group
            return set(_leaf_keys(OmegaConf.to_container(loaded.config, resolve=False), package))
    return set()


def _searched(loader: ConfigLoader, overrides: Sequence[Override] = ()) -> list[ConfigSource]:
    """Return where files are looked for, in order, with what `hydra.searchpath=` of the overrides adds."""
    found = [source for source in loader.get_sources() if source.scheme() != "structured"]
    for place in _search_path(overrides):
        url = place if "://" in place else f"file://{place}"
        found.append(SourcesRegistry.instance().resolve(url.partition("://")[0])("command-line", url))
    return found


def _search_path(overrides: Sequence[Override]) -> Iterator[str]:
    """Yield the places that `hydra.searchpath=` of the overrides names."""
    for override in read_overrides(o.text for o in overrides if o.key == "hydra.searchpath" and not o.prefix):
        yield from override.value if isinstance(override.value, list) else ()


def _keys_of(sources: Sequence[ConfigSource], default: ResultDefault) -> Iterable[str]:
    assert default.config_path is not None
    for source in sources:
        if not source.is_config(default.config_path):
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


_FILE = "file://"


def own_folders(loader: ConfigLoader, overrides: Sequence[Override]) -> tuple[str, ...]:
    """Return the folders that `--config-dir` and `hydra.searchpath=` of the overrides name, in their order.

    Relative to the working directory where they are below it, so that a project can be moved.
    """
    places = [place.path for place in loader.get_search_path().get_path() if place.provider == "command-line"]
    places += _search_path(overrides)
    return tuple(dict.fromkeys(map(_seen_from_here, places)))


def _seen_from_here(place: str) -> str:
    place = place.removeprefix(_FILE)
    if "://" in place:  # pkg://
        return place
    here = Path.cwd()
    path = here / place
    return (path.relative_to(here) if path.is_relative_to(here) else path).as_posix()
