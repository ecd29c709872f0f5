"""Feed nonsense to everything that reads what a person or a stranger wrote: it is answered in a sentence, or it works.

    python tests/fuzz/run.py [CASES] [--seed SEED] [--only KIND] [--case NUMBER]

Prints, at the end or at Ctrl-C, how many cases of each kind ran, and every case that ended in a traceback, in a hang,
in raw control characters, or outside of the store. Any case can be run again alone by its seed, kind and number. A
short part is in the suite: test_fuzz.py.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import sys
import tempfile
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parent)]  # where this is run as a program

from fuzz_commands import command, points, sweep_file  # noqa: E402
from fuzz_filters import search  # noqa: E402
from fuzz_stores import foreign_store  # noqa: E402
from fuzz_tables import table  # noqa: E402

SECONDS = 60  # after which a case hangs; the slowest sound ones take one or two

Case = Callable[[random.Random, Path], None]
KINDS: dict[str, tuple[Case, int]] = {  # with how many of a hundred cases are of the kind
    "filter": (search, 50),
    "table": (table, 36),
    "points": (points, 6),
    "command": (command, 5),
    "sweep file": (sweep_file, 2),
    "foreign store": (foreign_store, 1),
}


class Hang(BaseException):
    """A case took too long."""


def run(cases: int, seed: int, *, only: str | None = None, first: int = 0) -> tuple[Counter[str], list[str]]:
    """Run cases in this process; return how many ran of each kind, and what was wrong, each with how to repeat it."""
    ran: Counter[str] = Counter()
    faults: list[str] = []
    kinds, shares = [*KINDS], [share for _, share in KINDS.values()]
    with suppress(KeyboardInterrupt):  # then what ran so far counts
        for number in range(first, first + cases):
            kind = only or random.Random(f"{seed}/{number}").choices(kinds, shares)[0]
            if fault := run_case(kind, seed, number):
                faults.append(f"--seed {seed} --only '{kind}' --case {number}\n{fault}")
            ran[kind] += 1
    return ran, faults


def run_case(kind: str, seed: int, number: int) -> str:
    """Run one case in an empty folder; return what was wrong with it, "" for nothing."""
    case, _ = KINDS[kind]
    with tempfile.TemporaryDirectory(prefix="fuzz-", ignore_cleanup_errors=True) as folder, _restored(folder):
        try:
            with _alarm(), warnings.catch_warnings(action="ignore"):
                case(random.Random(f"{seed}/{kind}/{number}"), Path(folder))
        except KeyboardInterrupt:
            raise
        except BaseException:  # also what ends a program: nothing typed may do that
            return traceback.format_exc(limit=-12)
    return ""


@contextmanager
def _restored(folder: str) -> Iterator[None]:
    before, path, streams, environment = os.getcwd(), list(sys.path), (sys.stdout, sys.stderr), dict(os.environ)
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)
        sys.path[:] = path
        sys.stdout, sys.stderr = streams
        os.environ.clear()
        os.environ.update(environment)


@contextmanager
def _alarm() -> Iterator[None]:
    def hang(*_: object) -> None:
        raise Hang(f"not done after {SECONDS} s")

    before = signal.signal(signal.SIGALRM, hang)
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def main() -> int:
    """Run as a program; return 1 where anything was wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", type=int, nargs="?", default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", choices=list(KINDS))
    parser.add_argument("--case", type=int, help="run this case alone, or start from it")
    asked = parser.parse_args()
    cases = 1 if asked.case is not None and asked.only else asked.cases
    with tempfile.TemporaryDirectory() as state:
        os.environ["XDG_STATE_HOME"] = state  # trust in stores is not the person's own
        ran, faults = run(cases, asked.seed, only=asked.only, first=asked.case or 0)
    print(*faults, sep="\n")
    print(", ".join(f"{count} of {kind}" for kind, count in ran.most_common()), f"- {len(faults)} at fault")
    return bool(faults)


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    os._exit(code)
