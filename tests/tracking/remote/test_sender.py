"""Waiting for the sender of a mirror: it says how far it is, and Ctrl-C ends the waiting with what is left."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

import tracking
from tracking.mirror import Mirror


@pytest.fixture
def hanging() -> Iterator[str]:
    """Yield the address of a server that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def ended_runs(folder: Path, count: int) -> tuple[str, list[str]]:
    uri = f"sqlite:///{folder}/tracking.db"
    client = tracking.TrackingClient(uri)
    ids = [client.create_run("0").info.run_id for _ in range(count)]
    for run_id in ids:
        client.set_terminated(run_id)
    return uri, ids


def test_ctrl_c_ends_the_waiting_and_what_remains_is_said(hanging: str, tmp_path: Path) -> None:
    uri, ids = ended_runs(tmp_path, 2)
    mirror = Mirror(hanging, uri, "--sweep", "abc")
    for run_id in ids:
        mirror.send(run_id)
    shown: list[tuple[int, int]] = []

    def show(sent: int, given: int) -> None:
        shown.append((sent, given))
        raise KeyboardInterrupt

    said = mirror.finish(show)

    assert shown == [(0, 2)]
    assert said.startswith(f"2 runs are not on {hanging} yet. It was interrupted. To send what is missing: ")
    assert f"push {hanging} --sweep abc --store" in said
    assert mirror.finish(show) == ""  # the sender is gone


@pytest.mark.heavy
def test_the_sender_tells_how_many_arrived_until_all_have(tmp_path: Path) -> None:
    uri, ids = ended_runs(tmp_path, 2)
    with answering() as server:
        mirror = Mirror(server, uri)
        for run_id in ids:
            mirror.send(run_id)
        shown: list[tuple[int, int]] = []

        said = mirror.finish(lambda sent, given: shown.append((sent, given)))

    assert said == ""
    assert {given for _, given in shown} <= {2}
    assert [sent for sent, _ in shown] == sorted(sent for sent, _ in shown)


class Answer(BaseHTTPRequestHandler):
    """Says to everything what a server says of a run or experiment that it made."""

    def answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        run = {"info": {"run_id": "r", "experiment_id": "1", "artifact_uri": "mlflow-artifacts:/1/r"}, "data": {}}
        content = json.dumps({"experiment_id": "1", "run": run}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_PATCH = answer

    def log_message(self, *_: object) -> None:
        pass


class answering:
    """A server that takes everything."""

    def __enter__(self) -> str:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()
        return f"http://127.0.0.1:{self._server.server_port}"

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
