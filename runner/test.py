"""`python -m runner.test RUN`: score a run on its held-out rows. The command is `runner.reproducing.held_out`."""

from __future__ import annotations

import sys

if __name__ == "__main__":
    from runner.reproducing.held_out import main

    sys.exit(main())
