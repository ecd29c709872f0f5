"""Nothing that a terminal would obey reaches it raw: names, paths, errors and progress are escaped."""

from __future__ import annotations

import io
from types import SimpleNamespace
from typing import Any

import pytest

from runner.cli import main
from runner.report.progress import Progress

ODD = "\x1b]0;title\x07 \u202etxt.exe\x9b31m"
SHOWN = "\\x1b]0;title\\x07 \\u202etxt.exe\\x9b31m"


def assert_plain(text: str) -> None:
    assert not [line for line in text.split("\n") if not line.isprintable()], ascii(text)


@pytest.mark.heavy
@pytest.mark.parametrize(
    "asked",
    [
        [f'run_name="{ODD}"'],
        [f'run_name="{ODD}"', "dry_run=true"],
        [f"experiment_name='{ODD}'"],
        ["data=csv", f"data.path='{ODD}.csv'", "data.target=y"],
        ["-m", f"+tags.note='{ODD}',b", "progress=false"],
        [f"model='{ODD}'"],
        [f"model.alpha='{ODD}'"],
    ],
    ids=["run", "preview", "experiment", "file", "sweep", "group", "value"],
)
def test_what_the_runner_prints_of_names_and_values_is_plain(
    asked: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    main(asked)

    said = "".join(capsys.readouterr())
    assert_plain(said)
    assert "title" in said


def outcome(**given: Any) -> Any:
    kind = {"ok": False, "status": "FAILED", "error": ODD, "run_id": "ab", "notes": (), "will_retry": False}
    return SimpleNamespace(**{"number": 1, "name": ODD, "objective": None, **kind, **given})


@pytest.mark.parametrize("live", [True, False])
def test_progress_is_plain(live: bool) -> None:
    stream = io.StringIO()
    progress = Progress(2, live=live, stream=stream)

    progress.begin(outcome())
    shown = progress.live_line(width=100)
    progress.take(outcome())
    progress.take(outcome(ok=True, status="FINISHED", objective=1.0, metric="rmse", direction="minimize"))

    assert_plain(stream.getvalue())
    assert_plain(shown + progress.live_line(width=100))
    assert SHOWN in stream.getvalue()
