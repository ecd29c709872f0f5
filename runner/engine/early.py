"""Workers that a command line asks for by number, started before anything heavy is imported here.

Only a guess from the words themselves: whatever the configs turn out to say, the pool takes what fits, and the
rest is ended unused.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

_OTHERWISE = re.compile(
    r"(dry_run|resume|diff|backend|threads_per_run|hydra/\w+)=|--(help|cfg|info|hydra-help)|-[hci]$"
)


@contextmanager
def early_workers(typed: Sequence[str]) -> Iterator[None]:
    """Let a nursery import while the command line is read, where it says `-m` and `n_jobs=2` or more."""
    if not _asks_for_workers(typed):
        yield
        return
    from runner.engine import nursery
    from runner.engine.threads import environment
    from runner.engine.worker import PRELOAD

    nursery.start_early(PRELOAD, environment(1))
    try:
        yield
    finally:
        nursery.discard()


def _asks_for_workers(typed: Sequence[str]) -> bool:
    sweeps = any(word in ("-m", "--multirun") for word in typed)
    several = any(re.fullmatch(r"n_jobs=(-\d+|[2-9]|[1-9]\d+)", word) for word in typed)
    return os.name == "posix" and sweeps and several and not any(map(_OTHERWISE.match, typed))
