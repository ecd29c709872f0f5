"""One MLflow server, spoken to in its plain REST API. The only module that knows HTTP.

Every request is repeated with growing pauses while the server is busy (429, 503) or the connection breaks. What
would make a second thing when repeated goes through `create`, which looks for the first before it asks again.
"""

from __future__ import annotations

import os
import random
import re
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final, TypeVar
from urllib.parse import quote, unquote, urlsplit

from tracking.errors import InvalidValue, ServerError, ServerUnreachable
from tracking.stores import is_server, without_password

if TYPE_CHECKING:
    import httpx

T = TypeVar("T")
Json = dict[str, Any]

API: Final = "/api/2.0/mlflow/"
ARTIFACTS: Final = "/api/2.0/mlflow-artifacts/artifacts/"
PAGE: Final = 1000  # runs or experiments in one answer

_FIRST_PAUSE = 0.2  # seconds; doubled each time
_LONGEST_PAUSE = 10.0
_BUSY = (429, 500, 502, 503, 504)
_jitter = random.Random()  # its own: the global one may be seeded by an experiment


class Server:
    """An MLflow server; threads may share it. `patience` is how many seconds a request is repeated for."""

    def __init__(self, uri: str, *, patience: float = 60.0, connections: int = 4) -> None:
        library = _httpx()
        parts = urlsplit(uri)
        if not is_server(uri) or not parts.hostname:
            raise InvalidValue(f"'{uri}' is no address of an MLflow server. As http://127.0.0.1:5000.")
        self.uri = without_password(uri).rstrip("/")
        self.is_local = parts.hostname in ("localhost", "127.0.0.1", "::1")
        self.requests = 0
        self._patience = patience
        self._answered = self._given_up = False
        self._http: httpx.Client = library.Client(
            auth=_credentials(parts.username, parts.password),
            headers=_token(),
            timeout=library.Timeout(60.0, connect=10.0),
            limits=library.Limits(max_connections=connections, max_keepalive_connections=connections),
            verify=os.environ.get("MLFLOW_TRACKING_INSECURE_TLS", "").lower() != "true",
        )

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def give_up(self) -> None:
        """Let no further request begin: those of other threads end with the one that they are in."""
        self._given_up = True

    def get(self, path: str, **query: str | int) -> Json:
        """Return the answer to a question. Raises ServerError."""
        return self._patiently(lambda: self._json("GET", API + path, params=query))

    def post(self, path: str, body: Json, *, method: str = "POST") -> Json:
        """Send what may be sent twice. Raises ServerError."""
        return self._patiently(lambda: self._json(method, API + path, json=body))

    def create(self, path: str, body: Json, find: Callable[[], T | None], read: Callable[[Json], T]) -> T:
        """Send what must not arrive twice: after a broken connection `find` looks first whether it has."""
        uncertain = False

        def once() -> T:
            nonlocal uncertain
            if uncertain and (found := find()) is not None:
                return found
            uncertain = True
            return read(self._json("POST", API + path, json=body))

        return self._patiently(once)

    def pages(self, path: str, body: Json, name: str) -> Iterator[Json]:
        """Yield what a search finds, asking page by page."""
        token = ""
        while True:
            answer = self.post(path, body | ({"page_token": token} if token else {}))
            yield from answer.get(name, ())
            token = answer.get("next_page_token", "")
            if not token:
                return

    def upload(self, path: str, size: int, content: Callable[[], Iterator[bytes]]) -> None:
        """Write one file of the artifact proxy, replacing. Raises ServerError."""
        headers = {"Content-Length": str(size), "Content-Type": "application/octet-stream"}
        self._patiently(lambda: self._request("PUT", ARTIFACTS + quote(path), content=content(), headers=headers))

    def download(self, path: str) -> bytes:
        """Return one file of the artifact proxy. Raises ServerError."""
        return self._patiently(lambda: self._request("GET", ARTIFACTS + quote(path))).content

    def list_artifacts(self, path: str) -> list[Json]:
        """Return one level of a folder of the artifact proxy, with names relative to it."""
        query = {"path": path}
        found = self._patiently(lambda: self._json("GET", ARTIFACTS.rstrip("/"), params=query))
        return list(found.get("files", ()))

    # -------------------------------------------------------------------------------------------
    def _patiently(self, ask: Callable[[], T]) -> T:
        start, pause = time.monotonic(), _FIRST_PAUSE
        while True:
            try:
                return ask()
            except _Again as again:
                left = start + self._patience - time.monotonic()
                if left <= 0 or self._given_up:
                    raise again.error from again.__cause__
                time.sleep(min(max(pause * _jitter.uniform(0.5, 1.0), again.seconds), left))
                pause = min(2 * pause, _LONGEST_PAUSE)

    def _json(self, method: str, path: str, **options: Any) -> Json:
        response = self._request(method, path, **options)
        try:
            answer = response.json()
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            raise ServerError(f"{self.uri} answers, but not as an MLflow server does. Is the address right?")
        return answer

    def _request(self, method: str, path: str, **options: Any) -> httpx.Response:
        library = _httpx()
        if self._given_up:
            raise ServerUnreachable(f"Stopped before {self.uri} was asked.")
        self.requests += 1
        try:
            response: httpx.Response = self._http.request(method, self.uri + path, **options)
        except library.InvalidURL as problem:
            raise InvalidValue(f"'{self.uri}' is no address of an MLflow server: {problem}.") from problem
        except library.HTTPError as problem:
            reason = str(problem) or type(problem).__name__
            unreachable = ServerUnreachable(f"No answer from {self.uri} ({reason}). Is the server running there?")
            if isinstance(problem, library.ConnectError) and not self._answered:
                raise unreachable from problem  # nobody is there: probably the address is wrong
            raise _Again(unreachable) from problem
        self._answered = True
        if response.is_success:
            return response
        error_code, message = _reason(response)
        error = self._refusal(response, error_code, message, path)
        # Two runs that name a new dataset at once: the second request fails, and finds it when repeated.
        collided = path.endswith("/log-inputs") and re.search("IntegrityError|UniqueViolation", message)
        switched_off = message.startswith("Endpoint: ")
        if collided or (response.status_code in _BUSY and not switched_off):
            raise _Again(error, _seconds(response.headers.get("Retry-After", "")))
        raise error

    def _refusal(self, response: httpx.Response, code: str, message: str, path: str) -> ServerError:
        status = response.status_code
        if status in (401, 403):
            told = (
                f"{self.uri} refuses the user, password or token (HTTP {status}). Set MLFLOW_TRACKING_TOKEN, or "
                "MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD."
            )
        elif message.startswith("Endpoint: ") and path.startswith(ARTIFACTS):
            told = f"{self.uri} takes no files: it runs without an artifact proxy. Start it with --serve-artifacts."
        elif message.startswith("Endpoint: "):
            told = f"{self.uri} keeps files only: it runs with --artifacts-only. Give the address of the other server."
        elif status == 404 and not code:
            told = (
                f"{self.uri} does not know {path}: it is no MLflow server, or one of another version than 3.x. "
                "Give the address that its page opens at, without anything after it."
            )
        elif status in _BUSY:
            told = f"{self.uri} is too busy or broken (HTTP {status}: {message}). Try again later."
        else:
            told = f"{self.uri} refuses {path.removeprefix(API)} (HTTP {status}): {message}"
        return ServerError(told, error_code=code or None, status=status)


class _Again(Exception):
    """A request that may be repeated, with what to raise when patience ends."""

    def __init__(self, error: ServerError, seconds: float = 0.0) -> None:
        super().__init__(str(error))
        self.error = error
        self.seconds = seconds  # that the server asks to wait


def _reason(response: httpx.Response) -> tuple[str, str]:
    """Return MLflow's error code and message; for another program's answer no code, and its first words."""
    try:
        answer = response.json()
        return str(answer["error_code"]), " ".join(str(answer.get("message", "")).split())[:300]
    except (ValueError, KeyError, TypeError):
        return "", " ".join(re.sub("<[^>]*>", " ", response.text).split())[:300]


def _seconds(text: str) -> float:
    return min(float(text), _LONGEST_PAUSE) if text.isdecimal() else 0.0


def _credentials(user: str | None, password: str | None) -> tuple[str, str] | None:
    if user:
        return unquote(user), unquote(password or "")
    name = os.environ.get("MLFLOW_TRACKING_USERNAME")
    return (name, os.environ.get("MLFLOW_TRACKING_PASSWORD", "")) if name else None


def _token() -> dict[str, str]:
    token = os.environ.get("MLFLOW_TRACKING_TOKEN")
    return {"Authorization": f"Bearer {token}"} if token else {}


def _httpx() -> Any:
    try:
        import httpx
    except ImportError:
        raise InvalidValue(
            "Speaking to an MLflow server needs httpx. Install it: pip install 'experiment-runner[mlflow]'"
        ) from None
    return httpx
