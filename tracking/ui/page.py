"""What every page of the ui shares: the store it looks at, how it is rendered, and the addresses of its links."""

from __future__ import annotations

import secrets
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from urllib.parse import quote, urlencode

from jinja2 import ChoiceLoader, Environment, FileSystemLoader
from starlette.requests import Request
from starlette.responses import HTMLResponse

from tracking.pages.templating import ASSETS, environment
from tracking.store.sqlite import Store
from tracking.stores import needed_uri, open_store

TEMPLATES = Path(__file__).parent / "templates"
_LONGEST_CELL = 120

Query = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Looking:
    """The store that the pages look at. `word` is what a form of ours brings; `read_only` has no such forms."""

    uri: str
    read_only: bool = False
    store: Store = field(init=False)
    word: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    started: str = field(default_factory=lambda: secrets.token_hex(4))

    def __post_init__(self) -> None:
        object.__setattr__(self, "store", open_store(self.uri, read_only=True))

    def state(self) -> str:
        """Return a text that changes when the store does. To be asked by one thread only: see `change_count`."""
        path = Path(self.uri.partition(":///")[2])
        return f"{self.started}-{path.stat().st_ino}-{self.store.change_count()}"

    def command(self, *words: str, program: str = "tracking") -> str:
        """Return a command that opens this store, to be pasted as it is."""
        needed = needed_uri(self.uri)
        return shlex.join(["python", "-m", program, *words, *(["--store", needed] if needed else [])])


def looking(request: Request) -> Looking:
    """Return what the server of a request looks at."""
    found: Looking = request.app.state.looking
    return found


def render(request: Request, template: str, *, status: int = 200, **content: object) -> HTMLResponse:
    """Answer with a page."""
    text = (
        _environment()
        .get_template(template)
        .render(
            here=looking(request),
            path=request.url.path,
            state=getattr(request.state, "store_state", ""),
            version=_version(),
            **content,
        )
    )
    return HTMLResponse(text, status)


@cache
def _environment() -> Environment:
    made = environment().overlay(loader=ChoiceLoader([FileSystemLoader(TEMPLATES), environment().loader]))  # type: ignore[list-item]
    made.globals["address"] = address
    made.filters["brief"] = brief
    return made


@cache
def _version() -> str:
    """Return a text that changes with the files that pages link to, so that a browser may keep them."""
    return f"{max(path.stat().st_mtime_ns for path in ASSETS.iterdir()):x}"


def brief(text: str) -> str:
    """Return a text cut to what a cell of a table shows."""
    return text if len(text) <= _LONGEST_CELL else f"{text[:_LONGEST_CELL]}…"


def address(*parts: str, query: Query | Mapping[str, str] = ()) -> str:
    """Return the path of a page with its query, everything quoted; what is empty is left out.

    >>> address("runs", "a b", query={"order": "x DESC"})
    '/runs/a%20b?order=x+DESC'
    """
    pairs = query.items() if isinstance(query, Mapping) else query
    asked = urlencode([(key, value) for key, value in pairs if value])
    return "/" + "/".join(quote(part, safe="/") for part in parts) + (f"?{asked}" if asked else "")


def texts(request: Request, name: str) -> list[str]:
    """Return the values of a query's key that are not empty."""
    return [value for value in request.query_params.getlist(name) if value.strip()]


def text(request: Request, name: str) -> str:
    """Return the last value of a query's key, "" where it is missing."""
    return str(request.query_params.get(name, "")).strip()
