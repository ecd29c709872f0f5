"""`python -m tracking ui` itself: where it listens, what it prints, and what cannot be served."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from tracking.cli import app as cli
from tracking.client import TrackingClient
from tracking.errors import InvalidValue
from tracking.ui.server import listen


@pytest.fixture
def uri(tmp_path: Path) -> str:
    """Return a store with one run."""
    client = TrackingClient(f"sqlite:///{tmp_path / 'tracking.db'}")
    client.create_run("0")
    client.store.close()
    return client.tracking_uri


def test_a_port_in_use_is_a_sentence(uri: str, capsys: pytest.CaptureFixture[str]) -> None:
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        assert cli.main(["ui", "--port", str(port), "--store", uri]) == 2
    said = capsys.readouterr().err
    assert f"Port {port} of 127.0.0.1 is in use" in said
    assert f"--port {port + 1}" in said


def test_a_host_that_is_none_is_a_sentence() -> None:
    with pytest.raises(InvalidValue, match="No server can listen at"):
        listen("no such host", 0)


def test_without_a_store_nothing_is_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["ui", "--store", f"sqlite:///{tmp_path / 'runs' / 'tracking.db'}"]) == 2
    assert "No store at" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_any_free_port_is_taken_on_request() -> None:
    with listen("127.0.0.1", 0) as one, listen("localhost", 0) as other:
        assert one.getsockname()[1] != 0
        assert other.family in (socket.AF_INET, socket.AF_INET6)
