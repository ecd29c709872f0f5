"""What goes wrong between us and a server, each in one sentence. The server here answers what a test tells it to."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tracking.cli.app import main
from tracking.errors import InvalidValue, ServerError, ServerUnreachable
from tracking.remote.rest import Server

Answer = tuple[int, str, dict[str, str]]


class Scripted(ThreadingHTTPServer):
    """Gives the answers in order, the last one for ever; remembers what was asked."""

    answers: list[Answer]
    asked: list[tuple[str, dict[str, str], bytes]]

    @property
    def uri(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    server: Scripted

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.asked.append((f"{self.command} {self.path}", dict(self.headers), body))
        answers = self.server.answers
        status, text, headers = answers.pop(0) if len(answers) > 1 else answers[0]
        if status:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(text.encode())

    do_GET = do_POST = do_PUT = answer

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def scripted() -> Iterator[Scripted]:
    with Scripted(("127.0.0.1", 0), Handler) as server:
        server.asked = []
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def refused(code: str, message: str) -> str:
    return json.dumps({"error_code": code, "message": message})


OFF = "Endpoint: /api disabled due to the mlflow server running with `--no-serve-artifacts`."


@pytest.mark.parametrize(
    ("status", "text", "said"),
    [
        (401, "", "refuses the user, password or token (HTTP 401). Set MLFLOW_TRACKING_TOKEN"),
        (403, refused("PERMISSION_DENIED", "no"), "refuses the user, password or token (HTTP 403)"),
        (404, "<html>not here</html>", "it is no MLflow server, or one of another version"),
        (400, refused("INVALID_PARAMETER_VALUE", "bad\nname"), "refuses runs/get (HTTP 400): bad name"),
        (503, OFF.replace("no-serve", "only"), "keeps files only: it runs with --artifacts-only"),
        (200, "<html>welcome</html>", "answers, but not as an MLflow server does. Is the address right?"),
    ],
)
def test_a_refusal_is_one_sentence_with_what_to_do(scripted: Scripted, status: int, text: str, said: str) -> None:
    scripted.answers = [(status, text, {})]

    with Server(scripted.uri) as server, pytest.raises(ServerError) as caught:
        server.get("runs/get", run_id="x")

    assert said in str(caught.value)
    assert scripted.uri in str(caught.value)
    assert len(scripted.asked) == 1  # nothing that waiting would mend


def test_a_server_without_artifact_proxy_is_named(scripted: Scripted) -> None:
    scripted.answers = [(503, OFF, {})]

    with Server(scripted.uri) as server, pytest.raises(ServerError, match="runs without an artifact proxy"):
        server.upload("1/a/artifacts/x.txt", 1, lambda: iter([b"x"]))


@pytest.mark.heavy
@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_server_is_asked_again(scripted: Scripted, status: int) -> None:
    scripted.answers = [(status, "", {}), (status, "", {"Retry-After": "0"}), (200, '{"run": 1}', {})]

    with Server(scripted.uri) as server:
        assert server.get("runs/get") == {"run": 1}

    assert len(scripted.asked) == 3


def test_patience_ends_with_the_reason(scripted: Scripted) -> None:
    scripted.answers = [(429, "slow down", {})]

    with Server(scripted.uri, patience=0.0) as server, pytest.raises(ServerError, match=r"too busy .*429: slow down"):
        server.get("runs/get")


def test_what_must_not_be_made_twice_is_looked_for_after_a_broken_connection(scripted: Scripted) -> None:
    scripted.answers = [(0, "", {}), (200, '{"made": true}', {})]

    with Server(scripted.uri) as server:
        made = server.create("runs/create", {}, find=lambda: "found", read=lambda answer: "made again")

    assert made == "found"
    assert len(scripted.asked) == 1


def test_what_did_not_arrive_is_made(scripted: Scripted) -> None:
    scripted.answers = [(0, "", {}), (200, "{}", {})]

    with Server(scripted.uri) as server:
        assert server.create("runs/create", {}, find=lambda: None, read=lambda answer: "made") == "made"

    assert len(scripted.asked) == 2


def test_an_upload_is_repeated_from_its_beginning(scripted: Scripted) -> None:
    scripted.answers = [(503, "", {}), (200, "{}", {})]

    with Server(scripted.uri) as server:
        server.upload("1/a/ü b.txt", 4, lambda: iter([b"ab", b"cd"]))

    assert [asked for asked, _, _ in scripted.asked] == [
        "PUT /api/2.0/mlflow-artifacts/artifacts/1/a/%C3%BC%20b.txt"
    ] * 2
    assert scripted.asked[1][2] == b"abcd"


def test_nobody_at_the_address_is_told_at_once() -> None:
    with Server("http://127.0.0.1:1") as server, pytest.raises(ServerUnreachable, match="No answer from"):
        server.get("runs/get")


@pytest.mark.parametrize("uri", ["127.0.0.1:5000", "http://", "ftp://host", "sqlite:///x.db"])
def test_what_is_no_address_is_refused(uri: str) -> None:
    with pytest.raises(InvalidValue, match="is no address of an MLflow server"):
        Server(uri)


def test_a_password_is_sent_but_never_shown(scripted: Scripted, capsys: pytest.CaptureFixture[str]) -> None:
    scripted.answers = [(401, "", {})]
    import tracking

    tracking.TrackingClient("sqlite:///runs/tracking.db").create_experiment("x")
    assert main(["push", scripted.uri.replace("//", "//me:hunter2@"), "--store", "sqlite:///runs/tracking.db"]) == 2

    assert scripted.asked[0][1]["Authorization"].startswith("Basic ")
    assert "hunter2" not in capsys.readouterr().err


def test_a_token_of_the_environment_is_sent(scripted: Scripted, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "abc")
    scripted.answers = [(200, "{}", {})]

    with Server(scripted.uri) as server:
        server.get("runs/get")

    assert scripted.asked[0][1]["Authorization"] == "Bearer abc"
