"""Runs made with configs of one's own can be made again: by the command that `diff` prints, and changed."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

import runner
import tracking
from runner.__main__ import main as run_command
from runner.reproducing.command import main as reproduce_command
from tracking.compare.config import Command, compare_configs
from tracking.records.reading import RunRecord, load_records

RIDGE = "# @package _global_\nalpha: 1.0\nmodel:\n  _target_: sklearn.linear_model.Ridge\n  alpha: ${alpha}\n"
LASSO = RIDGE.replace("Ridge", "Lasso")


def write(folder: str, **models: str) -> None:
    for name, text in models.items():
        path = Path(folder, "model", f"{name}.yaml")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def newest(count: int) -> list[RunRecord]:
    """Return the records of the runs started last, in the order they were started."""
    store = tracking.TrackingClient().store
    return load_records(store, store.search_runs(None, max_results=count)[::-1])


def command_to_the_second() -> Command:
    return compare_configs(newest(2)).commands[1]


def do(command: str) -> RunRecord:
    """Do what a printed command says, and return the record of the run that came of it."""
    program, *arguments = shlex.split(command.removeprefix("python -m "))
    assert {"runner": run_command, "runner.reproduce": reproduce_command}[program](arguments) == 0
    return newest(1)[0]


@pytest.mark.heavy
def test_the_printed_commands_of_runs_with_own_configs_are_true() -> None:
    write("c", mine=RIDGE, other=LASSO)
    assert run_command(["--config-dir", "c", "model=mine", "alpha=2"]) == 0
    assert run_command(["--config-dir", "c", "model=other", "alpha=3", "cv=shuffle_split"]) == 0
    second = newest(1)[0]

    command = command_to_the_second()

    assert command.run == "python -m runner --config-dir c model=other cv=shuffle_split alpha=3"
    assert command.from_first is not None
    for text in (command.run, command.from_first):
        again = do(text)
        assert again.run.data.tags["fingerprint"] == second.run.data.tags["fingerprint"]
        assert again.request.config_dir == ("c",)


@pytest.mark.heavy
def test_what_leads_from_the_first_run_says_nothing_that_it_has_already() -> None:
    write("c", mine=RIDGE)
    Path("cars.csv").write_text("power,doors,mpg\n" + "".join(f"{n},{n % 7},{3 * n + n % 5}\n" for n in range(60)))
    given = ["model=mine", "data=csv", "data.path=cars.csv", "data.target=mpg"]
    first = runner.run([*given, "alpha=2"], config_dir="c")
    runner.run([*given, "alpha=3", "cv=shuffle_split"], config_dir="c")

    command = command_to_the_second()

    assert command.from_first is not None
    assert command.from_first == f"python -m runner.reproduce {first.info.run_id[:8]} cv=shuffle_split alpha=3"
    assert do(command.from_first).run.data.params["cv._target_"].endswith("ShuffleSplit")


@pytest.mark.heavy
def test_what_lies_below_a_group_with_another_choice_is_said_again() -> None:
    first = runner.run(["model=ridge", "model.tol=1e-3", "alpha=2"])
    second = runner.run(["model=lasso", "model.tol=1e-3", "alpha=2"])

    command = command_to_the_second()

    assert command.from_first == f"python -m runner.reproduce {first.info.run_id[:8]} model=lasso model.tol=1e-3"
    assert do(command.from_first).run.data.tags["fingerprint"] == second.data.tags["fingerprint"]


@pytest.mark.heavy
@pytest.mark.parametrize("function", ["run", "sweep"])
def test_runs_from_python_record_the_folder_too(function: str, tmp_path: Path) -> None:
    write("with 'quotes', and commas", mine=RIDGE)

    getattr(runner, function)(["model=mine"], config_dir=tmp_path / "with 'quotes', and commas")

    [record] = newest(1)
    assert record.request.config_dir == ("with 'quotes', and commas",)
    assert do(compare_configs([record]).commands[0].run or "").request.choices["model"] == "mine"


def test_a_folder_elsewhere_is_recorded_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write("c", mine=RIDGE)
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")

    runner.run(["model=mine"], config_dir="../c")

    assert newest(1)[0].request.config_dir == ((tmp_path / "c").as_posix(),)


@pytest.mark.heavy
def test_folders_of_the_search_path_are_recorded_too() -> None:
    write("c", mine=RIDGE)
    write("more", other=LASSO)
    asked = ["--config-dir", "c", "hydra.searchpath=[file://more]", "model=other"]

    assert run_command(asked) == 0

    [record] = newest(1)
    assert record.request.config_dir == ("c", "more")
    command = compare_configs([record]).commands[0].run
    assert command == "python -m runner --config-dir c 'hydra.searchpath=[more]' model=other"
    assert do(command).request.choices["model"] == "other"


@pytest.mark.heavy
def test_another_main_file_is_part_of_the_command() -> None:
    write("c", mine=RIDGE)
    Path("c", "main.yaml").write_text("defaults: [config, override model: mine, _self_]\nseed: 7\n")
    assert run_command(["--config-dir", "c", "--config-name", "main", "alpha=2"]) == 0
    assert run_command(["--config-dir", "c", "--config-name", "main", "alpha=3"]) == 0
    second = newest(1)[0]

    command = command_to_the_second()

    assert command.run == "python -m runner --config-dir c --config-name main alpha=3"
    for text in (command.run, command.from_first or ""):
        assert do(text).run.data.tags["fingerprint"] == second.run.data.tags["fingerprint"]


@pytest.mark.heavy
def test_a_group_of_own_configs_can_be_changed_although_they_have_moved(capsys: pytest.CaptureFixture[str]) -> None:
    write("c", mine=RIDGE, other=LASSO)
    runner.run(["model=mine", "alpha=2"], config_dir="c")
    Path("c").rename("moved")

    assert reproduce_command(["latest", "model=other"]) == 2
    assert "its config folder c is not here; name the place: --config-dir DIR" in capsys.readouterr().err

    assert reproduce_command(["latest", "--config-dir", "moved", "model=other"]) == 0
    [record] = newest(1)
    assert record.run.data.params["model._target_"] == "sklearn.linear_model.Lasso"
    assert record.run.data.params["alpha"] == "2"


@pytest.mark.heavy
def test_changes_may_come_from_a_folder_that_the_first_run_did_not_know() -> None:
    write("c", mine=LASSO)
    first = runner.run(["alpha=2"])
    second = runner.run(["model=mine", "alpha=2"], config_dir="c")

    command = command_to_the_second().from_first

    assert command == f"python -m runner.reproduce {first.info.run_id[:8]} --config-dir c model=mine"
    assert do(command).run.data.tags["fingerprint"] == second.data.tags["fingerprint"]


def test_a_folder_that_is_not_there_is_a_mistake(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(runner.RunnerError, match=r"config_dir='?nope'?: there is no such folder"):
        runner.run([], config_dir="nope")
    runner.run([])
    assert reproduce_command(["latest", "--config-dir", "nope", "alpha=2"]) == 2
    assert reproduce_command(["latest", "--config-dir", "nope"]) == 2
    assert "--config-dir belongs to key=value" in capsys.readouterr().err
