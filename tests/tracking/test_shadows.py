"""A file of the working directory that hides a library is named in one sentence by `python -m tracking` too."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", ["sqlite3", "typer"])
def test_a_file_that_hides_a_library_is_named(name: str, tmp_path: Path) -> None:
    (tmp_path / f"{name}.py").write_text("")

    done = subprocess.run(
        [sys.executable, "-m", "tracking", "runs", "--store", "other"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stderr) == (
        2,
        f"error: {name}.py in {tmp_path} is imported instead of the library {name}."
        " Rename it, or start from another folder.\n",
    )
