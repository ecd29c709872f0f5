"""Every public name of MLflow is here too, or says in a sentence what to use instead."""

from __future__ import annotations

import json
import subprocess
from importlib import import_module

import tracking
from tests.mlflow_server.conftest import PYTHON
from tracking.unavailable import INSTEAD, Unavailable

MODULES = (
    *("mlflow", "mlflow.artifacts", "mlflow.client", "mlflow.data", "mlflow.entities", "mlflow.exceptions"),
    *("mlflow.models", "mlflow.models.signature", "mlflow.pyfunc", "mlflow.sklearn", "mlflow.tracking", "mlflow.types"),
    *("mlflow.xgboost", "mlflow.lightgbm", "mlflow.catboost"),
)
LISTING = """
import importlib, inspect, json, pkgutil, sys
import mlflow

def public(module):
    there = importlib.import_module(module)
    names = list(getattr(there, "__all__", ()))
    if not names or module == "mlflow.data":  # without __all__: what is defined there
        for name, value in vars(there).items():
            if inspect.isfunction(value) or inspect.isclass(value):
                if value.__module__ == module or value.__module__.startswith(module + "."):
                    names.append(name)
    return sorted({name for name in names if not name.startswith("_")})

found = {module: public(module) for module in sys.argv[1:]}
found["mlflow"] += [m.name for m in pkgutil.iter_modules(mlflow.__path__) if not m.name.startswith("_")]
found["MlflowClient"] = [name for name in dir(mlflow.MlflowClient) if not name.startswith("_")]
print(json.dumps(found))
"""


def test_every_public_name_is_here_or_says_what_to_use() -> None:
    assert PYTHON
    said = subprocess.run([PYTHON, "-W", "ignore", "-c", LISTING, *MODULES], capture_output=True, text=True, check=True)
    theirs = json.loads(said.stdout.splitlines()[-1])

    bare = [f"{module}.{name}" for module, names in theirs.items() for name in names if not is_answered(module, name)]

    assert sum(map(len, theirs.values())) > 500
    assert bare == []


def is_answered(module: str, name: str) -> bool:
    ours = tracking.MlflowClient() if module == "MlflowClient" else import_module(f"tracking{module[6:]}")
    try:
        getattr(ours, name)
    except AttributeError as problem:
        return isinstance(problem, Unavailable) and INSTEAD[name] in str(problem)
    return True


def test_no_name_that_is_here_is_said_to_be_missing() -> None:
    other_things = {"cli"}  # the commands here are no part of what scripts use
    there = {name for name in INSTEAD if hasattr(tracking, name) or hasattr(tracking.TrackingClient, name)}

    assert there - other_things == set()
