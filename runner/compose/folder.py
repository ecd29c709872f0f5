"""runner.compose.folder: to be described."""

from __future__ import annotations

from pathlib import Path


def config_folder() -> Path:
    """Return the shipped configs: inside the package when installed, beside it in a checkout."""
    package = Path(__file__).parents[1]
    inside = package / "conf"
    return inside if inside.is_dir() else package.parent / "conf"
