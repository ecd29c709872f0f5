"""A key that nothing reads is a mistake wherever it stands: typed, in a file, added with a +."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import runner
from runner.__main__ import main
from runner.errors import ConfigError

HEAD = "# @package _global_\n"
FILES = {
    "experiment/typo.yaml": f"{HEAD}alhpa: 0.3\nseeed: 3\n",
    "experiment/inside.yaml": f"{HEAD}scoring:\n  objetive: {{metric: mae}}\n",
    "experiment/no_package.yaml": "alpha: 0.3\n",
    "experiment/no_override.yaml": f"{HEAD}defaults:\n  - /model: lasso\n",
    "experiment/no_slash.yaml": f"{HEAD}defaults:\n  - model: lasso\n",
    "experiment/of_others.yaml": f"{HEAD}defaults:\n  - override /model: linear\nalpha: 0.3\n",
    "experiment/interpolated.yaml": f"{HEAD}strength: 0.3\nalpha: ${{strength}}\n",
    "experiment/swept.yaml": f"{HEAD}alpha: 0.3\nsweep:\n  - model: [linear, ridge]\n",
    "experiment/options.yaml": f"{HEAD}data:\n  limt: 3\n",
    "data/cars.yaml": "source: csv\npath: cars.csv\ntarget: y\nseperator: ';'\n",
    "data/few.yaml": "source: csv\npath: cars.csv\ntarget: y\nlimit: 12\n",
    "team/blue.yaml": "size: 3\n",
    "team/red.yaml": "# @package colours.warm\nsize: 3\n",
    "our/team/green.yaml": "size: 3\n",
    "model/twice.yaml": "alpha: 2\nmodel:\n  _target_: sklearn.linear_model.Ridge\n",
}


@pytest.fixture(autouse=True)
def _folder() -> None:
    for name, text in FILES.items():
        path = Path("mine", name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    Path("cars.csv").write_text("a,y\n" + "".join(f"{i},{i * 1.5}\n" for i in range(40)))


def said(capsys: pytest.CaptureFixture[str], *arguments: str, code: int) -> str:
    assert main(["--config-dir", "mine", "cv.n_splits=2", *arguments]) == code
    return capsys.readouterr().err


@pytest.mark.heavy
@pytest.mark.parametrize(
    ("argument", "messages"),
    [
        ("experiment=typo", ["experiment/typo.yaml: alhpa: the config has no key 'alhpa'. Nearest: alpha", "seed"]),
        ("experiment=inside", ["experiment/inside.yaml: scoring.objetive: the config has no key", "scoring.objective"]),
        ("experiment=no_package", ["experiment/no_package.yaml: ", "first line has to be: # @package _global_"]),
        ("experiment=no_override", ["experiment/no_override.yaml: ", "write: - override /model: lasso"]),
        ("experiment=no_slash", ["experiment/no_slash.yaml: ", "- override /model: lasso"]),
        (
            "experiment=of_others",
            ["experiment/of_others.yaml: alpha: ", "It is a key of model=elasticnet,"],
        ),
        (
            "experiment=options",
            ["data.limt=3: data=diabetes reads no 'limt'. Its keys: name, source, task, test,"],
        ),
        ("data=cars", ["data.seperator=;: data=csv reads no 'seperator'. Nearest: separator."]),
        ("+data.seed=3", ["data.seed=3: data=diabetes reads no 'seed'."]),
        ("+alhpa=0.1", ["+alhpa=0.1: the config has no key 'alhpa'. Nearest: alpha"]),
        ("+l1_ratio=0.1", ["+l1_ratio=0.1: ", "It is a key of model=elasticnet."]),
        ("model=lasso,l1_ratio=0.1", ["model=lasso,l1_ratio=0.1: "]),
        ("l1_ratio=0.1", ["l1_ratio=0.1: the config has no key 'l1_ratio'. It is a key of model=elasticnet."]),
        ("data.path=cars.csv", ["data.path=cars.csv: ", "It is a key of data=cars, data=csv, data=few, data=parquet."]),
        ("cv.foo=1", ["cv.foo=1: the config has no key 'cv.foo'."]),
        ("~seed", ["~seed: model.random_state, cv.random_state read it. Set it instead: seed=..."]),
        ("~n_jobs", ["~n_jobs: every run needs n_jobs."]),
        ("~alpha", ["~alpha: model.alpha reads it. Set it instead: alpha=..."]),
        ("+model=lasso", ["+model=lasso: model is chosen already. Write model=lasso"]),
        (
            "model.alfa=0.1",
            ["Nearest: model.alpha, alpha. Parameters of Ridge: alpha,"],
        ),
        ("model=twice", ["model.model: the section is there twice.", "# @package _global_"]),
        ("model.n_jobs=2", ["Parameters of Ridge: "]),
        (
            "prepare.foo=1",
            ["has a key 'prepare.foo'.", "What is chosen for prepare takes none."],
        ),
    ],
)
def test_it_is_refused_and_the_message_says_where_and_what_instead(
    argument: str, messages: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(os.listdir())

    err = said(capsys, argument, code=2)

    assert all(message in err for message in messages), err
    assert "+alhpa" not in err or argument.startswith("+")
    assert sorted(os.listdir()) == before


@pytest.mark.heavy
def test_from_python_it_is_refused_too_and_the_file_named() -> None:
    with pytest.raises(
        ConfigError, match=r"experiment/typo.yaml: alhpa: the config has no key 'alhpa'. Nearest: alpha"
    ):
        runner.run(["experiment=typo"], config_dir="mine")


@pytest.mark.heavy
def test_a_sweep_refuses_what_none_of_its_branches_reads(capsys: pytest.CaptureFixture[str]) -> None:
    assert "has no key 'alhpa'" in said(capsys, "-m", "experiment=typo", "model=ridge,linear", code=2)
    assert "It is a key of model=elasticnet" in said(capsys, "-m", "model=linear", "alpha=0.1", code=2)
    assert "+model=lasso: model is chosen already. Write model=lasso" in said(
        capsys, "-m", "+model=lasso,ridge", code=2
    )


@pytest.mark.heavy
@pytest.mark.parametrize(
    "arguments",
    [
        ["+tags.who=me"],
        ["+model.positive=true"],
        ["model.positive=true"],
        ["cv=timeseries", "cv.gap=2"],
        ["+data@other=iris"],
        ["+team=blue"],
        ["+team=red"],
        ["+our/team=green"],
        ["+strength=0.2", "alpha=${strength}"],
        ["experiment=interpolated"],
        ["data=few"],
        ["-m", "experiment=swept"],
    ],
)
def test_what_is_read_or_filed_is_taken(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert "note" not in said(capsys, "dry_run=true", *arguments, code=0)


@pytest.mark.heavy
def test_a_key_added_for_the_record_is_noted(capsys: pytest.CaptureFixture[str]) -> None:
    assert "note: nothing reads batch; it is recorded as a parameter\n" in said(capsys, "+batch=7", code=0)


@pytest.mark.heavy
def test_a_key_whose_readers_are_given_themselves_is_noted(capsys: pytest.CaptureFixture[str]) -> None:
    note = "note: nothing reads alpha: model.alpha is given too\n"

    assert note in said(capsys, "dry_run=true", "model.alpha=3", "alpha=2", code=0)
    assert note in said(capsys, "-m", "dry_run=true", "model=ridge,lasso", "model.alpha=3", "alpha=1,2", code=0)
    assert note not in said(capsys, "dry_run=true", "model.alpha=3", "alpha=2", "tags.first=${alpha}", code=0)
    assert note not in said(capsys, "dry_run=true", "model.alpha=3", code=0)


def test_an_experiment_file_without_its_first_line_is_told_what_to_write(capsys: pytest.CaptureFixture[str]) -> None:
    Path("mine/experiment/headless.yaml").write_text("defaults:\n  - override /prepare: standard\n")

    told = said(capsys, "experiment=headless", code=2)

    assert "the file of experiment= chooses prepare for itself" in told
    assert "Its first line has to be: # @package _global_" in told


def test_a_group_that_is_added_may_have_any_keys(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--config-dir", "mine", "+team=blue", "cv.n_splits=2", "team.size=4"]) == 0
