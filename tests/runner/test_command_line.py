"""What a person types does what the page says: runs, sweeps, own files, and Hydra as people know it."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
import yaml

import tracking
from runner.__main__ import main
from runner.invocation import DEFAULT_DATA, name_experiment

ROOT = Path(__file__).parents[2]


def run(command: str, capsys: pytest.CaptureFixture[str], *, code: int = 0) -> tuple[str, str]:
    """Type `python -m runner <command>`; return both outputs, after checking that no litter is left."""
    before = set(os.listdir())

    ending = main(shlex.split(command))

    out, err = capsys.readouterr()
    assert ending == code, err
    assert set(os.listdir()) - before <= {"runs"}
    return out, err


def recorded() -> list[tracking.Run]:
    client = tracking.TrackingClient()
    return list(client.search_runs([e.experiment_id for e in client.search_experiments()], max_results=200))


def filed() -> dict[str, int]:
    client = tracking.TrackingClient()
    names = {e.experiment_id: e.name for e in client.search_experiments()}
    return dict(Counter(names[run.info.experiment_id] for run in recorded()))


def write(path: str, text: str) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(text, encoding="utf-8")


def write_cars() -> None:
    rows = [
        f"{900 + 7 * i},{'us' if i % 3 else 'eu'},{'' if i == 5 else i % 9},{30 - i / 5 + i % 4}" for i in range(60)
    ]
    write("cars.csv", "\n".join(["weight,origin,doors,mpg", *rows]) + "\n")


# -- one run


def test_without_arguments_it_is_ridge_on_the_diabetes_data(capsys: pytest.CaptureFixture[str]) -> None:
    out, err = run("", capsys)

    [one] = recorded()
    assert filed() == {"ridge": 1}
    assert (one.info.run_name, one.info.status) == ("ridge", "FINISHED")
    assert one.data.params["model._target_"] == "sklearn.linear_model.Ridge"
    assert one.data.tags["data.name"] == "diabetes"
    assert err == "1/1  ridge  rmse 58.564\n"
    assert re.search(r"^rmse +58\.5642", out, re.M)
    assert f"python -m tracking show {one.info.run_id[:8]}" in out


@pytest.mark.heavy
def test_a_table_of_ones_own_with_mixed_columns(capsys: pytest.CaptureFixture[str]) -> None:
    write_cars()

    run(
        "data=csv data.path=cars.csv data.target=mpg prepare=tabular model=random_forest model.max_depth=3"
        " model.n_estimators=5",
        capsys,
    )

    [one] = recorded()
    assert one.info.run_name == ("random_forest prepare=tabular max_depth=3 n_estimators=5")
    assert one.data.tags["data.shape"] == "60x3"
    assert one.data.params["data.path"] == "cars.csv"


@pytest.mark.heavy
def test_a_classification(capsys: pytest.CaptureFixture[str]) -> None:
    run(
        "data=breast_cancer model=logistic scoring=classification cv=stratified prepare=standard C=0.1",
        capsys,
    )

    [one] = recorded()
    assert one.data.metrics["accuracy_mean"] > 0.95
    assert one.data.tags["objective.direction"] == "maximize"
    assert 0 < one.data.metrics["log_loss_mean"] < 0.2


def test_configs_of_ones_own_lie_beside_the_shipped_ones(capsys: pytest.CaptureFixture[str]) -> None:
    write(
        "my_conf/experiment/mine.yaml",
        "# @package _global_\ndefaults: [override /model: halves]\nalpha: 0.25\n",
    )
    write(
        "my_conf/model/halves.yaml",
        "# @package _global_\nalpha: 1\nmodel:\n  _target_: sklearn.linear_model.Ridge\n  alpha: ${alpha}\n",
    )

    run("--config-dir my_conf experiment=mine", capsys)

    [one] = recorded()
    assert (one.info.run_name, one.data.params["alpha"]) == ("halves experiment=mine", "0.25")
    assert filed() == {"halves": 1}


@pytest.mark.heavy
def test_another_main_file(capsys: pytest.CaptureFixture[str]) -> None:
    write("my_conf/mine.yaml", "defaults: [config, override model: lasso, _self_]\nseed: 7\n")

    run("--config-dir my_conf --config-name mine alpha=0.5", capsys)

    [one] = recorded()
    assert (one.info.run_name, one.data.params["seed"]) == ("lasso alpha=0.5", "7")


@pytest.mark.heavy
def test_keys_are_added_removed_and_groups_put_elsewhere(capsys: pytest.CaptureFixture[str]) -> None:
    run("+tags.who=me tags=example ~model.solver ++model.positive=true +data@other=iris", capsys)

    [one] = recorded()
    assert (one.data.tags["who"], one.data.tags["project"]) == ("me", "diabetes")
    assert "model.solver" not in one.data.params
    assert one.data.params["model.positive"] == "True"
    assert one.data.params["other.name"] == "iris"


def test_an_interpolation_may_be_typed(capsys: pytest.CaptureFixture[str]) -> None:
    run("'alpha=${seed}' seed=3", capsys)

    assert recorded()[0].data.params["model.alpha"] == "3"


@pytest.mark.heavy
def test_names_and_experiments_may_be_chosen(capsys: pytest.CaptureFixture[str]) -> None:
    run("'run_name=\"a, b/c\"' experiment_name=trial", capsys)

    assert recorded()[0].info.run_name == recorded()[0].data.tags["mlflow.runName"] == "a, b/c"
    assert filed() == {"trial": 1}


@pytest.mark.heavy
def test_runs_on_other_data_than_the_default_are_filed_apart(capsys: pytest.CaptureFixture[str]) -> None:
    write_cars()

    run("", capsys)
    run("data=csv data.path=cars.csv data.target=mpg prepare=tabular", capsys)
    run("data=wine scoring=classification model=logistic prepare=standard", capsys)

    assert filed() == {"ridge": 1, "ridge-cars": 1, "logistic-wine": 1}


@pytest.mark.parametrize(
    ("data", "experiment"),
    [
        ({"source": "diabetes", "name": "mine"}, "ridge"),
        ({"source": "wine", "name": "wine"}, "ridge-wine"),
        ({"source": "csv", "name": None, "path": "far/away/cars.2026.csv"}, "ridge-cars.2026"),
        ({"source": "csv", "name": "mine", "path": "cars.csv"}, "ridge-mine"),
        ({"source": "parquet", "name": None, "path": "data/sales/*.parquet"}, "ridge-sales"),
        ({"source": "csv", "name": None, "path": "https://host/cars.csv?token=s3.cret"}, "ridge-cars"),
        ({"source": "callable", "name": None, "function": "my_package.load"}, "ridge-load"),
    ],
)
def test_an_experiment_is_named_by_model_and_data(data: dict[str, object], experiment: str) -> None:
    assert name_experiment("ridge", data) == experiment


def test_the_data_that_is_not_named_is_the_default_of_the_shipped_config() -> None:
    assert {"data": DEFAULT_DATA} in yaml.safe_load((ROOT / "conf" / "config.yaml").read_text())["defaults"]


def test_a_point_that_fails_ends_with_1_and_says_why(capsys: pytest.CaptureFixture[str]) -> None:
    write("broken_on_purpose.py", BROKEN)

    out, err = run("model._target_=broken_on_purpose.Broken", capsys, code=1)

    [one] = recorded()
    assert one.info.status == "FAILED"
    assert "failed: ridge" in err
    assert "ValueError: alpha is too round" in err
    assert "1 failed" in out
    assert "Traceback" not in err


BROKEN = """
from sklearn.linear_model import Ridge

class Broken(Ridge):
    def fit(self, X, y):
        if self.alpha == 1:
            raise ValueError("alpha is too round")
        return super().fit(X, y)
"""


@pytest.mark.heavy
@pytest.mark.parametrize(
    ("command", "name"),
    [
        ("alpha=0.3", "ridge alpha=0.3"),
        ("-m alpha=0.3", "ridge alpha=0.3"),
        ("cv=timeseries", "ridge cv=timeseries"),
        ("-m cv=timeseries tags=example n_jobs=1", "ridge cv=timeseries"),
        ("+model.positive=true ++tags.who=me", "ridge positive=true"),
        ("model=lasso alpha=0.31622776601683794", "lasso alpha=0.31623"),
        ("-m alpha=0.3 run_name=mine", "mine"),
        ("alpha=0.3 run_name=mine", "mine"),
    ],
)
def test_the_name_of_one_run_says_what_was_typed(command: str, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    run(command, capsys)

    assert [one.info.run_name for one in recorded()] == [name]


@pytest.mark.heavy
def test_a_sweep_over_long_numbers_and_files_has_short_names(capsys: pytest.CaptureFixture[str]) -> None:
    write_cars()
    Path("data").mkdir()
    Path("cars.csv").rename("data/cars.csv")

    run(
        f"-m data=csv data.path=data/cars.csv,{Path('data/cars.csv').resolve()} data.target=mpg prepare=tabular", capsys
    )

    assert sorted(one.info.run_name.partition(" ~")[0] for one in recorded())[0].startswith("ridge path=")
    run(f"data=csv data.path={Path('data/cars.csv').resolve()} data.target=mpg prepare=tabular", capsys)
    assert recorded()[0].info.run_name == "ridge prepare=tabular"


# -- sweeps


@pytest.mark.heavy
def test_the_headline_sweep_is_two_tracked_runs_exactly_two(capsys: pytest.CaptureFixture[str]) -> None:
    out, err = run("-m model=ridge alpha=0.1,0.5", capsys)

    runs = recorded()
    assert sorted(one.info.run_name for one in runs) == ["ridge alpha=0.1", "ridge alpha=0.5"]
    assert {one.info.status for one in runs} == {"FINISHED"}
    assert filed() == {"ridge": 2}
    assert len({one.data.tags["sweep.id"] for one in runs}) == 1
    assert err.splitlines() == ["1/2  ridge alpha=0.1  rmse 54.843", "2/2  ridge alpha=0.5  rmse 56.383"]
    best, other = (next(one for one in runs if one.data.params["alpha"] == a) for a in ("0.1", "0.5"))
    lines = out.splitlines()
    assert lines[0].split() == ["alpha", "rmse", "+-", "run", "id", "took"]
    assert lines[2].split()[:3] == ["0.1", "54.843", "2.4506"]
    assert best.info.run_id[:8] in lines[2]
    assert lines[-2].strip() == f"python -m tracking show {best.info.run_id[:8]}"
    assert lines[-1].strip() == f"python -m tracking diff {other.info.run_id[:8]} {best.info.run_id[:8]}"


@pytest.mark.heavy
def test_each_model_fills_an_experiment_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    run("--multirun model=ridge,lasso,elasticnet alpha=0.01,0.1,1", capsys)

    assert filed() == {"ridge": 3, "lasso": 3, "elasticnet": 3}


@pytest.mark.heavy
def test_ranges_and_lists_are_multiplied(capsys: pytest.CaptureFixture[str]) -> None:
    out, _ = run("-m model=elasticnet 'alpha=range(0.1,1,0.1)' l1_ratio=0.1,0.5,0.9", capsys)

    assert filed() == {"elasticnet": 27}
    assert "27 finished" in out
    assert "The best 20 are shown." in out
    assert {one.data.params["alpha"] for one in recorded()} == {f"0.{digit}" for digit in range(1, 10)}


@pytest.mark.heavy
@pytest.mark.parametrize(
    ("experiment", "experiments"),
    [
        ("elasticnet_grid", {"elasticnet_grid": 45}),
        ("compare_linear", {"ridge": 9, "lasso": 9, "elasticnet": 15}),
        ("classify", {"classify": 11}),
    ],
)
def test_a_shipped_experiment_runs_by_the_command_in_its_first_comment(
    experiment: str, experiments: dict[str, int], capsys: pytest.CaptureFixture[str]
) -> None:
    lines = (ROOT / "conf" / "experiment" / f"{experiment}.yaml").read_text().splitlines()
    command = next(line for line in lines if "python -m runner" in line).partition("python -m runner ")[2]

    run(command, capsys)

    assert filed() == experiments
    assert {one.info.status for one in recorded()} == {"FINISHED"}


@pytest.mark.heavy
def test_a_key_that_only_some_models_have_applies_to_them(capsys: pytest.CaptureFixture[str]) -> None:
    _, err = run("-m model=ridge,elasticnet alpha=0.1,1 l1_ratio=0.1,0.9", capsys)

    assert filed() == {"ridge": 2, "elasticnet": 4}
    assert err.startswith("note: l1_ratio applies to elasticnet only\n")
    assert all("l1_ratio" not in one.info.run_name for one in recorded() if "ridge" in one.info.run_name)


@pytest.mark.heavy
def test_a_plain_value_of_such_a_key_works_too(capsys: pytest.CaptureFixture[str]) -> None:
    _, err = run("-m model=ridge,elasticnet l1_ratio=0.5", capsys)

    assert filed() == {"ridge": 1, "elasticnet": 1}
    assert "note: l1_ratio applies to elasticnet only" in err


@pytest.mark.parametrize(
    ("axis", "values"),
    [
        ("tag(log,interval(0.001,10))", ["0.001", "0.01", "0.1", "1.0", "10.0"]),
        ("interval(1,2)", ["1.0", "1.25", "1.5", "1.75", "2.0"]),
        ("choice(1,2)", ["1", "2"]),
        ("range(1,3)", ["1", "2"]),
        ("1,2,1", ["1", "2"]),
        ("sort(2,1)", ["1", "2"]),
    ],
)
def test_an_axis_is_written_as_in_hydra_and_log_spaced(
    axis: str, values: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    run(f"-m 'alpha={axis}' hydra.sweeper.points=5 cv.n_splits=2", capsys)

    assert sorted((one.data.params["alpha"] for one in recorded()), key=float) == values


@pytest.mark.heavy
def test_groups_are_swept_by_pattern(capsys: pytest.CaptureFixture[str]) -> None:
    run("-m 'model=glob(*ridge)'", capsys)

    assert filed() == {"bayesian_ridge": 1, "ridge": 1}


@pytest.mark.heavy
def test_hydras_own_place_for_a_sweep_in_a_file(capsys: pytest.CaptureFixture[str]) -> None:
    text = "# @package _global_\nhydra:\n  sweeper:\n    params:\n      model: ridge,lasso\n      alpha: 0.1,1\n"
    write("mine/experiment/params.yaml", text)

    run("-m --config-dir mine experiment=params alpha=0.5,0.7", capsys)

    assert filed() == {"ridge": 2, "lasso": 2}
    assert {one.data.params["alpha"] for one in recorded()} == {"0.5", "0.7"}


GRIDS = """# @package _global_
sweep:
  - model: [ridge, lasso]
    alpha: logspace(-3, 1, 9)
  - model: elasticnet
    alpha: logspace(-3, 1, 5)
    l1_ratio: [0.1, 0.5, 0.9]
  - model: random_forest
    zip(model.max_depth, model.min_samples_leaf): [[3, 1], [5, 2], [null, 5]]
    repeat: 3
    exclude: model.max_depth == 3 and seed == 44
"""


@pytest.mark.heavy
def test_a_dry_run_lists_the_grids_of_a_file_and_runs_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    write("mine/experiment/grids.yaml", GRIDS)

    out, _ = run("-m --config-dir mine experiment=grids dry_run=true", capsys)

    assert "41 new: 41 to run." in out
    assert len([line for line in out.splitlines() if line.rstrip().endswith(" new")]) == 41
    assert recorded() == []


@pytest.mark.heavy
def test_the_command_line_multiplies_into_a_file_or_replaces_its_keys(
    capsys: pytest.CaptureFixture[str],
) -> None:
    write("mine/experiment/grids.yaml", GRIDS.partition("  - model: random_forest")[0])

    out, _ = run("-m --config-dir mine experiment=grids dry_run=true alpha=1,2 model=lasso cv.n_splits=3,5", capsys)

    assert "4 new: 4 to run." in out


def test_a_sweep_goes_on_after_a_point_that_fails(capsys: pytest.CaptureFixture[str]) -> None:
    write("broken_in_one_point.py", BROKEN)

    out, err = run("-m model._target_=broken_in_one_point.Broken alpha=0.5,1,2", capsys, code=1)

    assert Counter(one.info.status for one in recorded()) == {"FINISHED": 2, "FAILED": 1}
    assert err.count("failed: ") == 1
    assert "2 finished, 1 failed" in out
    assert "resume=true" in out


def test_points_never_share_a_name(capsys: pytest.CaptureFixture[str]) -> None:
    write(
        "mine/experiment/names.yaml",
        "# @package _global_\nsweep:\n  - tags.note: ['a/b', 'a,b', 'ü', '', null]\n",
    )

    run("-m --config-dir mine experiment=names 'model.tol=1e-4,1e-5' cv.n_splits=2", capsys)

    assert len({one.info.run_name for one in recorded()}) == len(recorded()) == 10


@pytest.mark.heavy
def test_a_live_line_is_drawn_where_it_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    _, err = run("-m alpha=1,2 progress=true cv.n_splits=2", capsys)

    assert "\r" in err
    assert "2/2 done  best rmse " in err


@pytest.mark.heavy
@pytest.mark.parametrize(
    "other", ["hydra/launcher=basic", "hydra/sweeper=basic", "hydra/sweeper=basic hydra/launcher=basic"]
)
def test_other_launchers_and_sweepers_run_the_same_points(other: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(shlex.split(f"-m {other} alpha=0.1,0.5")) == 0

    runs = recorded()
    assert sorted(one.info.run_name for one in runs) == ["ridge alpha=0.1", "ridge alpha=0.5"]
    assert len({one.data.tags["sweep.id"] for one in runs}) == 1
    assert sorted(one.data.tags["sweep.point"] for one in runs) == ["0", "1"]


# -- Hydra as people know it


@pytest.mark.heavy
def test_help_is_ours_groups_keys_and_examples(capsys: pytest.CaptureFixture[str]) -> None:
    out, _ = run("--help", capsys)

    assert out.startswith("Declarative scikit-learn experiments")
    assert "python -m runner -m model=ridge alpha=0.1,0.5" in out
    assert re.search(r"^model: bayesian_ridge, .*, ridge, svc, svc_calibrated, svr, xgboost, xgboost_class", out, re.M)
    assert "n_splits: 5" in out
    assert 'eval "$(runner -sc install=bash)"' in out
    assert not re.search(r"^hydra", out, re.M)
    assert os.listdir() == []


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("--cfg job model=lasso alpha=0.5 --package model", {"alpha": "${alpha}", "max_iter": 10000}),
        ("--cfg job --resolve --package model model=lasso alpha=0.5", {"alpha": 0.5, "random_state": 42}),
        ("--cfg job", {"seed": 42, "alpha": 1.0, "tags": {}}),
        ("--cfg job --config-dir mine experiment=mine", {"seed": 7}),
        ("--cfg hydra --package hydra.sweeper", {"points": 10}),
    ],
)
def test_cfg_shows_the_config_and_runs_nothing(
    command: str, expected: dict[str, object], capsys: pytest.CaptureFixture[str]
) -> None:
    write("mine/experiment/mine.yaml", "# @package _global_\nseed: 7\n")

    out, _ = run(command, capsys)

    assert yaml.safe_load(out).items() >= expected.items()
    assert os.listdir() == ["mine"]


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("--info searchpath", "Config search path"),
        ("--info defaults model=lasso", "model/lasso"),
        ("--info defaults-tree", "cv: kfold"),
        ("--info plugins", "GridSweeper"),
        ("--version", "Hydra 1.3"),
        ("--hydra-help", "Hydra"),
    ],
)
def test_hydras_other_options_answer(command: str, expected: str, capsys: pytest.CaptureFixture[str]) -> None:
    out, _ = run(command, capsys)

    assert expected in out
    assert os.listdir() == []


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("runner model=r", {"model=random_forest", "model=random_forest_classifier", "model=ridge"}),
        ("runner cv.n", {"cv.n_splits="}),
        ("runner model=elasticnet l1", {"l1_ratio="}),
    ],
)
def test_the_shell_completes_groups_choices_and_keys(
    line: str, expected: set[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COMP_LINE", line)
    monkeypatch.setenv("COMP_POINT", str(len(line)))

    out, _ = run("--shell-completion query=bash", capsys)

    assert set(out.split()) == expected


def test_the_shell_is_told_how_to_complete(capsys: pytest.CaptureFixture[str]) -> None:
    out, _ = run("--shell-completion install=bash", capsys)

    assert "complete -o nospace -o default -F hydra_bash_completion runner" in out


@pytest.mark.heavy
def test_as_a_process_it_leaves_runs_and_nothing_else(tmp_path: Path) -> None:
    process = subprocess.run(
        [sys.executable, "-m", "runner", "-m", "model=ridge", "alpha=0.1,0.5"],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )

    assert process.returncode == 0, process.stderr
    assert process.stderr.splitlines() == [
        "1/2  ridge alpha=0.1  rmse 54.843",
        "2/2  ridge alpha=0.5  rmse 56.383",
    ]
    assert "2 finished" in process.stdout
    assert "\x1b" not in process.stdout + process.stderr
    assert os.listdir() == ["runs"]


@pytest.mark.heavy
def test_it_runs_in_a_program_that_used_hydra_before() -> None:
    """Hydra looks for plugins once in a process, and a notebook may have done so without ours on the path."""
    from hydra.core.plugins import Plugins

    Plugins.instance().class_name_to_class = {
        name: found for name, found in Plugins.instance().class_name_to_class.items() if "runner_edge" not in name
    }

    assert main(["-m", "alpha=0.1,0.2"]) == 0


# A reader who leaves ------------------------------------------------------------------------------
def run_unread(folder: Path, *arguments: str, unread: str, module: str = "runner") -> tuple[int, str]:
    """Run a command whose reader has left one of its streams; return exit code and what it said on the other."""
    reading, writing = os.pipe()
    os.close(reading)
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, unread: writing}
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments], cwd=folder, env=environment, text=True, check=False, **streams
    )
    os.close(writing)
    return done.returncode, done.stdout or done.stderr or ""


@pytest.mark.heavy
@pytest.mark.parametrize("unread", ["stdout", "stderr"])
def test_a_sweep_without_a_reader_runs_to_its_end_and_keeps_quiet(tmp_path: Path, unread: str) -> None:
    asked = ("-m", "model=ridge,elasticnet", "alpha=0.1,0.5", "l1_ratio=0.5")  # with a note
    code, said = run_unread(tmp_path, *asked, unread=unread)
    assert code == 0
    assert "Traceback" not in said
    assert len(tracking.TrackingClient(f"sqlite:///{tmp_path}/runs/tracking.db").store.search_runs(None)) == 4
    code, said = run_unread(tmp_path, "--sweep", "latest", unread=unread, module="runner.reproduce")
    assert (code, "Traceback" in said) == (0, False)


@pytest.mark.heavy
def test_a_mistake_without_a_reader_is_its_exit_code_and_an_answer_that_of_a_closed_pipe(tmp_path: Path) -> None:
    assert run_unread(tmp_path, "alpha=-1", unread="stderr") == (2, "")
    assert run_unread(tmp_path, "--help", unread="stdout") == (141, "")
    assert run_unread(tmp_path, "--cfg", "job", unread="stdout") == (141, "")


@pytest.mark.heavy
def test_looking_makes_no_store(capsys: pytest.CaptureFixture[str]) -> None:
    out, _ = run("-m alpha=1,2 dry_run=true", capsys)
    assert "2 to run" in out
    _, err = run("diff=latest alpha=2", capsys, code=2)
    assert "No run 'latest': the store has no runs" in err
    assert not Path("runs").exists()
