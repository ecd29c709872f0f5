"""`python -m tracking`; see `cli`."""

from __future__ import annotations

import sys


def main() -> int:
    """Run the command line and return its exit code; what an installed script `tracking` calls."""
    try:
        from tracking.cli.app import main as run
    except KeyboardInterrupt:  # Ctrl-C while still importing
        return 130
    return run()


if __name__ == "__main__":
    sys.exit(main())
