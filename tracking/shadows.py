"""A file of the working directory that was imported instead of a library: what a traceback would not say."""

from __future__ import annotations

import os
import sys

LIBRARIES = {"joblib", "matplotlib", "numpy", "pandas", "rich", "scipy", "sklearn", "typer", "yaml"}


def find_shadow() -> str:
    """Return the file of the working directory that was imported under the name of a library, "" for none."""
    for name in sorted((LIBRARIES | sys.stdlib_module_names) & sys.modules.keys()):
        file = getattr(sys.modules[name], "__file__", None) or ""
        if file in (f"{name}.py", os.path.join(os.getcwd(), f"{name}.py")):
            return f"{name}.py"
    return ""


def say_shadow(file: str) -> int:
    """Say which file is in the way and what to do; return the exit code."""
    sys.stderr.write(
        f"error: {file} in {os.getcwd()} is imported instead of the library {file.removesuffix('.py')}."
        " Rename it, or start from another folder.\n"
    )
    return 2
