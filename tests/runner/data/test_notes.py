"""What of a table is probably a mistake, and how the note is mended and silenced."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import GroupKFold, KFold, TimeSeriesSplit

from runner.data.dataset import load
from runner.data.notes import find_notes

ROWS = 200
DRAW = np.random.default_rng(0)
GOOD = pd.DataFrame(
    {
        "a": DRAW.normal(size=ROWS),
        "city": DRAW.choice(["x", "y", "z"], ROWS),
        "shop": np.arange(ROWS) % 7,
        "y": DRAW.normal(size=ROWS),
    }
)


def notes_of(folder: Path, frame: pd.DataFrame, *, splitter: Any = None, timed: bool = False, **more: Any) -> list[str]:
    frame.to_csv(folder / "t.csv", index=False)
    config = {"source": "csv", "path": str(folder / "t.csv"), "target": "y", "silence": [], **more}
    return find_notes(load(config), splitter or KFold(), timed=timed)


def test_of_a_sound_table_nothing_is_said(tmp_path: Path) -> None:
    assert notes_of(tmp_path, GOOD) == []
    assert notes_of(tmp_path, GOOD, groups="shop", splitter=GroupKFold()) == []
    assert notes_of(tmp_path, GOOD, splitter=TimeSeriesSplit(), timed=True) == []


ODD = {
    "groups": (GOOD, {"groups": "shop"}, "KFold ignores groups: one may be on both sides. Add cv=group"),
    "time": (GOOD, {"splitter": TimeSeriesSplit()}, "Add data.time=COLUMN"),
    "ids": (GOOD.assign(id=np.arange(ROWS)), {}, "Column 'id' is different in every row of t, as an id is."),
    "constant": (GOOD.assign(c=1), {}, "Column 'c' is the same in every row of t. Leave out: data.drop=[c]"),
    "duplicated": (GOOD.assign(b=GOOD["a"]), {}, "'b' is 'a' again. Leave out: data.drop=[b]"),
    "leak": (GOOD.assign(later=GOOD["y"] * 3 + 1), {}, "one column alone predicts 'y' (score above 0.99): 'later'"),
    "copies": (pd.concat([GOOD, GOOD.head(20)]), {}, "20 of 220 rows of t repeat another one"),
}


@pytest.mark.parametrize("kind", ODD)
def test_each_note_says_what_is_odd_and_is_silenced_by_its_kind(tmp_path: Path, kind: str) -> None:
    frame, more, message = ODD[kind]

    (note,) = notes_of(tmp_path, frame, **more)
    assert message in note
    assert note.endswith(f"(silence: data.silence=[{kind}])")
    assert notes_of(tmp_path, frame, **more, silence=[kind]) == []


def test_a_leak_into_classes_is_found_and_a_good_feature_is_none(tmp_path: Path) -> None:
    classes = np.where(GOOD["a"] > 0.8, "yes", "no")
    frame = GOOD.assign(y=classes, code=np.where(classes == "yes", "J", "N"), a=GOOD["a"] + GOOD["y"])

    (note,) = notes_of(tmp_path, frame)
    assert "'code' (1.000)" in note


def test_rows_in_the_order_of_their_dates_need_no_time_column(tmp_path: Path) -> None:
    dated = GOOD.assign(sold=pd.date_range("2024-01-01", periods=ROWS))

    assert notes_of(tmp_path, dated, splitter=TimeSeriesSplit()) == []
    assert "data.time" in notes_of(tmp_path, dated.iloc[::-1], splitter=TimeSeriesSplit())[0]


def test_the_data_of_scikit_learn_is_not_judged() -> None:
    digits = load({"source": "digits"})
    assert (digits.X[0] == digits.X).all(axis=0).any()
    assert find_notes(digits, TimeSeriesSplit(), timed=False) == []
