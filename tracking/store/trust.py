"""Which stores may run what they say: those that a person's own programs made, or that the person said to trust.

A store gets a random id when it is made, and the id is added to a file of this user outside of any store. A copy that
came from elsewhere has an id that is not there; a store that was moved keeps its own. Runs that were imported are
from elsewhere in any store, until the person trusts them too. Who can write this file can run
programs as this user anyway.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path


def trust_file() -> Path:
    """Return the file that lists the ids of trusted stores, one a line; it need not exist.

    Raises RuntimeError for a user without a home.
    """
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(state, "experiment-runner", "trusted-stores")


def is_trusted(store_id: str, *, imported: bool = False) -> bool:
    """Tell whether a store's id is among this user's; `imported`: also with the runs that were imported into it."""
    try:
        return _entry(store_id, imported) in trust_file().read_text(encoding="utf-8", errors="replace").split()
    except (OSError, RuntimeError):
        return False


def remember(store_id: str, *, imported: bool = False) -> None:
    """Trust the store of this id from now on; `imported`: the runs imported into it. Raises OSError, RuntimeError."""
    path = trust_file()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with open(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "a", encoding="utf-8") as file:
        file.write(f"{_entry(store_id, imported)}\n")


def _entry(store_id: str, imported: bool) -> str:
    return f"{store_id}.imported" if imported else store_id


def new_id() -> str | None:
    """Return the id for a store that is made now, which is trusted; None where that cannot be remembered.

    Then the store is like those of version 0.1.0, which have no id: see `Store.is_foreign`.
    """
    store_id = secrets.token_hex(16)
    try:
        remember(store_id)
    except (OSError, RuntimeError):  # no home, or one that cannot be written
        return None
    return store_id
