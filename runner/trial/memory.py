"""What a process keeps from one point to the next, to save time only: each module says here how it forgets.

Datasets are kept by `runner.data`, what a run is made with by `runner.provenance`.
"""

from __future__ import annotations

from collections.abc import Callable

_forgetting: list[Callable[[], object]] = []


def on_reset(forget: Callable[[], object]) -> None:
    """Have `reset` call this too."""
    _forgetting.append(forget)


def reset() -> None:
    """Forget everything, as in a new process."""
    for forget in _forgetting:
        forget()
