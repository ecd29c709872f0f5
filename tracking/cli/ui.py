"""The verb that shows the store in a browser."""

from __future__ import annotations

from typing import Annotated

import typer

from tracking.cli.terminal import StoreOption, emit, opened
from tracking.errors import InvalidValue
from tracking.stores import absolute_uri, current_uri


def register(app: typer.Typer) -> None:
    """Add this verb to the program."""
    app.command()(ui)


def ui(
    host: Annotated[
        str, typer.Option("--host", help="Where to listen; elsewhere than on this machine the link has a token.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="0 for any that is free.")] = 8765,
    read_only: Annotated[bool, typer.Option("--read-only", help="Nothing can be changed.")] = False,
    store: StoreOption = None,
) -> None:
    """Show the store in a browser: experiments, runs, sweeps as they run. Ctrl-C ends it.

    \b
    python -m tracking ui
    python -m tracking ui --port 0 --read-only
    """
    try:
        from tracking.ui.server import serve
    except ImportError as error:
        raise InvalidValue(
            f"The pages need the extra 'ui' ({error.name} is missing): python -m pip install 'experiment-runner[ui]'"
        ) from error
    with opened(store) as source:
        source.count_runs()  # brings a store of an earlier version up to date; the pages only look
    serve(absolute_uri(store or current_uri()), host=host, port=port, read_only=read_only, tell=emit)
