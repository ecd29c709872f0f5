"""`share=path`: linear models along the path of their alphas, recorded as such, to the tolerance of their solver."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hydra import initialize_config_dir

import runner
import tracking
from runner.compose.composer import Composer
from runner.compose.folder import config_folder
from runner.compose.session import prepare_hydra, version_base
from runner.flow import execute
from runner.invocation import Invocation
from tracking.records.names import IDENTITY, PATH_TOLERANCE, SHARED

GRID = ("alpha=0.02,0.1,0.5", "n_jobs=1")
STORE = "sqlite:///runs.db"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def sweep(*overrides: str) -> dict[str, tracking.Run]:
    return {run.data.params["model.alpha"]: run for run in runner.sweep([*GRID, *overrides], store=STORE)}


def rmse(run: tracking.Run) -> float:
    return run.data.metrics["rmse_mean"]


@pytest.mark.parametrize("model", ["ridge", "lasso"])
def test_a_path_is_recorded_as_one_and_its_scores_are_those_of_alone_within_its_tolerance(model: str) -> None:
    along, alone = sweep(f"model={model}", "share=path"), sweep(f"model={model}")
    for alpha, run in along.items():
        tolerance = float(run.data.tags[PATH_TOLERANCE])
        assert json.loads(run.data.tags[IDENTITY])["computed"] == "path"
        assert rmse(run) == pytest.approx(rmse(alone[alpha]), rel=tolerance)
        assert PATH_TOLERANCE not in alone[alpha].data.tags
        assert "computed" not in json.loads(alone[alpha].data.tags[IDENTITY])
    assert along["0.02"].data.tags[SHARED] == f"a path of {model.capitalize()}"


def test_the_points_of_a_path_start_by_descending_alpha() -> None:
    along = sweep("model=elasticnet", "l1_ratio=0.5,0.9", "share=path")
    assert len(along) == 3
    runs = sorted(runner.sweep([*GRID, "model=elasticnet", "share=path"], store=STORE), key=lambda r: r.info.start_time)
    assert [run.data.params["model.alpha"] for run in runs] == ["0.5", "0.1", "0.02"]


def test_what_has_no_path_is_computed_and_recorded_as_ever() -> None:
    (run,) = runner.sweep(["model=svr", "C=1", "share=path", "n_jobs=1"], store=STORE)
    assert "computed" not in json.loads(run.data.tags[IDENTITY])
    assert PATH_TOLERANCE not in run.data.tags


def test_exact_never_reuses_a_path_on_resume_and_says_why(capsys: pytest.CaptureFixture[str]) -> None:
    along = sweep("model=lasso", "share=path")
    again = sweep("model=lasso", "share=path", "resume=true")
    assert {run.info.run_id for run in again.values()} == {run.info.run_id for run in along.values()}
    asked = (*GRID, "model=lasso", "dry_run=true", f"tracking.uri={STORE}")
    prepare_hydra()
    with initialize_config_dir(config_dir=str(config_folder()), job_name="runner", **version_base()):
        execute(Invocation(asked, "test", sweeps=True), Composer())
    assert "computed: path -> exact" in capsys.readouterr().out
    exact = sweep("model=lasso", "resume=true")
    assert not {run.info.run_id for run in exact.values()} & {run.info.run_id for run in along.values()}


def test_reproduce_runs_alone_and_compares_a_path_within_its_tolerance() -> None:
    run = sweep("model=lasso", "share=path")["0.02"]
    result = runner.reproduce(run.info.run_id, store=STORE)
    assert result
    assert result.scores.gaps
    assert result.sentence.startswith("Reproduced within 0.028")
    assert result.differences[0].short == "computed: path -> exact"


def test_diff_says_which_run_is_of_a_path_and_that_the_scores_agree_to_its_tolerance() -> None:
    along, alone = sweep("model=lasso", "share=path")["0.02"], sweep("model=lasso")["0.02"]
    tracking.set_tracking_uri(STORE)
    page = str(tracking.diff_runs(along.info.run_id, alone.info.run_id))
    assert "computed:" in page
    assert "all mean scores agree within that" in page
    assert "computed:" not in str(tracking.diff_runs(alone.info.run_id, alone.info.run_id))
