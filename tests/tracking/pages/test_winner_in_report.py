"""The report says what the best of a sweep is worth, in the words of the command line."""

import html
from pathlib import Path

import pytest

from runner.__main__ import main as run
from tracking.cli.app import main as track


@pytest.mark.heavy
def test_the_report_says_what_the_end_of_the_sweep_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["-m", "model=ridge", "alpha=0.01,0.1,0.5", "progress=false"]) == 0
    said = [
        line for line in capsys.readouterr().out.splitlines() if line.startswith(("best ", "honest ", "as good as "))
    ]

    assert track(["report"]) == 0

    page = html.unescape(Path("report.html").read_text(encoding="utf-8"))
    assert len(said) == 3
    assert all(line in page for line in said)
