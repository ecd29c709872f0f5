"""python -m runner.reproduce on real runs: the same to the last bit, or which ingredient differs first."""

from __future__ import annotations

import importlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import runner
import tracking
from runner.errors import ModelError, PointFailed
from runner.provenance import capture as provenance
from runner.reproducing.command import main
from runner.trial import build

ROOT = Path(__file__).resolve().parents[3]
CARS = ("data=csv", "data.path=cars.csv", "data.target=mpg")
MINE = """\
from sklearn.linear_model import Ridge


class Mine(Ridge):
    def __init__(self, alpha=1, fit_intercept=True, solver="auto", tol=1e-4, random_state=0, weight={weight}):
        super().__init__(alpha, fit_intercept=fit_intercept, solver=solver, tol=tol)
        self.random_state = random_state
        self.weight = weight

    def fit(self, X, y):
        {body}
        return super().fit(X, y * self.weight)
"""

Reproduce = Callable[..., tuple[int, str, str]]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Begin in an empty folder that modules are imported from, with no store chosen."""
    for variable in [name for name in os.environ if name.startswith(("MLFLOW_", "TRACKING_", "GITHUB_"))]:
        monkeypatch.delenv(variable)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    tracking.reset()
    forget()
    yield tmp_path
    tracking.reset()
    forget()


@pytest.fixture
def reproduce(capsys: pytest.CaptureFixture[str]) -> Reproduce:
    """Return what runs the command as from a new process: (exit code, stdout, stderr)."""

    def command(*arguments: str) -> tuple[int, str, str]:
        forget()
        tracking.reset()
        capsys.readouterr()
        code = main(arguments)
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return command


def forget() -> None:
    """Let this process see changed files as a new one would."""
    provenance.forget()
    sys.modules.pop("mine", None)
    importlib.invalidate_caches()


def write_cars(folder: Path, *, first: str = "0,0,0") -> None:
    rows = [first, *(f"{n},{n % 7},{3 * n + n % 5}" for n in range(1, 60))]
    (folder / "cars.csv").write_text("\n".join(["power,doors,mpg", *rows]) + "\n")


def write_model(folder: Path, *, weight: float = 1.0, body: str = "pass") -> None:
    (folder / "mine.py").write_text(MINE.format(weight=weight, body=body))
    shutil.rmtree(folder / "__pycache__", ignore_errors=True)


def git(folder: Path, *arguments: str) -> None:
    person = ("-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
    subprocess.run(("git", *person, *arguments), cwd=folder, check=True, capture_output=True)


def last_line(text: str) -> str:
    return text.rstrip().splitlines()[-1]


def newest() -> tracking.Run:
    return tracking.TrackingClient().search_runs(["1", "2", "3"], max_results=1)[0]


# The same ----------------------------------------------------------------------------------------
def test_a_run_reproduces_to_the_last_bit(reproduce: Reproduce) -> None:
    recorded = runner.run(["model=random_forest", "model.n_estimators=5"])

    code, out, _ = reproduce(recorded.info.run_id[:8])

    assert code == 0
    assert last_line(out) == "Reproduced: 15 of 15 fold scores identical"
    assert "64 of 64 probe rows identical" in out
    again = newest()
    assert again.data.tags["reproduces"] == recorded.info.run_id
    assert again.info.experiment_id == recorded.info.experiment_id
    assert again.info.run_name == recorded.info.run_name
    assert again.data.tags["fingerprint"] == recorded.data.tags["fingerprint"]


def test_a_name_goes_on_to_mean_the_recorded_run(reproduce: Reproduce) -> None:
    recorded = runner.run(["model=ridge", "alpha=0.1"])

    for _ in range(2):
        assert reproduce("ridge alpha=0.1")[0] == 0
        assert newest().data.tags["reproduces"] == recorded.info.run_id


def test_a_run_reproduces_from_a_copied_store_in_another_folder(
    folder: Path, reproduce: Reproduce, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_cars(folder)
    runner.run([*CARS])
    there = folder / "there"
    there.mkdir()
    shutil.move(folder / "runs", there / "moved")
    shutil.move(folder / "cars.csv", there / "cars.csv")
    monkeypatch.chdir(there)

    code, out, _ = reproduce("latest", "--store", "sqlite:///moved/tracking.db")

    assert (code, last_line(out)) == (0, "Reproduced: 15 of 15 fold scores identical")


def test_data_that_is_elsewhere_can_be_named(folder: Path, reproduce: Reproduce) -> None:
    write_cars(folder)
    runner.run([*CARS])
    (folder / "cars.csv").rename(folder / "moved.csv")

    assert reproduce("latest")[0] == 2
    assert reproduce("latest", "--data", "moved.csv")[0] == 0


def test_a_difference_within_the_tolerance_is_told_and_accepted(reproduce: Reproduce) -> None:
    recorded = runner.run([])
    run_id = recorded.info.run_id
    first = tracking.TrackingClient().get_metric_history(run_id, "rmse")[0]
    tracking.TrackingClient().log_metric(run_id, "rmse", first.value * (1 + 1e-12), step=0)

    code, out, _ = reproduce(run_id)
    assert code == 1
    assert "14 of 15 fold scores identical; largest difference" in out
    assert "rmse, fold 0" in out
    assert last_line(out) == "Not reproduced: 14 of 15 fold scores identical"

    code, out, _ = reproduce(run_id, "--tolerance", "1e-9")
    assert code == 0
    assert last_line(out) == "Reproduced within 1e-09: 14 of 15 fold scores identical"


# Each kind of difference is made, and named --------------------------------------------------------
def test_a_changed_cell_of_the_data_is_named_first(folder: Path, reproduce: Reproduce) -> None:
    write_cars(folder)
    runner.run([*CARS])
    write_cars(folder, first="0,0,1")

    code, out, _ = reproduce("latest")

    assert code == 1
    assert "Differs first: data. The data has other content: values changed, the shape is still 60x2" in out
    assert "largest difference" in out
    assert last_line(out).startswith("Not reproduced: ")


def test_a_changed_module_of_the_user_is_named_as_code(folder: Path, reproduce: Reproduce) -> None:
    write_model(folder)
    runner.run(["model._target_=mine.Mine"])
    write_model(folder, body="y = y + 0.001 * X[:, 0]")

    code, out, _ = reproduce("latest")

    assert code == 1
    assert "Differs first: code. The estimator's code differs: mine changed." in out


def test_ones_own_code_is_named_beside_a_preparation_of_the_tool(folder: Path, reproduce: Reproduce) -> None:
    write_model(folder)
    runner.run(["model._target_=mine.Mine", "prepare=tabular"])
    write_model(folder, body="y = y * 2.0")

    code, out, _ = reproduce("latest")

    assert code == 1
    assert "Differs first: code. The estimator's code differs: mine changed." in out
    assert "No recorded ingredient differs" not in out


def test_what_was_not_recorded_is_not_called_the_same(folder: Path, reproduce: Reproduce) -> None:
    write_model(folder, body="y = y + __import__('os').urandom(1)[0] / 1000 * X[:, 0]")
    run = runner.run(["model._target_=mine.Mine"])
    (tracking.TrackingClient().artifact_dir(run.info.run_id) / "environment.txt").unlink()

    code, out, _ = reproduce("latest")

    assert code == 1
    assert "Of what can be compared nothing differs; what may differ, but was not recorded so: packages." in out
    assert "No recorded ingredient differs" not in out


def test_a_new_default_of_ones_own_class_is_named_as_its_codes(folder: Path, reproduce: Reproduce) -> None:
    write_model(folder)
    runner.run(["model._target_=mine.Mine"])
    write_model(folder, weight=1.5)

    code, out, _ = reproduce("latest")

    assert code == 1
    defaults = "with other defaults: model.weight 1.0 -> 1.5."
    assert f"Differs first: code. The estimator's code differs: mine changed, {defaults}" in out
    assert "configuration" not in out


def test_a_dirty_tree_is_named_and_is_without_effect_here(folder: Path, reproduce: Reproduce) -> None:
    write_cars(folder)
    (folder / ".gitignore").write_text("runs/\n__pycache__/\n")
    git(folder, "init", "-q")
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "first")
    runner.run([*CARS])
    (folder / "notes.txt").write_text("changed\n")

    code, out, _ = reproduce("latest")

    assert code == 0
    assert "Differs, without effect: The run had no uncommitted changes; now there are some" in out


@pytest.mark.parametrize(
    ("name", "ingredient"),
    [("scikit_learn", "Packages that matter: scikit-learn"), ("stub", "Other packages: stub")],
)
def test_another_version_of_a_package_is_named(
    folder: Path, reproduce: Reproduce, monkeypatch: pytest.MonkeyPatch, name: str, ingredient: str
) -> None:
    runner.run([])
    info = folder / "packages" / f"{name}-0.0.1.dist-info"
    info.mkdir(parents=True)
    monkeypatch.syspath_prepend(folder / "packages")

    code, out, _ = reproduce("latest")

    assert code == 0
    assert f"Differs, without effect: {ingredient}" in out
    assert "0.0.1" in out


def test_other_threads_are_named(reproduce: Reproduce) -> None:
    runner.run([])

    code, out, _ = reproduce("latest", "--threads", "2")

    assert "Threads of BLAS and OpenMP: 1 -> 2." in out
    assert code in (0, 1)
    assert newest().data.tags["threads"] == "2"


def test_an_estimator_that_draws_anew_is_suspected_where_nothing_else_differs(
    folder: Path, reproduce: Reproduce
) -> None:
    write_model(folder, body="y = y + __import__('os').urandom(1)[0] / 1000 * X[:, 0]")
    runner.run(["model._target_=mine.Mine"])

    code, out, _ = reproduce("latest")

    assert code == 1
    assert "No recorded ingredient differs (config, data, code, packages," in out
    assert "The estimator itself may not be deterministic." in out


def test_a_model_without_a_seed_reproduces_because_the_global_generators_are_seeded(
    reproduce: Reproduce,
) -> None:
    runner.run(["model=random_forest", "model.n_estimators=3", "model.random_state=null"])

    assert reproduce("latest")[0] == 0


def test_a_run_can_be_named_by_its_name(reproduce: Reproduce) -> None:
    runner.run(["model=ridge", "alpha=0.1"])

    assert reproduce("ridge alpha=0.1")[0] == 0


# What cannot be run, or not compared ---------------------------------------------------------------
def test_missing_data_is_named(folder: Path, reproduce: Reproduce) -> None:
    write_cars(folder)
    runner.run([*CARS])
    (folder / "cars.csv").unlink()

    code, out, err = reproduce("latest")

    assert (code, out) == (2, "")
    assert "cars.csv" in err
    assert "--data PATH" in err
    assert "reproduces" not in newest().data.tags


def test_a_missing_class_is_named(folder: Path, reproduce: Reproduce) -> None:
    write_model(folder)
    runner.run(["model._target_=mine.Mine"])
    (folder / "mine.py").write_text("class Other: ...\n")

    code, _, err = reproduce("latest")

    assert code == 2
    assert "mine has no Mine" in err


def test_a_missing_module_is_named_and_nothing_logged(
    folder: Path, reproduce: Reproduce, caplog: pytest.LogCaptureFixture
) -> None:
    write_model(folder)
    runner.run(["model._target_=mine.Mine"])
    (folder / "mine.py").unlink()

    code, _, err = reproduce("latest")

    assert code == 2
    assert "model._target_=mine.Mine: no such module" in err
    assert caplog.text == ""


def test_what_is_inside_a_class_is_found_and_what_is_not_is_named() -> None:
    method = build.build_node({"_target_": "datetime.timedelta.max.__abs__"}, "model")

    assert method.days == 999_999_999
    with pytest.raises(ModelError, match=r"Ridge has no fitt\. Nearest: fit"):
        build.build_node({"_target_": "sklearn.linear_model.Ridge.fitt"}, "model")


def test_a_missing_package_is_named(folder: Path, reproduce: Reproduce) -> None:
    write_model(folder)
    runner.run(["model._target_=mine.Mine"])
    (folder / "mine.py").write_text("import a_package_that_is_gone\n" + MINE.format(weight=1.0, body="pass"))

    code, _, err = reproduce("latest")

    assert code == 2
    assert "importing it needs a_package_that_is_gone" in err


def test_a_run_logged_by_hand_cannot_be_run_again(reproduce: Reproduce) -> None:
    with tracking.start_run(run_name="by hand"):
        tracking.log_metric("rmse", 1.0)

    code, _, err = reproduce("latest")

    assert code == 2
    assert "has no config.yaml, so it was not made by python -m runner" in err


def test_a_config_that_lost_a_section_is_named(reproduce: Reproduce) -> None:
    recorded = runner.run([])
    path = tracking.TrackingClient().artifact_dir(recorded.info.run_id) / "config.yaml"
    path.write_text("model: {_target_: sklearn.linear_model.Ridge}\nseed: 1\n")

    code, _, err = reproduce("latest")

    assert code == 2
    assert "its config.yaml has no data and no cv and no scoring" in err


def test_a_failed_run_is_run_again_but_there_is_nothing_to_compare(folder: Path, reproduce: Reproduce) -> None:
    write_model(folder, body="raise RuntimeError('broken')")
    with pytest.raises(PointFailed):
        runner.run(["model._target_=mine.Mine"])

    code, out, _ = reproduce("latest")
    assert code == 1
    assert "Nothing to compare: the recorded run is FAILED (RuntimeError: broken)" in last_line(out)
    assert "failed with the same error" in last_line(out)

    write_model(folder)
    code, out, _ = reproduce("latest~1")
    assert code == 1
    assert last_line(out).endswith("finished")


def test_a_new_failure_is_not_a_reproduction(folder: Path, reproduce: Reproduce) -> None:
    write_model(folder)
    runner.run(["model._target_=mine.Mine"])
    write_model(folder, body="raise RuntimeError('broken today')")

    code, out, _ = reproduce("latest")

    assert code == 1
    assert "failed: RuntimeError: broken today" in last_line(out)
    assert "Differs first: code" in out


def test_a_run_without_a_model_is_compared_by_its_scores(reproduce: Reproduce) -> None:
    runner.run(["refit=false"])

    code, out, _ = reproduce("latest")

    assert code == 0
    assert "Model and predictions are not compared: no model was recorded." in out


def test_an_interrupt_ends_the_run_and_the_program(folder: Path, reproduce: Reproduce) -> None:
    write_model(folder)
    runner.run(["model._target_=mine.Mine"])
    write_model(folder, body="__import__('signal').raise_signal(2)")

    code, _, err = reproduce("latest")

    assert (code, err) == (130, "interrupted\n")
    assert newest().info.status == "KILLED"


# Code states ---------------------------------------------------------------------------------------
def test_the_recorded_code_can_be_written_out_and_run_there(
    folder: Path, reproduce: Reproduce, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_model(folder)
    (folder / ".gitignore").write_text("runs/\n__pycache__/\nthen/\n")
    git(folder, "init", "-q")
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "first")
    write_model(folder, body="y = y * 2")
    runner.run(["model._target_=mine.Mine"])
    write_model(folder, body="y = y * 3")

    code, out, _ = reproduce("latest", "--checkout", "then")

    assert code == 0
    assert out.startswith("Wrote commit ")
    assert "with its uncommitted changes to then" in out
    assert "y = y * 2" in (folder / "then" / "mine.py").read_text()
    store = f"sqlite:///{folder}/runs/tracking.db"
    assert store in out
    monkeypatch.chdir(folder / "then")
    monkeypatch.syspath_prepend(folder / "then")
    code, out, _ = reproduce("latest", "--store", store)
    assert code == 0
    assert "Differs" not in out


def test_a_run_outside_a_repository_has_no_code_to_write_out(reproduce: Reproduce) -> None:
    runner.run([])

    code, _, err = reproduce("latest", "--checkout", "then")

    assert code == 2
    assert "has no git commit" in err


# Asking --------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "Which run?"),
        (["latest", "--sweep", "latest"], "RUN and --sweep were given together. Choose one."),
        (["--sweep", "latest", "n_jobs=2"], "n_jobs=2: with --sweep this is an option: --n-jobs 2"),
        (["--sweep", "latest", "alpha=2"], "alpha=2: a sweep is run again as it was."),
        (["alpha=1"], "alpha=1: name the RUN to start from first"),
        (["latest", "latest~1"], "latest~1: changes are written key=value"),
        (["latest", "--metric", "rmse"], "--metric belongs to --check"),
        (["latest", "--tolerance", "lots"], "--tolerance lots: give a number"),
        (["latest", "--threads", "0"], "--threads 0: give a whole number >= 1"),
        (["--sweep", "latest", "--n-jobs", "many"], "--n-jobs many: give a number"),
        (["nothing like it"], "No run 'nothing like it'. Nearest: 'ridge'"),
        (["latest", "--data", "x.csv"], "read no file"),
        (["latest", "--store", "sqlite:///nowhere/tracking.db"], "No store at "),
    ],
)
def test_a_mistake_is_one_message(reproduce: Reproduce, arguments: list[str], message: str) -> None:
    runner.sweep(["model=ridge"])

    code, out, err = reproduce(*arguments)

    assert (code, out) == (2, "")
    assert err.startswith("error: ")
    assert message in err


def test_asking_for_help_imports_nothing_heavy() -> None:
    heavy = ["numpy", "sklearn", "hydra", "pandas", "sqlite3"]
    code = (
        "import sys, runner.reproducing.command as command; command.build_command();"
        f"print([name for name in {heavy} if name in sys.modules])"
    )

    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n"


@pytest.mark.heavy
def test_the_command_runs_as_a_program(folder: Path) -> None:
    runner.run([])
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}

    command = [sys.executable, "-m", "runner.reproduce", "latest"]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")
    assert last_line(done.stdout) == "Reproduced: 15 of 15 fold scores identical"
