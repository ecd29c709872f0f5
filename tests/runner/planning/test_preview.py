"""`python -m runner diff=RUN key=value`: what would change against a recorded run; runs nothing."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

import runner
import tracking
from runner.__main__ import main
from runner.compose.composer import Composer
from runner.compose.session import session
from runner.flow import execute
from runner.invocation import Invocation
from runner.provenance import capture as provenance

CARS = ("data=csv", "data.path=cars.csv", "data.target=mpg")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Begin in an empty folder, with no store chosen."""
    for variable in [name for name in os.environ if name.startswith(("MLFLOW_", "TRACKING_"))]:
        monkeypatch.delenv(variable)
    monkeypatch.chdir(tmp_path)
    tracking.reset()
    provenance.forget()
    yield tmp_path
    tracking.reset()


def preview(capsys: pytest.CaptureFixture[str], *overrides: str) -> list[str]:
    """Return the lines that the command prints, spaces squeezed."""
    provenance.forget()
    capsys.readouterr()
    with session():
        execute(Invocation(overrides, "", sweeps=False), Composer())
    return [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]


def count() -> int:
    return len(tracking.TrackingClient().search_runs(["1"]))


def test_the_same_point_would_change_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    run = runner.run(["model=ridge", "alpha=0.1"])

    lines = preview(capsys, "diff=latest", "model=ridge", "alpha=0.1")

    assert lines[-1] == f"Nothing would change: running this now repeats ridge alpha=0.1 ({run.info.run_id[:8]})."
    assert not any("Bookkeeping" in line for line in lines)
    assert count() == 1


def test_a_changed_choice_and_value_are_named_with_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    runner.run(["model=ridge", "alpha=0.1"])

    lines = preview(capsys, "diff=latest", "model=lasso", "alpha=0.3")

    assert any(line.startswith("model ridge -> lasso") for line in lines)
    assert any(line.startswith("alpha 0.1 -> 0.3 (command line; also model.alpha)") for line in lines)
    assert any(line.startswith("As a command: python -m runner model=lasso alpha=0.3") for line in lines)
    assert lines[-1].startswith("Would change against ridge alpha=0.1")
    assert lines[-1].endswith(": config.")
    assert count() == 1


def test_a_changed_type_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    runner.run(["alpha=1.0"])

    lines = preview(capsys, "diff=latest", "alpha=1")

    assert any(line.startswith("alpha 1.0 -> 1 (type: float -> int)") for line in lines)


def test_changed_data_threads_and_packages_are_named(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [f"{n},{n % 7},{3 * n + n % 5}" for n in range(60)]
    (folder / "cars.csv").write_text("\n".join(["power,doors,mpg", *rows]))
    runner.run([*CARS])
    (folder / "cars.csv").write_text("\n".join(["power,doors,mpg", *rows[1:]]))
    (folder / "packages" / "stub-1.0.dist-info").mkdir(parents=True)
    monkeypatch.syspath_prepend(folder / "packages")

    lines = preview(capsys, "diff=latest", *CARS, "threads_per_run=2")

    assert any(line.startswith("shape 60x2 -> 59x2") for line in lines)
    assert any(line.startswith("content v2:") for line in lines)
    assert any(line.startswith("threads 1 -> 2") for line in lines)
    assert any(line.startswith("package stub added: 1.0") for line in lines)
    assert lines[-1].endswith(": config, data, env.")


@pytest.mark.heavy
@pytest.mark.parametrize("name", ["ridge alpha=0.5", "it's [mine], \\ 100%", "12345678", "1e5"])
def test_a_run_is_named_as_it_is_without_quotes_for_hydra(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    client = tracking.TrackingClient()
    run = runner.run(["alpha=0.5"])
    client.update_run(run.info.run_id, name=name)
    tracking.reset()

    for typed in (name, "latest~0"):
        assert main([f"diff={typed}", "alpha=0.5"]) == 0
        assert f"repeats {name} (" in capsys.readouterr().out


@pytest.mark.heavy
def test_what_is_no_part_of_identity_is_told_apart(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    runner.run([])
    (folder / "packages" / "stub-1.0.dist-info").mkdir(parents=True)
    monkeypatch.syspath_prepend(folder / "packages")

    lines = preview(capsys, "diff=latest")

    assert lines[-1].startswith("Nothing that is part of its identity would change against ridge")
    assert lines[-1].endswith("only: env.")


@pytest.mark.heavy
def test_a_run_that_is_not_there_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    runner.run([])

    with pytest.raises(tracking.TrackingError, match="No run 'nobody'"):
        preview(capsys, "diff=nobody")
