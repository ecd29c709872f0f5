"""YAML of recorded files: bounded where it is read, and read back with its types."""

import math
from pathlib import Path
from typing import Any

import pytest
from omegaconf import OmegaConf

import tracking
from tracking.records.yaml_text import parse_yaml, parse_yaml_mapping, write_mapping, write_yaml

BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)
MERGES = "a: &a {x: 1}\n" + "".join(
    f"{name}: &{name} {{<<: [{', '.join([f'*{before}'] * 9)}]}}\n"
    for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize("text", [BOMB, MERGES], ids=["lists", "merges"])
def test_aliases_that_unfold_to_millions_of_values_are_refused_at_once(text: str) -> None:
    assert len(text) < 1000
    with pytest.raises(ValueError, match="its aliases unfold to far more than the file holds"):
        parse_yaml(text)


@pytest.mark.parametrize("text", ["a: &a {b: *a}", "a: &a [*a]", "&a {b: [1, {c: *a}]}"])
def test_a_value_that_contains_itself_is_one_sentence(text: str) -> None:
    with pytest.raises(ValueError, match="a value contains itself"):
        parse_yaml(text)


@pytest.mark.parametrize("text", ["[" * 600 + "]" * 600, "- " * 100_000, "{a: " * 100_000, "? " * 50_000])
def test_endless_nesting_is_one_sentence(text: str) -> None:
    """With PyYAML alone the longer ones end the process."""
    with pytest.raises(ValueError, match="nested too deeply"):
        parse_yaml(text)


def test_endless_nesting_by_aliases_is_one_sentence() -> None:
    chain = "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}]\n" for n in range(1, 5000))
    with pytest.raises(ValueError, match=r"nested too deeply|unfold"):
        parse_yaml(chain)


def test_ordinary_aliases_are_read() -> None:
    assert parse_yaml("a: &a {x: 1, y: [1, 2]}\nb: *a\nc: {<<: *a, x: 2}\n") == {
        "a": {"x": 1, "y": [1, 2]},
        "b": {"x": 1, "y": [1, 2]},
        "c": {"x": 2, "y": [1, 2]},
    }


@pytest.mark.parametrize("text", ["!!python/object/apply:os.system ['true']", "a: !!python/name:os.system"])
def test_nothing_is_made_but_plain_data(text: str) -> None:
    with pytest.raises(ValueError, match="could not determine a constructor"):
        parse_yaml(text)


def test_the_top_has_to_be_a_mapping() -> None:
    assert parse_yaml_mapping("") == {}
    with pytest.raises(ValueError, match="its top is a list, not a mapping"):
        parse_yaml_mapping("[1]")


@pytest.mark.parametrize(
    "text", ["._5", "1__0.", "1:30.5", "1e-3", "2E5", "+.5", "1_000.5", ".5e-3", "1e5", "-1e5", "2020-01-01", "0x1f"]
)
def test_text_like_a_number_is_the_same_to_us_and_to_omegaconf(text: str) -> None:
    """Written plain it has one type for both readers; written by us as text it stays text for both."""
    ours, theirs = parse_yaml(f"key: {text}")["key"], OmegaConf.create(f"key: {text}").key
    assert (type(ours), ours) == (type(theirs), theirs)
    for written in (write_yaml({"key": text}), write_mapping({"key": text})):
        assert parse_yaml(written) == {"key": text} == OmegaConf.create(written)


@pytest.mark.parametrize("value", [1, 1.0, True, "1", None, -0.0, 0.0, 0, math.inf, -math.inf, 1e-05, 1e16, "no", ""])
def test_values_that_python_takes_for_equal_are_written_each_as_itself(value: Any) -> None:
    for other in (1, 1.0, True, "1", 0.0, -0.0, value):
        write_mapping({"key": other})
    assert repr(parse_yaml(write_mapping({"key": value}))) == repr({"key": value})


def test_shared_values_are_written_out_without_anchors() -> None:
    shared = [1, {"x": 2}]
    assert "&" not in write_yaml({"a": shared, "b": shared}) + write_mapping({"a": shared, "b": {"c": shared}})


def test_a_mapping_is_written_below_keys_of_every_length() -> None:
    tree = {"k" * 200: {"a b": {"c": [1, "two\nlines"]}, "empty": {}}, "yes": {"1": "x"}, "é: ": {"\u2028": "\x85"}}
    assert parse_yaml(write_mapping(tree)) == tree


def test_a_bomb_among_the_recorded_files_is_named_and_the_rest_is_compared(tmp_path: Path) -> None:
    with tracking.start_run() as first:
        tracking.log_text(BOMB, "config.yaml")
    with tracking.start_run() as second:
        tracking.log_text("a: &a {b: *a}", "config.yaml")

    page = str(tracking.diff_runs(first.info.run_id, second.info.run_id))

    assert "config.yaml cannot be read: its aliases unfold" in page
    assert "config.yaml cannot be read: a value contains itself" in page
