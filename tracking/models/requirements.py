"""The packages that a model needs, as lines of a requirements.txt.

Found from the classes of the model and its parts, not by loading it; the user's own modules are in no package and
are left out.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from tracking.errors import InvalidType, InvalidValue
from tracking.models.python_model import PythonModel
from tracking.validation import shorten

_NAMED_OTHERWISE: Final = {"sklearn": "scikit-learn", "yaml": "PyYAML", "PIL": "pillow", "cv2": "opencv-python"}
_ALONG: Final = {"scikit-learn": ("numpy", "scipy")}  # their versions decide whether a pickle can be read


def infer_requirements(model: Any, *, frames: bool = False) -> list[str]:
    """Return `name==version` of what a model is made of, and of pandas where it takes `frames`."""
    modules = {kind.__module__.partition(".")[0] for part in _parts(model) for kind in type(part).__mro__}
    modules.discard(__name__.partition(".")[0])  # a PythonModel: the file has its class
    return require(tuple(sorted(modules | ({"pandas"} if frames else set()))))


def _parts(model: Any) -> Iterator[Any]:
    yield model
    if hasattr(model, "get_params") and not isinstance(model, type):
        yield from model.get_params().values()
    elif isinstance(model, PythonModel):
        yield from vars(model).values()


def require(modules: Sequence[str]) -> list[str]:
    """Return `name==version`, sorted, of the packages that top-level modules come from."""
    names = {name for module in modules for name in (_distribution(module),) if name}
    names |= {other for name in names for other in _ALONG.get(name, ())}
    return sorted(f"{name}=={version}" for name in names if (version := version_of(name)))


@lru_cache(maxsize=256)
def version_of(distribution: str) -> str:
    """Return the version of an installed distribution, "" where there is none."""
    from importlib import metadata  # it reads e-mail headers: 10 ms

    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return ""


@lru_cache(maxsize=256)
def _distribution(module: str) -> str:
    import sys

    if module in sys.stdlib_module_names or module == "__main__":
        return ""
    from importlib import metadata

    guess = _NAMED_OTHERWISE.get(module, module)
    if version_of(guess):
        return guess
    return next(iter(metadata.packages_distributions().get(module, ())), "")  # slow, and rarely needed


def given_requirements(
    pip_requirements: object = None, extra: object = None, conda_env: object = None
) -> tuple[list[str] | None, list[str]]:
    """Read MLflow's arguments: lists of lines, files of lines, or a conda environment.

    Returns the lines that take the place of what would be inferred, or None, and those that are added to it.
    Raises InvalidValue where two of them say what takes its place.
    """
    if conda_env is not None and (pip_requirements is not None or extra is not None):
        raise InvalidValue("conda_env and pip_requirements say the same: give only one of them.")
    lines = _conda_lines(conda_env) if conda_env is not None else _lines(pip_requirements, "pip_requirements")
    return lines, _lines(extra, "extra_pip_requirements") or []


def _lines(given: object, what: str) -> list[str] | None:
    if given is None:
        return None
    if isinstance(given, str | os.PathLike):
        try:
            text = Path(given).read_text(encoding="utf-8")
        except OSError as problem:
            raise InvalidValue(f"{what}: the file {shorten(os.fspath(given))} cannot be read: {problem}.") from problem
        given = text.splitlines()
    if not isinstance(given, Sequence) or not all(isinstance(line, str) for line in given):
        raise InvalidType(f"{what} takes a list of texts or the path of a file, not {shorten(given)}.")
    return [line.strip() for line in given if line.strip() and not line.lstrip().startswith("#")]


def _conda_lines(given: object) -> list[str]:
    import yaml

    if isinstance(given, str | os.PathLike):
        try:
            given = yaml.safe_load(Path(given).read_text(encoding="utf-8"))
        except (OSError, yaml.YAMLError) as problem:
            raise InvalidValue(f"conda_env: {given} cannot be read: {problem}.") from problem
    if not isinstance(given, Mapping):
        raise InvalidType(f"conda_env takes a dictionary or the path of a file, not {shorten(given)}.")
    dependencies = given.get("dependencies") or []
    return [line for entry in dependencies if isinstance(entry, Mapping) for line in entry.get("pip") or ()]
