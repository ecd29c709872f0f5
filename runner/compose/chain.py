"""Preparations in a row: `prepare=[tabular,select]`, on the command line or in a file.

Hydra puts all choices of a list into one section, where the last `_target_` wins. Here each has a section of its own,
named as the choice, in the order of the list: `prepare.tabular.impute`, `prepare.select.k`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from hydra.core.config_loader import ConfigLoader
from omegaconf import DictConfig, OmegaConf, open_dict

from runner.compose.origins import find_defaults
from runner.errors import ConfigError
from tracking.records.overrides import Override

GROUP = "prepare"


def chosen_in_a_row(loader: ConfigLoader, config_name: str, overrides: Sequence[Override]) -> list[str]:
    """Return the choices of the group, of which Hydra names none where it is a list."""
    own = f"{GROUP}/"
    files = [
        str(default.config_path)
        for default in find_defaults(loader, config_name, overrides)
        if str(default.config_path).startswith(own) and not str(default.parent).startswith(own)
    ]
    return [file.removeprefix(own).removesuffix(".yaml") for file in files]


def spell_row(names: Sequence[str]) -> str:
    """Write a list of choices as an override has it."""
    return f"[{','.join(names)}]"


def names_in(choices: Mapping[str, str]) -> list[str]:
    """Return the choices of a row; [] for a single one."""
    written = choices.get(GROUP, "")
    return written[1:-1].split(",") if written.startswith("[") else []


def set_apart(config: DictConfig, sections: Mapping[str, Any]) -> None:
    """Give each choice its section in a config that Hydra composed; what files set below its name counts.

    `sections` are the choices, each as it is alone. Raises ConfigError for a key of which nobody said whose it is.
    """
    merged: Any = OmegaConf.to_container(config[GROUP], resolve=False)
    together = {key: value for section in sections.values() for key, value in section.items()}
    for key, value in merged.items():
        if key not in sections and (key not in together or value != together[key]):
            owner = next((name for name, section in sections.items() if key in section), next(iter(sections)))
            raise ConfigError(
                f"{GROUP}.{key}={value}: {GROUP}={spell_row(list(sections))} are several. Say of which:"
                f" {GROUP}.{owner}.{key}={value}"
            )
    apart = {name: OmegaConf.merge(section, merged.get(name) or {}) for name, section in sections.items()}
    with open_dict(config):
        config[GROUP] = {}
        for name, section in apart.items():
            config[GROUP][name] = section
    OmegaConf.set_struct(config[GROUP], False)


def origins_apart(origins: Mapping[str, str], files: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """Return where values come from once each choice has its section; `files` are the origins of each one alone."""
    return {**dict(_others(origins)), **{key: file for name, own in files.items() for key, file in _below(name, own)}}


def _others(origins: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    return ((key, file) for key, file in origins.items() if not file.startswith(f"{GROUP}/"))


def _below(name: str, origins: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for key, file in origins.items():
        if file.startswith(f"{GROUP}/"):
            inside = key.startswith(f"{GROUP}.")
            yield (f"{GROUP}.{name}.{key.removeprefix(f'{GROUP}.')}" if inside else key), file
