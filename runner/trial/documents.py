"""The text files of a run: `config.yaml` and `overrides.yaml`. Written so that the same types are read back."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import yaml

from runner.trial.spec import Spec

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*")  # needs no quotes as a key, nor as a value but for:
_WORDS = frozenset({"true", "false", "yes", "no", "on", "off", "y", "n", "null", "none", "nan", "inf"})
_Dumper: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
# What OmegaConf reads as a number though YAML 1.1 does not: `1e-3`. Text that looks so is quoted.
_NUMBER = re.compile(r"[-+]?(\d[\d_]*\.?[\d_]*([eE][-+]?\d+)?|\.[\d_]+([eE][-+]?\d+)?|\.(inf|Inf|INF|nan|NaN|NAN))")


class _ConfigDumper(_Dumper):  # type: ignore[misc]
    def ignore_aliases(self, data: Any) -> bool:
        """Write shared values out each time: an anchor would puzzle a reader."""
        return True


def _write_text(dumper: Any, text: str) -> Any:
    style = "'" if _NUMBER.fullmatch(text) else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_ConfigDumper.add_representer(str, _write_text)


def to_yaml(tree: Any) -> str:
    """Write plain data as YAML, keys in their order."""
    return str(yaml.dump(tree, Dumper=_ConfigDumper, sort_keys=False, allow_unicode=True, width=110))


def config_yaml(config: Mapping[str, Any]) -> str:
    """Write a resolved config; sections that points share are written once per process."""
    return "".join(_section(key, _Frozen(value)) for key, value in config.items())


def overrides_yaml(spec: Spec) -> str:
    """Write what was asked for a point, and where every value of its config came from."""
    origins = dict(spec.origins)
    command_line = "command line"
    for text in spec.overrides:
        key = text.partition("=")[0].lstrip("+~")
        origins[key] = "sweep" if key in spec.swept else command_line
    own = {key: source for key, source in origins.items() if spec.origins.get(key) != source}
    shared = {key: source for key, source in spec.origins.items() if key not in own}
    lists = {"overrides": spec.overrides, "minimal": spec.minimal, "sweep": spec.swept}
    if spec.config_dir:
        lists["config_dir"] = spec.config_dir
    return "".join(
        [
            *(f"{key}: {json.dumps(texts, ensure_ascii=False)}\n" for key, texts in lists.items()),
            f"config_name: {json.dumps(spec.config_name)}\n" if spec.config_name != "config" else "",
            _section("choices", _Frozen(dict(spec.choices))),
            _origins(_Frozen(shared)),
            *(f"  {_scalar(key)}: {source}\n" for key, source in own.items()),
        ]
    )


class _Frozen:
    """A plain value as a cache key that keeps 1, 1.0 and True apart."""

    __slots__ = ("text", "value")

    def __init__(self, value: Any) -> None:
        self.value = value
        self.text = repr(value)

    def __hash__(self) -> int:
        return hash(self.text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Frozen) and self.text == other.text


@lru_cache(maxsize=2048)
def _section(key: str, value: _Frozen) -> str:
    tree = value.value
    simple = {name: _simple(leaf) for name, leaf in tree.items()} if isinstance(tree, dict) else {}
    if simple and None not in simple.values() and all(_is_name(name) for name in (key, *simple)):
        return f"{key}:\n" + "".join(f"  {name}: {text}\n" for name, text in simple.items())
    text = _simple(tree)
    return to_yaml({key: tree}) if text is None or not _is_name(key) else f"{key}: {text}\n"


def _simple(value: Any) -> str | None:
    """Return the YAML of a scalar whose text is beyond doubt, as the dumper writes it; None for others."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float) and math.isfinite(value):
        text = repr(value)
        return text.replace("e", ".0e", 1) if "." not in text and "e" in text else text
    return value if isinstance(value, str) and _is_name(value) else None


def _is_name(text: str) -> bool:
    return _NAME.fullmatch(text) is not None and text.lower() not in _WORDS


@lru_cache(maxsize=64)
def _origins(shared: _Frozen) -> str:
    return to_yaml({"origins": shared.value}) if shared.value else "origins:\n"


def _scalar(text: str) -> str:
    return text if re.fullmatch(r"[A-Za-z_][\w.]*", text) else json.dumps(text)
