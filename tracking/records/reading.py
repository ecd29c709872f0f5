"""What a run left behind, read back: config, request, metric histories, environment, patch.

The files are those the runner writes (config.yaml, overrides.yaml, environment.txt,
uncommitted.patch). A run logged by hand may have none of them: whatever is missing is empty, and
what is there but cannot be read is named in `problems`. Reads the store; never writes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from tracking.entities import Metric, Run
from tracking.errors import ArtifactError
from tracking.records.identity import parse_identity
from tracking.records.names import (
    CONFIG_FILE,
    ENVIRONMENT_FILE,
    HOST_TAGS,
    IDENTITY,
    IDENTITY_FILE,
    OVERRIDES,
    OVERRIDES_FILE,
    PATCH_FILE,
)
from tracking.store.sqlite import Store


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked for when the run was made (overrides.yaml).

    `minimal` is the shortest list of overrides that composes the config, None where not recorded;
    `choices` the chosen file of each config group; `origins` where each key's value came from.
    `config_dir` are folders of the user's own configs, searched beside the program's; `config_name` the main file.
    """

    overrides: tuple[str, ...] = ()
    minimal: tuple[str, ...] | None = None
    sweep: tuple[str, ...] = ()
    choices: Mapping[str, str] = field(default_factory=dict)
    origins: Mapping[str, str] = field(default_factory=dict)
    config_dir: tuple[str, ...] = ()
    config_name: str = "config"


@dataclass(frozen=True, slots=True)
class Environment:
    """Where the run ran: `host` is the header (python, platform, cpu, ...), `packages` name to version."""

    host: Mapping[str, str] = field(default_factory=dict)
    packages: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RunRecord:
    """One run with everything that can be compared; `config` is None where only params were recorded."""

    run: Run
    experiment: str = ""
    config: Mapping[str, Any] | None = None
    request: Request = Request()
    histories: Mapping[str, Sequence[Metric]] = field(default_factory=dict)
    environment: Environment = Environment()
    patch: str = ""
    problems: tuple[str, ...] = ()
    identity_text: str = ""  # of the file that is there where the tag is too short

    @property
    def identity(self) -> Mapping[str, Any]:
        """What the fingerprint is made of; {} where it was not recorded whole."""
        tag = self.run.data.tags.get(IDENTITY)
        return parse_identity(tag) or parse_identity(self.identity_text) or {}


def load_records(store: Store, runs: Sequence[Run]) -> list[RunRecord]:
    """Read what the runs left behind. Raises ArtifactError where a file may not be read."""
    histories = store.get_metric_histories([run.info.run_id for run in runs])
    names = {run.info.experiment_id: "" for run in runs}
    names = {experiment_id: store.get_experiment(experiment_id).name for experiment_id in names}
    return [_load(run, names[run.info.experiment_id], histories.get(run.info.run_id, {}), store) for run in runs]


def read_identity(tags: Mapping[str, str], folder: Path) -> dict[str, Any] | None:
    """Return the identity of a run whose artifacts are in `folder`, None where it was not recorded whole."""
    found = parse_identity(tags.get(IDENTITY))
    if found is not None or IDENTITY not in tags:
        return found
    return parse_identity(_read(folder / IDENTITY_FILE))


def _load(run: Run, experiment: str, histories: Mapping[str, Sequence[Metric]], store: Store) -> RunRecord:
    folder = store.artifact_dir(run.info.run_id)
    problems: list[str] = []

    def mapping(name: str) -> dict[str, Any] | None:
        return _parsed(folder / name, parse_yaml_mapping, problems)

    return RunRecord(
        run=run,
        experiment=experiment,
        config=mapping(CONFIG_FILE),
        request=_request(mapping(OVERRIDES_FILE) or {}, run.data.tags),
        histories=histories,
        environment=_environment(
            _read(folder / ENVIRONMENT_FILE) or "", run.data.tags, read_identity(run.data.tags, folder) or {}
        ),
        patch=_read(folder / PATCH_FILE) or "",
        problems=tuple(problems),
        identity_text=_read(folder / IDENTITY_FILE) or "",
    )


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return None
    except OSError as error:
        raise ArtifactError(f"Cannot read {path}: {error.strerror}. Check the permissions.") from error


def _parsed(path: Path, parse: Callable[[str], dict[str, Any]], problems: list[str]) -> dict[str, Any] | None:
    text = _read(path)
    if text is None:
        return None
    try:
        return parse(text)
    except ValueError as error:
        problems.append(f"{path.name} cannot be read: {error}")
        return None


# Requests --------------------------------------------------------------------------------------
def _request(asked: Mapping[str, Any], tags: Mapping[str, str]) -> Request:
    minimal = asked.get("minimal")
    return Request(
        overrides=_texts(asked.get("overrides", read_json(tags.get(OVERRIDES)))),
        minimal=_texts(minimal) if isinstance(minimal, list) else None,
        sweep=_texts(asked.get("sweep")),
        choices=_text_mapping(asked.get("choices")),
        origins=_text_mapping(asked.get("origins")),
        config_dir=_texts(asked.get("config_dir")),
        config_name=str(asked.get("config_name") or "config"),
    )


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, list) else ()


def _text_mapping(value: Any) -> dict[str, str]:
    if not isinstance(value, Mapping):
        return {}
    return {str(key): str(item) for key, item in value.items() if item is not None}


def read_json(text: str | None) -> Any:
    """Return what a tag holds as JSON; None where it is missing, cut off or not JSON."""
    try:
        return None if text is None else json.loads(text)
    except ValueError:
        return None


# Environments ----------------------------------------------------------------------------------


def parse_environment(text: str) -> Environment:
    """Read an environment.txt: `# key: value` lines, then `name==version` lines; others are skipped."""
    host: dict[str, str] = {}
    packages: dict[str, str] = {}
    for line in text.splitlines():
        if line.startswith("#"):
            key, colon, value = line.lstrip("# ").partition(":")
            if colon:
                host[key.strip()] = value.strip()
        elif "==" in line:
            name, _, version = line.partition("==")
            packages[name.strip()] = version.strip()
    return Environment(host, packages)


def _environment(text: str, tags: Mapping[str, str], identity: Mapping[str, Any]) -> Environment:
    """Fall back on the tags and the identity where the file is missing."""
    recorded = parse_environment(text)
    host = {key: tags[key] for key in HOST_TAGS if key in tags} | dict(recorded.host)
    return Environment(host, recorded.packages or _text_mapping(identity.get("environment")))


# YAML ------------------------------------------------------------------------------------------
# Which plain scalars are floats. YAML 1.1 wants a dot and a signed exponent; OmegaConf, which writes
# our configs, reads 1e-3 and 2E5 as floats too, and a value must keep its type on the way back.
_FLOAT = re.compile(
    r"""[-+]?\d+(?:_\d+)*(?:\.[\d_]*(?:[eE][-+]?\d+)?|[eE][-+]?\d+)
      | \.\d+(?:_\d+)*(?:[eE][-+]\d+)?
      | [-+]?\d+(?:_\d+)*(?::[0-5]?\d)+\.[\d_]*
      | [-+]?\.(?:inf|Inf|INF)
      | \.(?:nan|NaN|NAN)""",
    re.VERBOSE | re.ASCII,
)


def parse_yaml(text: str) -> Any:
    """Read YAML with the types that OmegaConf gives: `1e-3` is a float, a date is text.

    Raises ValueError with the place where the text is not YAML.
    """
    import yaml

    try:
        return yaml.load(text, Loader=_loader())
    except (yaml.YAMLError, RecursionError) as error:
        raise ValueError(" ".join(str(error).split())) from error


def parse_yaml_mapping(text: str) -> dict[str, Any]:
    """Read YAML whose top is a mapping (empty text is an empty one). Raises ValueError."""
    content = parse_yaml(text)
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise ValueError(f"its top is a {type(content).__name__}, not a mapping")
    return content


@cache
def _loader() -> Any:
    import yaml

    base = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

    class Loader(base):  # type: ignore[misc, valid-type]
        """The safe loader, with OmegaConf's floats and without dates."""

    tag = "tag:yaml.org,2002:"
    Loader.yaml_implicit_resolvers = {
        first: [(name, pattern) for name, pattern in resolvers if name != f"{tag}timestamp"]
        for first, resolvers in base.yaml_implicit_resolvers.items()
    }
    whole = re.compile(rf"(?:{_FLOAT.pattern})$", _FLOAT.flags)
    Loader.add_implicit_resolver(f"{tag}float", whole, list("-+0123456789."))
    return Loader
