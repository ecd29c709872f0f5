"""Two real runs, between which everything that can differ was changed: the diff names each of it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PERSON = ("-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
MODEL = "from sklearn.linear_model import Ridge\n\nclass Mine(Ridge):\n    {body}\n"


def run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(ROOT), str(folder / "packages"), str(folder)])
    environment = {key: value for key, value in os.environ.items() if not key.endswith("TRACKING_URI")}
    return subprocess.run(
        command,
        cwd=folder,
        env={**environment, "PYTHONPATH": path, "COLUMNS": "300"},
        capture_output=True,
        text=True,
        check=False,
    )


def install(folder: Path, version: str) -> None:
    """Let the metadata of a package say that it is installed in this version."""
    for old in (folder / "packages").glob("stub-*"):
        (old / "METADATA").unlink()
        old.rmdir()
    info = folder / "packages" / f"stub-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: stub\nVersion: {version}\n")


def fit(folder: Path, *overrides: str) -> None:
    asked = ["data=csv", "data.path=cars.csv", "data.target=mpg", "model._target_=mine.Mine"]
    done = run(folder, sys.executable, "-m", "runner", *asked, *overrides)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a repository with two runs; before the second everything was changed."""
    folder = tmp_path_factory.mktemp("project")
    rows = [f"{n},{n % 7},{3 * n + n % 5}" for n in range(60)]
    (folder / "cars.csv").write_text("\n".join(["power,doors,mpg", *rows]))
    (folder / "mine.py").write_text(MODEL.format(body="first = 1"))
    (folder / ".gitignore").write_text("runs/\npackages/\n__pycache__/\n")
    install(folder, "1.0")
    for command in (["init", "-q"], ["add", "."], [*PERSON, "commit", "-qm", "first"]):
        assert run(folder, "git", *command).returncode == 0
    fit(folder, "alpha=0.1")

    (folder / "cars.csv").write_text("\n".join(["power,doors,mpg", "0,0,1", *rows[1:]]))
    (folder / "mine.py").write_text(MODEL.format(body="second = 2"))
    install(folder, "2.0")
    fit(folder, "alpha=0.5", "threads_per_run=2", "cv.n_splits=4")
    return folder


@pytest.fixture(scope="module")
def lines(folder: Path) -> list[str]:
    """Return the whole comparison, line by line, blanks squeezed."""
    done = run(folder, sys.executable, "-m", "tracking", "diff", "latest~1", "latest")
    assert done.returncode == 1, done.stdout + done.stderr
    return [" ".join(line.split()) for line in done.stdout.splitlines()]


@pytest.mark.heavy
@pytest.mark.parametrize(
    "line",
    [
        "alpha 0.1 -> 0.5 (command line; also model.alpha)",
        "cv.n_splits 5 -> 4 (cv/kfold.yaml -> command line)",
        "Not ranked: the runs were scored on different data.",
        "content v2:",
        "splits v1:",
        "dirty false -> true",
        "+ second = 2",
        "package stub 1.0 -> 2.0",
        "threads 1 -> 2",
    ],
)
def test_each_kind_of_difference_between_real_runs_is_named(lines: list[str], line: str) -> None:
    assert any(text.startswith(line) for text in lines), "\n".join(lines)


def test_the_command_of_a_real_run_is_what_was_asked_for(lines: list[str]) -> None:
    (command,) = [line for line in lines if line.startswith("As a command: ")]

    for override in ("data=csv", "data.path=cars.csv", "alpha=0.5", "cv.n_splits=4"):
        assert override in command
    assert "with its uncommitted changes" in command


@pytest.mark.heavy
def test_a_run_is_the_same_as_itself(folder: Path) -> None:
    done = run(folder, sys.executable, "-m", "tracking", "diff", "latest", "latest")

    assert done.returncode == 0
