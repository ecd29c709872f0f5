"""`python -m runner` and the command `runner`: see `runner.cli`.

Only `sys` and `os` are imported before it is known that no file of the working directory hides a library.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import NoReturn

from runner.shadows import find_hidden, find_loaded, say_hidden


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return its exit code."""
    if hidden := find_hidden():
        return say_hidden(hidden)
    try:
        from runner.cli import main as run

        return run(arguments)
    except KeyboardInterrupt:  # while still importing
        sys.stderr.write("interrupted\n")
        return 130
    except Exception:
        if hidden := find_loaded():
            return say_hidden(hidden)
        raise


def program() -> NoReturn:
    """Be the program: run the command line, and end the process with its exit code."""
    code = main()
    import gc

    gc.freeze()  # or Python, ending, looks through all objects for circles to free: a third of a second for nothing
    sys.exit(code)


if __name__ == "__main__":
    program()
