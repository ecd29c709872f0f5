"""What a notebook shows: tables with everything escaped, and charts."""

from tracking.client import PagedList
from tracking.entities import Run, RunData, RunInfo
from tracking.pages.notebook import Runs
from tracking.text.html import render_html_table

HOSTILE = "<script>alert(1)</script>"


def make_run(number: int, alpha: str) -> Run:
    info = RunInfo(f"{number:032x}", "1", "me", "FINISHED", 0, 500, "active", "", f"run {HOSTILE} {number}")
    tags = {"objective.metric": "rmse_mean", "objective.direction": "minimize"}
    return Run(info, RunData({"rmse_mean": 50.0 - number}, {"alpha": alpha, HOSTILE: HOSTILE}, tags))


def test_runs_are_a_list_and_a_table_of_what_varies_best_first() -> None:
    runs = Runs([make_run(1, "0.1"), make_run(2, "0.5")])
    assert [run.data.params["alpha"] for run in runs] == ["0.1", "0.5"]
    html = runs._repr_html_()
    assert "2 runs, the best first" in html
    assert html.index(">0.5<") < html.index(">0.1<")


def test_nothing_of_a_run_is_markup() -> None:
    run = make_run(1, HOSTILE)
    for html in (run._repr_html_(), Runs([run, make_run(2, "1")])._repr_html_()):
        assert "<script" not in html
        assert "&lt;script&gt;" in html


def test_no_runs_and_very_many_runs_are_a_table_too() -> None:
    assert "0 runs" in Runs()._repr_html_()
    html = Runs(make_run(number, str(number)) for number in range(1000))._repr_html_()
    assert "and 950 more" in html
    assert len(html) < 60_000


def test_a_table_has_its_numbers_at_the_right_and_cuts_long_cells() -> None:
    html = render_html_table([{"a": 1.5, "b": "x" * 10_000}], ["a", "b"])
    assert '<td style="text-align: right">1.5</td>' in html
    assert len(html) < 500


def test_a_page_of_a_search_is_a_table_of_what_tells_the_runs_apart() -> None:
    page = PagedList([make_run(1, "0.1"), make_run(2, "0.5")], None)
    html = page._repr_html_()
    assert ">alpha<" in html
    assert ">0.5<" in html
    assert "<script" not in html
    many = PagedList(make_run(number, str(number)) for number in range(120))._repr_html_()
    assert "and 70 more" in many
    assert PagedList()._repr_html_() == "<pre>[]</pre>"
