"""Which store the runs of a config go to, and whether it can be used. The words of `conf/tracking`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import tracking
from runner.errors import ConfigError
from tracking.mirror import chosen_server


def open_store(section: Mapping[str, Any], *, writes: bool) -> str:
    """Return the URI of the store; one that will be written is opened, so that a mistake shows at once.

    Raises TrackingError, or ConfigError naming the key if the config names the store.
    """
    asked = section.get("uri")
    uri = str(asked or tracking.get_tracking_uri())
    try:
        tracking.set_tracking_uri(uri)
        if writes:
            tracking.TrackingClient(uri).search_experiments(max_results=1)
    except tracking.TrackingError as error:
        raise ConfigError(f"tracking.uri={asked}: {error}") if asked else error from None
    return uri


def server_of(section: Mapping[str, Any]) -> str | None:
    """Return the MLflow server that runs are sent to as well, of the config or the environment, or None.

    To be asked before the store is opened: that leaves what the environment says behind. Raises ConfigError.
    """
    asked = section.get("server")
    try:
        return chosen_server(str(asked) if asked else None)
    except tracking.TrackingError as error:
        raise ConfigError(f"tracking.server={asked}: {error}") if asked else ConfigError(str(error)) from None


def model_format(section: Mapping[str, Any]) -> str:
    """Return what final models are written as. Raises ConfigError where the package for it is missing."""
    asked = str(section.get("model_format") or "pickle")
    if asked == "skops" and find_spec("skops") is None:
        raise ConfigError("tracking.model_format=skops needs skops: pip install 'experiment-runner[skops]'")
    return asked


def is_there(uri: str) -> bool:
    """Tell whether a store has been made; only to look into one would make it."""
    path = uri.removeprefix("sqlite:///")
    return path == uri or Path(path).exists()


def folder_of(uri: str) -> Sequence[Path]:
    """Return the folders that hold the store: their files are no source code."""
    path = uri.removeprefix("sqlite:///")
    return [Path(path).parent] if path != uri and Path(path).parent != Path() else []
