"""python -m runner.reproduce --sweep, key=value and --check, on real runs."""

from __future__ import annotations

import itertools
import os
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import runner
import tracking
from runner.provenance import capture as provenance
from runner.reproducing.changed import change_recorded
from runner.reproducing.command import main
from runner.trial.recorded import read_recorded
from tracking.compare.config import compare_configs
from tracking.records.reading import load_records
from tracking.records.values import diff_configs

Reproduce = Callable[..., tuple[int, str, str]]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Begin in an empty folder, with no store chosen."""
    for variable in [name for name in os.environ if name.startswith(("MLFLOW_", "TRACKING_", "GITHUB_"))]:
        monkeypatch.delenv(variable)
    monkeypatch.chdir(tmp_path)
    tracking.reset()
    provenance.forget()
    yield tmp_path
    tracking.reset()
    provenance.forget()


@pytest.fixture
def reproduce(capsys: pytest.CaptureFixture[str]) -> Reproduce:
    """Return what runs the command: (exit code, stdout, stderr)."""

    def command(*arguments: str) -> tuple[int, str, str]:
        capsys.readouterr()
        code = main(arguments)
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return command


def config_of(run: tracking.Run) -> dict[str, object]:
    (record,) = load_records(tracking.TrackingClient().store, [run])
    assert record.config is not None
    return dict(record.config)


def newest() -> tracking.Run:
    return tracking.TrackingClient().search_runs(["1", "2", "3"], max_results=1)[0]


def last_line(text: str) -> str:
    return text.rstrip().splitlines()[-1]


# Sweeps --------------------------------------------------------------------------------------------
@pytest.mark.heavy
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_sweep_reproduces_bit_for_bit_whatever_runs_side_by_side(reproduce: Reproduce, jobs: str) -> None:
    runs = runner.sweep(["experiment=elasticnet_grid", "alpha=0.01,0.1,1", "l1_ratio=0.1,0.9", "n_jobs=1"])
    assert len(runs) == 6

    code, out, _ = reproduce("--sweep", "latest", "--n-jobs", jobs)

    assert code == 0
    assert last_line(out) == "Reproduced: 6 of 6 points, 90 of 90 fold scores identical"
    assert out.count("15/15") == 6
    again = tracking.TrackingClient().search_runs(["1"], filter_string="tags.reproduces != ''")
    assert {run.data.tags["reproduces"] for run in again} == {run.info.run_id for run in runs}
    assert {run.data.tags["reproduces.sweep"] for run in again} == {runs[0].data.tags["sweep.id"]}
    assert len({run.data.tags["sweep.id"] for run in again}) == 1


def test_the_latest_sweep_is_not_a_repetition_of_one(reproduce: Reproduce) -> None:
    (run,) = runner.sweep(["model=ridge"])
    reproduce("--sweep", "latest")

    reproduce("--sweep", "latest")

    assert newest().data.tags["reproduces"] == run.info.run_id


def test_points_without_a_finished_run_are_left_out_and_said_so(folder: Path, reproduce: Reproduce) -> None:
    runs = runner.sweep(["model=ridge", "alpha=0.1,1"])
    tracking.TrackingClient().set_terminated(runs[1].info.run_id, "FAILED")

    code, out, _ = reproduce("--sweep", runs[0].data.tags["sweep.id"])

    assert code == 0
    assert "note: 1 points without a finished run are left out." in out
    assert last_line(out) == "Reproduced: 1 of 1 points, 15 of 15 fold scores identical"


def test_the_points_that_do_not_reproduce_come_first_with_what_differs(folder: Path, reproduce: Reproduce) -> None:
    write_cars(folder)
    runner.sweep(["data=csv", "data.path=cars.csv", "data.target=mpg", "alpha=0.1,1"])
    write_cars(folder, first="9,9,9")

    code, out, _ = reproduce("--sweep", "latest")

    assert code == 1
    assert "Not reproduced: 0 of 2 points" in last_line(out)
    assert "data" in out.splitlines()[2]


def test_a_sweep_that_cannot_be_run_says_why(folder: Path, reproduce: Reproduce) -> None:
    write_cars(folder)
    runner.sweep(["data=csv", "data.path=cars.csv", "data.target=mpg", "alpha=0.1,1"])
    (folder / "cars.csv").unlink()

    code, out, _ = reproduce("--sweep", "latest")

    assert code == 2
    assert out.count("cannot run: Run ") == 2
    assert last_line(out).endswith("2 cannot be run")


def test_an_unknown_sweep_is_one_message(reproduce: Reproduce) -> None:
    runner.run([])

    code, out, err = reproduce("--sweep", "latest")

    assert (code, out) == (2, "")
    assert "No sweep 'latest'" in err


def write_cars(folder: Path, *, first: str = "0,0,0") -> None:
    rows = [first, *(f"{n},{n % 7},{3 * n + n % 5}" for n in range(1, 60))]
    (folder / "cars.csv").write_text("\n".join(["power,doors,mpg", *rows]) + "\n")


# Changed runs --------------------------------------------------------------------------------------
def test_a_changed_value_reaches_what_interpolates_it(reproduce: Reproduce) -> None:
    recorded = runner.run(["model=ridge", "alpha=0.1"])

    code, out, _ = reproduce(recorded.info.run_id, "alpha=0.3")

    assert code == 0
    assert "alpha  0.1 -> 0.3  (command line; also model.alpha)" in out
    assert "rmse" in out
    new = newest()
    assert new.data.params["model.alpha"] == "0.3"
    assert new.data.tags["derived_from"] == recorded.info.run_id
    assert new.info.run_name == "ridge alpha=0.3"
    assert "reproduces" not in new.data.tags


@pytest.mark.heavy
def test_a_changed_group_brings_its_own_values_and_drops_knobs_of_the_old(reproduce: Reproduce) -> None:
    recorded = runner.run(["model=elasticnet", "alpha=0.1", "l1_ratio=0.9"])

    code, _, err = reproduce(recorded.info.run_id, "model=lasso")

    assert code == 0
    assert "note: l1_ratio=0.9 of the recorded run does not apply any more and is left out" in err
    asked = runner.run(["model=lasso", "alpha=0.1"])
    derived = tracking.TrackingClient().search_runs(["1", "2"], "tags.derived_from != ''")[0]
    assert derived.data.tags["fingerprint.config"] == asked.data.tags["fingerprint.config"]
    assert derived.info.experiment_id == asked.info.experiment_id


REQUESTS = [
    [],
    ["model=lasso", "alpha=0.3"],
    ["experiment=elasticnet_grid", "alpha=0.1"],
    ["model=random_forest", "model.n_estimators=2", "model.max_depth=2"],
    ["+model.tol=0.01", "seed=7", "cv=repeated", "cv.n_repeats=2"],
    ["prepare=standard", "model.solver=svd"],
]


@pytest.mark.heavy
def test_the_command_that_diff_prints_for_a_run_leads_from_it_to_the_other() -> None:
    runs = [runner.run([*asked, "refit=false"]) for asked in REQUESTS]
    client = tracking.TrackingClient()
    recorded = [read_recorded(client, run) for run in runs]

    neighbours = list(itertools.pairwise([*recorded, recorded[0]]))
    for first, second in [*neighbours, *(pair[::-1] for pair in neighbours)]:
        command = compare_configs([first.record, second.record]).commands[1].from_first
        assert command is not None
        changes = shlex.split(command)[4:]
        changed = change_recorded(first, changes)
        assert diff_configs(second.config, changed.spec.config) == (), command


def test_where_conf_has_changed_a_value_is_set_on_the_recorded_config(reproduce: Reproduce) -> None:
    recorded = runner.run(["model=ridge", "alpha=0.1"])
    path = tracking.TrackingClient().artifact_dir(recorded.info.run_id) / "config.yaml"
    path.write_text(path.read_text().replace("n_splits: 5", "n_splits: 4"))

    code, _, err = reproduce(recorded.info.run_id, "alpha=0.3", "seed=7")

    assert code == 0
    assert "cannot be composed anew: cv.n_splits was 4 and is 5 in today's conf/" in err
    assert "note: alpha=0.3 also sets model.alpha, which had the same value" in err
    assert "note: seed=7 also sets model.random_state, cv.random_state" in err
    config = config_of(newest())
    assert config["model"]["alpha"] == 0.3  # type: ignore[index]
    assert config["cv"]["n_splits"] == 4  # type: ignore[index]
    assert config["cv"]["random_state"] == 7  # type: ignore[index]


def test_where_conf_has_changed_a_group_is_refused(reproduce: Reproduce) -> None:
    recorded = runner.run(["model=ridge", "alpha=0.1"])
    path = tracking.TrackingClient().artifact_dir(recorded.info.run_id) / "config.yaml"
    path.write_text(path.read_text().replace("n_splits: 5", "n_splits: 4"))

    code, _, err = reproduce(recorded.info.run_id, "model=lasso")

    assert code == 2
    assert "model=lasso chooses a file of conf/" in err
    assert "cv.n_splits was 4 and is 5" in err


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("alhpa=1", "Nearest: alpha"),
        ("model=nothing", "nothing"),
        ("alpha=-1", "alpha of Ridge must be"),
        ("alpha=1,2", "alpha=1,2: this names several values"),
    ],
)
def test_a_change_that_cannot_be_is_one_message(reproduce: Reproduce, change: str, message: str) -> None:
    runner.run(["model=ridge"])

    code, out, err = reproduce("latest", change)

    assert (code, out) == (2, "")
    assert message in err


# Checks for CI -------------------------------------------------------------------------------------
def test_a_check_passes_and_is_written_to_the_summary_of_the_job(
    folder: Path, reproduce: Reproduce, monkeypatch: pytest.MonkeyPatch
) -> None:
    runner.run([])
    summary = folder / "summary.md"
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))

    code, out, _ = reproduce("--check", "latest", "--metric", "rmse", "--tolerance", "0.5%")

    assert code == 0
    assert out.startswith("### ridge: rmse passed")
    assert "| metric | baseline | today | change | allowed |" in out
    assert last_line(out) == "Passed: rmse is the same as the baseline's."
    assert summary.read_text() == out


@pytest.mark.parametrize(
    ("metric", "factor", "tolerance", "code"),
    [
        ("rmse", 0.99, "0.5%", 1),  # the baseline was better: today is 1% worse
        ("rmse", 0.99, "2%", 0),
        ("rmse", 1.01, "0", 0),  # only worse fails
        ("r2", 0.9, "0", 0),  # of r2 more is better
        ("r2", 1.1, "0.01", 1),
        ("r2", 1.1, "0.5", 0),
    ],
)
def test_only_worse_fails_a_check(reproduce: Reproduce, metric: str, factor: float, tolerance: str, code: int) -> None:
    recorded = runner.run([])
    mean = recorded.data.metrics[f"{metric}_mean"]
    tracking.TrackingClient().log_metric(recorded.info.run_id, f"{metric}_mean", factor * mean, step=1)

    found, out, _ = reproduce("--check", "latest", "--metric", metric, "--tolerance", tolerance)

    assert found == code
    assert ("lower is better" if metric == "rmse" else "higher is better") in out
    assert last_line(out).startswith("Failed: " if code else "Passed: ")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--metric", "rsme"], "--metric rsme: run"),
        (["--metric", "rsme"], "Nearest: rmse. It has: mae, r2, rmse"),
        (
            ["--tolerance", "some"],
            "--tolerance some: give a share of the baseline as 0.5%, or an amount as 0.1",
        ),
    ],
)
def test_a_check_that_cannot_be_made_is_one_message(reproduce: Reproduce, options: list[str], message: str) -> None:
    runner.run([])

    code, out, err = reproduce("--check", "latest", *options)

    assert (code, out) == (2, "")
    assert message in err
