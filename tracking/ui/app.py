"""The application: which address shows what, and what an error looks like."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import anyio.to_thread
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from tracking.errors import NotFound, StoreError, TrackingError
from tracking.pages.templating import ASSETS, LIBRARIES
from tracking.ui import actions, listings, many_runs, one_run
from tracking.ui.page import Looking, render
from tracking.ui.security import Guard

_FILES = ("page.css", "page.js", "live.js", *LIBRARIES)
_THREADS = 4  # each has a connection with a cache of its own


def build_app(
    uri: str, *, read_only: bool = False, hosts: frozenset[str] | None = None, token: str | None = None
) -> ASGIApp:
    """Return the application over one store; `hosts` and `token` are those of `Guard`."""
    routes = [
        Route("/", listings.experiments),
        Route("/runs", listings.runs),
        Route("/sweeps", listings.sweeps),
        Route("/sweeps/{sweep}", many_runs.sweep),
        Route("/diff", many_runs.diff),
        Route("/compare", many_runs.compare),
        Route("/runs/{run}", one_run.run),
        Route("/runs/{run}/artifacts/{path:path}", one_run.artifact),
        Route("/runs/{run}/files/{path:path}", one_run.file),
        Route("/state", state),
        Route("/assets/{name}", asset),
    ]
    if not read_only:
        routes.append(Route("/runs/{run}/{verb}", actions.change, methods=["POST"]))
    app = Starlette(
        routes=routes,
        middleware=[Middleware(StateOfStore)],
        exception_handlers={TrackingError: told, HTTPException: told, Exception: broken},
        lifespan=_few_threads,
    )
    app.state.looking = Looking(uri, read_only)
    return Guard(app, hosts, token)  # around all, so that also the page about a bug has its headers


@asynccontextmanager
async def _few_threads(app: Starlette) -> AsyncIterator[None]:
    anyio.to_thread.current_default_thread_limiter().total_tokens = _THREADS
    yield
    looking_at: Looking = app.state.looking
    looking_at.store.close()


class StateOfStore:
    """Notes before each page in which state the store is, so that the page can ask later whether it has changed."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, with the state."""
        if scope["type"] == "http":
            with suppress(StoreError, OSError):  # the page itself will say so
                scope.setdefault("state", {})["store_state"] = scope["app"].state.looking.state()
        await self.app(scope, receive, send)


async def state(request: Request) -> Response:
    """Tell in which state the store is: a few bytes that differ when something was recorded."""
    return JSONResponse({"state": getattr(request.state, "store_state", "")})


async def asset(request: Request) -> Response:
    """Send a file that pages need."""
    name = request.path_params["name"]
    if name not in _FILES:
        raise HTTPException(404)
    return FileResponse(ASSETS / name, headers={"cache-control": "public, max-age=31536000, immutable"})


def told(request: Request, error: Exception) -> Response:
    """Show a mistake or a missing thing as a sentence."""
    if isinstance(error, HTTPException):
        said = {404: "There is no such page.", 405: "That cannot be done here."}.get(error.status_code, error.detail)
        return render(request, "error.html", status=error.status_code, message=said)
    status = 404 if isinstance(error, NotFound) else 503 if isinstance(error, StoreError) else 400
    return render(request, "error.html", status=status, message=str(error))


def broken(request: Request, error: Exception) -> Response:
    """Say that it is our fault; the server's terminal shows where."""
    return render(request, "error.html", status=500, message="A bug: the terminal of the server shows where.")
