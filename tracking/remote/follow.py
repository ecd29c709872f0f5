"""The process that sends runs to a server while another one records them: `python -m tracking.remote.follow`.

Reads from stdin first one line of JSON, {"server": URI, "store": URI}, then run ids, and last an empty line. Writes
after each change {"sent": how many, "why": why not more}. Ends when everything is sent, or a last attempt failed.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import sys
import threading
from collections.abc import Callable, Iterable

from tracking.errors import ServerError, TrackingError
from tracking.remote.push import Pushed, Pusher, claim
from tracking.remote.rest import Server
from tracking.store.sqlite import Store
from tracking.stores import open_store

_PAUSE = 5.0  # seconds until a server that failed is asked again
_PATIENCE = 60.0  # seconds of asking it, while runs are still recorded
_LAST_PATIENCE = 10.0  # seconds of asking it for the last time


def follow(lines: Iterable[str], tell: Callable[[int, str], None]) -> None:
    """Push the runs that the lines name as they come; `tell` is told how many, and why not more."""
    lines = iter(lines)
    asked = json.loads(next(lines))
    coming: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=_receive, args=(lines, coming), daemon=True).start()
    store = open_store(asked["store"])
    sender = _Sender(store, asked["server"], tell)
    waiting: list[str] = []
    more = True
    while more or waiting:
        more = _take(coming, waiting, wait=more) and more
        if waiting and not sender.send(waiting, last=not more) and not more:
            return
    sender.finish()


def _receive(lines: Iterable[str], coming: queue.SimpleQueue[str]) -> None:
    for line in lines:
        if not line.strip():
            break
        coming.put(line.strip())
    coming.put("")


def _take(coming: queue.SimpleQueue[str], waiting: list[str], *, wait: bool) -> bool:
    """Move what has come to what is waiting; return whether more may come."""
    try:
        while True:
            run_id = coming.get(wait, _PAUSE)
            if not run_id:
                return False
            waiting.append(run_id)
            wait = False
    except queue.Empty:
        return True


class _Sender:
    """Keeps a connection as long as the server answers."""

    def __init__(self, store: Store, uri: str, tell: Callable[[int, str], None]) -> None:
        self._store, self._uri, self._tell = store, uri, tell
        self._pusher: Pusher | None = None
        self._sent = 0  # by earlier pushers
        self._refused = ""

    def send(self, waiting: list[str], *, last: bool) -> bool:
        """Push and forget what is waiting; return whether that was possible."""
        runs = [self._store.get_run(run_id) for run_id in waiting]
        done = 0
        try:
            pusher = self._pusher = self._pusher or self._connect(last=last)
            done = pusher.pushed.seen
            pusher.push(runs)
        except TrackingError as problem:
            if self._pusher is not None:
                del waiting[: self._pusher.pushed.seen - done]
                self._sent += _arrived(self._pusher.pushed)
                self._pusher = None
            self._tell(self._sent, str(problem))
            return False
        waiting.clear()
        return True

    def finish(self) -> None:
        """Complete the parent runs of sweeps."""
        if self._pusher is not None:
            self._pusher.finish()
        self._store.release_claims()

    def _connect(self, *, last: bool) -> Pusher:
        server = Server(self._uri, patience=_LAST_PATIENCE if last else _PATIENCE)
        claim(self._store, server)
        return Pusher(self._store, server, tell=self._count)

    def _count(self, pushed: Pushed) -> None:
        self._refused = next(iter(pushed.refused.values()), self._refused)
        self._tell(self._sent + _arrived(pushed), self._refused)


def _arrived(pushed: Pushed) -> int:
    return pushed.seen - len(pushed.refused)


def main() -> None:
    """Follow what stdin says, at low priority, and tell on stdout."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.nice(10)

    def tell(sent: int, why: str) -> None:
        print(json.dumps({"sent": sent, "why": why}), flush=True)

    try:
        follow(sys.stdin, tell)
    except ServerError as problem:  # the parent runs could not be completed: the next push does it
        sys.exit(str(problem))


if __name__ == "__main__":
    main()
