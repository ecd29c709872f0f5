"""Predictions of a recorded model where this package is not installed: in a child that finds every other package."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

import pandas as pd

import tracking

_OWN = re.compile(r"_?experiment[_-]runner|runner\b|tracking\b|_*editable|.*\.pth$", re.IGNORECASE)
_PROGRAM = """
import sys
packages, model, table, answer = sys.argv[1:]
sys.path.append(packages)
for name in ("runner", "tracking"):
    try:
        __import__(name)
    except ImportError:
        continue
    raise SystemExit(f"{name} can be imported")
import json, pickle
import pandas
with open(model, "rb") as file:
    fitted = pickle.load(file)
predicted = fitted.predict(pandas.read_csv(table)).ravel().tolist()
assert not {"runner", "tracking"} & {name.partition(".")[0] for name in sys.modules}
with open(answer, "w") as file:
    json.dump(predicted, file)
"""


def packages_but_this(folder: Path) -> Path:
    """Fill a folder with links to everything that is installed, but this package."""
    for place in {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}:
        for entry in Path(place).iterdir():
            if not _OWN.match(entry.name):
                (folder / entry.name).symlink_to(entry)
    return folder


def predict_elsewhere(run: tracking.Run, new: pd.DataFrame, packages: Path) -> list[Any]:
    """Predict the rows of a table with the model of a run, as a CSV and a pickle in a process of their own."""
    model = Path(run.info.artifact_uri.removeprefix("file://")) / "model" / "model.pkl"
    new.to_csv("new.csv", index=False)
    arguments = [str(packages), str(model), "new.csv", "answer.json"]
    command = [sys.executable, "-I", "-S", "-c", _PROGRAM, *arguments]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    predicted: list[Any] = json.loads(Path("answer.json").read_text(encoding="utf-8"))
    return predicted
