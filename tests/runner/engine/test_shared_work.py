"""A sweep whose points share work leaves the records of one whose points do not."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import runner
import tracking
from runner.trial.comparison import compare_models

WRONG = """
from sklearn.preprocessing import StandardScaler

fits = 0


class Grows(StandardScaler):
    def transform(self, X, copy=None):
        return abs(super().transform(X)) ** self.power_

    def fit(self, X, y=None, sample_weight=None):
        global fits
        fits += 1
        self.power_ = 1 + fits / 100
        return super().fit(X, y, sample_weight)
"""


@pytest.fixture
def table(tmp_path: Path) -> Path:
    random = np.random.default_rng(0)
    frame = pd.DataFrame(random.standard_normal((90, 3)), columns=list("abc"))
    frame.loc[::7, "b"] = np.nan
    frame["town"] = random.choice(["Ulm", "Bonn", "Jena"], 90)
    frame["price"] = 3 * frame["a"] + (frame["town"] == "Ulm") + random.standard_normal(90) / 10
    frame.to_csv(tmp_path / "houses.csv", index=False)
    return tmp_path / "houses.csv"


def sweep(folder: Path, *overrides: str) -> dict[tuple[str, ...], tuple[tracking.Run, Any, Any]]:
    folder.mkdir()
    store = f"sqlite:///{folder}/runs/tracking.db"
    client = tracking.TrackingClient(store)
    with contextlib.chdir(folder):
        runs = runner.sweep(overrides, store=store)
    found = {}
    for run in runs:
        key = tuple(str(run.data.params.get(name)) for name in ("model._target_", "alpha", "prepare.impute"))
        scores = {
            name: [metric.value for metric in client.get_metric_history(run.info.run_id, name)]
            for name in run.data.metrics
            if "seconds" not in name
        }
        model = tracking.load_model(client.artifact_dir(run.info.run_id) / "model")
        found[key] = run, scores, model
    return found


@pytest.mark.heavy
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_scores_predictions_and_models_are_those_of_each_point_alone(table: Path, tmp_path: Path, jobs: str) -> None:
    asked = [
        *("data=csv", f"data.path={table}", "data.target=price", "prepare=tabular", "prepare.impute=mean,median"),
        *("model=ridge,lasso,elasticnet", "alpha=0.1,0.5", f"n_jobs={jobs}"),
    ]
    shared = sweep(tmp_path / "exact", *asked)
    alone = sweep(tmp_path / "off", *asked, "share=off")
    assert shared.keys() == alone.keys()
    for key, (run, scores, model) in alone.items():
        assert shared[key][1] == scores
        assert not compare_models(model, shared[key][2]).gaps
        assert shared[key][0].data.tags["fingerprint"] == run.data.tags["fingerprint"]
    assert not any("shared" in run.data.tags for run, _, _ in alone.values())
    assert any(run.data.tags.get("shared", "").startswith("ColumnTransformer") for run, _, _ in shared.values())


@pytest.mark.heavy
def test_a_wrong_sharing_is_told_once_and_the_points_compute_alone(
    tmp_path: Path, start_runner: Callable[..., Any], client_in: Callable[[Path], tracking.TrackingClient]
) -> None:
    (tmp_path / "wrong.py").write_text(WRONG)
    asked = ("-m", "prepare._target_=wrong.Grows", "alpha=1,2,3,4", "n_jobs=1")
    code, _, err = start_runner(tmp_path, *asked).end()
    assert code == 0
    assert err.count("note: sharing of Grows, rows centred for Ridge is off: in fold 0 it does not give what") == 1
    runs = client_in(tmp_path).store.search_runs(None)
    assert len(runs) == 4
    assert not any("shared" in run.data.tags for run in runs)


@pytest.mark.heavy
@pytest.mark.parametrize(
    ("share", "line"),
    [
        ("exact", "4 points: 1 preparation, 2 groups, each computed once per fold and process. share=off: per point."),
        ("off", None),
    ],
)
def test_a_dry_run_says_what_is_shared(
    tmp_path: Path, start_runner: Callable[..., Any], share: str, line: str | None
) -> None:
    asked = ("-m", "dry_run=true", "prepare=standard,none", "alpha=1,2", f"share={share}")
    code, out, _ = start_runner(tmp_path, *asked).end()
    assert code == 0
    assert (line in out) if line else (" groups" not in out)
