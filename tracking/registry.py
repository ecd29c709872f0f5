"""The registry of models: names with versions, aliases and stages, over the store. Part of the client.

A version is the address of a run's model; `models:/<name>/<version>`, `models:/<name>@<alias>` and
`models:/<name>/latest` are addresses too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from tracking import validation
from tracking.entities import ModelVersion, RegisteredModel
from tracking.errors import AlreadyExists, InvalidValue, ModelNotFound
from tracking.store import registry
from tracking.validation import now_ms, shorten

if TYPE_CHECKING:
    from tracking.store.sqlite import Store

STAGES: Final = ("None", "Staging", "Production", "Archived")
_FILTER: Final = re.compile(r"\s*name\s*(=|i?like)\s*(['\"])(.*)\2\s*", re.IGNORECASE)


class RegistryMethods:
    """The methods of MlflowClient for registered models. Each raises ModelNotFound, InvalidValue, StoreError."""

    store: Store

    def create_registered_model(
        self, name: str, tags: Mapping[str, Any] | None = None, description: str | None = None
    ) -> RegisteredModel:
        """Register a name, without a version. Raises AlreadyExists."""
        self.store.change_registry(registry.create, _name(name), description or "", now_ms())
        for key, value in validation.tags(tags or {}).items():
            self.set_registered_model_tag(name, key, value)
        return self.get_registered_model(name)

    def get_registered_model(self, name: str) -> RegisteredModel:
        """Return a registered model."""
        return self.store.read_registry(registry.get, name)

    def search_registered_models(self, filter_string: str | None = None, **unused: Any) -> list[RegisteredModel]:
        """Return the registered models by name; the filter is `name = '...'` or `name LIKE '...'`."""
        _refuse(unused)
        found = self.store.read_registry(registry.names)
        return [self.get_registered_model(name) for name in found if _matches(filter_string, name)]

    def update_registered_model(self, name: str, description: str | None = None) -> RegisteredModel:
        """Set the description of a registered model."""
        self.store.change_registry(registry.describe, name, description or "", now_ms())
        return self.get_registered_model(name)

    def delete_registered_model(self, name: str) -> None:
        """Forget a registered model and its versions; the files of the runs stay."""
        self.store.change_registry(registry.delete, name, None)

    def set_registered_model_tag(self, name: str, key: str, value: Any) -> None:
        """Set one tag of a registered model."""
        self.store.change_registry(registry.set_tag, name, None, key, validation.tag_value(key, value))

    def set_registered_model_alias(self, name: str, alias: str, version: str | int) -> None:
        """Let an alias name a version; it no longer names another."""
        if re.fullmatch(r"[\w-]+", alias) is None or alias.lower() == "latest":
            raise InvalidValue(f"Invalid alias {shorten(alias)}: letters, digits, '_' and '-', and not 'latest'.")
        self.store.change_registry(registry.set_alias, name, alias, str(version))

    def delete_registered_model_alias(self, name: str, alias: str) -> None:
        """Take an alias away."""
        self.store.change_registry(registry.delete_alias, name, alias)

    def create_model_version(
        self,
        name: str,
        source: str,
        run_id: str | None = None,
        tags: Mapping[str, Any] | None = None,
        run_link: None = None,
        description: str | None = None,
        **unused: Any,
    ) -> ModelVersion:
        """Add a version of a registered model; `source` is where its files are, `runs:/<run id>/<path>`."""
        _refuse(unused)
        if source.startswith("models:"):
            raise InvalidValue(f"The source of a version is where files are, not {shorten(source)}.")
        valid = validation.tags(tags or {})
        made = self.store.change_registry(registry.add_version, name, source, run_id, description or "", now_ms())
        for key, value in valid.items():
            self.set_model_version_tag(name, made.version, key, value)
        return self.get_model_version(name, made.version)

    def get_model_version(self, name: str, version: str | int) -> ModelVersion:
        """Return a version by its number."""
        return self.store.read_registry(registry.get_version, name, str(version))

    def get_model_version_by_alias(self, name: str, alias: str) -> ModelVersion:
        """Return the version that an alias names."""
        aliases = self.get_registered_model(name).aliases
        if alias not in aliases:
            raise ModelNotFound(f"Model {name!r} has no alias {alias!r}. There are: {', '.join(aliases) or 'none'}.")
        return self.get_model_version(name, aliases[alias])

    def get_model_version_download_uri(self, name: str, version: str | int) -> str:
        """Return the address of a version's files."""
        return self.get_model_version(name, version).source

    def get_model_version_stages(self, name: str, version: str | int) -> list[str]:
        """Return the stages that a version may be in."""
        self.get_model_version(name, version)
        return list(STAGES)

    def get_latest_versions(self, name: str, stages: list[str] | None = None) -> list[ModelVersion]:
        """Return the newest version of every stage, or of these."""
        found = self.get_registered_model(name).latest_versions
        wanted = None if stages is None else {_stage(stage) for stage in stages}
        return [version for version in found if wanted is None or version.current_stage in wanted]

    def search_model_versions(self, filter_string: str | None = None, **unused: Any) -> list[ModelVersion]:
        """Return versions, newest first; the filter is `name = '...'` or `name LIKE '...'`."""
        _refuse(unused)
        return [
            version for version in self.store.read_registry(registry.versions) if _matches(filter_string, version.name)
        ]

    def update_model_version(self, name: str, version: str | int, description: str | None = None) -> ModelVersion:
        """Set the description of a version."""
        changes = {"description": description or ""}
        self.store.change_registry(registry.change_version, name, str(version), changes, now_ms())
        return self.get_model_version(name, version)

    def transition_model_version_stage(
        self, name: str, version: str | int, stage: str, archive_existing_versions: bool = False
    ) -> ModelVersion:
        """Move a version to a stage: None, Staging, Production, Archived. Aliases are the newer way."""
        wanted = _stage(stage)
        if archive_existing_versions:
            for other in self.search_model_versions(f"name = '{name}'"):
                if other.current_stage == wanted and other.version != str(version):
                    self.transition_model_version_stage(name, other.version, "Archived")
        self.store.change_registry(registry.change_version, name, str(version), {"stage": wanted}, now_ms())
        return self.get_model_version(name, version)

    def set_model_version_tag(self, name: str, version: str | int, key: str, value: Any) -> None:
        """Set one tag of a version."""
        self.store.change_registry(registry.set_tag, name, str(version), key, validation.tag_value(key, value))

    def delete_model_version(self, name: str, version: str | int) -> None:
        """Forget a version; the files of its run stay, and its number is not used again."""
        self.store.change_registry(registry.delete, name, str(version))

    def find_model_version(self, address: str) -> ModelVersion:
        """Return the version of `models:/<name>/<version, stage or latest>` or `models:/<name>@<alias>`."""
        rest = address.partition(":/")[2].lstrip("/")
        name, separator, alias = rest.partition("@")
        if separator:
            return self.get_model_version_by_alias(name, alias)
        name, separator, which = rest.rpartition("/")
        if not separator:
            raise InvalidValue(
                f"Invalid model address {address!r}: as models:/<name>/<version> or models:/<name>@<alias>."
            )
        if which.isdecimal():
            return self.get_model_version(name, which)
        self.get_registered_model(name)
        found = self.search_model_versions(f"name = '{name}'")
        staged = [version for version in found if which == "latest" or version.current_stage == _stage(which)]
        if not staged:
            raise ModelNotFound(f"Model {name!r} has no version in {which!r}.")
        return staged[0]


def register(client: Any, model_uri: str, name: str, tags: Mapping[str, Any] | None = None) -> ModelVersion:
    """Add a version of a name, which is registered if it is new, for a logged model."""
    if not model_uri.startswith("runs:/"):
        raise InvalidValue(f"{shorten(model_uri)} cannot be registered: log the model and give runs:/<run id>/<path>.")
    run_id = model_uri.partition(":/")[2].lstrip("/").partition("/")[0]
    client.get_run(run_id)
    with suppress(AlreadyExists):
        client.create_registered_model(name)
    made: ModelVersion = client.create_model_version(name, model_uri, run_id, tags)
    return made


def _name(name: object) -> str:
    if not isinstance(name, str) or not name or any(sign in name for sign in "/:@"):
        raise InvalidValue(
            f"Invalid name of a model {shorten(name)}: a text that is not empty, without '/', ':' and '@'."
        )
    return name


def _stage(stage: str) -> str:
    found = next((known for known in STAGES if known.lower() == str(stage).lower()), None)
    if found is None:
        raise InvalidValue(f"Unknown stage {shorten(stage)}. Known: {', '.join(STAGES)}.")
    return found


def _matches(filter_string: str | None, name: str) -> bool:
    if not filter_string:
        return True
    match = _FILTER.fullmatch(filter_string)
    if match is None:
        raise InvalidValue(f"Invalid filter {shorten(filter_string)}: of models only name = '...' and name LIKE '...'.")
    operator, _, wanted = match.groups()
    if operator == "=":
        return name == wanted
    pattern = "".join({"%": ".*", "_": "."}.get(sign, re.escape(sign)) for sign in wanted)
    return re.fullmatch(pattern, name, re.IGNORECASE if operator.lower() == "ilike" else 0) is not None


def _refuse(unused: Mapping[str, Any]) -> None:
    given = [name for name, value in unused.items() if value is not None]
    if given and given[0] not in ("max_results", "order_by", "await_creation_for", "local_model_path", "model_id"):
        raise InvalidValue(f"There is no argument {given[0]!r} here.")
