"""A setting of a sweep is a field of Settings; what repeats its name agrees with it."""

from __future__ import annotations

from dataclasses import asdict, fields
from pathlib import Path

import pytest
import yaml

from runner.__main__ import main
from runner.compose.schema import root
from runner.settings import Settings
from tracking.records.names import BOOKKEEPING

ROOT = Path(__file__).parents[2]
NAMES = [setting.name for setting in fields(Settings)]


def test_the_shipped_config_has_every_setting_with_its_default_and_a_comment() -> None:
    text = (ROOT / "conf" / "config.yaml").read_text(encoding="utf-8")
    shipped = yaml.safe_load(text)

    assert {name: shipped[name] for name in NAMES} == asdict(Settings())
    for name in NAMES:
        assert any(line.startswith(f"{name}:") and "#" in line for line in text.splitlines()), name


def test_reading_a_config_gives_its_values() -> None:
    config = asdict(Settings()) | {"n_jobs": 2, "retries": 3, "model": {"alpha": 1}}

    assert Settings.of(config) == Settings(n_jobs=2, retries=3)


def test_the_schema_has_every_setting() -> None:
    assert set(NAMES) <= set(root())


def test_no_setting_is_taken_for_a_part_of_the_experiment() -> None:
    # Threads are in the params of a run: they are what its seconds depend on.
    assert set(NAMES) - BOOKKEEPING <= {"threads_per_run"}


@pytest.mark.parametrize("name", [name for name in NAMES if name != "diff"])  # a run may have any name
def test_a_value_that_a_setting_does_not_take_is_one_message(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([f"{name}=[1,2]"]) == 2

    err = capsys.readouterr().err
    assert err.startswith("error: ")
    assert name in err
    assert "Traceback" not in err
