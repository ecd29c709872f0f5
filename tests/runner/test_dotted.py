"""What a dotted name names, and what is said of one that names nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.dotted import locate, public_name
from runner.errors import DataError, ModelError


def test_a_name_may_be_in_a_module_or_in_a_class() -> None:
    assert locate("pathlib.Path", "x") is Path
    assert locate("pathlib.Path.cwd", "x")() == Path.cwd()


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Ridge", "model._target_=Ridge: not a dotted name. Give the module too, as package.Ridge."),
        ("pathlib:Path", "not a dotted name"),
        ("pathlib.Pth", "pathlib has no Pth. Nearest: Path"),
        ("pathlib.Path.cwdd", "Path has no cwdd. Nearest: cwd"),
        ("nowhere_at_all.Ridge", "no such module. Check the spelling"),
        ("sklearn.linear_modle.Ridge", "no such module. Check the spelling"),
        ("needy.Model", "importing it needs a_package_that_is_gone. Install it."),
        ("broken.Model", "importing broken raised KeyError: 'my own bug'"),
        ("typo.Model", "importing typo raised SyntaxError"),
        ("a..b", "model._target_=a..b: "),
    ],
)
def test_a_name_that_names_nothing_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, said: str
) -> None:
    (tmp_path / "needy.py").write_text("import a_package_that_is_gone\n")
    (tmp_path / "broken.py").write_text("raise KeyError('my own bug')\n")
    (tmp_path / "typo.py").write_text("def f(:\n")
    monkeypatch.syspath_prepend(tmp_path)

    with pytest.raises(ModelError) as refused:
        locate(name, f"model._target_={name}")

    assert said in str(refused.value)


def test_the_error_is_that_of_the_room_that_asks() -> None:
    with pytest.raises(DataError, match=r"^data\.function=nowhere\.load: no such module"):
        locate("nowhere.load", "data.function=nowhere.load", DataError)


@pytest.mark.parametrize(
    ("name", "public"),
    [
        ("sklearn.linear_model._ridge.Ridge", "sklearn.linear_model.Ridge"),
        ("sklearn.linear_model.Ridge", "sklearn.linear_model.Ridge"),
        (
            "sklearn.ensemble._hist_gradient_boosting.gradient_boosting.HistGradientBoostingRegressor",
            "sklearn.ensemble.HistGradientBoostingRegressor",
        ),
        ("sklearn.linear_model._ridge._BaseRidge", "sklearn.linear_model._ridge._BaseRidge"),
        ("nowhere._at_all.Ridge", "nowhere._at_all.Ridge"),
        ("_thread.lock", "_thread.lock"),
        ("__main__.Mine", "__main__.Mine"),
    ],
)
def test_one_thing_has_one_name(name: str, public: str) -> None:
    assert public_name(name) == public
