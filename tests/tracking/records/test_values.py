"""Typed plain values: flattening, comparing and showing."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tracking.records.values import (
    ABSENT,
    Change,
    Kind,
    diff_configs,
    find_varying,
    identity,
    show_change,
    show_changes,
    show_value,
    unfold,
)

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
names = st.text(alphabet="abc.\\", min_size=1, max_size=4)
configs = st.dictionaries(
    names,
    st.recursive(
        scalars,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
        max_leaves=8,
    ),
    max_size=5,
)


def apply_changes(flat: Mapping[str, Any], changes: Iterable[Change]) -> dict[str, Any]:
    """Return the flat config that two-sided changes lead to."""
    result = dict(flat)
    for change in changes:
        if change.values[-1] is ABSENT:
            result.pop(change.key, None)
        else:
            result[change.key] = change.values[-1]
    return result


@settings(max_examples=60, deadline=None)
@given(configs)
def test_a_config_does_not_differ_from_itself(config: dict[str, Any]) -> None:
    assert diff_configs(config, config, bookkeeping=True) == ()


@pytest.mark.heavy
@settings(max_examples=100, deadline=None)
@given(configs, configs)
def test_applying_the_changes_to_the_first_gives_the_second(old: dict[str, Any], new: dict[str, Any]) -> None:
    changed = apply_changes(unfold(old), diff_configs(old, new, bookkeeping=True))

    assert {key: identity(value) for key, value in changed.items()} == {
        key: identity(value) for key, value in unfold(new).items()
    }


@settings(max_examples=60, deadline=None)
@given(configs, configs)
def test_the_changes_back_are_the_changes_turned_round(old: dict[str, Any], new: dict[str, Any]) -> None:
    forth = {c.key: c.values for c in diff_configs(old, new, bookkeeping=True)}
    back = {c.key: c.values[::-1] for c in diff_configs(new, old, bookkeeping=True)}

    assert repr(sorted(forth.items())) == repr(sorted(back.items()))


@settings(max_examples=60, deadline=None)
@given(st.lists(configs, min_size=1, max_size=4))
def test_what_all_share_is_never_listed_and_everything_else_is(many: list[dict[str, Any]]) -> None:
    flats = [unfold(config) for config in many]
    varying = find_varying(flats)

    for key in {key for flat in flats for key in flat}:
        texts = {identity(flat.get(key, ABSENT)) for flat in flats}
        assert (key in varying) == (len(texts) > 1)


@settings(max_examples=60, deadline=None)
@given(configs)
def test_flattening_never_merges_two_leaves(config: dict[str, Any]) -> None:
    def count(node: Any) -> int:
        children = list(node.values()) if isinstance(node, dict) else node
        if isinstance(node, dict) and node:
            return sum(map(count, children))
        if isinstance(node, list) and any(isinstance(item, dict | list) for item in node):
            return sum(map(count, children))
        return 1

    assert len(unfold(config)) == (count(config) if config else 0)


@pytest.mark.parametrize(
    ("old", "new", "kind"),
    [
        (1, 1.0, Kind.TYPE),
        ("1", 1, Kind.TYPE),
        (True, 1, Kind.TYPE),
        (5, "five", Kind.TYPE),
        ([1], "[1]", Kind.TYPE),
        (1, 0.5, Kind.CHANGED),
        (None, 3, Kind.CHANGED),
        ("a", "b", Kind.CHANGED),
        ([1, 2], [1, 2.0], Kind.CHANGED),
        (ABSENT, None, Kind.ADDED),
        (None, ABSENT, Kind.REMOVED),
        (math.nan, math.nan, Kind.SAME),
    ],
)
def test_a_change_knows_its_kind(old: Any, new: Any, kind: Kind) -> None:
    assert Change("k", (old, new)).kind is kind


def test_bookkeeping_and_ignored_keys_are_left_out() -> None:
    old = {"n_jobs": 1, "hydra": {"verbose": False}, "model": {"verbose": 0, "alpha": 1.0}, "seed": 1}
    new = {"n_jobs": 2, "hydra": {"verbose": True}, "model": {"verbose": 1, "alpha": 2.0}, "seed": 2}

    assert [c.key for c in diff_configs(old, new)] == ["model.verbose", "model.alpha", "seed"]
    assert [c.key for c in diff_configs(old, new, ignore=["*.verbose"])] == ["model.alpha", "seed"]
    assert [c.key for c in diff_configs(old, new, ignore=["model"])] == ["seed"]
    assert [c.key for c in diff_configs(old, new, bookkeeping=True)][:2] == ["n_jobs", "hydra.verbose"]


def test_lists_of_mappings_are_compared_item_by_item() -> None:
    old = {"steps": [{"name": "scale"}, {"name": "fit", "k": 1}], "cols": ["a", "b"]}
    new = {"steps": [{"name": "scale"}, {"name": "fit", "k": 2}], "cols": ["a", "c"]}

    assert show_changes(diff_configs(old, new)) == "  steps.1.k  1 -> 2\n  cols       [a, b] -> [a, c]"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        (True, "true"),
        (1, "1"),
        (1.0, "1.0"),
        (1e-05, "1e-05"),
        ("1", '"1"'),
        ("1e-3", '"1e-3"'),
        ("null", '"null"'),
        ("", '""'),
        ("two words", "two words"),
        ("line\nbreak", '"line\\nbreak"'),
        ("\x1b[31mred", '"\\u001b[31mred"'),
        ("été", "été"),
        ([1, "a", None], "[1, a, null]"),
        ({}, "{}"),
        (math.inf, ".inf"),
        (math.nan, ".nan"),
    ],
)
def test_a_shown_value_tells_its_type(value: Any, text: str) -> None:
    assert show_value(value) == text


def test_a_type_change_is_marked() -> None:
    assert show_change(Change("k", ("1", 1))) == '"1" -> 1  (type: str -> int)'
    assert show_change(Change("k", (ABSENT, 0.5))) == "added: 0.5"
    assert show_change(Change("k", (0.5, ABSENT))) == "removed (was 0.5)"
