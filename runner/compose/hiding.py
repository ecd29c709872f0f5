"""What of a config may not be written down. Where a value comes from a secret resolver, as `oc.env`, a record has the
expression `${oc.env:NAME}`, which `reproduce` resolves again.

Only text is hidden: a number, as in `seed: ${oc.decode:${oc.env:SEED}}`, is a part of what was computed and is
recorded as it is. What hides is found by resolving the config a second time with other resolvers, which give a mark
that tells the expression; so it is exact, whatever else a value is made of.
"""

from __future__ import annotations

import os
import re
import secrets as random
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from omegaconf import DictConfig, ListConfig, OmegaConf
from omegaconf.basecontainer import BaseContainer
from omegaconf.errors import OmegaConfBaseException

from runner.errors import ConfigError
from tracking.records.secrets import SHORTEST, Hidden, is_redacted
from tracking.records.values import leaves

ALWAYS = "oc.env"


def secret_resolvers(config: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the resolvers whose values are secret: `oc.env`, and those that `tracking.secret_resolvers` names."""
    named = (config.get("tracking") or {}).get("secret_resolvers")
    return tuple(dict.fromkeys([ALWAYS, *(map(str, named) if isinstance(named, list | tuple) else ())]))


def mentions(text: str, resolvers: Sequence[str]) -> bool:
    """Tell whether a text may call one of the resolvers."""
    return any(re.search(rf"{re.escape(name)}\s*:", text) for name in resolvers)


def hide(live: DictConfig, resolved: Mapping[str, Any], resolvers: Sequence[str]) -> Hidden:
    """Return how a resolved config is recorded: `live` is the same one, still with its interpolations."""
    marks = _Marks()
    with _marking(resolvers, marks):
        raw = OmegaConf.to_container(live, resolve=False)
        config = {key: _hide(live, (key,), raw.get(key), value, marks) for key, value in resolved.items()}  # type: ignore[union-attr]
    return Hidden(config, {text: shown for text, shown in marks.secrets.items() if len(text.strip()) >= SHORTEST})


def hide_section(live: DictConfig, key: str, resolved: Any, resolvers: Sequence[str]) -> Any:
    """Return how one section of a config is recorded."""
    raw = OmegaConf.to_container(live, resolve=False)
    assert isinstance(raw, dict)
    marks = _Marks()
    with _marking(resolvers, marks):
        return _hide(live, (key,), raw.get(key), resolved, marks)


def resolve_again(recorded: Mapping[str, Any]) -> tuple[Mapping[str, Any], Hidden | None]:
    """Resolve a recorded config's expressions here; return it, and what is hidden again.

    Raises ConfigError naming what is missing: a variable of the environment, or what was left out of the record.
    """
    for key, value in leaves(recorded):
        if is_redacted(key, value):
            raise ConfigError(
                f"{key} is not in its record, because it looks like a secret. Set an environment variable, and give"
                f" {key}='${{oc.env:NAME}}' when you run: that can be run again."
            )
    resolvers = secret_resolvers(recorded)
    if not mentions(repr(recorded), resolvers):
        return recorded, None
    live = OmegaConf.create(dict(recorded))
    resolved = {key: _resolve(live, (key,), value, resolvers) for key, value in recorded.items()}
    return resolved, Hidden(recorded, hide(live, resolved, resolvers).secrets)


# -----------------------------------------------------------------------------------------------
@dataclass(slots=True)
class _Marks:
    """What secret resolvers gave: a mark for each expression, and the value that it stands for."""

    start: str = field(default_factory=lambda: f"hidden{random.token_hex(8)}")  # a word in OmegaConf's grammar
    expressions: list[str] = field(default_factory=list)
    secrets: dict[str, str] = field(default_factory=dict)  # value -> what is written in its place

    def give(self, expression: str, value: str) -> str:
        if expression not in self.expressions:
            self.expressions.append(expression)
        self.secrets.setdefault(value, expression)
        return f"{self.start}x{self.expressions.index(expression)}x"

    def read(self, text: str) -> str:
        return re.sub(f"{self.start}x([0-9]+)x", lambda match: self.expressions[int(match[1])], text)


@contextmanager
def _marking(resolvers: Sequence[str], marks: _Marks) -> Iterator[None]:
    """Have resolvers give marks instead of text. OmegaConf has no public way to ask for a registered resolver."""
    registered = BaseContainer._resolvers
    before = {name: registered[name] for name in resolvers if name in registered}

    def marked(name: str, original: Any) -> Any:
        def resolver(config: Any, parent: Any, node: Any, args: Any, args_str: Any) -> Any:
            value = original(config, parent, node, args, args_str)
            if not isinstance(value, str):
                return value
            return marks.give(f"${{{name}:{','.join(args_str)}}}", value)

        return resolver

    registered.update({name: marked(name, original) for name, original in before.items()})
    try:
        yield
    finally:
        registered.update(before)


def _hide(live: DictConfig, path: tuple[str, ...], raw: Any, value: Any, marks: _Marks) -> Any:
    if isinstance(raw, dict) and isinstance(value, Mapping):
        return {key: _hide(live, (*path, str(key)), raw.get(key), item, marks) for key, item in value.items()}
    if isinstance(raw, list) and isinstance(value, list) and len(raw) == len(value):
        return [_hide(live, (*path, str(n)), raw[n], item, marks) for n, item in enumerate(value)]
    if not isinstance(raw, str) or "${" not in raw:
        return value
    try:
        marked = _select(live, path)
    except Exception:  # a place that takes no such word, a resolver that cannot read it: only a mark can be the cause
        marked = None
    shown = _unmarked(value, raw if marked is None and value is not None else marked, marks)
    if isinstance(value, str) and shown != value:
        marks.secrets[value] = shown
    return shown


def _unmarked(value: Any, marked: Any, marks: _Marks) -> Any:
    """Return a value with the text that is marked replaced by the expression behind the mark."""
    if isinstance(value, Mapping) and isinstance(marked, Mapping):
        return {key: _unmarked(item, marked.get(key, item), marks) for key, item in value.items()}
    if isinstance(value, list) and isinstance(marked, list) and len(value) == len(marked):
        return [_unmarked(*pair, marks) for pair in zip(value, marked, strict=True)]
    if (
        isinstance(marked, str)
        and not isinstance(value, bool | int | float | None)
        and (marks.start in marked or "${" in marked)
    ):
        return marks.read(marked)
    return value


def _select(live: DictConfig, path: Sequence[str]) -> Any:
    value = OmegaConf.select(live, ".".join(path), throw_on_resolution_failure=True)
    return OmegaConf.to_container(value, resolve=True) if isinstance(value, DictConfig | ListConfig) else value


def _resolve(live: DictConfig, path: tuple[str, ...], value: Any, resolvers: Sequence[str]) -> Any:
    if isinstance(value, Mapping):
        return {key: _resolve(live, (*path, str(key)), item, resolvers) for key, item in value.items()}
    if isinstance(value, list):
        return [_resolve(live, (*path, str(n)), item, resolvers) for n, item in enumerate(value)]
    if not isinstance(value, str) or not mentions(value, resolvers) or "${" not in value:
        return value
    try:
        return _select(live, path)
    except OmegaConfBaseException as error:
        key = ".".join(path)
        names = [name.strip("'\" ") for name in re.findall(r"\$\{\s*oc\.env\s*:([^,}$]+)", value)]
        missing = [name for name in names if name not in os.environ]
        if missing:
            raise ConfigError(f"{key} is {value}: set the environment variable {missing[0]}.") from error
        raise ConfigError(f"{key} is {value}, which cannot be resolved: {str(error).splitlines()[0]}") from error
