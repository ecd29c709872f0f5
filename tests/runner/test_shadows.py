"""A file of the working directory that hides a library is named in one sentence, however the runner is started."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def start(folder: Path, how: str) -> tuple[int, str]:
    """Start the runner as a module, or as the installed command does; return its exit code and stderr."""
    script = folder / "bin" / "runner"
    script.parent.mkdir()
    script.write_text("import sys\nfrom runner.__main__ import program\nsys.exit(program())\n")
    command = {"module": ["-m", "runner"], "reproduce": ["-m", "runner.reproduce"], "command": [str(script)]}[how]
    done = subprocess.run(
        [sys.executable, *command, "alpha=0.1"],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stderr


@pytest.mark.parametrize("how", ["module", "command", "reproduce"])
@pytest.mark.parametrize(
    ("name", "library"),
    [
        ("sklearn.py", "scikit-learn"),
        ("hydra.py", "hydra-core"),
        ("yaml.py", "PyYAML"),
        ("numpy.py", "numpy"),
        ("sqlite3.py", "sqlite3 of Python"),
        ("tracking.py", "this program"),
    ],
)
def test_a_file_that_hides_a_library_is_named(how: str, name: str, library: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text("")

    assert start(tmp_path, how) == (
        2,
        f"error: {name} in {tmp_path} would be imported instead of {library}."
        " Rename it, or start from another folder.\n",
    )
    assert not (tmp_path / "runs").exists()


def test_a_folder_that_hides_the_program_is_named(tmp_path: Path) -> None:
    (tmp_path / "runner").mkdir()
    (tmp_path / "runner" / "__init__.py").write_text("")

    code, err = start(tmp_path, "command")

    assert code == 2
    assert err.startswith(f"error: the folder runner in {tmp_path} would be imported instead of this program.")


def test_a_file_that_hides_a_module_of_python_is_named_where_that_breaks_something(tmp_path: Path) -> None:
    (tmp_path / "random.py").write_text("SEEDS = [1, 2]\n")

    assert start(tmp_path, "module") == (
        2,
        f"error: random.py in {tmp_path} would be imported instead of random of Python."
        " Rename it, or start from another folder.\n",
    )


@pytest.mark.heavy
def test_a_file_that_has_the_name_of_a_module_and_breaks_nothing_is_let_be(tmp_path: Path) -> None:
    (tmp_path / "colorsys.py").write_text("")
    (tmp_path / "sklearn").mkdir()  # without __init__.py it hides nothing

    assert start(tmp_path, "module")[0] == 0
