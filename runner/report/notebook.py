"""The live line of a sweep in a notebook: one output of the cell, shown again with new text."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

_SECONDS = 0.1  # between two updates: each is a message to the browser


class NotebookLine:
    """One line of text in a cell's output. It stays when the sweep has ended, as the last thing it said."""

    def __init__(self, display: Callable[..., Any], text: Callable[[], str]) -> None:
        self._display = display
        self._text = text
        self._handle: Any = None
        self._shown = 0.0

    def start(self) -> None:
        """Show the line."""
        self._handle = self._display(self._content(), raw=True, display_id=True)

    def refresh(self) -> None:
        """Show the line as it is now, unless it was shown a moment ago."""
        if self._handle is not None and time.monotonic() - self._shown >= _SECONDS:
            self.stop()

    def stop(self) -> None:
        """Show what the line says now, however shortly after the last time."""
        self._handle.update(self._content(), raw=True)
        self._shown = time.monotonic()

    def _content(self) -> dict[str, str]:
        return {"text/plain": self._text()}


def find_display() -> Callable[..., Any] | None:
    """Return IPython's `display` inside of a notebook, None elsewhere; IPython is not imported for it."""
    ipython: Any = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    if getattr(shell, "kernel", None) is None:  # a terminal, also IPython's
        return None
    from IPython.display import display

    return display  # type: ignore[no-any-return]
