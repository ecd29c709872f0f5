"""Every ended run to an MLflow server too: the side of the program that records.

The sending is done by another process, `tracking.remote.follow`: it takes none of this program's time, waits for the
server as long as it must, and fails without it. The local store stays the truth; what does not arrive can be pushed.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from tracking.errors import InvalidValue
from tracking.stores import absolute_uri, current_server, is_server, tracking_command, without_password

if TYPE_CHECKING:
    import subprocess


def chosen_server(asked: str | None = None) -> str | None:
    """Return the server that is asked for, else the one in use, else None.

    Raises InvalidValue for what is no address of a server, and where httpx is missing.
    """
    server = asked or current_server()
    if server is None:
        return None
    if not is_server(server):
        raise InvalidValue(f"'{server}' is no address of an MLflow server. As http://127.0.0.1:5000.")
    if find_spec("httpx") is None:
        raise InvalidValue(
            f"Sending runs to {without_password(server)} needs httpx: pip install 'experiment-runner[mlflow]'"
        )
    return server


def shown(server: str) -> str:
    """Return the address of a server as it may be printed."""
    return without_password(server)


class Mirror:
    """Sends the runs of one store to one server; a process is started with the first of them."""

    def __init__(self, server: str, store: str, *selection: str) -> None:
        self._server, self._store = server, store
        self._selection = selection  # the words by which a push finds the same runs
        self._child: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None
        self._given = self._sent = 0
        self._why = ""
        self._owner = os.getpid()
        self._lock = threading.Lock()

    def send(self, run_id: str) -> None:
        """Have an ended run sent; returns at once, and never raises."""
        with self._lock:
            if self._owner != os.getpid():
                return  # a forked child: what it records is pushed with the next push
            if self._child is None:
                self._start()
            self._given += 1
            self._tell(run_id)

    def finish(self, show: Callable[[int, int], None] = lambda sent, given: None) -> str:
        """Wait until everything is sent, or cannot be; return what is left to do in a sentence, "" for nothing.

        `show` is told how many of how many runs were sent. Ctrl-C ends the waiting.
        """
        if self._child is None or self._reader is None or self._owner != os.getpid():
            return ""
        self._tell("")
        try:
            while self._reader.is_alive():
                show(self._sent, self._given)
                self._reader.join(0.1)
        except KeyboardInterrupt:
            self._why = "It was interrupted."
        return self.stop()

    def stop(self) -> str:
        """End the sending where it is; return what is left to do in a sentence, "" for nothing."""
        if self._child is None or self._reader is None:
            return ""
        self._child.terminate()
        self._child.wait()
        self._reader.join()
        for pipe in (self._child.stdin, self._child.stdout):
            with suppress(OSError):  # what nobody reads any more
                assert pipe is not None
                pipe.close()
        self._child = None
        left = self._given - self._sent
        if not left:
            return ""
        server = without_password(self._server)
        command = tracking_command("push", server, *self._selection, store=self._store)
        runs = "1 run is" if left == 1 else f"{left} runs are"
        return f"{runs} not on {server} yet. {self._why} To send what is missing: {command}".replace("  ", " ")

    def _start(self) -> None:
        import subprocess  # most programs have no mirror

        self._child = subprocess.Popen(
            [sys.executable, "-m", "tracking.remote.follow"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,  # Ctrl-C is for this process to judge
        )
        self._tell(json.dumps({"server": self._server, "store": absolute_uri(self._store)}))  # not for `ps` to show
        self._reader = threading.Thread(target=self._read, args=(self._child,), daemon=True)
        self._reader.start()

    def _tell(self, line: str) -> None:
        """Write a line, unless the child is gone: then `finish` says what is left."""
        child = self._child
        if child is not None and child.stdin is not None:
            try:
                child.stdin.write(line + "\n")
                child.stdin.flush()
            except OSError:
                self._why = self._why or "The process that sends them ended."

    def _read(self, child: subprocess.Popen[str]) -> None:
        for line in child.stdout or ():
            told: dict[str, Any] = json.loads(line)
            self._sent = told["sent"]
            self._why = told["why"]
