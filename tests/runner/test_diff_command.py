"""The command that `tracking diff` prints is true: it composes the second run's config."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from hydra import initialize_config_dir
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runner.compose.composer import Composed, Composer
from runner.compose.folder import config_folder
from runner.compose.overrides import read_overrides
from runner.compose.recorded import as_recorded
from runner.compose.session import prepare_hydra, version_base
from runner.reproducing.changed import change_with
from runner.trial.recorded import RecordedRun
from tracking.compare.config import Command, compare_configs
from tracking.entities import Run, RunData, RunInfo
from tracking.pages.diff_page import render_config
from tracking.records.overrides import render_value
from tracking.records.reading import RunRecord
from tracking.records.request import Request
from tracking.records.values import diff_configs

KNOBS = {"ridge": ["alpha"], "lasso": ["alpha"], "elasticnet": ["alpha", "l1_ratio"], "knn": [], "linear": []}
VALUES = ["0.1", "0.25", "0.5", "1"]
awkward = st.text("ab \\\"'$,=é", max_size=6)


@st.composite
def requests(draw: st.DrawFn) -> list[str]:
    """Draw what a person may type: a model, its knobs, a splitter, nested keys, additions, awkward text."""
    model = draw(st.sampled_from(list(KNOBS)))
    asked = [f"model={model}"] if model != "ridge" or draw(st.booleans()) else []
    asked += [f"{knob}={draw(st.sampled_from(VALUES))}" for knob in KNOBS[model] if draw(st.booleans())]
    if draw(st.booleans()):
        asked.append(f"seed={draw(st.integers(0, 9))}")
    if draw(st.booleans()):
        asked.append(f"cv.n_splits={draw(st.integers(2, 9))}")
    if draw(st.booleans()):
        asked.append("prepare=standard")
    if draw(st.booleans()):
        asked.append(f"+data.note={render_value(draw(awkward))}")
    if draw(st.booleans()):
        asked.append("refit=false")
    return asked


@pytest.fixture(scope="module")
def shared() -> Composer:
    return Composer()


@pytest.fixture
def composer(shared: Composer) -> Iterator[Composer]:
    prepare_hydra()
    with initialize_config_dir(config_dir=str(config_folder()), job_name="runner", **version_base()):
        yield shared


def record(composed: Composed, name: str) -> RunRecord:
    info = RunInfo(f"{name}-0123456789", "1", "me", "FINISHED", 0, 1, "active", "file:///x", name)
    request = Request(composed.minimal, composed.minimal, (), composed.choices, composed.origins)
    return RunRecord(Run(info, RunData()), "e", as_recorded(composed)[0], request)


def command_between(composer: Composer, first: Sequence[str], second: Sequence[str]) -> Command:
    old, new = (composer.compose(read_overrides(asked)) for asked in (first, second))
    return compare_configs([record(old, "first"), record(new, "second")]).commands[1]


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(requests(), requests())
def test_the_printed_command_composes_the_second_config(
    composer: Composer, first: list[str], second: list[str]
) -> None:
    wanted = composer.compose(read_overrides(second)).config
    command = command_between(composer, first, second)

    assert command.run is not None
    program, *overrides = shlex.split(command.run.removeprefix("python -m "))
    assert program == "runner"
    assert diff_configs(wanted, composer.compose(read_overrides(overrides)).config) == ()


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(requests(), requests())
def test_the_changes_printed_for_the_first_run_lead_to_the_second_config(
    composer: Composer, first: list[str], second: list[str]
) -> None:
    """Starting from a run: its own request, of which whatever is given anew or gone is left out."""
    old, new = (composer.compose(read_overrides(asked)) for asked in (first, second))
    command = compare_configs([record(old, "first"), record(new, "second")]).commands[1]

    assert command.from_first is not None
    delta = shlex.split(command.from_first)[4:]
    changed = change_with(composer, RecordedRun(record(old, "first"), Path(), client=None), delta)
    assert diff_configs(as_recorded(new)[0], changed.spec.config) == ()


def test_a_real_group_change_is_one_line(composer: Composer) -> None:
    old, new = (composer.compose(read_overrides(asked)) for asked in ([], ["model=elasticnet", "alpha=0.5"]))
    text = render_config(compare_configs([record(old, "first"), record(new, "second")]))

    assert "  model  ridge -> elasticnet (+ l1_ratio = 0.5)" in text
    assert "python -m runner model=elasticnet alpha=0.5" in text
    assert len(text.splitlines()) == 5


@settings(max_examples=150, deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=12),
        lambda inner: st.lists(inner, max_size=3),
        max_leaves=5,
    )
)
def test_a_written_value_is_read_back_by_hydra_with_its_type(value: object) -> None:
    (setting,) = read_overrides([f"key={render_value(value)}"])

    assert repr(setting.value) == repr(value)
