"""`python -m tracking carry`: a script's imports changed, and what does not carry over named by its line."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tracking.cli.app import main

SCRIPT = '''"""A script."""
import os, mlflow
import mlflow.sklearn
import mlflow.pyfunc as pf
from mlflow import log_metric, MlflowClient  # both
from mlflow.models.signature import (
    infer_signature,
)


def train():
    from mlflow.tracking import MlflowClient as Client
    mlflow.set_experiment("ä")
    with mlflow.start_run():
        mlflow.log_param("mlflow", 1)
    return Client().search_experiments()


assert train() and pf.load_model and infer_signature and mlflow.sklearn.log_model and os.sep and log_metric
'''


def test_a_script_of_mlflow_runs_with_its_imports_changed(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(SCRIPT, encoding="utf-8")

    assert main(["carry", "train.py"]) == 0

    captured = capsys.readouterr()
    assert captured.err == ""
    assert 'mlflow.log_param("mlflow", 1)' in captured.out
    assert "from tracking import log_metric, MlflowClient  # both" in captured.out
    imported = {ast.unparse(node) for node in ast.walk(ast.parse(captured.out)) if isinstance(node, ast.Import)}
    assert imported == {
        "import os, tracking as mlflow",
        "import tracking as mlflow, tracking.sklearn",
        "import tracking.pyfunc as pf",
    }
    (tmp_path / "here.py").write_text(captured.out, encoding="utf-8")
    root = Path(__file__).parents[3]
    done = subprocess.run(
        [sys.executable, "here.py"],
        env={"PYTHONPATH": str(root), "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_what_does_not_carry_over_is_named_by_its_line(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    lines = ["import mlflow", "from mlflow import log_table", "mlflow.log_image(1, 'a')", "import mlflow.pytorch"]
    (tmp_path / "train.py").write_text("\n".join([*lines, "mlflow.log_metrix(1)", "mlflow.log_metric('a', 1)"]))

    assert main(["carry", "train.py"]) == 1

    said = capsys.readouterr().err
    assert "train.py:2: mlflow.log_table does not carry over" in said
    assert "train.py:3: mlflow.log_image does not carry over" in said
    assert "log_figure" in said
    assert "train.py:4: mlflow.pytorch does not carry over" in said
    assert "train.py:5: mlflow.log_metrix does not carry over. There is nothing of this name here." in said
    assert "train.py:6" not in said


@pytest.mark.parametrize(("name", "part"), [("gone.py", "cannot be read"), ("bad.py", "not a Python file")])
def test_a_file_that_is_no_script_is_one_sentence(
    name: str, part: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "bad.py").write_text("import (")

    assert main(["carry", name]) == 2
    assert part in capsys.readouterr().err
