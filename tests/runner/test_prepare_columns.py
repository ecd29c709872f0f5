"""`prepare=tabular` column by column: encoders by cardinality and by name, text as words."""

import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import Ridge
from sklearn.model_selection import KFold, cross_validate
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OrdinalEncoder, TargetEncoder

import runner
import tracking
from runner.errors import ConfigError
from runner.prepare import tabular

ROWS = 90
DRAW = np.random.default_rng(0)
WORDS = ["red", "big car", "old", "new wheel", "big"]
FRAME = pd.DataFrame(
    {
        "x": DRAW.normal(size=ROWS),
        "city": [f"c{i % 30}" for i in range(ROWS)],
        "kind": DRAW.choice(["a", "b"], ROWS),
        "note": [None if i % 9 == 0 else WORDS[i % 5] for i in range(ROWS)],
        "y": DRAW.normal(size=ROWS),
    }
)
X, Y = FRAME.drop(columns="y"), FRAME["y"].to_numpy()


def test_columns_are_encoded_as_they_are_named_by_the_pieces_of_scikit_learn() -> None:
    made = tabular(columns={"city": "target", "kind": "ordinal", "note": "text", "x": "drop"})

    given = made.fit_transform(X, Y)

    city = clone(made.named_transformers_["own_target"][-1]).fit_transform(X[["city"]], Y)
    assert isinstance(made.named_transformers_["own_target"][-1], TargetEncoder)
    note = TfidfVectorizer(max_features=1000).fit_transform(X["note"].fillna("")).toarray()
    kind = OrdinalEncoder().fit_transform(X[["kind"]])
    assert np.array_equal(given, np.hstack([city, kind, note]))


def test_text_with_many_values_is_encoded_by_the_other_encoder() -> None:
    few = tabular(high_cardinality="ordinal", cardinality=20).fit(X, Y)
    all_few = tabular(high_cardinality="ordinal", cardinality=30).fit(X, Y)

    assert few.transform(X).shape[1] == 1 + 2 + (5 + 1) + 1
    assert all_few.transform(X).shape[1] == 1 + 2 + (5 + 1) + 30


def test_values_and_words_that_training_did_not_see_are_taken() -> None:
    made = tabular(columns={"city": "target", "kind": "ordinal", "note": "text"}).fit(X, Y)
    new = pd.DataFrame({"x": [0.0], "city": ["nowhere"], "kind": [None], "note": ["never heard"]})

    assert np.isfinite(made.transform(new)).all()


def test_without_columns_it_is_what_it_was() -> None:
    assert [name for name, _, _ in tabular().transformers] == ["number", "text", "date", "duration"]
    assert tabular().transformers[0][2].keywords == {"kind": "number"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"high_cardinality": "taget"}, r"prepare\.high_cardinality=taget: there is no such way\. Nearest: target"),
        ({"columns": {"city": "words"}}, r"prepare\.columns\.city=words: .* There are: onehot, target"),
    ],
)
def test_an_encoder_that_is_not_there_is_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        tabular(**options)  # type: ignore[arg-type]


@pytest.mark.heavy
def test_scores_are_those_of_the_same_pieces_and_the_model_holds_nothing_of_the_runner(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    columns = "prepare.columns={city: target, note: text}"
    run = runner.run(["prepare=tabular", columns, "data.silence=[ids]"], data=FRAME, target="y")

    prepare = tabular(columns={"city": "target", "note": "text"})
    seeds = {k: 42 for k, v in prepare.get_params().items() if k.endswith("__random_state") and v is None}
    prepare.set_params(**seeds)
    model = Pipeline([("prepare", prepare), ("model", Ridge(random_state=42))])
    plain = cross_validate(
        model, X, Y, cv=KFold(5, shuffle=True, random_state=42), scoring="neg_root_mean_squared_error"
    )
    history = tracking.TrackingClient().get_metric_history(run.info.run_id, "rmse")
    assert [point.value for point in history] == (-plain["test_score"]).tolist()
    shipped = tracking.load_model(f"runs:/{run.info.run_id}/model")
    assert b"runner" not in pickle.dumps(shipped)
    assert np.array_equal(shipped.predict(X), model.fit(X, Y).predict(X))


def test_a_column_that_the_data_does_not_have_is_refused_before_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=r"prepare\.columns\.citty: there is no such column\. Nearest: city"):
        runner.run(["prepare=tabular", "prepare.columns={citty: target}"], data=FRAME, target="y")
