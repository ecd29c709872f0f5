"""What `push` says beside what it sends."""

from __future__ import annotations

import pytest

import tracking
from tracking.cli.remote import note_shortened


def test_params_and_tags_that_were_cut_when_recorded_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    with tracking.start_run() as run:
        tracking.log_params({"cut": "x" * 6001, "whole": "x" * 5999})
        tracking.set_tags({"note": "y" * 9000, "short": "y" * 7999})
    capsys.readouterr()

    note_shortened([tracking.get_run(run.info.run_id)])

    of_params, of_tags = capsys.readouterr().err.splitlines()
    assert of_params.startswith("6000 characters, the most that params may have, so probably cut when recorded: cut (")
    assert of_tags.startswith("8000 characters, the most that tags may have, so probably cut when recorded: note (")
