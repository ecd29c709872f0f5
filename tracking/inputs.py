"""The data sets that a run was given, as entities, and as the tags that keep them.

What `log_input` says of a data set is one tag of the run. The runner says what its data are in tags of its own, from
before there was `log_input`: both are inputs.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from tracking.records.names import DATA_FEATURES, DATA_INPUT, DATA_NAME, DATA_SHAPE, DATA_TARGET, FINGERPRINT_DATA

CONTEXT: Final = "mlflow.data.context"  # the tag of an input that says what it was for: training, testing, ...

_MOST_CHARACTERS: Final = 8000  # of a tag
_MOST_NAME, _MOST_DIGEST, _MOST_FEATURES = 500, 36, 10_000  # MLflow's limits; the last so that a source stays short


class Pairs:
    """Gives an entity's fields as pairs, so that dict(entity) is what it is in MLflow."""

    __slots__ = ()

    def __iter__(self) -> Iterator[tuple[str, Any]]:
        for name in self.__dataclass_fields__:  # type: ignore[attr-defined]
            yield name, getattr(self, name)


@dataclass(frozen=True, slots=True)
class Dataset(Pairs):
    """What is known of a data set; `source`, `schema` and `profile` are JSON, None where they are not known."""

    name: str
    digest: str
    source_type: str
    source: str
    schema: str | None = None
    profile: str | None = None


@dataclass(frozen=True, slots=True)
class InputTag(Pairs):
    """One tag of an input."""

    key: str
    value: str


@dataclass(frozen=True, slots=True)
class DatasetInput(Pairs):
    """A data set that a run was given, and what for."""

    dataset: Dataset
    tags: Sequence[InputTag] = ()


@dataclass(frozen=True, slots=True)
class RunInputs(Pairs):
    """What a run was given. `model_inputs` is always empty: models are artifacts here."""

    dataset_inputs: list[DatasetInput] = field(default_factory=list)
    model_inputs: list[Any] = field(default_factory=list)


def input_tag(given: DatasetInput) -> tuple[str, str]:
    """Return the tag that keeps an input, key and value. The schema of a very wide table is left out."""
    dataset = dict(given.dataset)
    identity = hashlib.sha256(f"{dataset['name']}\0{dataset['digest']}".encode()).hexdigest()
    entry = {**dataset, "tags": {tag.key: tag.value for tag in given.tags}}
    value = json.dumps(entry)
    if len(value) > _MOST_CHARACTERS:
        value = json.dumps({**entry, "schema": None})
    return f"{DATA_INPUT}{identity[:8]}", value


def read_inputs(tags: Mapping[str, str]) -> list[DatasetInput]:
    """Return the data sets that the tags of a run tell of; what somebody wrote there by hand is passed over."""
    found = [_read(value) for key, value in sorted(tags.items()) if key.startswith(DATA_INPUT)]
    return [*_recorded(tags), *(given for given in found if given is not None)]


def _read(text: str) -> DatasetInput | None:
    try:
        entry = json.loads(text)
        tags = entry.pop("tags", {})
        return DatasetInput(Dataset(**entry), [InputTag(key, value) for key, value in tags.items()])
    except (ValueError, TypeError, AttributeError):
        return None


def _recorded(tags: Mapping[str, str]) -> Iterator[DatasetInput]:
    """Yield the data of a run that the runner recorded."""
    if DATA_NAME not in tags or FINGERPRINT_DATA not in tags:
        return
    rows, _, columns = tags.get(DATA_SHAPE, "").partition("x")
    whole = rows.isdecimal() and columns.isdecimal()
    profile = {"num_rows": int(rows), "num_elements": int(rows) * int(columns)} if whole else {}
    features = tags.get(DATA_FEATURES, "")[:_MOST_FEATURES]
    source = {"name": tags[DATA_NAME], "target": tags.get(DATA_TARGET), "features": features}
    yield DatasetInput(
        Dataset(
            name=tags[DATA_NAME][:_MOST_NAME],
            digest=tags[FINGERPRINT_DATA][:_MOST_DIGEST],
            source_type="local",
            source=json.dumps(source),
            profile=json.dumps(profile),
        ),
        [InputTag(CONTEXT, "training")],
    )
