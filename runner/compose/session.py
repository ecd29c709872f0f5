"""An initialised Hydra for code outside `hydra.main`: Python, a notebook, explaining a mistake.

Also where configs are: the shipped ones, and the user's own beside them, never instead of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from runner.errors import ConfigError

if TYPE_CHECKING:
    from hydra.core.config_loader import ConfigLoader

_FILE = "file://"


def config_folder() -> Path:
    """Return the shipped configs: inside the package when installed, beside it in a checkout."""
    package = Path(__file__).parents[1]
    inside = package / "conf"
    return inside if inside.is_dir() else package.parent / "conf"


@contextmanager
def session(*config_dirs: str | PathLike[str]) -> Iterator[list[str]]:
    """Initialise Hydra on the shipped configs, or use the one that is initialised on them already.

    Yields the overrides that a Composer needs to see `config_dirs` too, the user's own configs.
    Raises ConfigError where one of them is no folder.
    """
    from hydra import initialize_config_dir
    from hydra.core.global_hydra import GlobalHydra
    from hydra.core.hydra_config import HydraConfig

    from runner.compose.command import prepare_hydra

    own = _search_override(config_dirs)
    prepare_hydra()
    if _is_ours(config_folder()):
        yield own
        return
    # A program of its own that calls us may be in the middle of its Hydra: it gets it back as it was.
    theirs, their_config = GlobalHydra.instance().hydra, HydraConfig.instance().cfg
    GlobalHydra.instance().clear()
    try:
        with initialize_config_dir(str(config_folder()), version_base="1.3", job_name="runner"):
            yield own
    finally:
        GlobalHydra.instance().hydra = theirs
        HydraConfig.instance().cfg = their_config


def own_folders(loader: ConfigLoader, overrides: Sequence[str]) -> tuple[str, ...]:
    """Return the folders that `--config-dir` and `hydra.searchpath=` of the overrides name, in their order.

    Relative to the working directory where they are below it, so that a project can be moved.
    """
    from runner.compose.overrides import read_settings

    places = [place.path for place in loader.get_search_path().get_path() if place.provider == "command-line"]
    for setting in read_settings(text for text in overrides if text.startswith("hydra.searchpath=")):
        places += setting.value if isinstance(setting.value, list) else []
    return tuple(dict.fromkeys(map(_seen_from_here, places)))


def _seen_from_here(place: str) -> str:
    place = place.removeprefix(_FILE)
    if "://" in place:  # pkg://
        return place
    here = Path.cwd()
    path = here / place
    return (path.relative_to(here) if path.is_relative_to(here) else path).as_posix()


def _search_override(folders: Sequence[str | PathLike[str]]) -> list[str]:
    """Return the Hydra override that has the folders searched, [] for none."""
    places = []
    for folder in map(str, folders):
        if "://" not in folder and not Path(folder).is_dir():
            raise ConfigError(f"config_dir={folder}: there is no such folder. Name the folder that holds your configs.")
        places.append(folder if "://" in folder else f"{_FILE}{Path(folder).resolve()}")
    quoted = ["'" + place.replace("'", "\\'") + "'" for place in places]
    return [f"hydra.searchpath=[{','.join(quoted)}]"] if quoted else []


def _is_ours(folder: Path) -> bool:
    """Tell whether Hydra is initialised, on the shipped configs."""
    from hydra.core.global_hydra import GlobalHydra

    if not GlobalHydra.instance().is_initialized():
        return False
    places = GlobalHydra.instance().config_loader().get_search_path().get_path()
    main = [Path(place.path.removeprefix(_FILE)) for place in places if place.provider == "main"]
    return main == [folder]
