"""Who may ask a page for what: the Host that a browser names, a token elsewhere than on this machine, headers.

A page on the web can make a browser send requests to a server on this machine. It cannot choose the Host under which
our pages answer (a name of its own that resolves to 127.0.0.1 is refused), cannot read what they show, and so does not
know the word without which nothing is changed.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from http.cookies import SimpleCookie
from typing import Final
from urllib.parse import parse_qsl, urlencode

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tracking.errors import InvalidValue

LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")
ANYWHERE: Final = ("0.0.0.0", "::", "")
COOKIE: Final = "tracking-token"

# Vega compiles its expressions, hence 'unsafe-eval'; only our own files are scripts at all. Its tooltips have a style.
POLICY: Final = (
    "default-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'; connect-src 'self';"
    " img-src 'self' data:; style-src 'self' 'unsafe-inline'; script-src 'self' 'unsafe-eval'"
)
# For the file of a run, which anybody may have written: an origin of its own, and nothing to ask or to tell.
FILE_POLICY: Final = (
    "sandbox allow-scripts; default-src 'none'; img-src data: blob:; font-src data:; style-src 'unsafe-inline';"
    " script-src 'unsafe-inline' 'unsafe-eval' data: blob:"
)
_HEADERS: Final = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}


@dataclass(frozen=True, slots=True)
class Guard:
    """Answer what may not be asked, pass on the rest, and put our headers on every answer.

    `hosts` are the names under which the server may be called, None for any; `token` is what a link has to bring once,
    None where none is needed.
    """

    app: ASGIApp
    hosts: frozenset[str] | None
    token: str | None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        answer = self._refusal(scope) or self.app
        await answer(scope, receive, send_with_headers)

    def _refusal(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        if self.hosts is not None and _host_of(headers) not in self.hosts:
            return PlainTextResponse("This page does not answer under that name. Use the address it printed.", 403)
        if self.token is None or _same(_cookie_of(headers), self.token):
            return None
        asked = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        if not _same(dict(asked).get("token", ""), self.token):
            return PlainTextResponse("The link to this page has a token. Use the whole link that was printed.", 403)
        rest = urlencode([(key, value) for key, value in asked if key != "token"])
        answer = RedirectResponse("/" + scope["path"].lstrip("/") + (f"?{rest}" if rest else ""), 303)
        answer.set_cookie(COOKIE, self.token, httponly=True, samesite="strict", path="/")
        return answer


def require_ours(form: Mapping[str, str], word: str) -> None:
    """Raise InvalidValue for a form that none of our pages made."""
    if not _same(form.get("word", ""), word):
        raise InvalidValue("Nothing was changed: the form is not of this page, or of before it was started again.")


def _host_of(headers: Headers) -> str:
    host = headers.get("host", "")
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0].lower()


def _cookie_of(headers: Headers) -> str:
    found = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
    return "" if found is None else found.value


def _same(given: str, secret: str) -> bool:
    return hmac.compare_digest(given.encode(), secret.encode())
