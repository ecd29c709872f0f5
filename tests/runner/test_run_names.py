"""Names of runs are short, readable, say what varies, and never repeat within a sweep."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.points.axes import Setting
from runner.points.naming import LONGEST, Namer, name_for


def named(lead: str, **values: object) -> str:
    return name_for(lead, [Setting.of(key.replace("__", "."), value) for key, value in values.items()])


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (named("ridge"), "ridge"),
        (named("ridge", model="ridge", alpha=0.1), "ridge alpha=0.1"),
        (named("elasticnet", alpha=0.1, l1_ratio=0.5), "elasticnet alpha=0.1 l1_ratio=0.5"),
        (named("forest", model__max_depth=None, data="iris"), "forest max_depth=null data=iris"),
        (named("svr", model__n_splits=1, cv__n_splits=5), "svr model.n_splits=1 cv.n_splits=5"),
        (named("mlp", model__layers=[10, 10]), "mlp layers=[10,10]"),
        (named("ridge", tags__note="two words, and 'more'"), "ridge note=two words, and 'more'"),
        (name_for("ridge", [Setting.of("~x"), Setting.of("+y", 1)]), "ridge ~x y=1"),
    ],
)
def test_a_name_says_what_varies(name: str, expected: str) -> None:
    assert name == expected


def test_only_the_varying_keys_are_shown_when_they_are_known() -> None:
    settings_ = [Setting.of("model", "ridge"), Setting.of("seed", 7), Setting.of("alpha", 1)]
    assert name_for("ridge", settings_, {"alpha", "model"}) == "ridge alpha=1"


@pytest.mark.parametrize("value", ["a/b\\c", "line\nbreak\ttab", "x" * 300, "nul\0", "\ud800", "e\u0301", "  lead"])
def test_what_cannot_be_shown_becomes_a_few_digits(value: str) -> None:
    name = named("ridge", note=value)
    assert len(name) <= LONGEST
    assert not set(name) & set("/\\\n\t\0")
    assert name.split(" ~")[0].startswith("ridge note=")
    assert len(name.rsplit(" ~", 1)[1]) == 6
    name.encode()


def test_a_name_that_is_taken_gets_the_number_of_its_point() -> None:
    namer = Namer()
    first = namer.name("ridge", [Setting.of("note", "1")], 0)
    second = namer.name("ridge", [Setting.of("note", 1)], 1)
    assert (first, second) == ("ridge note=1", "ridge note=1 #1")


def test_names_that_differ_in_case_only_count_as_taken() -> None:
    namer = Namer()
    assert namer.name("svc", [Setting.of("C", 1)], 0) == "svc C=1"
    assert namer.name("svc", [Setting.of("c", 1)], 1) == "svc c=1 #1"


def test_neighbouring_floats_have_different_names() -> None:
    assert named("ridge", alpha=0.3) != named("ridge", alpha=0.1 + 0.2)


@settings(max_examples=100)
@given(
    st.lists(
        st.dictionaries(st.sampled_from(["a", "b", "m.a"]), st.text() | st.integers() | st.none()),
        max_size=12,
    )
)
def test_no_two_points_share_a_name(points: list[dict[str, object]]) -> None:
    namer = Namer()
    names = [
        namer.name("ridge", [Setting.of(key, value) for key, value in point.items()], number)
        for number, point in enumerate(points)
    ]
    assert len({name.casefold() for name in names}) == len(points)
    assert all(0 < len(name) <= LONGEST for name in names)
