"""A project says once where its configs are, and which resolvers they need."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from omegaconf import OmegaConf

import runner
import tracking
from runner.__main__ import main


def write(text: str, place: str) -> None:
    Path(place).parent.mkdir(parents=True, exist_ok=True)
    Path(place).write_text(text)


@pytest.fixture
def _own_model() -> None:
    write("_target_: sklearn.linear_model.Ridge\nalpha: 0.25\n", "my_conf/model/mine.yaml")


def project(text: str) -> None:
    write(f"[tool.runner]\n{text}\n", "pyproject.toml")


@pytest.mark.heavy
@pytest.mark.usefixtures("_own_model")
def test_the_nearest_pyproject_names_the_folder_for_commands_and_calls(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    project('config_dir = "my_conf"')
    (tmp_path / "deeper").mkdir()
    monkeypatch.chdir(tmp_path / "deeper")

    assert main(shlex.split("model=mine cv.n_splits=2 refit=false")) == 0
    again = runner.run(["model=mine", "cv.n_splits=2", "refit=false"])

    first = tracking.get_run("latest~1")
    assert first.data.params["model.alpha"] == again.data.params["model.alpha"] == "0.25"
    assert first.data.tags["fingerprint"] == again.data.tags["fingerprint"]


@pytest.mark.heavy
@pytest.mark.usefixtures("_own_model")
def test_the_variable_comes_before_the_file_and_the_option_before_both(monkeypatch: pytest.MonkeyPatch) -> None:
    write("_target_: sklearn.linear_model.Ridge\nalpha: 0.5\n", "other/model/mine.yaml")
    project('config_dir = "nowhere"')
    monkeypatch.setenv("RUNNER_CONFIG_DIR", "other")
    assert main(shlex.split("model=mine cv.n_splits=2 refit=false")) == 0
    assert main(shlex.split("--config-dir my_conf model=mine cv.n_splits=2 refit=false")) == 0

    assert [tracking.get_run(name).data.params["model.alpha"] for name in ("latest~1", "latest")] == ["0.5", "0.25"]


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ('config_dir = "nowhere"', "config_dir = 'nowhere': there is no such folder"),
        ("config_dir = 3", "config_dir = 3. Name a folder."),
        ('config_folder = "my_conf"', "has no key 'config_folder'. Nearest: config_dir."),
        ("config_dir = ", "pyproject.toml cannot be read"),
        ('resolvers = "not_there"', "resolvers = 'not_there': it cannot be imported: ModuleNotFoundError"),
    ],
)
def test_what_cannot_be_meant_is_one_sentence(said: str, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    project(said)

    assert main(["model=ridge"]) == 2

    assert message in capsys.readouterr().err


@pytest.mark.heavy
def test_resolvers_are_registered_before_composing() -> None:
    write(
        "from omegaconf import OmegaConf\nOmegaConf.register_new_resolver('times', lambda a, b: a * b, replace=True)\n",
        "my_resolvers.py",
    )
    write("_target_: sklearn.linear_model.Ridge\nalpha: ${times:2,0.75}\n", "my_conf/model/mine.yaml")
    project('config_dir = "my_conf"\nresolvers = "my_resolvers"')

    try:
        assert main(shlex.split("model=mine cv.n_splits=2 refit=false")) == 0
    finally:
        OmegaConf.clear_resolver("times")

    assert tracking.get_run("latest").data.params["model.alpha"] == "1.5"


@pytest.mark.heavy
def test_own_keys_of_a_project_are_no_mistake_and_recorded(capsys: pytest.CaptureFixture[str]) -> None:
    write("defaults: [config, _self_]\nteam: {name: blue}\n", "my_conf/ours.yaml")
    command = "--config-name ours team.name=red cv.n_splits=2 refit=false"
    project('config_dir = "my_conf"')
    assert main(shlex.split(command)) == 2
    assert "the config has no key 'team'" in capsys.readouterr().err

    project('config_dir = "my_conf"\nown_keys = "team"')

    assert main(shlex.split(command)) == 0
    assert tracking.get_run("latest").data.params["team.name"] == "red"


@pytest.mark.heavy
def test_the_name_of_a_run_leaves_out_what_the_experiment_says() -> None:
    write("x,y\n" + "\n".join(f"{i},{i % 7}" for i in range(30)) + "\n", "t.csv")

    assert main(shlex.split("data=csv data.path=t.csv data.target=y model=ridge alpha=0.1 cv.n_splits=2")) == 0

    info = tracking.get_run("latest").info
    assert info.run_name == "ridge alpha=0.1 n_splits=2"
