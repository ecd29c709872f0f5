"""The server: its port, the link that it prints, and how it ends."""

from __future__ import annotations

import errno
import secrets
import socket
from collections.abc import Callable

import uvicorn

from tracking.errors import InvalidValue
from tracking.ui.app import build_app
from tracking.ui.security import ANYWHERE, LOOPBACK


def serve(uri: str, *, host: str, port: int, read_only: bool, tell: Callable[[str], None]) -> None:
    """Show a store until Ctrl-C. Raises InvalidValue for a place where no server can listen."""
    listening = listen(host, port)
    token = None if host in LOOPBACK else secrets.token_urlsafe(24)
    hosts = frozenset(LOOPBACK) if host in LOOPBACK else None if host in ANYWHERE else frozenset({host.lower()})
    app = build_app(uri, read_only=read_only, hosts=hosts, token=token)
    name = socket.gethostname() if host in ANYWHERE else f"[{host}]" if ":" in host else host
    tell(f"http://{name}:{listening.getsockname()[1]}/{f'?token={token}' if token else ''}")
    config = uvicorn.Config(
        app, log_level="warning", access_log=False, server_header=False, lifespan="on", timeout_graceful_shutdown=1
    )
    uvicorn.Server(config).run(sockets=[listening])


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens. Raises InvalidValue with what to do instead."""
    try:
        family, kind, protocol, _, where = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listening = socket.socket(family, kind, protocol)
    except (OSError, OverflowError) as error:
        raise InvalidValue(f"No server can listen at {host!r}: {error}. On this machine: --host 127.0.0.1") from error
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind(where)
        listening.listen(128)
    except OSError as error:
        listening.close()
        if error.errno == errno.EADDRINUSE:
            raise InvalidValue(
                f"Port {port} of {host} is in use, perhaps by this program in another terminal."
                f" Another one: --port {port + 1}; any free one: --port 0"
            ) from error
        raise InvalidValue(f"Port {port} of {host}: {error.strerror}. Another one: --port 8080") from error
    return listening
