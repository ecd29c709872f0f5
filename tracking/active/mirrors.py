"""The mirrors of a script, by `set_tracking_uri("http://...")` or the environment: told of ended runs, waited for."""

from __future__ import annotations

import sys

from tracking.client import TrackingClient
from tracking.mirror import Mirror
from tracking.state import state
from tracking.stores import absolute_uri, current_server


def send(client: TrackingClient, run_id: str) -> None:
    """Have an ended run sent to the server that is chosen, if one is; returns at once."""
    server, store = current_server(), absolute_uri(client.tracking_uri)
    if server is None or not store.startswith("sqlite:////"):
        return  # nobody else can look into a store in memory
    mirror = state.mirrors.get((server, store))
    if mirror is None:
        with state.lock:
            mirror = state.mirrors.setdefault((server, store), Mirror(server, store))
    mirror.send(run_id)


def finish() -> None:
    """Wait until everything is sent, or cannot be, and say what is left."""
    for mirror in state.mirrors.values():
        said = mirror.finish()
        if said:
            sys.stderr.write(said + "\n")
    state.mirrors.clear()
