"""Which recorded configs run unasked although their store came from elsewhere, and what of one does not.

A class by its name says little: `Pipeline(memory=FOLDER)` loads pickles from a folder. So a config may name the classes
of the shipped configs, each with the keys that are in its file, and modules that this user listed in a file
of their own. Models are pickles: for them the store must be trusted. Nothing that lies in a project's folder counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import yaml

from runner.compose.folder import config_folder
from runner.dotted import locate
from runner.errors import RunnerError
from runner.trial.recorded import RecordedRun
from tracking.records.trust import modules_file, named_code, trusted_modules

_HANDED_ON = (("data", "options"), ("data", "kwargs"), ("", "fit_params"))  # to functions that take many things


def require_allowed(then: RecordedRun) -> None:
    """Raise StoreNotTrusted where the store was made elsewhere and the config is more than an allowed one."""
    if then.is_foreign and (refused := list(dict.fromkeys(find_refused(then.config)))):
        then.require_trusted(
            " Or list the modules that you allow in any config, one a line, in"
            f" {modules_file() or 'trusted-modules of your home folder'}: neither there nor in the shipped configs"
            f" is {', '.join(map(repr, refused[:5]))}."
        )


def find_refused(config: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is in a recorded config, and neither in the shipped ones nor of a module that this user listed."""
    for section, key in _HANDED_ON:
        if (config.get(section) or {} if section else config).get(key):
            yield f"{section}.{key}".lstrip(".")
    for text in _texts(config):
        if "${" in text or "://" in text:  # a secret of the environment; another machine
            yield text
    for node in _called(config):
        name = str(node["_target_"])
        more = sorted(str(key) for key in node.keys() - _shipped().get(name, frozenset()))
        if more and not _is_listed(name):
            yield name if name not in _shipped() else f"{name}({more[0]}=...)"
    metrics = (config.get("scoring") or {}).get("metrics") or {}
    names = [*named_code({"data": config.get("data")}), *(name for name in _texts(metrics) if "." in name)]
    yield from (name for name in names if name not in _shipped() and not _is_listed(name))


def _called(node: Any) -> Iterator[Mapping[str, Any]]:
    """Yield every mapping with a `_target_`."""
    if isinstance(node, Mapping):
        if "_target_" in node:
            yield node
        node = list(node.values())
    if isinstance(node, list | tuple):
        for item in node:
            yield from _called(item)


def _texts(node: Any) -> Iterator[str]:
    """Yield every text, of keys too."""
    if isinstance(node, Mapping):
        node = [*node, *node.values()]
    if isinstance(node, list | tuple):
        for item in node:
            yield from _texts(item)
    elif isinstance(node, str):
        yield node


@cache
def _shipped() -> Mapping[str, frozenset[str]]:
    """Return the `_target_`s of the shipped configs, each with the keys of its files."""
    keys: dict[str, frozenset[str]] = {}
    for file in sorted(config_folder().rglob("*.yaml")):
        for node in _called(yaml.safe_load(file.read_text(encoding="utf-8"))):
            keys[node["_target_"]] = keys.get(node["_target_"], frozenset()) | node.keys()
    return keys


def _is_listed(name: str) -> bool:
    """Tell whether a module that this user listed defines it: `lab.os.system` is not of `lab`."""
    modules = tuple(f"{module}." for module in trusted_modules())
    if not modules or not name.startswith(modules):
        return False
    try:
        home = getattr(locate(name, name), "__module__", None)
    except RunnerError:
        return False
    return f"{home}.".startswith(modules)
