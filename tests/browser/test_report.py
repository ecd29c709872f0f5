"""A report in a real browser: charts drawn, table sorted and filtered, nothing asked for, read without scripts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tracking.compare.table import Selection
from tracking.entities import Metric, Run, RunData, RunInfo
from tracking.pages.report import ReportSource, render_report

pytestmark = pytest.mark.heavy

HOSTILE = "</script><script>document.title='broken'</script><img src=x onerror=document.title='broken'>"


def write_report(path: Path, alphas: int = 6, ratios: int = 4, name: str = "l1_ratio") -> str:
    """Write the report of a grid, two of its runs without a score; return its address."""
    runs, histories = [], {}
    for at in range(alphas * ratios):
        params = {
            "alpha": repr(10.0 ** (at // ratios - 3)),
            name: repr((at % ratios + 1) / ratios),
            "model._target_": HOSTILE,
        }
        metrics = {} if at in (3, 7) else {"rmse": 50 + at / 7, "rmse_mean": 50 + at / 7, "rmse_std": 1.5}
        tags = {
            "objective.metric": "rmse_mean",
            "error": "" if metrics else f"ValueError: {HOSTILE}",
            "warnings": HOSTILE,
        }
        info = RunInfo(f"{at:08x}".ljust(32, "0"), "1", "me", "FINISHED" if metrics else "FAILED", 1000, 2000, "active")
        runs.append(Run(info, RunData(metrics, params, tags)))
        histories[info.run_id] = {
            "rmse": [Metric("rmse", 50 + at / 7 + fold, 0, fold) for fold in range(5)],
            "fit_seconds": [Metric("fit_seconds", 0.01 / (at + 1), 0, fold) for fold in range(5)],
        }
    source = ReportSource(
        title="Sweep 1f9a0b2c", selection=Selection(tuple(runs), {"1": HOSTILE}), histories=histories, config=HOSTILE
    )
    path.write_text(render_report(source), encoding="utf-8")
    return path.as_uri()


def draw_all(page: Any) -> int:
    figures = page.locator("figure[data-chart]")
    for at in range(figures.count()):
        figures.nth(at).scroll_into_view_if_needed()
        figures.nth(at).locator("svg.marks, canvas.marks").wait_for()
    return int(figures.count())


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1200, 400])
def test_every_chart_is_drawn_in_light_and_dark_wide_and_narrow(
    tmp_path: Path, open_page: Callable[..., Any], width: int, scheme: str
) -> None:
    page = open_page(write_report(tmp_path / "report.html"), width=width, scheme=scheme)
    assert draw_all(page) == 6
    assert page.evaluate("document.documentElement.scrollWidth") == width
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (paper == "rgb(255, 255, 255)") == (scheme == "light")


def test_a_report_asks_for_nothing_and_runs_nothing_of_what_runs_are_called(
    tmp_path: Path, open_page: Callable[..., Any]
) -> None:
    address = write_report(tmp_path / "report.html", name=HOSTILE)
    page = open_page(address)
    draw_all(page)
    assert page.title() == "Sweep 1f9a0b2c"
    assert page.evaluate("performance.getEntriesByType('resource').length") == 0
    assert page.locator("img").count() == 0


def test_the_chooser_draws_the_other_chart(tmp_path: Path, open_page: Callable[..., Any]) -> None:
    page = open_page(write_report(tmp_path / "report.html"))
    draw_all(page)
    assert page.locator("figure[data-chart='key-k0'] select").count() == 0  # one other key: nothing to choose
    assert "l1_ratio" in page.locator("figure[data-chart='key-k0'] svg").text_content()


def test_the_table_is_sorted_and_filtered(tmp_path: Path, open_page: Callable[..., Any]) -> None:
    page = open_page(write_report(tmp_path / "report.html"))
    table = page.locator("#run-table")

    def column(at: int) -> list[str]:
        return [str(text) for text in table.locator(f"tbody tr td:nth-child({at})").all_text_contents()]

    assert column(1) == [str(place) for place in range(1, 25)]
    page.get_by_role("button", name="rmse_mean").click()
    page.get_by_role("button", name="rmse_mean").click()
    assert column(6)[:2] == ["53.286", "53.143"]
    assert column(6)[-2:] == ["-", "-"]  # what is missing comes last either way
    page.locator("#run-filter").fill("alpha < 0.01 and l1_ratio = 0.5")
    assert column(4) == ["0.001"]
    assert page.locator("#run-count").text_content() == "1 of 24"
    page.locator("#run-filter").fill("failed")
    assert column(3) == ["FAILED", "FAILED"]
    page.locator("#run-filter").fill("no such thing")
    assert column(1) == []


def test_a_long_table_comes_in_pages(tmp_path: Path, open_page: Callable[..., Any]) -> None:
    page = open_page(write_report(tmp_path / "report.html", alphas=6, ratios=40))
    rows = page.locator("#run-table tbody tr")
    assert rows.count() == 100
    page.get_by_role("button", name="Show more").click()
    assert rows.count() == 240
    assert not page.get_by_role("button", name="Show more").is_visible()


def test_a_report_reads_without_javascript(tmp_path: Path, open_page: Callable[..., Any]) -> None:
    page = open_page(write_report(tmp_path / "report.html"), javascript=False)
    assert page.get_by_role("heading", name="The winner", exact=True).is_visible()
    assert page.locator("#run-table tbody tr").count() == 24
    assert page.locator("#run-tools").is_hidden()
    assert page.locator("pre").last.text_content() == HOSTILE
    assert page.get_by_text("The charts need JavaScript").is_visible()


def test_a_printed_report_has_its_charts(tmp_path: Path, open_page: Callable[..., Any]) -> None:
    page = open_page(write_report(tmp_path / "report.html"), scheme="dark")
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    for at in range(6):
        page.locator("figure[data-chart]").nth(at).locator("svg.marks").wait_for()
    assert page.pdf()[:5] == b"%PDF-"
