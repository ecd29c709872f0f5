"""A run that was recorded with other versions of scikit-learn and numpy, run again with those of today.

Needs a second environment in which the project is installed: OTHER_PYTHON=path/to/python.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

OTHER = os.environ.get("OTHER_PYTHON", "")
needs_other = pytest.mark.skipif(not OTHER, reason="OTHER_PYTHON does not name an environment of other versions")
ASKED = ("data=csv", "data.path=houses.csv", "data.target=price", "progress=false")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a table of numbers, text, dates and gaps."""
    kinds = ("old", "new", "odd")
    rows = [f"{20 + n % 13},{n % 5 or ''},{kinds[n % 3]},20{n % 20 + 10}-0{n % 9 + 1}-11,{n % 17}" for n in range(90)]
    (tmp_path / "houses.csv").write_text("\n".join(["size,rooms,kind,built,price", *rows]) + "\n")
    return tmp_path


def run(python: str, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "TRACKING_"))}
    command = (python, "-m", *arguments)
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.heavy
@needs_other
@pytest.mark.parametrize("prepare", ["tabular", "none"])
def test_the_packages_are_the_first_and_only_cause(prepare: str, folder: Path) -> None:
    features = () if prepare == "tabular" else ("data.features=[size]",)
    recorded = run(OTHER, folder, "runner", *ASKED, f"prepare={prepare}", *features)
    assert recorded.returncode == 0, recorded.stderr

    again = run(sys.executable, folder, "runner.reproduce", "latest")

    said = [line.strip() for line in again.stdout.splitlines() if "iffers" in line]
    assert "Traceback" not in again.stderr
    assert again.returncode in (0, 1), again.stderr
    assert said[0].split(": ", 1)[1].removeprefix("packages that matter. ").startswith("Packages that matter: ")
    for word in ("configuration", "other content", "estimator's code", "folds are"):
        assert word not in again.stdout


@pytest.mark.heavy
@needs_other
def test_a_point_is_stale_by_its_packages_alone(folder: Path) -> None:
    assert run(OTHER, folder, "runner", "-m", "alpha=0.1,1", *ASKED, "prepare=tabular").returncode == 0

    plan = run(sys.executable, folder, "runner", "-m", "alpha=0.1,1", *ASKED, "prepare=tabular", "dry_run=true")

    assert plan.returncode == 0, plan.stderr
    assert "2 stale" in plan.stdout
    assert "scikit-learn" in plan.stdout
    assert "config changed" not in plan.stdout
    assert "data changed" not in plan.stdout
