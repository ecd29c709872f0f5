"""A real MLflow server on the loopback interface, and a proxy before it that breaks connections.

MLFLOW_PYTHON names the interpreter of an environment in which mlflow is installed; without it these tests are skipped.
Starting a server takes most of their time: MLFLOW_SERVER names one that runs already, for whoever repeats them.
"""

from __future__ import annotations

import os
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

PYTHON = os.environ.get("MLFLOW_PYTHON")
SERVER = os.environ.get("MLFLOW_SERVER")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    reason = "MLFLOW_PYTHON names no interpreter that has mlflow"
    for item in items:
        if not PYTHON and Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.skip(reason=reason))


@contextmanager
def running_server(folder: Path, *options: str) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    assert PYTHON
    where = ["--backend-store-uri", f"sqlite:///{folder}/mlflow.db", "--host", "127.0.0.1", "--port", str(port)]
    environment = {key: value for key, value in os.environ.items() if not key.startswith("MLFLOW_")}
    with (folder / "log.txt").open("w") as log:
        server = subprocess.Popen(
            [PYTHON, "-m", "mlflow", "server", *where, "--workers", "1", *options],
            cwd=folder,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env=environment | {"MLFLOW_DISABLE_TELEMETRY": "true"},
        )
    uri = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 180
        while not _answers(uri):
            assert server.poll() is None, (folder / "log.txt").read_text()
            assert time.monotonic() < deadline, (folder / "log.txt").read_text()
            time.sleep(0.1)  # nothing tells when a server is ready
        yield uri
    finally:
        os.killpg(server.pid, 9)
        server.wait()


def _answers(uri: str) -> bool:
    try:
        return httpx.get(f"{uri}/health", timeout=5).is_success
    except httpx.HTTPError:
        return False


@pytest.fixture(scope="session")
def mlflow_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if SERVER:
        yield SERVER
        return
    folder = tmp_path_factory.mktemp("mlflow")
    with running_server(folder, "--artifacts-destination", str(folder / "artifacts")) as uri:
        yield uri


@contextmanager
def breaking_proxy(uri: str, breaks: set[int]) -> Iterator[tuple[str, list[int]]]:
    """Pass requests on to a server, but at those of these numbers close the connection without an answer.

    At even ones the server has had the request by then, at odd ones not. Yields the proxy's address and the
    numbers at which it broke.
    """
    broken: list[int] = []
    lock = threading.Lock()
    seen = 0

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def pass_on(self) -> None:
            nonlocal seen
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            with lock:
                number, seen = seen, seen + 1
                breaks_now = number in breaks
                if breaks_now:
                    broken.append(number)
            if not breaks_now or number % 2 == 0:
                headers = {"Content-Type": self.headers.get("Content-Type") or "application/json"}
                answer = httpx.request(self.command, uri + self.path, content=body, headers=headers, timeout=60)
            if breaks_now:
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            self.send_response(answer.status_code)
            self.send_header("Content-Length", str(len(answer.content)))
            self.send_header("Content-Type", answer.headers.get("Content-Type", ""))
            self.end_headers()
            self.wfile.write(answer.content)

        do_GET = do_POST = do_PUT = do_PATCH = pass_on

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as proxy:
        thread = threading.Thread(target=proxy.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{proxy.server_port}", broken
        finally:
            proxy.shutdown()
            thread.join()
