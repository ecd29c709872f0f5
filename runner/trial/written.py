"""An estimator object of a program as the config that builds it: classes by name, and the parameters that are set.

What is written is plain data, so that such a model is recorded, swept, compared and reproduced like one of a file.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from types import FunctionType
from typing import Any

import numpy as np

from runner.dotted import locate, public_name
from runner.errors import ConfigError, RunnerError
from runner.trial.build import build_node

_NONE = object()  # the default of a parameter without one
MOST_VALUES = 1000  # of an array that is written out


def write_estimator(estimator: Any, key: str = "model") -> dict[str, Any]:
    """Return the section of a config that builds an estimator, with every parameter that is not its default.

    Raises ConfigError naming the parameter for what has no name in a module or is no plain data, as a lambda has.
    """
    if not hasattr(estimator, "get_params") or isinstance(estimator, type):
        raise ConfigError(f"{key}={estimator!r}: give an estimator, as {key}=Ridge(alpha=0.1).")
    node = _write_object(estimator, key)
    if _write_object(build_node(node, key), key) != node:  # one that changes its parameters when it is made
        raise ConfigError(f"{key}: {type(estimator).__name__} made again has other parameters. Describe it in a file.")
    return node


def _write(value: Any, key: str) -> Any:
    """Return a parameter as plain data."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray) and value.size <= MOST_VALUES:
        return _write(value.tolist(), key)
    if isinstance(value, list | tuple):
        return [_write(item, f"{key}.{number}") for number, item in enumerate(value)]
    if isinstance(value, Mapping) and all(isinstance(name, str) for name in value):
        return {name: _write(item, f"{key}.{name}") for name, item in value.items()}
    if isinstance(value, type):
        return {"_target_": "hydra.utils.get_class", "path": _name(value, key)}
    if isinstance(value, FunctionType | np.ufunc) or inspect.isbuiltin(value):
        return {"_target_": "hydra.utils.get_method", "path": _name(value, key)}
    return _write_object(value, key)


def _write_object(value: Any, key: str) -> dict[str, Any]:
    """Return the section of an object that keeps the parameters it is made with, as scikit-learn's do."""
    target = _name(type(value), key)
    try:
        defaults = {name: parameter.default for name, parameter in inspect.signature(type(value)).parameters.items()}
        given = (
            value.get_params(deep=False) if hasattr(value, "get_params") else {n: getattr(value, n) for n in defaults}
        )
    except (AttributeError, TypeError, ValueError):
        raise ConfigError(
            f"{key}: a {type(value).__name__} cannot be written in a config: it does not keep what it is made with."
        ) from None
    own = {name: item for name, item in given.items() if not _is_default(item, defaults.get(name, _NONE))}
    return {"_target_": target, **{name: _write(item, f"{key}.{name}") for name, item in own.items()}}


def _is_default(value: Any, default: Any) -> bool:
    plain = isinstance(value, int | float | str) and type(value) is type(default)
    return value is default or (plain and bool(value == default))


def _name(value: Any, key: str) -> str:
    """Return the dotted name of a class or function. Raises ConfigError where no other program could find it."""
    module = "numpy" if isinstance(value, np.ufunc) else value.__module__
    called = getattr(value, "__qualname__", value.__name__)
    name = public_name(f"{module}.{called}")
    try:
        found = None if module == "__main__" else locate(name, key)
    except RunnerError:
        found = None
    if found is not value:
        raise ConfigError(
            f"{key}: {called} has no name in a module that worker processes and later programs can import."
            " Put it in a file of its own, and import it from there."
        )
    return name
