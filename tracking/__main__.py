"""`python -m tracking`; see `cli`."""

from __future__ import annotations

import gc
import sys
from typing import NoReturn

from tracking.shadows import find_shadow, say_shadow


def main() -> int:
    """Run the command line and return its exit code."""
    try:
        from tracking.cli.app import main as run

        return run()
    except KeyboardInterrupt:  # Ctrl-C while still importing
        return 130
    except Exception:
        if file := find_shadow():
            return say_shadow(file)
        raise


def program() -> NoReturn:
    """Be the program: run the command line, and end the process with its exit code."""
    code = main()
    gc.freeze()  # or Python, ending, looks through all objects for circles to free: time for nothing
    sys.exit(code)


if __name__ == "__main__":
    program()
