"""Which experiments of a server the runs of a store went to, in a small file beside the store.

With it a push that finds everything there asks for runs only. It is a shortcut and no record: where it is missing or
wrong, the server is asked for its experiments first.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from tracking.store.sqlite import Store


@dataclass(frozen=True, slots=True)
class Remembered:
    """An experiment of a server, and a digest of the tags that were set there."""

    id: str
    tags: str


def tags_digest(tags: Mapping[str, str]) -> str:
    """Return what differs as soon as a tag does."""
    return hashlib.sha256(json.dumps(sorted(tags.items())).encode()).hexdigest()[:16]


def recall(store: Store, server: str) -> dict[str, Remembered]:
    """Return the experiments that are remembered of a server, by name."""
    try:
        known = json.loads(_file(store).read_text(encoding="utf-8"))[server]
        return {name: Remembered(**entry) for name, entry in known.items()}
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return {}


def remember(store: Store, server: str, experiments: Mapping[str, Remembered]) -> None:
    """Write down what is known of a server; where nothing can be written the next push asks."""
    file = _file(store)
    with suppress(OSError):
        try:
            known = json.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            known = {}
        known[server] = {name: asdict(entry) for name, entry in experiments.items()}
        temporary = file.with_name(f"{file.name}.{os.getpid()}")
        temporary.write_text(json.dumps(known, indent=1), encoding="utf-8")
        temporary.replace(file)


def _file(store: Store) -> Path:
    return Path(f"{store.uri.removeprefix('sqlite:///')}.servers.json")
