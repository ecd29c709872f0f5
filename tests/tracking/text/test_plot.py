"""Plots of plain characters: every dot where its value is."""

from math import inf, nan

from tracking.text.plot import render_plot, render_sparkline


def test_a_plot_has_its_points_and_the_range_of_both_axes() -> None:
    assert render_plot([0, 5, 10], [1, 2, 3], width=14, height=3).splitlines() == [
        "3 |          *",
        "  |     *",
        "1 |*",
        "  +-----------",
        "   0        10",
    ]


def test_points_without_a_place_are_left_out() -> None:
    assert render_plot([nan, 1], [1, inf]) == "(no finite values to plot)"
    assert render_plot([0, -1], [1, 2], log=True) == "(no finite values to plot)"


def test_on_a_logarithmic_axis_equal_factors_are_equally_far_apart() -> None:
    linear = render_plot([1, 10, 100], [1, 1, 2], width=24, height=2)
    log = render_plot([1, 10, 100], [1, 1, 1], width=24, height=2, log=True)
    assert linear.splitlines()[1] == "1 |**"
    first, middle, last = [at for at, character in enumerate(log.splitlines()[0]) if character == "*"]
    assert abs((middle - first) - (last - middle)) <= 1


def test_each_series_has_its_letter_and_a_place_where_several_meet_a_star() -> None:
    text = render_plot([0, 1, 0, 1], [0, 1, 0, 2], width=20, height=3, series=["low", "low", "high", "high"])
    assert text.splitlines()[0].endswith("b")
    assert text.splitlines()[2].startswith("0 |*")
    assert text.splitlines()[-2:] == ["a low   b high", "* several"]


def test_of_more_series_than_letters_the_rest_are_counted() -> None:
    text = render_plot(range(30), range(30), width=200, series=[str(n) for n in range(30)])
    assert text.splitlines()[-1].endswith("z 25   * 4 more")


def test_a_sparkline_has_a_bar_for_each_value_or_for_the_mean_of_neighbours() -> None:
    assert render_sparkline([0, 1, 2, 3, 4, 5, 6, 7]) == "▁▂▃▄▅▆▇█"
    assert render_sparkline([0, 2, 8, 10], width=2) == "▁█"
    assert render_sparkline([1, nan, inf, 2]) == "▁  █"
    assert render_sparkline([3, 3]) == "▅▅"
    assert render_sparkline([nan]) == " "
    assert render_sparkline([]) == ""
