"""Names of runs are short, readable, say what varies, and never repeat within a sweep."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.points.naming import LONGEST, Namer, name_for, shorten_values
from tracking.records.overrides import Override


def named(lead: str, **values: object) -> str:
    return name_for(lead, [Override.of(key.replace("__", "."), value) for key, value in values.items()])


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
        (name_for("ridge", [Override.of("~x"), Override.of("+y", 1)]), "ridge ~x y=1"),
    ],
)
def test_a_name_says_what_varies(name: str, expected: str) -> None:
    assert name == expected


def test_only_the_varying_keys_are_shown_when_they_are_known() -> None:
    settings_ = [Override.of("model", "ridge"), Override.of("seed", 7), Override.of("alpha", 1)]
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
    first = namer.name("ridge", [Override.of("note", "1")], 0)
    second = namer.name("ridge", [Override.of("note", 1)], 1)
    assert (first, second) == ("ridge note=1", "ridge note=1 #1")


def test_names_that_differ_in_case_only_count_as_taken() -> None:
    namer = Namer()
    assert namer.name("svc", [Override.of("C", 1)], 0) == "svc C=1"
    assert namer.name("svc", [Override.of("c", 1)], 1) == "svc c=1 #1"


def test_neighbouring_floats_have_different_names() -> None:
    assert named("ridge", alpha=0.3) != named("ridge", alpha=0.1 + 0.2)


@pytest.mark.parametrize(
    ("key", "values", "words"),
    [
        ("alpha", [0.31622776601683794, 0.1, 1], ["0.31623", "0.1", "1"]),
        ("alpha", [123456.7891, 1.0000000000000002e-10], ["123457", "1e-10"]),
        ("alpha", [0.3, 0.30000000000000004], ["0.3", "0.30000000000000004"]),
        ("alpha", [float("inf")], ["inf"]),
        ("data.path", ["/far/away/cars.csv", "trees.csv"], ["cars.csv", "trees.csv"]),
        ("data.path", ["here/folder/"], ["folder"]),
        ("data.file", ["a/cars.csv", "b/CARS.csv"], ["a_cars.csv", "b_CARS.csv"]),
        ("note", ["a/b"], ["a_b"]),
    ],
)
def test_long_numbers_and_paths_are_short_where_they_stay_apart(
    key: str, values: list[object], words: list[str]
) -> None:
    points = [Override.of(key, value) for value in values]
    namer = Namer(None, points)

    names = [namer.name("ridge", [point], number) for number, point in enumerate(points)]

    label = key.rpartition(".")[2]
    assert [name.partition(" ~")[0] for name in names] == [f"ridge {label}={word}" for word in words]
    assert len(set(names)) == len(names)


def test_settings_that_are_short_already_need_no_other_words() -> None:
    assert shorten_values([Override.of("model", "ridge"), Override.of("alpha", 0.1), Override.of("~x")]) == {}


@settings(max_examples=100)
@given(
    st.lists(
        st.dictionaries(
            st.sampled_from(["a", "b", "m.a"]), st.text() | st.integers() | st.floats(allow_nan=False) | st.none()
        ),
        max_size=12,
    )
)
def test_no_two_points_share_a_name(points: list[dict[str, object]]) -> None:
    namer = Namer(None, [Override.of(key, value) for point in points for key, value in point.items()])
    names = [
        namer.name("ridge", [Override.of(key, value) for key, value in point.items()], number)
        for number, point in enumerate(points)
    ]
    assert len({name.casefold() for name in names}) == len(points)
    assert all(0 < len(name) <= LONGEST for name in names)
