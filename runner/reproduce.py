"""`python -m runner.reproduce`; see `runner.reproducing.command`."""

from __future__ import annotations

import gc
import sys
from types import ModuleType
from typing import Any


class _Function(ModuleType):
    """Importing a submodule puts it in its package's place of that name, where the function `reproduce` was."""

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        from runner import api

        return api.reproduce(*arguments, **options)


if __name__ == "__main__":
    from runner.reproducing.command import main

    sys.argv[0] = "runner.reproduce"  # the source of runs, beside which tracking would look for a commit
    code = main()
    gc.freeze()  # see `runner.__main__.program`
    sys.exit(code)

sys.modules[__name__].__class__ = _Function
