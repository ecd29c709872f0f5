"""Files of the working directory that would be imported instead of a library. Imports nothing that they could hide."""

from __future__ import annotations

import os
import sys

# module -> what a person installs; the runner cannot do without them
LIBRARIES = {
    "antlr4": "antlr4",
    "hydra": "hydra-core",
    "hydra_plugins": "the plugins of Hydra",
    "joblib": "joblib",
    "numpy": "numpy",
    "omegaconf": "omegaconf",
    "pandas": "pandas",
    "rich": "rich",
    "scipy": "scipy",
    "sklearn": "scikit-learn",
    "sqlite3": "sqlite3 of Python",
    "threadpoolctl": "threadpoolctl",
    "typer": "typer",
    "yaml": "PyYAML",
    "runner": "this program",
    "tracking": "this program",
}


def find_hidden() -> str:
    """Return the file or folder of the working directory that hides one of the libraries, "" for none."""
    here = os.getcwd()
    if here == os.path.dirname(os.path.dirname(os.path.abspath(__file__))):
        return ""  # the program's own folder
    for name in LIBRARIES:
        for file in (f"{name}.py", os.path.join(name, "__init__.py")):
            if os.path.isfile(os.path.join(here, file)):
                return file
    return ""


def find_loaded() -> str:
    """Return the file of the working directory that was imported instead of a module of Python's own, "" for none."""
    here = os.getcwd()
    for name in sorted(sys.stdlib_module_names & sys.modules.keys()):
        file = getattr(sys.modules[name], "__file__", None) or ""
        if os.path.dirname(file) in ("", here) and file.endswith(f"{name}.py"):
            return f"{name}.py"
    return ""


def say_hidden(file: str) -> int:
    """Say which file is in the way and what to do; return the exit code."""
    name = file.removesuffix(".py").split(os.sep)[0]
    shown = f"the folder {name}" if os.sep in file else file
    library = LIBRARIES.get(name, f"{name} of Python")
    sys.stderr.write(
        f"error: {shown} in {os.getcwd()} would be imported instead of {library}."
        f" Rename it, or start from another folder.\n"
    )
    return 2
