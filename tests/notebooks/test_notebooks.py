"""The notebook beside this file runs, and its cells show tables and a chart."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.heavy

NOTEBOOK = Path(__file__).with_name("looking.ipynb")


@pytest.fixture
def cells(tmp_path: Path) -> list[Any]:
    """Run the notebook in an empty folder, and return what each cell of code showed."""
    why = "notebooks are run with nbclient, ipykernel and the extra [plot]"
    nbclient = pytest.importorskip("nbclient", reason=why)
    nbformat = pytest.importorskip("nbformat", reason=why)
    for module in ("ipykernel", "altair"):
        pytest.importorskip(module, reason=why)
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbclient.NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(tmp_path)}}).execute()
    return [cell["outputs"] for cell in notebook["cells"] if cell["cell_type"] == "code"]


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
def test_a_sweep_shows_how_far_it_is_in_one_line_that_is_there_before_its_end(cells: list[Any]) -> None:
    line, _ = cells[0]  # and the runs
    assert line["data"]["text/plain"].startswith("6/6 done  best rmse 5")
    assert line["output_type"] == "display_data"  # shown first; updates of it are no outputs of their own


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
def test_runs_a_run_a_diff_and_a_chart_show_themselves(cells: list[Any]) -> None:
    runs, run, diff, chart = (outputs[-1]["data"] for outputs in cells)
    assert "6 runs, the best first" in runs["text/html"]
    assert '<td style="text-align: left">params.alpha</td>' in run["text/html"]
    assert "metrics: 3 of 3 metrics differ" in diff["text/html"]
    assert any(kind.startswith("application/vnd.vegalite") for kind in chart) or "vega" in chart["text/html"]
