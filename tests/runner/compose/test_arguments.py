"""What is typed on the command line: options anywhere, their mistakes in one message, no litter of Hydra's."""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path

import pytest
from hydra.core.utils import JobStatus
from omegaconf import OmegaConf

from runner.__main__ import main
from runner.compose.arguments import divide, for_hydra, plain_argument
from runner.compose.command import check_other_sweeper
from runner.compose.composer import Composer
from runner.compose.session import prepare_hydra, session
from runner.errors import ConfigError


@pytest.mark.parametrize(
    ("typed", "options", "overrides"),
    [
        ("model=ridge -m alpha=1,2", [("--multirun", None)], ["model=ridge", "alpha=1,2"]),
        ("a=1 --config-dir mine b=2", [("--config-dir", "mine")], ["a=1", "b=2"]),
        ("a=1 --config-dir=mine b=2", [("--config-dir", "mine")], ["a=1", "b=2"]),
        ("-cd mine -cn main", [("--config-dir", "mine"), ("--config-name", "main")], []),
        ("--cfg job --resolve a=1", [("--cfg", "job"), ("--resolve", None)], ["a=1"]),
        ("--multi a=1", [("--multirun", None)], ["a=1"]),
        ("--info a=1", [("--info", "all")], ["a=1"]),
        ("--info defaults-tree a=1", [("--info", "defaults-tree")], ["a=1"]),
        ("~tags +x=1 x=-1", [], ["~tags", "+x=1", "x=-1"]),
    ],
)
def test_options_may_stand_anywhere(typed: str, options: list[tuple[str, str]], overrides: list[str]) -> None:
    assert divide(shlex.split(typed)) == (options, overrides)


def test_options_come_first_and_values_of_a_sweep_wait_for_our_sweeper() -> None:
    prepare_hydra()

    arguments = for_hydra(["model=ridge", "alpha=0.1", "-m", "seed=1,2", "tags.x=y"])

    assert arguments == ["--multirun", "model=ridge", "alpha=choice(0.1)", "seed=1,2", "tags.x=y"]
    assert plain_argument(arguments[2]) == "alpha=0.1"


def test_spaced_values_are_a_choice_of_them() -> None:
    assert for_hydra(["-m", "alpha=logspace(-1,1,3)"])[1] == "alpha=choice(0.1,1.0,10.0)"
    assert for_hydra(["-m", "alpha=linspace(0, 1, 3)"])[1] == "alpha=choice(0.0,0.5,1.0)"


def test_a_path_in_the_home_folder_needs_no_quotes() -> None:
    assert for_hydra(["data.path=~/cars.csv"]) == ['data.path="~/cars.csv"']


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("--wrong", "--wrong: there is no such option."),
        ("--cgf job", "--cgf job: there is no such option. Nearest: --cfg."),
        ("--alpha 0.1", "A key is set without dashes: alpha=0.1"),
        ("model=ridge --alpha=0.1", "--alpha=0.1: there is no such option."),
        ("-alpha=0.1", "A key is set without dashes: alpha=0.1"),
        ("--cfg", "--cfg needs a value: --cfg job|hydra|all"),
        ("--cfg jbo", "--cfg jbo: it takes job, hydra, all. Nearest: job."),
        ("--info nope", "--info nope: it takes all, config, defaults, defaults-tree, plugins, searchpath."),
        ("--resolve", "it goes with --cfg: --cfg job --resolve"),
        ("--package model", "it goes with --cfg: --cfg job --package model"),
        ("--cfg job -m alpha=1,2", "to see the points of a sweep: -m dry_run=true"),
        ("--cfg job --info", "--cfg and --info do not go together."),
        ("-sc install=foo", "--shell-completion install=foo: known shells are bash, fish, zsh."),
        ("--experimental-rerun foo", "--experimental-rerun foo: there is no such file."),
        ("--cfg job --package nope", "--package nope: the config has no such section."),
        ("--config-dir mine --config-name plain", "plain.yaml does not start from the shipped config.yaml. Start it"),
        ("--config-dir mine --config-name mian", "--config-name mian: no such file"),
        ("'alpha=logspace(-3,1,5)'", "alpha=logspace(-3,1,5): this names several values. Add -m"),
        ("-m 'alpha=logspace(-3,1)'", "alpha=logspace(-3,1): logspace with 2 arguments."),
        ("-m 'alpha=logspace(-3,1,5'", "alpha=logspace(-3,1,5: the closing ) is missing"),
    ],
)
def test_a_mistake_in_an_option_is_one_message(command: str, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("mine").mkdir()
    Path("mine/plain.yaml").write_text("alpha: 0.2\n")

    assert main(shlex.split(command)) == 2

    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: ")
    assert message in err
    assert err.count("\n") == 1
    assert os.listdir() == ["mine"]


@pytest.mark.heavy
def test_a_main_file_that_starts_from_ours_through_another_is_taken(capsys: pytest.CaptureFixture[str]) -> None:
    Path("mine").mkdir()
    Path("mine/base.yaml").write_text("defaults: [config, _self_]\nseed: 1\n")
    Path("mine/plain.yaml").write_text("defaults: [base, _self_]\nalpha: 0.2\n")

    assert main(["--config-dir", "mine", "--config-name", "plain", "dry_run=true"]) == 0


@pytest.mark.heavy
@pytest.mark.parametrize("other", ["hydra/sweeper=basic", "hydra/launcher=basic"])
def test_other_sweepers_and_launchers_leave_the_store_only(other: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["-m", other, "alpha=0.1,0.5", "cv.n_splits=2"]) == 0

    assert os.listdir() == ["runs"]
    assert "HYDRA" not in capsys.readouterr().out


@pytest.mark.heavy
@pytest.mark.parametrize("other", ["hydra/sweeper=basic", "hydra/launcher=basic"])
def test_other_sweepers_and_launchers_can_be_dry(other: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["-m", other, "alpha=0.1,0.5", "dry_run=true"]) == 0

    assert "ridge alpha=0.5" in capsys.readouterr().out


@pytest.mark.heavy
@pytest.mark.parametrize("launcher", ["pool", "basic"])
def test_another_sweeper_does_not_pass_over_a_sweep_in_silence(
    launcher: str, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["-m", "hydra/sweeper=basic", f"hydra/launcher={launcher}", "experiment=elasticnet_grid"]

    assert main(command) == 2

    assert "this config has a sweep, which hydra/sweeper=basic does not read." in capsys.readouterr().err
    assert os.listdir() == []


@pytest.mark.parametrize(
    ("sweeper", "remedy"),
    [
        ({"direction": "minimize"}, "hydra.sweeper.direction=maximize"),
        ({"optim": {"maximize": False}}, "hydra.sweeper.optim.maximize=true"),
        ({"ax_config": {"experiment": {"minimize": True}}}, "hydra.sweeper.ax_config.experiment.minimize=false"),
    ],
)
def test_a_sweeper_that_looks_the_wrong_way_is_refused(sweeper: dict[str, object], remedy: str) -> None:
    hydra = {"sweeper": sweeper, "runtime": {"choices": {"hydra/sweeper": "theirs"}}}
    config = OmegaConf.create({"hydra": hydra})
    with session():
        with pytest.raises(ConfigError, match=f"the objective is to maximize accuracy. Add: {remedy}$"):
            check_other_sweeper(config, Composer(), ["scoring=classification"])
        check_other_sweeper(config, Composer(), ["scoring=regression"])  # rmse, to minimize


def test_a_point_that_is_refused_is_the_other_sweepers_to_judge() -> None:
    theirs = {"sweeper": {}, "runtime": {"choices": {"hydra/sweeper": "theirs"}}}
    hydra = {"job": {"config_name": "config"}, "overrides": {"hydra": []}, **theirs}
    config = OmegaConf.create({"hydra": hydra})
    with session():
        from hydra_plugins.runner_edge import PoolLauncher

        launcher = PoolLauncher()
        launcher.setup(hydra_context=None, task_function=None, config=config)
        refused, sound = launcher.launch([["alpha=-1"], ["alpha=1", "cv.n_splits=2"]], 0)

    assert refused.status == JobStatus.FAILED
    with pytest.raises(ConfigError, match=r"alpha=-1: alpha of Ridge must be"):
        _ = refused.return_value
    assert sound.return_value > 0


@pytest.mark.heavy
def test_a_group_of_hydra_that_is_not_there_is_no_parameter(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["+hydra/callbacks=nonexistent"]) == 2

    assert "error: +hydra/callbacks: there is no config group hydra/callbacks" in capsys.readouterr().err


@pytest.mark.heavy
def test_a_multirun_file_that_was_there_stays(capsys: pytest.CaptureFixture[str]) -> None:
    Path("multirun.yaml").write_text("mine")

    assert main(["-m", "hydra/sweeper=basic", "alpha=0.1", "cv.n_splits=2"]) == 0

    assert Path("multirun.yaml").exists()


def test_another_launcher_starts_only_when_every_point_is_sound(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["-m", "hydra/launcher=basic", "alpha=0.1,-2"]) == 2

    out, err = capsys.readouterr()
    assert out == ""
    assert re.fullmatch(r"error: alpha=-2: alpha of Ridge must be a float in the range \[0\.0, inf\) or an .*\.\n", err)
    assert os.listdir() == []


@pytest.mark.heavy
@pytest.mark.parametrize("group", ["tags", "prepare"])
def test_a_group_may_be_left_out_of_a_sweep(group: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["-m", f"~{group}", "alpha=0.1,0.2", "cv.n_splits=2"]) == 0


@pytest.mark.heavy
def test_a_warning_of_a_library_is_not_printed_among_the_results(capsys: pytest.CaptureFixture[str]) -> None:
    Path("talking_estimator.py").write_text(
        "import logging\nfrom sklearn.linear_model import Ridge\n\n"
        "class Talking(Ridge):\n    def fit(self, X, y):\n"
        "        logging.getLogger('talking').warning('something odd')\n        return super().fit(X, y)\n"
    )

    assert main(["model._target_=talking_estimator.Talking", "cv.n_splits=2"]) == 0

    assert "something odd" not in capsys.readouterr().out
