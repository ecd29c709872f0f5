"""Sweeps over the shipped configs: which points are the same, and mistakes that only whole points show."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import runner
from runner.compose.composer import Composer
from runner.compose.session import session
from runner.errors import ConfigError, DataError
from runner.invocation import Invocation, read_points

Write = Callable[[str], Path]


@pytest.fixture
def sweep_file(tmp_path: Path) -> Write:
    """Give a function that writes `experiment/mine.yaml` with a `sweep:` section and returns the config folder."""

    def write(section: str) -> Path:
        file = tmp_path / "conf" / "experiment" / "mine.yaml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"# @package _global_\nsweep:\n{section}")
        return tmp_path / "conf"

    return write


def names(*overrides: str, config_dir: Path | None = None) -> list[str]:
    """Return the points of a sweep, as their overrides."""
    with session(*([config_dir] if config_dir else [])) as own:
        expansion = read_points(Invocation(overrides, "test", sweeps=True), Composer(hydra_overrides=own))
        points = [" ".join(text for text in point.texts if "experiment=" not in text) for point in expansion]
        assert expansion.count() == len(points)
        return points


# The same points ---------------------------------------------------------------------------------
@pytest.mark.heavy
def test_points_with_the_same_config_run_once(sweep_file: Write) -> None:
    folder = sweep_file(
        """
  - model: lasso
  - model: lasso
    seed: [42, 43]
  - {model: lasso, cv.random_state: 42, alpha: [1.0, 2.0]}
  - model: [ridge, lasso]
"""
    )
    assert names("experiment=mine", config_dir=folder) == [
        "model=lasso",
        "model=lasso seed=43",
        "model=lasso cv.random_state=42 alpha=2.0",
        "model=ridge",
    ]


@pytest.mark.heavy
def test_a_whole_number_where_a_float_stands_is_that_float() -> None:
    assert names("alpha=1,1.0,2") == ["alpha=1", "alpha=2"]
    assert names("cv.n_splits=3,4") == ["cv.n_splits=3", "cv.n_splits=4"]
    assert names("+tags.number=1,1.0") == ["+tags.number=1", "+tags.number=1.0"]
    with session():
        expansion = read_points(Invocation(("alpha=1,1.0",), "test", sweeps=True), Composer())
    assert expansion.notes == ("alpha=1.0 comes to the same as alpha=1, and runs once",)


@pytest.mark.heavy
def test_a_default_that_is_chosen_is_the_same_point_as_none(sweep_file: Write) -> None:
    folder = sweep_file("  - alpha: 0.5\n  - {model: ridge, alpha: 0.5, prepare: [none, standard]}\n")
    assert names("experiment=mine", config_dir=folder) == [
        "alpha=0.5",
        "model=ridge alpha=0.5 prepare=standard",
    ]


def test_values_that_become_the_same_run_once() -> None:
    share = "cv.test_size=0.25,'0.25',0.3"
    assert names("cv=shuffle_split", share) == [
        "cv=shuffle_split cv.test_size=0.25",
        "cv=shuffle_split cv.test_size=0.3",
    ]


@pytest.mark.parametrize(
    "overrides",
    [
        ["alpha=1,2", "model.alpha=1.0,2.0"],  # each reaches model.alpha
        ["seed=42,43", "cv.random_state=42,43"],
        ["run_name=x,y"],
        ["tags.owner=me,you"],
        ["experiment_name=a,b"],
        ["+tags.note=a,b", "alpha=1.0,2.0"],
        ["data.path=a.csv,b.csv", "data=csv"],
        ["model.max_depth=1,2,null", "model=random_forest"],
    ],
)
def test_points_that_differ_all_run(overrides: list[str]) -> None:
    expected = 1
    for text in overrides:
        expected *= text.count(",") + 1
    assert len(names(*overrides)) == expected


# The sweep itself, typed ----------------------------------------------------------------------------
@pytest.mark.heavy
def test_a_sweep_may_be_typed_and_the_one_of_a_file_replaced_or_dropped(sweep_file: Write) -> None:
    folder = sweep_file("  - alpha: [1, 2, 3]\n")
    assert names("sweep=[{alpha: [1,2]},{model: lasso}]") == ["alpha=1", "alpha=2", "model=lasso"]
    assert names("experiment=mine", "sweep=[{alpha: [5, 6]}]", config_dir=folder) == ["alpha=5", "alpha=6"]
    assert names("experiment=mine", "sweep=null", "alpha=7,8", config_dir=folder) == ["alpha=7", "alpha=8"]


@pytest.mark.heavy
def test_a_sweep_without_m_is_refused_when_typed_and_noted_when_in_a_file(sweep_file: Write) -> None:
    folder = sweep_file("  - alpha: [1, 2, 3]\n")
    with pytest.raises(ConfigError, match=r"sweep=.*: this is a sweep\. Call runner\.sweep"):
        runner.run(["sweep=[{alpha: [1,2]}]"])
    with pytest.raises(ConfigError, match="it is empty"):
        runner.sweep(["sweep=[]"])
    with session(folder) as own:
        composer = Composer(hydra_overrides=own)
        (note,) = read_points(Invocation(("experiment=mine",), "test", sweeps=False), composer).notes
        assert "Add -m" in note
        assert read_points(Invocation(("experiment=mine", "sweep=null"), "test", sweeps=False), composer).notes == ()


def test_names_that_are_swept_are_the_names() -> None:
    assert [run.info.run_name for run in runner.sweep(["run_name=x,y"])] == ["x", "y"]


# Conditions --------------------------------------------------------------------------------------
@pytest.mark.heavy
def test_exclude_may_speak_about_any_key_of_the_point(sweep_file: Write) -> None:
    folder = sweep_file(
        "  model: [ridge, lasso]\n  alpha: [1, 2]\n"
        "  exclude: cv.n_splits == 5 and alpha == 1 and model._target_ == 'sklearn.linear_model.Ridge'\n"
    )
    expected = ["model=ridge alpha=2", "model=lasso alpha=1", "model=lasso alpha=2"]
    assert names("experiment=mine", config_dir=folder) == expected
    assert len(names("experiment=mine", "cv.n_splits=4,5", config_dir=folder)) == 7


def test_exclude_about_a_key_that_no_config_has_is_a_mistake_and_offers_no_bookkeeping(sweep_file: Write) -> None:
    folder = sweep_file("  alpha: [1, 2]\n  exclude: dry_rum == 3\n")
    with pytest.raises(ConfigError, match="no point of this grid has a key 'dry_rum'") as raised:
        names("experiment=mine", "dry_run=true", config_dir=folder)
    assert "dry_run" not in str(raised.value)


# Mistakes ----------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("section", "message"),
    [
        (
            "  - alpha: 1\n  - model: [ridge, laso]\n",
            r"sweep\[1\]: model=laso: there is no such choice. Nearest: lasso",
        ),
        ("  - model: ridge\n    alpha: [1, -2]\n", r"sweep\[0\]: alpha=-2: alpha of Ridge must be"),
        ("  - cv.n_splits: [3, 1]\n", r"sweep\[0\]: cv.n_splits=1: .*>= 2"),
        (
            "  - {cv.n_splits: [2, 50], data.limit: [100, 40]}\n",
            r"sweep\[0\] \(cv.n_splits=50 data.limit=40\): .*40 rows",
        ),
    ],
)
def test_a_mistake_in_a_file_names_grid_key_and_value(sweep_file: Write, section: str, message: str) -> None:
    folder = sweep_file(section)
    (folder.parent / "table.csv").write_text("a,t\n" + "".join(f"{n},{n % 7}\n" for n in range(100)))
    data = ["data=csv", "data.path=table.csv", "data.target=t"]
    with pytest.raises((ConfigError, DataError), match=message):
        runner.sweep(["experiment=mine", *data], config_dir=folder)


def test_a_mistake_that_was_typed_is_not_blamed_on_the_file(sweep_file: Write) -> None:
    folder = sweep_file("  - alpha: [1, 2]\n")
    with pytest.raises(ConfigError, match=r"^cv\.n_splits=1: "):
        runner.sweep(["experiment=mine", "cv.n_splits=1,3"], config_dir=folder)


def test_what_fits_alone_but_not_together_is_found_before_the_first_run(tmp_path: Path) -> None:
    Path("table.csv").write_text("a,t\n" + "".join(f"{n},{n % 7}\n" for n in range(60)))
    asked = ["data=csv", "data.path=table.csv", "data.target=t", "cv.n_splits=2,5", "data.limit=100,4"]
    with pytest.raises(DataError, match="4 rows, fewer than the 5 folds"):
        runner.sweep(asked)
    assert not Path("runs").exists()


@pytest.mark.parametrize(
    "swept",
    [
        *("n_jobs=1,2", "backend=loky,threading", "retries=0,1", "timeout_per_point=5,6", "threads_per_run=1,2"),
        *("fail_fast=true,false", "resume=true,false", "progress=true,false", "tracking.uri=a.db,b.db"),
    ],
)
def test_how_the_sweep_is_run_cannot_be_swept(swept: str) -> None:
    key = swept.partition("=")[0].partition(".")[0]
    with pytest.raises(ConfigError, match=f"{key} is how the whole sweep is run"):
        runner.sweep(["alpha=0.1,0.2", swept])
