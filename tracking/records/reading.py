"""What a run left behind, read back: config, request, metric histories, environment, patch.

The files are those the runner writes (config.yaml, overrides.yaml, environment.txt,
uncommitted.patch). A run logged by hand may have none of them: whatever is missing is empty, and
what is there but cannot be read is named in `problems`. Reads the store; never writes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tracking.entities import Metric, Run
from tracking.records.environment import Environment, parse_environment
from tracking.records.identity import parse_identity
from tracking.records.names import (
    CONFIG_FILE,
    ENVIRONMENT_FILE,
    HOST_TAGS,
    IDENTITY,
    IDENTITY_FILE,
    OVERRIDES_FILE,
    PATCH_FILE,
)
from tracking.records.request import Request, parse_request, text_mapping
from tracking.records.yaml_text import parse_yaml_mapping
from tracking.store.contents import read_text
from tracking.store.sqlite import Store


@dataclass(frozen=True, slots=True)
class RunRecord:
    """One run with everything that can be compared; `config` is None where only params were recorded."""

    run: Run
    experiment: str = ""
    config: Mapping[str, Any] | None = None
    request: Request = field(default_factory=Request)
    histories: Mapping[str, Sequence[Metric]] = field(default_factory=dict)
    environment: Environment = field(default_factory=Environment)
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
        request=parse_request(mapping(OVERRIDES_FILE) or {}, run.data.tags),
        histories=histories,
        environment=_environment(
            _read(folder / ENVIRONMENT_FILE) or "", run.data.tags, read_identity(run.data.tags, folder) or {}
        ),
        patch=_read(folder / PATCH_FILE) or "",
        problems=tuple(problems),
        identity_text=_read(folder / IDENTITY_FILE) or "",
    )


def _read(path: Path) -> str | None:
    return read_text(str(path.parent), path.name)


def _parsed(path: Path, parse: Callable[[str], dict[str, Any]], problems: list[str]) -> dict[str, Any] | None:
    text = _read(path)
    if text is None:
        return None
    try:
        return parse(text)
    except ValueError as error:
        problems.append(f"{path.name} cannot be read: {error}")
        return None


def _environment(text: str, tags: Mapping[str, str], identity: Mapping[str, Any]) -> Environment:
    """Fall back on the tags and the identity where the file is missing."""
    recorded = parse_environment(text)
    host = {key: tags[key] for key in HOST_TAGS if key in tags} | dict(recorded.host)
    return Environment(host, recorded.packages or text_mapping(identity.get("environment")))
