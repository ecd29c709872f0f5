"""An initialised Hydra for code outside `hydra.main`: Python, a notebook, explaining a mistake.

Also where configs are: the shipped ones, and the user's own beside them, never instead of them.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import Any

from runner.compose.folder import config_folder
from runner.compose.origins import _FILE
from runner.compose.schema import register
from runner.errors import ConfigError
from runner.project import register_resolvers


@contextmanager
def session(*config_dirs: str | PathLike[str]) -> Iterator[list[str]]:
    """Initialise Hydra on the shipped configs, or use the one that is initialised on them already.

    Yields the overrides that a Composer needs to see `config_dirs` too, the user's own configs.
    Raises ConfigError where one of them is no folder.
    """
    from hydra import initialize_config_dir
    from hydra.core.global_hydra import GlobalHydra
    from hydra.core.hydra_config import HydraConfig

    own = _search_override(config_dirs)
    prepare_hydra()
    if _is_ours(config_folder()):
        yield own
        return
    # A program of its own that calls us may be in the middle of its Hydra: it gets it back as it was.
    theirs, their_config = GlobalHydra.instance().hydra, HydraConfig.instance().cfg
    GlobalHydra.instance().clear()
    try:
        with initialize_config_dir(str(config_folder()), job_name="runner", **version_base()):
            yield own
    finally:
        GlobalHydra.instance().hydra = theirs
        HydraConfig.instance().cfg = their_config


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


def version_base() -> dict[str, Any]:
    """Return the keyword that asks Hydra for the defaults of 1.3: later versions have no others, and deprecate it."""
    import hydra

    return {"version_base": "1.3"} if hydra.__version__.startswith("1.3.") else {}


PLUGINS = Path(__file__).parents[1] / "plugins"


def prepare_hydra() -> None:
    """Let Hydra find our plugins and schemas, also one that a program of its own has started before."""
    from hydra.core.plugins import Plugins

    if str(PLUGINS) not in sys.path:
        sys.path.append(str(PLUGINS))
    register()
    register_resolvers()
    found = Plugins.instance()  # looks for plugins once in a process, perhaps before ours were on the path
    if "hydra_plugins.runner_edge.GridSweeper" not in found.class_name_to_class:
        from hydra_plugins.runner_edge import GridSweeper, PoolLauncher

        found.register(GridSweeper)
        found.register(PoolLauncher)
