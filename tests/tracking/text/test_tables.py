"""Rows to text in every format, and single values to cells."""

import csv
import doctest
import importlib
import io
import json
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracking.text.formatting import cell_width, format_value, render_json
from tracking.text.plot import render_plot
from tracking.text.tables import (
    DottedName,
    NumberText,
    ShortId,
    format_duration,
    format_number,
    format_size,
    render_page,
    render_table,
    shares,
    varying_columns,
)

ID = "a93fa93fa93fa93fa93fa93fa93fa93f"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.1, "0.1"),
        (54.123456, "54.123"),
        (1e-7, "1e-07"),
        (1234567.8, "1234568"),
        (12, "12"),
        (float("nan"), "nan"),
        (float("-inf"), "-inf"),
    ],
)
def test_numbers_are_short(value, text):
    assert format_number(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0ms"),
        (0.9999, "1.0s"),
        (59.97, "1m 00s"),
        (3599.9, "1h 00m"),
        (7200, "2h 00m"),
        (172800, "2d 0h"),
        (-3, "-3.0s"),
    ],
)
def test_durations_have_at_most_two_units(seconds, text):
    assert format_duration(seconds) == text
    assert format_duration(timedelta(seconds=seconds)) == text


def test_sizes_have_one_unit():
    assert [format_size(size) for size in (0, 999, 1000, 999_960, 5 * 10**12)] == [
        "0 B",
        "999 B",
        "1.0 kB",
        "1.0 MB",
        "5.0 TB",
    ]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "-"),
        (True, "true"),
        (ShortId(ID), "a93fa93f"),
        (DottedName("sklearn.linear_model.Ridge"), "Ridge"),
        (NumberText("0.0017782794100389228"), "0.0017783"),
        (NumberText("0.10"), "0.10"),
        (NumberText("20240101123456"), "20240101123456"),
        (NumberText("elasticnet-long"), "elasticnet-long"),
        ([1, "a"], '[1, "a"]'),
        (datetime(2026, 1, 2, 3, 4, 5), "2026-01-02 03:04"),
    ],
)
def test_the_type_of_a_value_says_how_it_is_shown(value, text):
    assert format_value(value) == text


def test_nothing_in_a_value_reaches_the_terminal_as_a_command():
    assert format_value("a\nb\x1b[31m\u202e") == "a\\nb\\x1b[31m\\u202e"


def test_a_table_aligns_numbers_right_with_equal_decimals():
    rows = [{"name": "a", "rmse": 50.0}, {"name": "bbb", "rmse": 9.125}, {"name": "c"}]

    text = render_table(rows, ["name", "rmse"])

    assert text.splitlines() == [
        "name    rmse",
        "----  ------",
        "a     50.000",
        "bbb    9.125",
        "c          -",
    ]


def test_a_table_that_is_too_wide_cuts_text_before_it_hides_columns():
    rows = [{"id": ShortId(ID), "name": "n" * 40, "rmse": 54.123, "mae": 43.5}]
    columns = ["id", "name", "rmse", "mae"]

    wide, narrow, narrower = (render_table(rows, columns, width=width) for width in (80, 44, 29))

    assert "n" * 40 in wide
    assert "…" in narrow
    assert "54.123" in narrow
    assert "43.5" in narrow
    assert narrower.splitlines()[-1] == "(+2 more: rmse, mae)"
    assert "54.1" not in narrower  # a number is whole or absent
    assert max(map(cell_width, (narrow + "\n" + narrower).splitlines())) <= 44


def test_without_a_width_nothing_is_cut():
    assert "n" * 5000 in render_table([{"name": "n" * 5000}], ["name"])


def test_wide_characters_take_two_cells():
    lines = render_table([{"a": "日本", "b": 1}, {"a": "x", "b": 2}], ["a", "b"]).splitlines()

    assert cell_width("日本") == 4
    assert lines[2:] == ["日本  1", "x     2"]


def test_json_keeps_every_digit_and_stays_strict():
    rows = [{"id": ShortId(ID), "x": 0.1 + 0.2, "nan": float("nan"), "took": timedelta(seconds=1.5)}]

    (row,) = json.loads(
        render_table(rows, ["id", "x", "nan", "took", "missing"], format="json"), parse_constant=pytest.fail
    )

    assert row == {"id": ID, "x": 0.1 + 0.2, "nan": "NaN", "took": 1.5, "missing": None}


@given(st.lists(st.fixed_dictionaries({"a": st.text(), "b": st.floats(allow_nan=False)}), max_size=5))
def test_csv_reads_back_as_it_was(rows):
    text = render_table(rows, ["a", "b"], format="csv", raw=True)

    read = list(csv.DictReader(io.StringIO(text, newline="")))

    # A row that is one empty cell would vanish; two columns never are.
    assert [(row["a"], float(row["b"])) for row in read] == [(row["a"], row["b"]) for row in rows]


@given(
    st.lists(st.dictionaries(st.sampled_from("abc"), st.text() | st.floats() | st.none()), max_size=5),
    st.integers(2, 60),
)
def test_a_table_has_one_line_for_each_row_whatever_it_holds(rows, width):
    lines = render_table(rows, ["a", "b", "c"], width=width).split("\n")

    hidden = lines[-1].startswith("(") and len(lines) == len(rows) + 3
    assert len(lines) == len(rows) + 2 + hidden
    assert all(line.isprintable() for line in lines)


@pytest.mark.parametrize("text", ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "-", "=", "+x"])
def test_csv_guards_text_that_a_spreadsheet_would_run(text):
    """Fails on 0.1.0."""

    def read(**options):
        written = render_table([{text: text}], [text], format="csv", **options)
        return list(csv.reader(io.StringIO(written, newline="")))

    assert read() == [[f"'{text}"], [f"'{text}"]]
    assert read(raw=True) == [[text], [text]]


@pytest.mark.parametrize("value", [-1, -0.5, float("-inf"), NumberText("-0.5"), "-1e-05", "+3", "a=b", "", None])
def test_csv_leaves_numbers_and_ordinary_text_alone(value):
    assert render_table([{"a": value}], ["a"], format="csv") == render_table(
        [{"a": value}], ["a"], format="csv", raw=True
    )


@given(st.text())
def test_json_has_no_character_that_a_terminal_obeys_and_is_the_same_json(text):
    written = render_json({text: [text]})

    assert all(c.isprintable() or c == "\n" for c in written)
    assert json.loads(written) == {text: [text]}


def test_markdown_escapes_what_would_end_a_cell():
    text = render_table([{"a|b": "x|y\nz", "n": 1}], ["a|b", "n"], format="md", title="T")

    assert text.splitlines() == ["**T**", "", r"| a\|b | n |", "| --- | ---: |", r"| x\|y\nz | 1 |"]


def test_latex_escapes_its_special_characters():
    text = render_table([{"name_1": "50% & #1", "n": 2.5}], ["name_1", "n"], format="latex")

    assert r"\begin{tabular}{lr}" in text
    assert r"name\_1 & n \\" in text
    assert r"50\% \& \#1 & 2.5 \\" in text


def test_an_unknown_format_names_the_known_ones():
    with pytest.raises(ValueError, match=r"No format .xml.\. Formats: table, json"):
        render_table([], [], format="xml")


def test_varying_columns_are_those_whose_value_or_presence_differs():
    rows = [
        {"same": 1, "value": 1, "kind": 1, "nan": float("nan")},
        {"same": 1, "value": 2, "kind": "1", "nan": float("nan"), "only here": 1},
    ]

    assert varying_columns(rows, ["same", "value", "kind", "nan", "only here"]) == [
        "value",
        "kind",
        "only here",
    ]
    assert varying_columns(rows[:1], ["same"]) == ["same"]


def test_a_page_shows_its_sections_and_leaves_out_empty_ones():
    sections = [("params", {"alpha": "0.1", "l1_ratio": "0.5"}), ("tags", {}), ("error", "Boom\n\tat x")]

    assert render_page("run", sections) == (
        "run\n\nparams\n  alpha     0.1\n  l1_ratio  0.5\n\nerror\n  Boom\n      at x"
    )
    assert render_page("run", sections, format="md").startswith("# run\n\n## params\n\n| key | value |")


def test_a_page_wraps_what_is_too_long_and_loses_nothing():
    page = render_page("run", [("tags", {"note": "word " * 20, "uri": "x" * 60})], width=40)

    assert max(map(len, page.splitlines())) <= 40
    assert page.count("word") == 20
    assert page.count("x") == 60


@given(st.lists(st.tuples(st.integers(-(2**63), 2**63 - 1), st.floats()), min_size=1, max_size=20))
def test_a_plot_takes_any_numbers(points):
    xs, ys = zip(*points, strict=True)

    lines = render_plot(xs, ys, width=40, height=5).splitlines()

    assert len(lines) in (1, 7)


def test_a_plot_marks_first_and_last_at_the_corners():
    lines = render_plot([0, 1], [1.0, 2.0], width=13, height=3).splitlines()

    assert lines == ["2 |         *", "  |", "1 |*", "  +----------", "   0        1"]


@pytest.mark.parametrize("room", ["text.formatting", "pages.run_table"])
def test_docstring_examples_are_true(room):
    results = doctest.testmod(importlib.import_module(f"tracking.{room}"))

    assert results.attempted > 0
    assert results.failed == 0


def test_numbers_have_a_bar_where_there_is_room_for_it() -> None:
    rows = [{"name": "a", "score": 1.0}, {"name": "b", "score": 2.0}, {"name": "c", "score": 3.0}, {"name": "d"}]
    bars = {"score": shares(rows, "score")}
    wide = render_table(rows, ["name", "score"], width=40, bars=bars)
    assert wide.splitlines() == [
        *(
            "name  score",
            "----  --------------",
            "a         1 ▏",
            "b         2 ████",
            "c         3 ████████",
            "d         -",
        ),
    ]
    narrow = render_table(rows, ["name", "score"], width=18, bars=bars)
    piped = render_table(rows, ["name", "score"], bars=bars)
    assert narrow == piped == render_table(rows, ["name", "score"])


def test_a_bar_is_not_drawn_of_what_cannot_be_compared() -> None:
    assert shares([{"a": 1.0}, {"a": 2.0}, {"a": 2.0}], "a") == []  # two values: nothing to see
    assert shares([{"a": "1"}, {"a": "2"}, {"a": "3"}], "a") == []
    found = shares([{"a": 0.0}, {"a": float("nan")}, {"a": float("inf")}, {"a": 1.0}, {"a": 4.0}], "a")
    assert [share for share in found if share == share] == [0.0, 0.25, 1.0]
    assert shares([{"a": -1e308}, {"a": 0.0}, {"a": 1e308}], "a") == [0.0, 0.5, 1.0]


def test_a_wide_table_keeps_room_for_a_bar_and_hides_a_column_instead() -> None:
    rows = [{"score": float(at), "text": "x" * 30, "more": "y" * 60, "last": at} for at in range(4)]
    columns = ["score", "text", "more", "last"]
    drawn = render_table(rows, columns, width=110, bars={"score": shares(rows, "score")})
    assert "3 ████████  xxx" in drawn
    assert max(cell_width(line) for line in drawn.splitlines()) <= 110
