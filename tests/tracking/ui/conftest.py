"""The pages of a store, asked without a network: what a browser would send, and what it would be answered."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from tracking.client import TrackingClient
from tracking.ui.app import build_app


@dataclass
class Visitor:
    """Asks the pages of one store, with the cookies and the Host of a browser."""

    app: Any
    host: str = "127.0.0.1:8765"
    cookies: dict[str, str] = field(default_factory=dict)

    def get(self, path: str, **headers: str) -> httpx.Response:
        """Return the answer to a GET."""
        return self._ask("GET", path, headers=headers)

    def post(self, path: str, form: Mapping[str, str]) -> httpx.Response:
        """Return the answer to a form."""
        return self._ask("POST", path, data=dict(form))

    def word(self, run_id: str) -> str:
        """Return what the forms of a run's page bring."""
        found = re.search(r'name="word" value="([^"]+)"', self.get(f"/runs/{run_id}").text)
        assert found
        return found[1]

    def _ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
            async with httpx.AsyncClient(
                transport=transport, base_url=f"http://{self.host}", cookies=self.cookies
            ) as client:
                return await client.request(method, path, **options)

        return asyncio.run(ask())


@pytest.fixture
def client(tmp_path: Path) -> TrackingClient:
    """Return a client of a store of its own."""
    return TrackingClient(f"sqlite:///{tmp_path / 'runs' / 'tracking.db'}")


@pytest.fixture
def visit(client: TrackingClient) -> Iterator[Callable[..., Visitor]]:
    """Return a function that opens the pages of the store."""
    client.search_experiments()  # makes the store
    opened = []

    def open_pages(**options: Any) -> Visitor:
        app = build_app(client.tracking_uri, **{"hosts": frozenset({"127.0.0.1", "localhost"}), **options})
        opened.append(app)
        return Visitor(app)

    yield open_pages
    for app in opened:
        app.app.state.looking.store.close()


@pytest.fixture
def record(client: TrackingClient) -> Callable[..., str]:
    """Return a function that records a run and returns its id."""

    def record_run(
        name: str = "a run",
        *,
        params: Mapping[str, Any] | None = None,
        metrics: Mapping[str, float] | None = None,
        tags: Mapping[str, str] | None = None,
        status: str | None = "FINISHED",
    ) -> str:
        run_id: str = client.create_run("0", run_name=name, tags=dict(tags or {})).info.run_id
        for key, value in (params or {}).items():
            client.log_param(run_id, key, value)
        for key, number in (metrics or {}).items():
            client.log_metric(run_id, key, number)
        if status:
            client.set_terminated(run_id, status)
        return run_id

    return record_run
