"""Which store the runs of a config go to, and whether it can be used. The words of `conf/tracking`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import tracking


def open_store(section: Mapping[str, Any], *, writes: bool) -> str:
    """Return the URI of the store; one that will be written is opened, so that a mistake shows at once.

    Raises TrackingError.
    """
    uri = str(section.get("uri") or tracking.get_tracking_uri())
    tracking.set_tracking_uri(uri)
    if writes:
        tracking.TrackingClient(uri).search_experiments(max_results=1)
    return uri


def folder_of(uri: str) -> Sequence[Path]:
    """Return the folders that hold the store: their files are no source code."""
    path = uri.removeprefix("sqlite:///")
    return [Path(path).parent] if path != uri and Path(path).parent != Path() else []
