"""The running command: the shipped configs and plugins for Hydra, what was typed, and what Hydra kept of it."""

from __future__ import annotations

import contextlib
import shlex
from collections.abc import Iterator, Sequence
from enum import Enum
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from runner.compose.arguments import divide
from runner.compose.composer import Composer
from runner.compose.origins import find_asker, find_owners
from runner.compose.overrides import read_overrides
from runner.compose.session import session
from runner.errors import ConfigError, RunnerError
from runner.project import read_project
from tracking.records.overrides import Override, parse_overrides
from tracking.records.secrets import redact_override

SWEEP_VARIABLE = "RUNNER_SWEEP"  # tells jobs of another launcher which sweep they belong to


def command_line() -> str:
    """Return what was typed, without secrets."""
    return shlex.join(["python", "-m", "runner", *map(redact_override, _typed)])


def remember(arguments: Sequence[str]) -> None:
    """Keep what was typed, for the record."""
    _typed[:] = arguments


def in_project(arguments: Sequence[str]) -> list[str]:
    """Return the arguments with the project's folder of configs, unless they name one. Raises ConfigError."""
    if any(name == "--config-dir" for name, _ in divide(arguments)[0]):
        return list(arguments)
    folder = read_project().config_dir
    return list(arguments) if folder is None else ["--config-dir", str(folder), *arguments]


def as_typed(overrides: Sequence[str]) -> tuple[str, ...]:
    """Return the texts that Hydra keeps of a command line, whose `${...}` its list would resolve."""
    texts = OmegaConf.to_container(overrides, resolve=False) if OmegaConf.is_list(overrides) else overrides
    return tuple(str(text) for text in texts)  # type: ignore[union-attr]


def check_other_sweeper(config: DictConfig, composer: Composer, texts: Sequence[str]) -> None:
    """Refuse a sweeper other than ours that looks the wrong way, or a `sweep:` section that it would not read.

    `config` is that of the running Hydra application, `texts` are the overrides of one point. Raises ConfigError.
    """
    sweeper, name = config.hydra.sweeper, config.hydra.runtime.choices["hydra/sweeper"]
    composed = composer.compose(read_overrides(texts)).config
    if composed["sweep"]:
        raise ConfigError(
            f"this config has a sweep, which hydra/sweeper={name} does not read. "
            "Leave out that sweeper to run the sweep, or add sweep=null."
        )
    objective = composed["scoring"]["objective"]
    for key, words in _DIRECTIONS.items():
        value = OmegaConf.select(sweeper, key)
        wanted = words[objective["direction"]]
        if isinstance(value, bool | str | Enum) and _word(value) != wanted:
            raise ConfigError(
                f"hydra.sweeper.{key} is {_word(value)}, and the objective is to {objective['direction']} "
                f"{objective['metric']}. Add: hydra.sweeper.{key}={wanted}"
            )


# Where sweepers say which way they look: Optuna, Nevergrad, Ax.
_DIRECTIONS = {
    "direction": {"minimize": "minimize", "maximize": "maximize"},
    "optim.maximize": {"minimize": "false", "maximize": "true"},
    "ax_config.experiment.minimize": {"minimize": "true", "maximize": "false"},
}


def _word(value: bool | str | Enum) -> str:
    return value.name if isinstance(value, Enum) else str(value).lower() if isinstance(value, bool) else value


def composer_for(config: DictConfig) -> Composer:
    """Return a Composer for the config name and Hydra overrides of a running Hydra application."""
    hydra = config.hydra
    typed = as_typed(hydra.overrides.hydra)
    own = [text for text in typed if Override.parse(text).key != "hydra.mode"]
    return Composer(hydra.job.config_name, hydra_overrides=own)


def known_keys(arguments: Sequence[str]) -> list[str]:
    """Return the keys of the config that the group choices among the arguments compose, to suggest from."""
    with _session_of(arguments) as (overrides, own):
        composer = Composer(hydra_overrides=own)
        chosen = []
        for text in overrides:
            with contextlib.suppress(RunnerError):
                [override] = read_overrides([text])
                if composer.is_group(override.key):
                    chosen.append(override)
        try:
            return composer.keys(chosen)
        except RunnerError:
            return composer.keys(())


def owners_of(arguments: Sequence[str], key: str) -> list[str]:
    """Return the choices, as `model=lasso`, that bring a key which the config of these arguments lacks."""
    from hydra.core.global_hydra import GlobalHydra

    with _session_of(arguments):
        return find_owners(GlobalHydra.instance().config_loader(), key)


def asker_of(arguments: Sequence[str], choice: str) -> str:
    """Return who makes a choice such as `model=lasso` a second time: `+model=lasso`, or a file of the arguments."""
    from hydra.core.global_hydra import GlobalHydra

    with _session_of(arguments) as (overrides, _):
        return find_asker(GlobalHydra.instance().config_loader(), parse_overrides(overrides), choice)


def check_main_file(arguments: Sequence[str]) -> None:
    """Refuse a `--config-name` whose file does not start from ours. Raises ConfigError."""
    options = dict(divide(arguments)[0])
    name = options.get("--config-name")
    if name is None or "--config-path" in options:
        return
    with _session_of(arguments) as (_, own):
        try:
            keys = Composer(name, hydra_overrides=own).keys(())
        except RunnerError:
            return  # Hydra's own mistake is put into words where it is composed again
    if "n_jobs" not in keys:
        raise ConfigError(
            f"--config-name {name}: {name.removesuffix('.yaml')}.yaml does not start from the shipped config.yaml. "
            "Start it with: defaults: [config, _self_]"
        )


@contextlib.contextmanager
def _session_of(arguments: Sequence[str]) -> Iterator[tuple[list[str], list[str]]]:
    """Initialise Hydra as the arguments ask for; yield their overrides, and those that find the user's configs."""
    from hydra.core.global_hydra import GlobalHydra

    options, overrides = divide(arguments)
    with session() as own:
        loader: Any = GlobalHydra.instance().config_loader()
        path = loader.get_search_path()
        for name, folder in options:
            if name == "--config-dir" and folder and Path(folder).is_dir():
                path.prepend("command-line", f"file://{Path(folder).resolve()}")
        loader.repository.initialize_sources(path)  # not `hydra.searchpath`, which does not hold for main files
        yield overrides, own


_typed: list[str] = []
