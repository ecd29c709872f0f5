"""`python -m runner.reproduce`; the command is `runner.reproducing.command`.

The function `runner.reproduce` has the name of this module, so importing the module gives the function.
"""

from __future__ import annotations

import gc
import sys
from typing import Any

import runner

if __name__ == "__main__":
    from runner.shadows import find_hidden, say_hidden

    if hidden := find_hidden():
        sys.exit(say_hidden(hidden))
    from runner.reproducing.command import main

    sys.argv[0] = "runner.reproduce"  # the source of runs, beside which tracking would look for a commit
    code = main()
    gc.freeze()  # see `runner.__main__.program`
    sys.exit(code)

modules: dict[str, Any] = sys.modules
modules[__name__] = runner.reproduce  # still the function: this module takes its place after it was read
