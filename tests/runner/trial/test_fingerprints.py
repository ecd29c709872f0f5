"""What changes a point's fingerprint and what does not, on real runs; and how a stored one is explained."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import runner
import tracking
from runner.provenance import capture as provenance
from runner.trial import identity
from tracking.cli.app import main
from tracking.records.names import BOOKKEEPING
from tracking.records.reading import load_records

ROOT = Path(__file__).resolve().parents[3]
CARS = ("data=csv", "data.path=cars.csv", "data.target=mpg", "refit=false")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Begin in an empty folder that modules are imported from, with a table in it."""
    for variable in [name for name in os.environ if name.startswith(("MLFLOW_", "TRACKING_"))]:
        monkeypatch.delenv(variable)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    tracking.reset()
    forget()
    write_cars(tmp_path)
    yield tmp_path
    tracking.reset()
    forget()


def forget() -> None:
    provenance.forget()
    for name in ("mine", "helper", "scorers"):
        sys.modules.pop(name, None)


def write_cars(folder: Path, *, last: str = "59,3,181", name: str = "cars.csv", head: str = "power,doors,mpg") -> None:
    rows = [*(f"{n},{n % 7},{3 * n + n % 5}" for n in range(59)), last]
    (folder / name).write_text("\n".join([head, *rows]) + "\n")


def run(*overrides: str, config_dir: Path | None = None) -> tracking.Run:
    return runner.run(["refit=false", *overrides], config_dir=config_dir)


def whole(*overrides: str, config_dir: Path | None = None) -> str:
    return run(*overrides, config_dir=config_dir).data.tags["fingerprint"]


# What does not change it -----------------------------------------------------------------------------
@pytest.mark.heavy
def test_reordered_keys_and_comments_do_not_change_it(folder: Path) -> None:
    mine = folder / "conf" / "model"
    mine.mkdir(parents=True)
    head = "# @package _global_\n"
    (mine / "first.yaml").write_text(
        f"{head}model:\n  _target_: sklearn.linear_model.Ridge\n  alpha: 0.5\n  solver: svd\n"
    )
    (mine / "second.yaml").write_text(
        f"{head}# why\nmodel:\n  solver: svd  # exact\n  alpha: 0.5\n  _target_: sklearn.linear_model.Ridge\n"
    )

    names = [whole(f"model={name}", config_dir=folder / "conf") for name in ("first", "second")]

    assert names[0] == names[1]


@pytest.mark.heavy
def test_a_value_moved_from_a_file_to_the_command_line_does_not_change_it(folder: Path) -> None:
    (folder / "conf" / "experiment").mkdir(parents=True)
    text = "# @package _global_\ndefaults:\n  - override /model: lasso\nalpha: 0.25\ncv:\n  n_splits: 4\n"
    (folder / "conf" / "experiment" / "mine.yaml").write_text(text)

    in_a_file = whole("experiment=mine", config_dir=folder / "conf")

    assert whole("cv.n_splits=4", "model=lasso", "alpha=0.25") == in_a_file


@pytest.mark.heavy
@pytest.mark.parametrize(
    "override",
    [
        "n_jobs=2",
        "backend=threading",
        "experiment_name=elsewhere",
        "run_name=other",
        "+tags.note=hello",
        "retries=3",
        "threads_per_run=2",
        "model._target_=sklearn.linear_model._ridge.Ridge",
    ],
)
def test_what_only_says_how_and_where_to_run_does_not_change_it(override: str) -> None:
    assert whole(override) == whole()


def test_a_default_that_is_given_explicitly_does_not_change_it() -> None:
    assert whole("model.tol=1e-4") == whole()


def test_the_place_of_the_data_does_not_change_it(folder: Path) -> None:
    before = whole(*CARS)
    (folder / "below").mkdir()
    shutil.move(folder / "cars.csv", folder / "below" / "autos.csv")

    assert whole(*CARS, "data.path=below/autos.csv") == before


def test_other_packages_and_a_commit_do_not_change_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = whole()
    (folder / "packages" / "stub-1.0.dist-info").mkdir(parents=True)
    monkeypatch.syspath_prepend(folder / "packages")

    assert whole() == before


def test_what_hydra_zen_builds_has_the_fingerprint_of_the_same_config(folder: Path) -> None:
    (folder / "conf" / "model").mkdir(parents=True)
    (folder / "conf" / "model" / "zen.yaml").write_text(
        "_target_: hydra_zen.funcs.zen_processing\n_zen_target: sklearn.linear_model._ridge.Ridge\n"
        "_zen_exclude: [note]\nnote: mine\nalpha: 1.0\nsolver: auto\nrandom_state: 42\n"
    )
    (folder / "conf" / "model" / "plain.yaml").write_text(
        "_target_: sklearn.linear_model.Ridge\nalpha: 1.0\nsolver: auto\nrandom_state: 42\n"
    )
    (folder / "hydra_zen").mkdir()
    (folder / "hydra_zen" / "__init__.py").touch()
    (folder / "hydra_zen" / "funcs.py").write_text(
        "from hydra.utils import get_class\n\n\n"
        "def zen_processing(*, _zen_target, _zen_exclude=(), **given):\n"
        "    return get_class(_zen_target)(**{k: v for k, v in given.items() if k not in _zen_exclude})\n"
    )

    identities = [
        json.loads(run(f"model={name}", config_dir=folder / "conf").data.tags["identity"]) for name in ("zen", "plain")
    ]

    assert identities[0] == identities[1]


# What does -------------------------------------------------------------------------------------------
@pytest.mark.heavy
@pytest.mark.parametrize("override", ["alpha=1", "alpha=0.999", "seed=43", "cv.n_splits=4", "prepare=standard"])
def test_another_value_changes_it_and_so_does_another_type(override: str) -> None:
    assert whole(override) != whole("alpha=1.0")


@pytest.mark.heavy
@pytest.mark.parametrize(
    "change",
    [{"last": "59,3,182"}, {"last": "59,3.0,181"}, {"head": "power,gates,mpg"}],
    ids=["a cell", "the type of a column", "the name of a column"],
)
def test_one_changed_cell_type_or_name_of_the_data_changes_it(folder: Path, change: dict[str, str]) -> None:
    before = run(*CARS).data.tags
    write_cars(folder, **change)  # type: ignore[arg-type]

    after = run(*CARS).data.tags

    assert after["fingerprint"] != before["fingerprint"]
    assert after["fingerprint.data"] != before["fingerprint.data"]
    assert after["fingerprint.config"] == before["fingerprint.config"]


def test_a_new_default_of_a_parameter_that_the_config_leaves_out_changes_it(folder: Path) -> None:
    before = run_mine(folder, default=1)
    after = run_mine(folder, default=2)

    assert after["fingerprint.config"] != before["fingerprint.config"]
    assert json.loads(after["identity"])["config"]["model.extra"] == 2


def test_changed_code_of_the_estimator_changes_it(folder: Path) -> None:
    before = run_mine(folder, default=1)
    after = run_mine(folder, default=1, comment="# not the same file")

    assert after["fingerprint.config"] == before["fingerprint.config"]
    assert after["fingerprint.code"] != before["fingerprint.code"]
    assert after["fingerprint"] != before["fingerprint"]


def test_another_version_of_scikit_learn_changes_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = run().data.tags
    (folder / "packages" / "scikit_learn-0.0.1.dist-info").mkdir(parents=True)
    monkeypatch.syspath_prepend(folder / "packages")

    after = run().data.tags

    assert after["fingerprint.environment"] != before["fingerprint.environment"]
    assert after["fingerprint"] != before["fingerprint"]


def run_mine(folder: Path, *, default: int, comment: str = "") -> dict[str, str]:
    (folder / "mine.py").write_text(
        "from sklearn.linear_model import LinearRegression\n\n\nclass Mine(LinearRegression):\n"
        f"    def __init__(self, fit_intercept=True, positive=False, extra={default}):\n"
        "        super().__init__(fit_intercept=fit_intercept, positive=positive)\n"
        f"        self.extra = extra  {comment}\n"
    )
    shutil.rmtree(folder / "__pycache__", ignore_errors=True)
    forget()
    return run("model=linear", "model._target_=mine.Mine").data.tags


GET_METHOD = """\
_target_: sklearn.preprocessing.FunctionTransformer
func: {_target_: hydra.utils.get_method, path: mine.f}
"""
IN_A_LIST = """\
_target_: sklearn.pipeline.Pipeline
steps: [[own, {_target_: mine.Step}]]
"""
PARTIAL = """\
_target_: sklearn.preprocessing.FunctionTransformer
func: {_target_: mine.f, _partial_: true}
"""
FACTORY = "_target_: mine.make\n"  # it reaches helper.py by a computed name
SOURCE = """
import importlib
import numpy
from sklearn.preprocessing import FunctionTransformer


class Step(FunctionTransformer): ...


def f(X):
    return X * 1.0  # 0


def make():
    return FunctionTransformer(getattr(importlib.import_module("hel" + "per"), "g"))


def load():
    return numpy.arange(40.0).reshape(-1, 1), numpy.arange(40.0)
"""


@pytest.mark.heavy
@pytest.mark.parametrize(
    ("prepare", "asked"),
    [
        (GET_METHOD, ("prepare=own",)),
        (IN_A_LIST, ("prepare=own",)),
        (PARTIAL, ("prepare=own",)),
        (FACTORY, ("prepare=own",)),
        ("", ("+scoring.metrics.own=scorers.own",)),
        ("", ("data=callable", "data.function=mine.load")),
    ],
    ids=["by get_method", "in a list", "partially", "inside what a factory made", "in a scorer", "in a loader"],
)
def test_changed_code_that_is_reached_in_any_way_changes_it(prepare: str, asked: tuple[str, ...], folder: Path) -> None:
    (folder / "conf" / "prepare").mkdir(parents=True)
    (folder / "conf" / "prepare" / "own.yaml").write_text(prepare)
    (folder / "scorers.py").write_text(
        "import importlib\nfrom sklearn.metrics import make_scorer\n"
        "own = make_scorer(getattr(importlib.import_module('hel' + 'per'), 'score'))\n"
    )
    found = []
    for number in ("1", "2"):
        (folder / "mine.py").write_text(SOURCE.replace("# 0", f"# {number}"))
        (folder / "helper.py").write_text(f"def g(X): return X\ndef score(y, p): return {number}.0\n")
        shutil.rmtree(folder / "__pycache__", ignore_errors=True)
        forget()
        found.append(run(*asked, config_dir=folder / "conf").data.tags)

    assert found[0]["fingerprint.code"] != found[1]["fingerprint.code"]
    assert found[0]["fingerprint.config"] == found[1]["fingerprint.config"]


def test_the_tools_own_source_is_no_part_of_it() -> None:
    code = json.loads(run("prepare=tabular").data.tags["identity"])["code"]

    assert set(code) == {"scikit-learn", "experiment-runner"}


def test_an_identity_too_long_for_a_tag_is_kept_whole_in_a_file(folder: Path) -> None:
    (folder / "parts").mkdir()
    (folder / "parts" / "__init__.py").write_text("\n".join(f"import parts.part_{n:03}" for n in range(200)))
    for n in range(200):
        (folder / "parts" / f"part_{n:03}.py").write_text("")
    (folder / "mine.py").write_text("import parts\nfrom sklearn.linear_model import Ridge as Mine\n")

    recorded = run("model=linear", "model._target_=mine.Mine")

    (record,) = load_records(tracking.TrackingClient().store, [recorded])
    assert "parts.part_199" not in recorded.data.tags["identity"]
    assert "parts.part_199" in record.identity["code"]
    assert identity.fingerprint(record.identity) == recorded.data.tags["fingerprint"]
    assert main(["show", recorded.info.run_id, "--fingerprint"]) == 0


# Its form, and its explanation -------------------------------------------------------------------------
def test_every_part_has_the_version_in_front() -> None:
    tags = run().data.tags

    for part in ("", ".config", ".data", ".splits", ".code", ".environment"):
        version = "v2" if part == ".data" else "v1"
        assert re.fullmatch(version + ":[0-9a-f]{32}", tags[f"fingerprint{part}"])


def test_a_stored_fingerprint_is_made_of_the_identity_that_is_stored_with_it() -> None:
    tags = run().data.tags

    assert identity.fingerprint(json.loads(tags["identity"])) == tags["fingerprint"]


def test_a_stored_fingerprint_can_be_explained(capsys: pytest.CaptureFixture[str]) -> None:
    recorded = run("alpha=0.1")

    code = main(["show", recorded.info.run_id, "--fingerprint"])

    assert code == 0
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert f"whole {recorded.data.tags['fingerprint']}" in lines
    for line in ("model.alpha 0.1", "seed 42", "cv.n_splits 5"):
        assert line in lines
    for part in ("config", "data", "code", "environment"):
        assert part in lines
    assert any(line.startswith("scikit-learn ") for line in lines)
    assert any(line.startswith("model.max_iter") for line in lines), "effective parameters are part of it"


def test_what_it_leaves_out_are_keys_of_the_config() -> None:
    text = (ROOT / "conf" / "config.yaml").read_text()

    assert [key for key in BOOKKEEPING if not re.search(rf"^(  - )?{key}:", text, re.MULTILINE)] == []
