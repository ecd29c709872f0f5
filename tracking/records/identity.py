"""What a point's fingerprint is made of, as text: in a tag, or in a file where it is too long for one. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from tracking.records.names import IDENTITY_FILE

LONGEST: Final = 8000  # characters of a tag; every store takes as many
PARTS: Final = ("config", "data", "code", "environment")


def write_identity(identity: Mapping[str, Any]) -> tuple[str, str | None]:
    """Return the text of the tag, and that of the file, None where the tag holds everything."""
    text = json.dumps(identity, default=repr)
    if len(text) <= LONGEST:
        return text, None
    return json.dumps({"too long for a tag": f"{len(text)} characters", "file": IDENTITY_FILE}), text


def parse_identity(text: str | None) -> dict[str, Any] | None:
    """Return the identity that a text holds, None where it is cut off, of another form or not there."""
    try:
        found = json.loads(text or "null")
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) and any(part in found for part in PARTS) else None
