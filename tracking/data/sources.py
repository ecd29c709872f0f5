"""Where a data set comes from: a file or folder of this machine, a web address, or the program that made it."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import unquote, urlsplit

from tracking import context
from tracking.entities import Dataset as DatasetEntity
from tracking.entities import DatasetInput
from tracking.errors import ArtifactNotFound, InvalidType, InvalidValue
from tracking.records.names import SOURCE_NAME
from tracking.validation import shorten


@dataclass(frozen=True)
class DatasetSource:
    """Where a data set comes from; `to_dict` is what is recorded of it."""

    kind: ClassVar[str]

    def load(self, dst_path: str | None = None) -> str:
        """Return the path of the data on this machine."""
        raise NotImplementedError

    def to_dict(self) -> dict[str, Any]:
        """Return the source as plain data."""
        return dict(self.__dict__)

    def to_json(self) -> str:
        """Return the source as it is recorded."""
        return json.dumps(self.to_dict())


@dataclass(frozen=True)
class LocalSource(DatasetSource):
    """A file or folder, by its path or `file://` URI."""

    kind: ClassVar[str] = "local"
    uri: str

    def load(self, dst_path: str | None = None) -> str:
        """Return the path of the file, which is not copied. Raises ArtifactNotFound where it is gone."""
        path = unquote(urlsplit(self.uri).path) if self.uri.startswith("file:") else self.uri
        if not os.path.exists(path):
            raise ArtifactNotFound(f"The data at {shorten(self.uri)} are not there any more.")
        return os.path.abspath(path)


@dataclass(frozen=True)
class HttpSource(DatasetSource):
    """A web address."""

    kind: ClassVar[str] = "http"
    url: str

    def load(self, dst_path: str | None = None) -> str:
        """Fetch the file into a folder, by default a new one, and return its path. Raises ArtifactNotFound."""
        from urllib.request import urlopen  # most programs fetch nothing

        folder = Path(dst_path or tempfile.mkdtemp())
        file = folder / (Path(unquote(urlsplit(self.url).path)).name or "data")
        try:
            with urlopen(self.url, timeout=60) as answer:
                folder.mkdir(parents=True, exist_ok=True)
                file.write_bytes(answer.read())
        except OSError as problem:
            raise ArtifactNotFound(f"The data at {shorten(self.url)} cannot be fetched: {problem}.") from problem
        return str(file)


@dataclass(frozen=True)
class CodeSource(DatasetSource):
    """The program that made the data: the system tags of its runs."""

    kind: ClassVar[str] = "code"
    tags: Mapping[str, str]

    def load(self, dst_path: str | None = None) -> str:
        """Raise InvalidValue: nothing says what the program did."""
        made_by = self.tags.get(SOURCE_NAME, "a program")
        raise InvalidValue(
            f"These data were made by {made_by}: give from_pandas or from_numpy a source to load it again."
        )


_KINDS = {kind.kind: kind for kind in (LocalSource, HttpSource, CodeSource)}


def source_of(given: Any) -> DatasetSource:
    """Return what a person gave as a source: a path, an address, a DatasetSource, or None for this program."""
    if given is None:
        return CodeSource(context.system_tags())
    if isinstance(given, DatasetSource):
        return given
    if isinstance(given, os.PathLike):
        given = os.fspath(given)
    if not isinstance(given, str):
        raise InvalidType(f"The source of a data set is a path or an address, not {shorten(given)}.")
    if given.startswith(("http://", "https://")):
        return HttpSource(given)
    if "://" in given and not given.startswith("file://"):
        raise InvalidValue(f"The source {shorten(given)} is neither a path nor a web address.")
    return LocalSource(given)


def get_source(dataset: Any) -> DatasetSource:
    """Return where a data set comes from: one of `from_pandas`, or what a run says, `run.inputs.dataset_inputs[0]`.

    Raises InvalidValue for a kind of source that is not known here.
    """
    entity = dataset.dataset if isinstance(dataset, DatasetInput) else dataset
    if not isinstance(entity, DatasetEntity):
        if isinstance(source := getattr(entity, "source", None), DatasetSource):
            return source
        raise InvalidType(f"get_source takes a data set or an input of a run, not {shorten(dataset)}.")
    try:
        return _KINDS[entity.source_type](**json.loads(entity.source))
    except (KeyError, ValueError, TypeError):
        raise InvalidValue(
            f"The data set '{entity.name}' comes from a source that cannot be loaded here: {shorten(entity.source)}."
        ) from None
