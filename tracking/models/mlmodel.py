"""The file MLmodel, both ways: which flavours a folder has, the signature, the example, and what belongs to them.

It is MLflow's, YAML; what is not known here is kept. A folder with one is complete: it is written last.
"""

from __future__ import annotations

import datetime
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from tracking.errors import ArtifactError, ArtifactNotFound
from tracking.models.signature import ModelSignature
from tracking.records.names import MLMODEL_FILE
from tracking.validation import shorten


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """What an MLmodel file says."""

    flavors: Mapping[str, Mapping[str, Any]]
    signature: ModelSignature | None = None
    run_id: str | None = None
    artifact_path: str | None = None
    utc_time_created: str | None = None
    saved_input_example_info: Mapping[str, Any] | None = None
    metadata: Mapping[str, Any] | None = None
    folder: str = field(default="", repr=False)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Model:
        """Read the MLmodel file of a folder, or the file itself. Raises ArtifactNotFound, ArtifactError."""
        place = Path(path)
        file = place / MLMODEL_FILE if place.is_dir() else place
        import yaml

        try:
            entry = yaml.safe_load(file.read_text(encoding="utf-8"))
        except FileNotFoundError as problem:
            raise ArtifactNotFound(
                f"There is no model at {shorten(str(path))}: it has no file {MLMODEL_FILE}."
            ) from problem
        except (OSError, ValueError, yaml.YAMLError) as problem:
            raise ArtifactError(f"{shorten(str(file))} cannot be read: {problem}.") from problem
        if not isinstance(entry, dict) or not isinstance(entry.get("flavors"), dict):
            raise ArtifactError(f"{shorten(str(file))} is not an {MLMODEL_FILE} file: it names no flavors.")
        signature = entry.get("signature")
        return cls(
            flavors=entry["flavors"],
            signature=ModelSignature.from_dict(signature) if isinstance(signature, dict) else None,
            run_id=entry.get("run_id"),
            artifact_path=entry.get("artifact_path"),
            utc_time_created=None if entry.get("utc_time_created") is None else str(entry["utc_time_created"]),
            saved_input_example_info=entry.get("saved_input_example_info"),
            metadata=entry.get("metadata"),
            folder=str(file.parent),
        )

    def load_input_example(self, path: str | None = None) -> Any:
        """Return the example that was saved with the model, as a frame or an array; None without one."""
        from tracking.models.examples import read_example

        info = self.saved_input_example_info
        return None if info is None else read_example(path or self.folder, info)

    def get_input_schema(self) -> Any:
        """Return the schema of what the model takes, or None."""
        return None if self.signature is None else self.signature.inputs

    def get_output_schema(self) -> Any:
        """Return the schema of what the model gives, or None."""
        return None if self.signature is None else self.signature.outputs


def mlmodel_text(
    *,
    run_id: str | None,
    artifact_path: str | None,
    flavors: Mapping[str, Mapping[str, Any]],
    signature: ModelSignature | None = None,
    example: Mapping[str, Any] | None = None,
    metadata: Mapping[str, Any] | None = None,
) -> str:
    """Return the text of an MLmodel file."""
    rest: dict[str, Any] = {"flavors": flavors}
    if signature is not None:
        rest["signature"] = signature.to_dict()
    if example is not None:
        rest["saved_input_example_info"] = example
    if metadata is not None:
        rest["metadata"] = metadata
    now = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
    head = {"artifact_path": artifact_path, "run_id": run_id}
    own = "".join(f"{name}: {json.dumps(value)}\n" for name, value in head.items() if value is not None)
    return f"{own}{_yaml(json.dumps(rest, default=str))}utc_time_created: '{now}'\n"


@lru_cache(maxsize=16)
def _yaml(text: str) -> str:
    """Return the YAML of a JSON text: in a sweep it is the same for all points, and PyYAML takes 2 ms for it."""
    import yaml

    return str(yaml.safe_dump(json.loads(text), allow_unicode=True, default_flow_style=False))
