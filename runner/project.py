"""What a project says once for all its commands: `[tool.runner]` in the nearest pyproject.toml.

    [tool.runner]
    config_dir = "my_conf"               # configs of your own, beside the shipped ones; relative to this file
    resolvers = "my_package.resolvers"   # imported before anything is composed: OmegaConf.register_new_resolver
    own_keys = ["team"]                  # keys of your own at the top of a config: never a mistake, always recorded

The variable RUNNER_CONFIG_DIR comes before the file, and an option of a command before both.
"""

from __future__ import annotations

import importlib
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from runner.errors import ConfigError
from runner.suggest import suggest

VARIABLE = "RUNNER_CONFIG_DIR"
_FILE = "pyproject.toml"
_KEYS = ("config_dir", "resolvers", "own_keys")


@dataclass(frozen=True, slots=True)
class Project:
    """Where configs of one's own are, the modules that register resolvers, and keys that nothing here reads."""

    config_dir: Path | None = None
    resolvers: tuple[str, ...] = ()
    own_keys: tuple[str, ...] = ()


def read_project() -> Project:
    """Read what holds in the current folder. Raises ConfigError for what cannot be meant."""
    file, said = _nearest()
    resolvers, own_keys = (_names(said, key, file) for key in ("resolvers", "own_keys"))
    return Project(_config_dir(said.get("config_dir"), file), resolvers, own_keys)


def _names(said: Mapping[str, object], key: str, file: Path) -> tuple[str, ...]:
    given = said.get(key, [])
    names = [given] if isinstance(given, str) else given
    if isinstance(names, list) and all(isinstance(name, str) for name in names):
        return tuple(names)
    raise ConfigError(f"{file}: [tool.runner] {key} = {given!r}. Give a name, or a list of names.")


def _config_dir(said: object, file: Path) -> Path | None:
    if given := os.environ.get(VARIABLE):
        return _existing(Path(given), f"{VARIABLE}={given}")
    if said is None:
        return None
    if not isinstance(said, str):
        raise ConfigError(f"{file}: [tool.runner] config_dir = {said!r}. Name a folder.")
    return _existing(file.parent / said, f"{file}: [tool.runner] config_dir = {said!r}")


def register_resolvers() -> None:
    """Import the modules that register resolvers of one's own. Raises ConfigError."""
    for name in read_project().resolvers:
        try:
            importlib.import_module(name)
        except Exception as error:  # a person's own module may raise anything
            raise ConfigError(
                f"[tool.runner] resolvers = {name!r}: it cannot be imported: {type(error).__name__}: {error}"
            ) from error


def _nearest() -> tuple[Path, dict[str, object]]:
    """Return the nearest pyproject.toml with a [tool.runner], and what it says."""
    here = Path.cwd()
    for folder in (here, *here.parents):
        file = folder / _FILE
        if not file.is_file():
            continue
        try:
            said = tomllib.loads(file.read_text(encoding="utf-8")).get("tool", {}).get("runner")
        except (OSError, ValueError, AttributeError) as error:
            raise ConfigError(f"{file} cannot be read: {error}") from error
        if isinstance(said, dict):
            odd = next((key for key in said if key not in _KEYS), None)
            if odd is not None:
                raise ConfigError(
                    f"{file}: [tool.runner] has no key {odd!r}.{suggest(odd, _KEYS)} There are: {', '.join(_KEYS)}."
                )
            return file, said
        break  # the nearest one is the project's, whatever it says
    return here / _FILE, {}


def _existing(folder: Path, asked: str) -> Path:
    if not folder.is_dir():
        raise ConfigError(f"{asked}: there is no such folder. Name the folder that holds your configs.")
    return folder.resolve()
