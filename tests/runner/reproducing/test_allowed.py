"""Of a store from elsewhere only configs run unasked that are made of shipped choices, or of modules a user listed."""

from __future__ import annotations

import copy
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib
import pytest
import yaml

from runner.cli import main as run
from runner.compose.composer import Composer
from runner.compose.overrides import read_overrides
from runner.compose.recorded import as_recorded
from runner.compose.session import session
from runner.reproducing.allowed import find_refused
from runner.reproducing.command import main as reproduce
from tracking.records.trust import modules_file
from tracking.store.trust import trust_file

MARK = "executed"


class Malicious:
    """A pickle that makes a folder when it is loaded."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (MARK,)


def composed(*overrides: str) -> dict[str, Any]:
    with session():
        return as_recorded(Composer().compose(read_overrides(overrides)))[0]


@pytest.fixture(scope="module")
def plain() -> dict[str, Any]:
    return composed("model=ridge", "prepare=tabular")


@pytest.fixture
def recorded() -> Path:
    """Record a run in a store that another person made, with a model that would make a folder; return its config."""
    assert run(["progress=false"]) == 0
    [config] = Path("runs").glob("artifacts/*/*/config.yaml")
    for file in (config.parent / "model").glob("*.pkl"):
        joblib.dump(Malicious(), file)
    trust_file().unlink()
    return config


def list_modules(*names: str) -> None:
    file = modules_file()
    assert file is not None
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("\n".join(names))


def test_a_run_of_shipped_choices_is_run_again_and_its_model_is_not_loaded(
    recorded: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert reproduce(["latest"]) == 0

    said = capsys.readouterr().out
    assert "15 of 15 fold scores identical" in said
    assert "the recorded model was made elsewhere, and was not loaded" in said
    assert not Path(MARK).exists()


def test_what_is_not_allowed_is_named_with_the_file_that_could_allow_it(
    recorded: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("evil.py").write_text(f"import os\nos.mkdir('{MARK}')\n")
    recorded.write_text(recorded.read_text().replace("sklearn.linear_model.Ridge", "evil.Estimator"))

    assert reproduce(["latest"]) == 2

    said = capsys.readouterr().err
    assert f"{modules_file()}: neither there nor in the shipped configs is 'evil.Estimator'." in said
    assert "python -m tracking trust" in said
    assert not Path(MARK).exists()


def test_a_changed_run_is_composed_with_folders_that_its_record_names_so_it_is_not_allowed(recorded: Path) -> None:
    assert reproduce(["latest", "alpha=0.5"]) == 2


@pytest.mark.parametrize(
    "choices",
    [
        *("model=svc_calibrated", "model=xgboost", "prepare=select", "prepare=[categories,standard]", "cv=holdout"),
        *("scoring=quantile model=gradient_boosting", "data=csv data.path=x.csv data.target=y", "data=wine"),
    ],
)
def test_shipped_choices_are_allowed(choices: str) -> None:
    assert list(find_refused(composed(*choices.split()))) == []


def change(section: str, **values: Any) -> Callable[[dict[str, Any]], None]:
    return lambda config: config.setdefault(section, {}).update(values)


@pytest.mark.parametrize(
    ("make", "refused"),
    [
        (change("model", _target_="sklearn.pipeline.Pipeline", memory="x"), "sklearn.pipeline.Pipeline"),
        (change("model", copy_X=True), "sklearn.linear_model.Ridge(copy_X=...)"),
        (change("model", _partial_=True), "sklearn.linear_model.Ridge(_partial_=...)"),
        (change("model", _target_="sklearn.linear_model.Ridge.set_params"), "sklearn.linear_model.Ridge.set_params"),
        (change("model", alpha={"_target_": "os.system", "command": "x"}), "os.system"),
        (change("model", solver=[[{"_target_": "os.system"}]]), "os.system"),
        (change("prepare", func={"_target_": "hydra.utils.get_method", "path": "os.system"}), "hydra.utils.get_method"),
        (change("data", source="callable", function="os.system"), "os.system"),
        (change("data", source="csv", options={"engine": "pyarrow"}), "data.options"),
        (change("data", source="csv", path="https://there.example/x.csv"), "https://there.example/x.csv"),
        (change("scoring", metrics={"own": "os.system"}), "os.system"),
        (change("scoring", metrics={"own": "os .system"}), "os .system"),
        (change("scoring", metrics={"own": {"_target_": "os.system"}}), "os.system"),
        (change("fit_params", callbacks=["x"]), "fit_params"),
        (change("engine", cluster={"_target_": "os.system"}), "os.system"),
        (change("tags", note="${oc.env:HOME}"), "${oc.env:HOME}"),
    ],
)
def test_what_could_run_other_code_is_refused(
    plain: dict[str, Any], make: Callable[[dict[str, Any]], None], refused: str
) -> None:
    config = copy.deepcopy(plain)
    make(config)

    assert refused in list(find_refused(config))


def test_a_module_that_the_user_listed_is_allowed_and_what_it_imports_is_not(
    plain: dict[str, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "lab_of_mine.py").write_text("import os\nfrom os import system\nclass Model: ...\n")
    monkeypatch.syspath_prepend(tmp_path)

    def refused(name: str) -> list[str]:
        return list(find_refused(plain | {"model": {"_target_": name, "anything": 1}}))

    assert refused("lab_of_mine.Model") == ["lab_of_mine.Model"]
    list_modules("lab_of_mine")
    assert refused("lab_of_mine.Model") == []
    for name in ("lab_of_mine.os.system", "lab_of_mine.system", "lab_of_mines.Model", "lab_of_mine.no"):
        assert refused(name) == [name]


def test_no_file_of_the_project_allows_anything(recorded: Path) -> None:
    config = yaml.safe_load(recorded.read_text())
    config["model"] = {"_target_": "sklearn.pipeline.Pipeline", "steps": []}
    recorded.write_text(yaml.safe_dump(config))
    for folder in (Path(), Path("runs"), recorded.parent):
        (folder / "trusted-modules").write_text("sklearn\n")
    Path("pyproject.toml").write_text('[tool.runner]\nimports = ["sklearn"]\n')

    assert reproduce(["latest"]) == 2
