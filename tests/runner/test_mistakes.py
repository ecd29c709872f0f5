"""A mistake is one message that names key, value and remedy; exit code 2, no traceback, nothing recorded."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

import runner
from runner.__main__ import main
from runner.errors import DataError

ROOT = Path(__file__).parents[2]


def table(name: str, columns: str, rows: list[str]) -> None:
    Path(name).write_text("\n".join([columns, *rows]) + "\n", encoding="utf-8")


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path) -> None:
    """Write tables, most with one fault, and a folder of a person's own configs, each with one mistake."""
    n = range(40)
    cars = [f"{900 + 7 * i},{50 + i % 13},{'us' if i % 2 else 'eu'},{30 - i / 10 + i % 3}" for i in n]
    table("cars.csv", "weight,power,origin,mpg", cars)
    table("constant.csv", "a,y", [f"{i},1.0" for i in n])
    table("nan.csv", "a,y", [f"{i},{'' if i == 3 else i}" for i in n])
    table("inf.csv", "a,y", [f"{i},{'inf' if i == 3 else i}" for i in n])
    table("few.csv", "a,y", ["1,2", "2,3", "3,5"])
    table("rare.csv", "a,y", [f"{i},{'odd' if i == 3 else 'ab'[i % 2]}" for i in n])
    table("gaps.csv", "a,y", [f"{'' if i == 3 else i},{i}" for i in n])
    table("semi.csv", "a;y", [f"{i};{i}" for i in n])
    table("holes.csv", "a,y", [f"{'inf' if i == 3 else i},{i * 1.5}" for i in n])
    Path("empty.csv").write_text("")
    own = tmp_path / "mine" / "experiment"
    own.mkdir(parents=True)
    for name, text in EXPERIMENTS.items():
        (own / f"{name}.yaml").write_text(f"# @package _global_\n{text}\n")


EXPERIMENTS = {
    "typo": "sweep:\n  - model: ridge\n    alhpa: [1, 2]",
    "function": "sweep:\n  - model: ridge\n    alpha: logspce(1, 2, 3)",
    "arguments": "sweep:\n  - model: ridge\n    alpha: logspace(1, 2)",
    "zip": "sweep:\n  - model: knn\n    zip(model.n_neighbors, model.weights): [[1, uniform], [3]]",
    "unknown_in_exclude": "sweep:\n  - alpha: [1, 2]\n    exclude: alhpa == 1",
    "everything_excluded": "sweep:\n  - alpha: [1, 2]\n    exclude: alpha > 0",
    "code_in_exclude": "sweep:\n  - alpha: [1, 2]\n    exclude: __import__('os').system('true')",
    "repeat": "sweep:\n  - model: ridge\n    repeat: many",
    "no_list": "sweep: 5",
    "choice": "sweep:\n  - model: [rigde]",
    "value": "sweep:\n  - cv.n_splits: [5, five]",
    "parameter": "sweep:\n  - model: ridge\n    model.alfa: [1, 2]",
    "no_yaml": "sweep:\n  - model: [ridge",
    "type": "seed: abc",
    "group": "defaults:\n  - override /modle: ridge",
    "choice_in_defaults": "defaults:\n  - override /model: rigde",
}
CSV = "data=csv data.path={} data.target={}"

KEYS_AND_VALUES = [
    ("cv.n_splits=five", "cv.n_splits=five: cv.n_splits must be a whole number >= 2"),
    ("seed=abc", "seed=abc: seed must be a whole number, 0 to 4294967295"),
    ("cv.n_splits=1", "cv.n_splits=1: cv.n_splits must be a whole number >= 2"),
    ("n_jobs=0", "n_jobs=0: n_jobs must be a number of jobs, -1 for every core, or auto"),
    ("timeout_per_point=-1", "timeout_per_point=-1: timeout_per_point must be a number > 0"),
    ("refit=maybe", "refit=maybe: refit must be true or false"),
    ("scoring.objective.direction=up", "must be minimize or maximize"),
    ("alhpa=0.1", "alhpa=0.1: the config has no key 'alhpa'. Nearest: alpha"),
    ("cv.nsplits=3", "cv.nsplits=3: the config has no key 'cv.nsplits'. Nearest: cv.n_splits"),
    ("l1_ratio=0.5", "l1_ratio=0.5: the config has no key 'l1_ratio'."),
    ("+alpha=3", "+alpha=3: the config has a key 'alpha' already. Set it without the +: alpha=3"),
    ("scoring.metrics=null", "scoring.metrics: a run needs at least one. Choose scoring=regression"),
    ("scoring.metrics={}", "scoring.metrics={}: this leaves the metrics as they are. To leave one out: ~scoring."),
    ("scoring.objective=null", "scoring.objective: a run needs one: scoring.objective.metric="),
    ("model=null", "naive_bayes, random_forest, random_forest_classifier, ridge, svc, svc_calibrated, svr, xgboost, "),
    ("cv=10", "cv=10: cv takes the name of a choice: group, "),
    ("prepare=null", "To leave it out: ~prepare"),
    ("~model", "Every run needs model, and nothing is chosen."),
    ("~cv", "Every run needs cv, and nothing is chosen."),
    ("~data", "Every run needs data, and nothing is chosen."),
    ("~scoring", "Choose: scoring=regression or scoring=classification"),
    ("alpha=", "alpha='': alpha of Ridge must be"),
    ("tracking.uri=foo", "tracking.uri=foo: 'foo' is a path"),
    ("~alhpa", "~alhpa: the config has no key 'alhpa'."),
    ("~prepare=standard", "~prepare=standard: that is not what is chosen. To leave out any choice: ~prepare"),
    (
        "model=rigde",
        "model=rigde: there is no such choice. Nearest: ridge. Choices of model: bayesian_ridge, ",
    ),
    (
        "experiment=compare_liner",
        "experiment=compare_liner: there is no such choice. Nearest: compare_linear",
    ),
    ("model=5", "model=5: model takes the name of a choice: bayesian_ridge, "),
    ("experiment=null", "To leave it out: ~experiment"),
    ("alpha=1,2", "alpha=1,2: this names several values. Add -m"),
    ("alpha=[1,", "alpha=[1,: cannot be read. The [ and ] in it do not pair up."),
    ("'alpha=range(1,2'", "alpha=range(1,2: cannot be read. The ( and ) in it do not pair up."),
    ("model.x=1,2", "Add -m to run one point for each. One value that is a list is written model.x=[a,b]."),
    (
        "'data.separator=;'",
        "cannot be read. Quote what holds signs or blanks, for the shell too: 'data.separator=\";\"'",
    ),
    ("'alpha=a b;c'", "for the shell too: 'alpha=\"a b;c\"'"),
    ("alpha", "alpha: this is no setting. Write KEY=VALUE: alpha=..."),
    ("=3", "=3: the key is missing. Write KEY=3"),
    ("'alpha=${nowhere}'", "${nowhere}: the config has no key 'nowhere'"),
    ("'alpha=${model.alpha}'", "model.alpha: it refers to itself"),
    ("backend=lokey", "backend=lokey: there is no such backend. Nearest: loky"),
    ("--config-name nope", "--config-name nope: no such file"),
    ("tracking.uri=foo://x", "No store for the scheme 'foo' of 'foo://x'"),
]
ESTIMATORS = [
    ("model.alfa=1", "model.alfa=1: no chosen config has a key 'model.alfa'. Nearest: model.alpha"),
    ("+model.alfa=1", "model.alfa=1: Ridge has no parameter 'alfa'. Nearest: alpha. Its parameters: alpha, "),
    ("alpha=-1", "alpha=-1: alpha of Ridge must be a float in the range [0.0, inf)"),
    ("alpha=x", "alpha='x': alpha of Ridge must be"),
    ("model.max_iter=0", "model.max_iter=0: max_iter of Ridge must be an int in the range [1, inf)"),
    (
        "prepare=standard prepare.wiht_mean=true",
        "has a key 'prepare.wiht_mean'. Nearest: prepare.with_mean",
    ),
    ("model._target_=sklearn.linear_model.Rigde", "sklearn.linear_model has no Rigde. Nearest: Ridge"),
    ("model._target_=Ridge", "model._target_=Ridge: not a dotted name"),
    ("scoring.objective.metric=rsme", "scoring.objective.metric=rsme: not among the metrics (rmse, mae, r2)"),
    ("scoring.metrics.extra=r22", "scoring.metrics.extra=r22: scikit-learn has no such scorer. Nearest: r2"),
    ("scoring=classification", "accuracy: it compares classes, and the model predicts numbers. Use scoring="),
    ("dry_run=true alpha=-1", "alpha=-1: alpha of Ridge must be a float"),
    ("alpha=null", "alpha=null: alpha of Ridge must be"),
    ("model.solver=svdd", "{'auto', 'cholesky', 'lbfgs', 'lsqr', 'sag', 'saga', 'sparse_cg', 'svd'}. Nearest: svd."),
    ("model.fit_intercept=maybe", "fit_intercept of Ridge must be true or false."),
    ("scoring.metrics.x=foo", "x=foo: scikit-learn has no such scorer. For this model: d2_absolute_error_score, "),
    ("scoring.metrics.x=math.sqr", "scoring.metrics.x=math.sqr: math has no sqr. Nearest: sqrt"),
    ("scoring.metrics.x=math.pi", "scoring.metrics.x=math.pi: it is no function."),
    ("data=iris model=logistic", "it compares numbers, and the model predicts classes. Use scoring=classification."),
    ("model=logistic", "The target 'progression' of diabetes is continuous (214 different numbers)"),
    ("scoring.objective.direction=minimise", "must be minimize or maximize. Nearest: minimize"),
    ("prepare=tabular prepare.impute=medain", "error: prepare.impute=medain: there is no such way. Nearest: median"),
    ("prepare=tabular prepare.scale=maybe", "error: prepare.scale=maybe: it must be true or false."),
    ("prepare=polynomial prepare.degree=0", "error: prepare.degree=0: no column would be left."),
]
DATA = [
    ("data=csv", "data.path, data.target have no value yet and no default. Give them: data.path=... data.target=..."),
    (CSV.format("cras.csv", "mpg"), "No file is at data.path=cras.csv."),
    ("data=parquet data.path=cars.csv data.target=mpg", "data.path=cars.csv: this is no parquet file."),
    (CSV.format("semi.csv", "y"), "the separator is probably another: 'data.separator=\";\"'"),
    (CSV.format("crs.csv", "mpg"), "Nearest: cars.csv."),
    (
        CSV.format("cars.csv", "mpg") + " prepare=standard",
        "The preparation (StandardScaler) takes numbers only, and 'origin' is not",
    ),
    (CSV.format("holes.csv", "y"), "Column 'a' of holes is infinite in 1 of 40 rows: row 4 (the first is 1, a header"),
    (CSV.format("cars.csv", "mgp"), "data.target=mgp: cars.csv has no column 'mgp'. Nearest: mpg"),
    (CSV.format("cars.csv", "mpg"), "'origin' holds text, e.g. 'eu'. Add prepare=tabular"),
    (CSV.format("nan.csv", "y"), "The target 'y' of nan is missing in 1 of 40 rows: row 4 (the first is 1"),
    (CSV.format("inf.csv", "y"), "The target 'y' of inf is infinite in 1 of 40 rows: row 4 (the first is 1"),
    (CSV.format("few.csv", "y"), "few has 3 rows, fewer than the 5 folds of cv: add cv.n_splits=3"),
    (
        CSV.format("rare.csv", "y") + " model=logistic scoring=classification cv=stratified",
        "A class of 'y' (rare) has fewer members than the 5 folds of cv: odd (1)",
    ),
    (CSV.format("constant.csv", "y"), "The target 'y' of constant is constant: every row is 1.0"),
    (
        CSV.format("gaps.csv", "y"),
        "Ridge takes no missing values, and gaps has some in 'a' (1). Add prepare=tabular",
    ),
    (CSV.format("empty.csv", "y"), "empty.csv is empty"),
    (
        CSV.format("cars.csv", "mpg") + " prepare=tabular cv=group",
        "Say which column holds them: data.groups=",
    ),
    (CSV.format("cars.csv", "mpg") + " data.features=[weigth]", "has no column 'weigth'. Nearest: weight"),
    ("dry_run=true " + CSV.format("nope.csv", "y"), "No file is at data.path=nope.csv."),
    ("data.path=cars.csv", "data.path=cars.csv: the config has no key 'data.path'."),
]
SWEEPS = [
    ("cv.n_splits=five,3", "cv.n_splits=five: cv.n_splits must be a whole number >= 2"),
    ("cv.n_splits=five", "cv.n_splits=five: cv.n_splits must be a whole number >= 2"),
    ("alhpa=0.1,0.5", "no chosen config has a key 'alhpa'. Nearest: alpha"),
    ("alhpa=0.1", "no chosen config has a key 'alhpa'. Nearest: alpha"),
    ("model=ridge,rigde", "model=rigde: there is no such choice. Nearest: ridge"),
    ("model=ridge,5", "model=5: a group takes the name of a file"),
    (
        "model=ridge,lasso l1_ratio=0.1,0.5",
        "no chosen config (model=ridge, model=lasso) has a key 'l1_ratio'",
    ),
    (
        "model=ridge,lasso model.alfa=1",
        "model=lasso) has a key 'model.alfa'. Nearest: model.alpha",
    ),
    ("model=lasso,elasticnet l1_ratio=0.5,7", "l1_ratio=7: l1_ratio of ElasticNet must be"),
    ("alpha=0.1,1,-1", "alpha=-1: alpha of Ridge must be a float in the range [0.0, inf)"),
    (CSV.format("cars.csv,nope.csv", "mpg") + " prepare=tabular", "No file is at data.path=nope.csv."),
    ("'alpha=range(1,0)'", "alpha=range(1,0): No number from 1 to 0"),
    (
        "'alpha=tag(log,interval(0,1))'",
        "alpha=tag(log,interval(0,1)): interval(0.0, 1.0) in log needs both ends",
    ),
    ("'alpha=interval(1,2)' hydra.sweeper.points=0", "The number of points is 0. Give a whole number"),
    ("'alpha=choice()'", "alpha=choice(): cannot be read. Give a value: alpha=..."),
    ("alpha=1, seed=3", "alpha=1,: cannot be read"),
    ("'model=glob(q*)'", "model=glob(q*): no value to sweep over"),
    ("hydra/launcher=pol", "hydra/launcher=pol: there is no such choice. Nearest: pool"),
    ("hydra.sweeper.pointz=3", "hydra.sweeper.pointz=3: the config has no key 'hydra.sweeper.pointz'"),
    ("dry_run=true alpha=1,-1", "alpha=-1: alpha of Ridge must be a float"),
]
FILES = [
    ("typo", "sweep[0]: alhpa=1: no chosen config (", "has a key 'alhpa'. Nearest: alpha"),
    ("function", "sweep[0]: alpha: logspce(1, 2, 3): no function 'logspce'. Nearest: logspace"),
    ("arguments", "sweep[0]: alpha: logspace(1, 2): logspace with 2 arguments"),
    ("zip", "sweep[0]: zip(model.n_neighbors, model.weights): ", "entry 2, [3], has 1 value,"),
    ("unknown_in_exclude", "sweep[0]: exclude: alhpa == 1: no point of this grid has a key 'alhpa'"),
    ("everything_excluded", "No point is left. Every one is excluded by sweep[0]: exclude: alpha > 0"),
    ("code_in_exclude", "sweep[0]: exclude: __import__('os').system('true'): ", "is not allowed"),
    ("repeat", "sweep[0]: repeat: many: repeat is the number of seeds"),
    ("no_list", "sweep: 5 is not a sweep. Write a list of grids"),
    ("choice", "model=rigde: there is no such choice. Nearest: ridge"),
    ("value", "cv.n_splits=five: cv.n_splits must be a whole number >= 2"),
    (
        "parameter",
        "sweep[0]: model.alfa=1: no chosen config (",
        "has a key 'model.alfa'. Nearest: model.alpha",
    ),
    ("no_yaml", "no_yaml.yaml, line 4: expected ',' or ']'"),
    ("type", "experiment/type.yaml: seed must be a whole number, 0 to 4294967295, not abc"),
    ("group", "experiment/group.yaml: override /modle: there is no such group. Nearest: model"),
    ("choice_in_defaults", "model=rigde: there is no such choice. Nearest: ridge"),
    ("nowhere", "experiment=nowhere: there is no such choice. Choices of experiment: arguments, choice, "),
]


def refused(command: str, capsys: pytest.CaptureFixture[str]) -> str:
    """Run a command in this process; return its message, after checking that it is one and left nothing."""
    before = sorted(os.listdir())

    code = main(shlex.split(command))

    out, err = capsys.readouterr()
    assert (code, out) == (2, ""), err
    assert re.match(r"(note: .*\n)*error: ", err), err
    assert len(re.findall(r"^error: ", err, re.M)) == 1
    assert "choice(" not in err or "choice(" in command
    assert "Traceback" not in err
    assert "HYDRA" not in err
    assert sorted(os.listdir()) == before
    return err


@pytest.mark.parametrize(("command", "message"), KEYS_AND_VALUES)
def test_a_wrong_key_value_or_choice_is_one_message(
    command: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert message in refused(command, capsys)


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("experiment=inf", "experiment takes the name of a choice: classify, compare_linear, elasticnet_grid."),
        ("-m hydra/launcher=null", "Leave it out for the one of this program, or name it: hydra/launcher=pool"),
        ("-m hydra/sweeper=null", "Leave it out for the one of this program, or name it: hydra/sweeper=grid"),
        ("~model@x=2", "~model@x=2: a package is left out by its name alone. Write ~model@x"),
        (f"seed={'7' * 5000}", "a number of 5,000 digits cannot be read. Give a shorter one."),
        (f"{'k' * 300}=1", "a key of 300 characters. No config has one that long."),
        (f"model={'k' * 300}", "a choice is the name of a file, and this has 300 characters."),
        (f"--config-name {'k' * 300}", "no file has a name of 300 characters."),
        ("-sc foo", "--shell-completion foo: write install=SHELL, uninstall=SHELL or query=SHELL."),
        ("--config-dir header model=odd", "begins with the line '# @packag'. Write there: # @package _global_"),
        ("'hydra.run.dir=bool(1)' alpha=x", "it takes the name of a folder, as hydra.run.dir=outputs"),
    ],
    ids=lambda text: text[:30],
)
def test_what_hydra_meets_with_a_traceback_is_one_message(
    command: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("header/model").mkdir(parents=True)
    Path("header/model/odd.yaml").write_text("# @packag\nalpha: 1\n")

    assert message in refused(command, capsys)


@pytest.mark.heavy
@pytest.mark.parametrize(("command", "message"), ESTIMATORS)
def test_what_the_estimator_rejects_is_found_before_any_fit(
    command: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert message in refused(command, capsys)


@pytest.mark.heavy
@pytest.mark.parametrize(("command", "message"), DATA)
def test_data_that_cannot_be_fitted_has_its_own_message_and_remedy(
    command: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert message in refused(command, capsys)


@pytest.mark.heavy
@pytest.mark.parametrize(("command", "message"), SWEEPS)
def test_a_mistake_in_one_point_of_a_sweep_is_found_before_the_first_runs(
    command: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert message in refused(f"-m {command}", capsys)


@pytest.mark.heavy
@pytest.mark.parametrize(("experiment", "message"), [(name, words) for name, *words in FILES])
def test_a_mistake_in_a_file_of_ones_own_names_grid_key_and_value(
    experiment: str, message: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    text = refused(f"-m --config-dir mine experiment={experiment}", capsys)

    assert all(words in text for words in message), text


@pytest.mark.heavy
def test_several_mistakes_of_a_sweep_are_told_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    message = refused("-m model=ridge,lasso alpha=-1,x", capsys)

    assert message.count("alpha=-1") == message.count("alpha='x'") == 2
    assert message.startswith("error: 4 mistakes:\n  alpha=-1: alpha of Ridge")


def test_a_config_folder_that_is_not_there_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert "'" + str(Path("nope").absolute()) + "' not found" in refused("--config-dir nope alpha=1", capsys)


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("model._target_=nowhere.Ridge", "error: model._target_=nowhere.Ridge: no such module."),
        ("diff=abcdef", "error: No run 'abcdef': the store has no runs."),
    ],
)
def test_what_is_not_there_is_named(argument: str, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([argument]) == 2
    assert capsys.readouterr().err.startswith(message)


def test_the_arguments_of_the_calling_process_are_left_alone(capsys: pytest.CaptureFixture[str]) -> None:
    before = list(sys.argv)

    refused("alhpa=1", capsys)

    assert sys.argv == before


@pytest.mark.heavy
def test_a_mistake_after_a_mistake_has_its_own_message(capsys: pytest.CaptureFixture[str]) -> None:
    first, second = refused("alhpa=1", capsys), refused("seed=abc", capsys)

    assert "alhpa" in first
    assert "alhpa" not in second


@pytest.mark.heavy
@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("model=rigde", "Nearest: ridge"),
        ("-m model.alfa=1,2", "Nearest: model.alpha"),
        ("seed=abc", "seed=abc"),
    ],
)
def test_as_a_process_it_ends_with_2_and_the_message_on_stderr(command: str, message: str) -> None:
    process = subprocess.run(
        [sys.executable, "-m", "runner", *shlex.split(command)],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )

    assert (process.returncode, process.stdout) == (2, "")
    assert process.stderr.startswith("error: ")
    assert message in process.stderr
    assert "Traceback" not in process.stderr
    assert not Path("runs").exists()


INTERRUPTED = """
import signal


def load():
    try:
        signal.raise_signal(signal.SIGINT)
    except KeyboardInterrupt:
        raise ValueError("half of the file was read")
"""


@pytest.mark.heavy
def test_ctrl_c_is_no_mistake_whatever_is_raised_in_its_place(capsys: pytest.CaptureFixture[str]) -> None:
    Path("interrupted.py").write_text(INTERRUPTED)

    assert main(["data=callable", "data.function=interrupted.load"]) == 130

    assert capsys.readouterr().err == "interrupted\n"


CLEARING = """
import os

from sklearn.linear_model import Ridge


class Clears(Ridge):
    def fit(self, X, y):
        os.environ.clear()
        return super().fit(X, y)
"""


def test_an_estimator_that_clears_the_environment_ends_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    Path("clearing.py").write_text(CLEARING)

    assert main(["-m", "model._target_=clearing.Clears", "alpha=1,2", "n_jobs=1"]) == 0

    assert "\n2 finished in " in capsys.readouterr().out


@pytest.mark.heavy
def test_a_refused_config_leaves_no_empty_folder() -> None:
    Path("kept").mkdir()

    assert main(["hydra.run.dir=outputs", "alpha=-1"]) == 2
    assert main(["hydra.run.dir=kept", "alpha=-1"]) == 2

    assert not Path("outputs").exists()
    assert Path("kept").is_dir()


@pytest.mark.heavy
def test_the_password_in_a_url_is_in_no_message(capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["data=csv", "data.path=https://joe:hunter22@127.0.0.1:1/x.csv", "data.target=y"]

    assert main(asked) == 2
    with pytest.raises(DataError) as told:
        runner.run(asked)

    for text in (capsys.readouterr().err, str(told.value)):
        assert "127.0.0.1:1/x.csv" in text
        assert "hunter22" not in text


def test_half_of_a_character_is_one_message(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run_name=a\ud800"]) == 2
    assert "run_name=a\\ud800: this holds half of a character." in capsys.readouterr().err.replace("'", "")


@pytest.mark.parametrize("place", ["{key}: [1, 2]", "+{key}: [1, 2]", "zip({key}, alpha): [[1, 2], [3, 4]]"])
def test_a_key_of_a_sweep_that_no_file_name_can_be_is_one_message(
    place: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file = Path("mine", "experiment", "long.yaml")
    file.write_text(f"# @package _global_\nsweep:\n  - {place.format(key='k' * 300)}\n")

    assert main(["-m", "--config-dir", "mine", "experiment=long"]) == 2
    assert "a key of 300 characters. No config has one that long." in capsys.readouterr().err
    assert not Path("runs").exists()


@pytest.mark.parametrize("before", [b"# @package _global_\n", b"# @package _global_\n" + b"# long\n" * 3000])
def test_a_config_that_is_no_utf_8_is_one_message(before: bytes, capsys: pytest.CaptureFixture[str]) -> None:
    Path("mine", "experiment", "bytes.yaml").write_bytes(before + b"run_name: caf\xe9 \n")

    assert main(["--config-dir", "mine", "experiment=bytes"]) == 2
    assert "bytes.yaml: this config is no UTF-8, it holds the byte 0xe9." in capsys.readouterr().err
    with pytest.raises(runner.RunnerError, match="it holds the byte 0xe9"):
        runner.run(["experiment=bytes"], config_dir="mine")
    assert not Path("runs").exists()
