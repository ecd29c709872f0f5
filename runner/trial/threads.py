"""How many threads BLAS and OpenMP may use. Set once per process and library, not per point."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
)

_held: dict[int, tuple[int, Any]] = {}  # threads -> (libraries seen, limits held open)
_lock = threading.RLock()  # points of backend=threading begin at the same moment


@contextmanager
def limited_threads(threads: int) -> Iterator[None]:
    """Limit the thread pools of the native libraries that are loaded by now; inexpensive when repeated."""
    from threadpoolctl import threadpool_limits

    libraries = _count_libraries()
    with _lock:
        if _held.get(threads, (0, None))[0] != libraries:
            release()
            _held[threads] = (libraries, threadpool_limits(limits=threads))
    yield


def release() -> None:
    """Give the libraries their own limits back; for a caller that goes on with other work."""
    with _lock:
        for _, limits in _held.values():
            limits.restore_original_limits()
        _held.clear()


def environment(threads: int) -> dict[str, str]:
    """Return the variables that limit a process which has not loaded the libraries yet."""
    return dict.fromkeys(VARIABLES, str(threads))


def _count_libraries() -> int:
    """Count the loaded extension modules: a cheap sign that a new library may have come."""
    return len(sys.modules)
