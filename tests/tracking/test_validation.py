"""Names and limits: what is accepted, and messages that name the value and the remedy."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracking import validation
from tracking.errors import InvalidType, InvalidValue, TrackingError
from tracking.validation import PARAM, check_key


@pytest.mark.parametrize(
    ("call", "parts"),
    [
        (lambda: check_key("a$b", PARAM), ["'a$b'", "alphanumerics"]),
        (lambda: check_key("a//b", PARAM), ["'a//b'", "'a/b'"]),
        (lambda: check_key("x" * 251, PARAM), ["251", "250", "Shorten"]),
        (lambda: check_key("a\n", PARAM), ["'a\\n'"]),
        (lambda: validation.metric_value("loss", "abc"), ["'loss'", "'abc'", "number"]),
        (lambda: validation.metric_value("loss", [1, 2]), ["'loss'", "[1, 2]", "list"]),
        (lambda: validation.metric_step("3"), ["'3'", "whole number"]),
        (lambda: validation.metric_timestamp(-1), ["-1", "milliseconds"]),
        (lambda: validation.run_id("../x"), ["'../x'", "python -m tracking runs"]),
        (lambda: validation.experiment_id("ridge"), ["'ridge'", "get_experiment_by_name"]),
        (lambda: validation.run_status("DONE"), ["'DONE'", "FINISHED"]),
        (lambda: validation.page_size(0), ["0", "50000"]),
        (lambda: validation.artifact_location("s3://bucket"), ["'s3://bucket'", "file:"]),
    ],
)
def test_a_message_names_the_value_and_the_remedy(call, parts) -> None:
    with pytest.raises(TrackingError) as caught:
        call()

    assert [part for part in parts if part not in str(caught.value)] == []


def test_errors_are_the_builtin_ones_that_python_users_expect() -> None:
    with pytest.raises(ValueError, match="Missing value"):
        validation.metric_value("m", None)
    with pytest.raises(TypeError, match="not a number"):
        validation.metric_value("m", [1])
    with pytest.raises(TypeError, match="must be text"):
        check_key(1, PARAM)


def test_a_value_whose_text_cannot_be_made_is_refused() -> None:
    class Broken:
        def __str__(self) -> str:
            raise RuntimeError("no text")

    with pytest.raises(InvalidType, match="Broken has no text form"):
        validation.param_value("p", Broken())


def test_text_that_is_not_unicode_is_refused_before_the_store_sees_it() -> None:
    with pytest.raises(InvalidValue, match="not valid Unicode"):
        validation.param_value("p", "\ud800")


def test_a_long_value_is_cut_with_a_warning_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    assert len(validation.param_value("p", "x" * 7000)) == 6000
    assert "7000" in caplog.text


def test_long_values_are_refused_when_the_environment_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRUNCATE_LONG_VALUES", "false")

    with pytest.raises(InvalidValue, match="log_text"):
        validation.param_value("p", "x" * 6001)


def test_a_switch_in_the_environment_that_is_neither_yes_nor_no_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MLFLOW_TRUNCATE_LONG_VALUES", "perhaps")

    with pytest.raises(InvalidValue, match="perhaps"):
        validation.param_value("p", "x" * 6001)


@given(st.text(max_size=12))
def test_a_key_that_is_accepted_is_a_path_inside_its_folder(key: str) -> None:
    try:
        accepted = check_key(key, PARAM)
    except InvalidValue:
        return

    parts = accepted.split("/")
    assert accepted == key
    assert not {"", ".", ".."} & set(parts)


@given(st.one_of(st.none(), st.text(), st.binary(), st.floats(), st.integers(), st.lists(st.floats(), max_size=2)))
def test_a_metric_value_is_a_float_or_a_tracking_error(value: object) -> None:
    with contextlib.suppress(TrackingError):
        assert type(validation.metric_value("m", value)) is float
