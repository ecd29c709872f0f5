"""An initialised Hydra for code outside `hydra.main`: Python, a notebook, explaining a mistake."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def session(config_dir: str | Path | None = None) -> Iterator[list[str]]:
    """Initialise Hydra on the shipped configs, or use the one that is initialised on them already.

    Yields the overrides that a Composer needs to see `config_dir` too, the user's own configs.
    """
    from hydra import initialize_config_dir
    from hydra.core.global_hydra import GlobalHydra
    from hydra.core.hydra_config import HydraConfig

    from runner.compose.command import config_folder, prepare_hydra

    own = [] if config_dir is None else [f"hydra.searchpath=['file://{Path(config_dir).resolve()}']"]
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


def _is_ours(folder: Path) -> bool:
    """Tell whether Hydra is initialised, on the shipped configs."""
    from hydra.core.global_hydra import GlobalHydra

    if not GlobalHydra.instance().is_initialized():
        return False
    places = GlobalHydra.instance().config_loader().get_search_path().get_path()
    main = [Path(place.path.removeprefix("file://")) for place in places if place.provider == "main"]
    return main == [folder]
