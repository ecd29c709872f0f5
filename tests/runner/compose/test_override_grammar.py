"""What `render_value` writes, Hydra's own parser reads back as the same typed value."""

import math

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from hypothesis import example, given, settings
from hypothesis import strategies as st

from runner.compose.overrides import read_arguments
from tracking.errors import InvalidValue
from tracking.records.overrides import Override, render_value

PARSER = OverridesParser.create()

KEYS = st.from_regex(r"[A-Za-z_][A-Za-z0-9_ ,:=\[\](){}.$\\/-]{0,8}", fullmatch=True) | st.integers()
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.text(alphabet="'\"\\ ,=:[](){}$\n\tax1.")
    | st.sampled_from(["true", "NULL", "nan", "1", "1e-5", " lead", "trail ", "", "-", "é", "a/b", "x=1", "~"])
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=6,
)


def read_by_hydra(text: str) -> object:
    override = PARSER.parse_override(text)
    assert not override.is_sweep_override()
    return override.value()


def same(a: object, b: object) -> bool:
    if type(a) is not type(b):
        return False
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict) and isinstance(b, dict):
        return same(list(a), list(b)) and same(list(a.values()), list(b.values()))
    if isinstance(a, float) and isinstance(b, float):
        return (math.isnan(a) and math.isnan(b)) or (a == b and math.copysign(1, a) == math.copysign(1, b))
    return a == b


@pytest.mark.heavy
@settings(max_examples=300, deadline=None)
@given(VALUES)
@example("\\'")
@example("ends with \\")
@example("${seed}")
@example("a\\\\\"b'c\\")
@example({"a b": [1, {"c:d": None}]})
@example({"nan-ish": 1, "x.y": 2})
def test_hydra_reads_back_the_same_typed_value(value: object) -> None:
    try:
        text = render_value(value)
    except InvalidValue:  # a mapping key that the grammar has no way to write
        return
    assert same(read_by_hydra(f"key={text}"), value), text


@given(st.dictionaries(st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,8}", fullmatch=True), st.integers(), max_size=3))
def test_mappings_with_identifier_keys_can_always_be_written(value: dict[str, int]) -> None:
    if {"true", "false", "null", "nan", "inf"} & {key.lower() for key in value}:
        return
    assert read_by_hydra(f"key={render_value(value)}") == value


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        (True, "true"),
        (1, "1"),
        (1.0, "1.0"),
        (1e-05, "1e-05"),
        (float("-inf"), "-inf"),
        ("ridge", "ridge"),
        ("data/cars.csv", "data/cars.csv"),
        ("1", "'1'"),
        ("True", "'True'"),
        ("a,b", "'a,b'"),
        ("it's", "'it\\'s'"),
        ("", "''"),
        ([1, "a b"], "[1,'a b']"),
        ((1, 2), "[1,2]"),
        ({"a": 1}, "{a:1}"),
        ("../data/cars.csv", "../data/cars.csv"),
        ("/data/cars.csv", "/data/cars.csv"),
        (".5", "'.5'"),
    ],
)
def test_values_are_written_as_a_person_would(value: object, text: str) -> None:
    assert render_value(value) == text


@pytest.mark.parametrize("value", [{"é": 1}, {"it's": 1}, {"1": 1}, {"": 1}, {(1, 2): 1}, object(), {1, 2}])
def test_a_value_beyond_the_grammar_is_refused_by_name(value: object) -> None:
    with pytest.raises(InvalidValue, match="cannot be written as an override"):
        render_value(value)
    with pytest.raises(InvalidValue, match=r"^key: .*cannot be written as an override"):
        Override.of("key", value)


@pytest.mark.parametrize(
    ("key", "value", "text"),
    [
        ("alpha", 0.1, "alpha=0.1"),
        ("+tags.note", "two words", "+tags.note='two words'"),
        ("~x", None, "~x"),
        ("model@y", "ridge", "model@y=ridge"),
    ],
)
def test_a_setting_writes_its_override(key: str, value: object, text: str) -> None:
    assert Override.of(key, value).text == text
    PARSER.parse_override(text)


def test_spaced_values_are_written_as_in_a_file() -> None:
    [axis] = read_arguments(["alpha=logspace(-1, 1, 3)"], loader=None, points=10)

    assert [setting.text for (setting,) in axis.values] == ["alpha=0.1", "alpha=1.0", "alpha=10.0"]
