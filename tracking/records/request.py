"""What was asked for when a run was made: `overrides.yaml`, both directions. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from tracking.records.names import OVERRIDES
from tracking.records.overrides import Override, parse_overrides
from tracking.records.yaml_text import write_mapping

SWEEP: Final = "sweep"
COMMAND_LINE: Final = "command line"


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked for when the run was made (overrides.yaml).

    `minimal` is the shortest list of overrides that composes the config, None where not recorded; `sweep` the keys of
    the sweep's axes; `choices` the chosen file of each config group; `origins` where each key's value came from: a
    file, SWEEP or COMMAND_LINE. `config_dir` are folders of the user's own configs, searched beside the program's;
    `config_name` the main file. `follows` names for each key that only repeats another one that other key; None where
    that was not recorded.
    """

    overrides: tuple[Override, ...] = ()
    minimal: tuple[Override, ...] | None = None
    sweep: tuple[str, ...] = ()
    choices: Mapping[str, str] = field(default_factory=dict)
    origins: Mapping[str, str] = field(default_factory=dict)
    config_dir: tuple[str, ...] = ()
    config_name: str = "config"
    follows: Mapping[str, str] | None = None


def write_request(request: Request) -> str:
    """Write an overrides.yaml; what was typed comes last among the origins."""
    lists = {"overrides": _shown(request.overrides), "minimal": _shown(request.minimal), "sweep": request.sweep}
    lists |= {"config_dir": request.config_dir} if request.config_dir else {}
    typed = {key: origin for key, origin in request.origins.items() if origin in (SWEEP, COMMAND_LINE)}
    rest: dict[str, Any] = {} if request.config_name == "config" else {"config_name": request.config_name}
    files = {key: origin for key, origin in request.origins.items() if key not in typed}
    rest |= {"choices": request.choices, "origins": files | typed}
    rest |= {} if request.follows is None else {"follows": request.follows}
    # Lists stand on one line each, as JSON, which is YAML too.
    return "".join(f"{key}: {json.dumps(texts, ensure_ascii=False)}\n" for key, texts in lists.items()) + write_mapping(
        rest
    )


def parse_request(asked: Mapping[str, Any], tags: Mapping[str, str]) -> Request:
    """Read what an overrides.yaml holds; whatever is missing or of another form is left out."""
    minimal, follows = asked.get("minimal"), asked.get("follows")
    return Request(
        overrides=parse_overrides(_texts(asked.get("overrides", read_json(tags.get(OVERRIDES))))),
        minimal=parse_overrides(_texts(minimal)) if isinstance(minimal, list) else None,
        sweep=_texts(asked.get("sweep")),
        choices=text_mapping(asked.get("choices")),
        origins=text_mapping(asked.get("origins")),
        config_dir=_texts(asked.get("config_dir")),
        config_name=str(asked.get("config_name") or "config"),
        follows=text_mapping(follows) if isinstance(follows, Mapping) else None,
    )


def _shown(overrides: Iterable[Override] | None) -> Sequence[str] | None:
    return None if overrides is None else [override.text for override in overrides]


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, list) else ()


def text_mapping(value: Any) -> dict[str, str]:
    """Return a mapping's entries as text, without those that are null; {} for anything else."""
    if not isinstance(value, Mapping):
        return {}
    return {str(key): str(item) for key, item in value.items() if item is not None}


def read_json(text: str | None) -> Any:
    """Return what a tag holds as JSON; None where it is missing, cut off or not JSON."""
    try:
        return None if text is None else json.loads(text)
    except (ValueError, RecursionError):
        return None
