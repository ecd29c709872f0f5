"""A report: true numbers, nothing executed, small."""

import json
import re
from typing import Any

import pytest

from tracking.compare.table import Selection
from tracking.entities import Metric, Run, RunData, RunInfo
from tracking.pages.points import is_logarithmic, pack, read_points
from tracking.pages.report import ReportSource, render_report
from tracking.pages.templating import LIBRARIES, asset

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)> \"'&"


def make_run(number: int, params: dict[str, str], score: float | None, **tags: str) -> Run:
    metrics = {} if score is None else {"rmse": score, "rmse_mean": score, "rmse_std": 0.5}
    info = RunInfo(
        f"{number:032x}"[::-1], "1", "me", "FINISHED" if score is not None else "FAILED", 1000, 2000, "active"
    )
    objective = {"objective.metric": "rmse_mean", "objective.direction": "minimize"}
    return Run(info, RunData(metrics, params, objective | tags))


def make_source(runs: list[Run], **options: Any) -> ReportSource:
    histories = {
        run.info.run_id: {
            "rmse": [Metric("rmse", run.data.metrics["rmse"] + fold, 0, fold) for fold in range(3)],
            "fit_seconds": [Metric("fit_seconds", 0.001 * (at + 1), 0, fold) for fold in range(3)],
        }
        for at, run in enumerate(runs)
        if run.data.metrics
    }
    return ReportSource(
        title="Sweep 1f9a", selection=Selection(tuple(runs), {"1": "e"}), histories=histories, **options
    )


def grid(rows: int, columns: int) -> list[Run]:
    return [
        make_run(
            at,
            {"alpha": repr(10 ** (at // columns / 10 - 3)), "l1_ratio": repr((at % columns + 1) / columns)},
            50 + at / 7,
        )
        for at in range(rows * columns)
    ]


def data_of(page: str, name: str) -> Any:
    found = re.search(rf'<script type="application/json" id="{name}">(.*?)</script>', page, re.DOTALL)
    assert found is not None
    return json.loads(found[1])


def test_the_winner_is_the_finished_run_with_the_best_objective() -> None:
    runs = [make_run(1, {"alpha": "1"}, 54.0), make_run(2, {"alpha": "2"}, 52.5), make_run(3, {"alpha": "3"}, None)]
    page = render_report(make_source(runs))
    assert f"Run <code>{runs[1].info.run_id[:8]}</code>" in page
    assert "<dd>52.5 <small>± 0.5</small></dd>" in page


def test_the_table_reads_without_javascript_best_first() -> None:
    page = render_report(make_source(grid(3, 4)))
    body = re.search(r'<table id="run-table">.*?<tbody>(.*?)</tbody>', page, re.DOTALL)
    assert body is not None
    first, *rest = re.findall(r"<tr.*?</tr>", body[1], re.DOTALL)
    assert len(rest) == 11
    assert 'class="winner"' in first
    assert '<td class="number">50</td>' in first


def test_the_data_are_in_the_file_once_by_column_in_the_order_of_the_table() -> None:
    page = render_report(make_source(grid(20, 10)))
    points = data_of(page, "data")["points"]
    assert points["m0"] == sorted(points["m0"])
    assert points["k1"]["values"] == [(n + 1) / 10 for n in range(10)]
    assert [points["k1"]["values"][at] for at in points["k1"]["at"][:3]] == [0.1, 0.2, 0.3]


def test_a_failed_run_has_its_line_and_no_dot() -> None:
    runs = [*grid(2, 2), make_run(99, {"alpha": "5.0", "l1_ratio": "0.5"}, None, error="ValueError: no <b>")]
    page = render_report(make_source(runs))
    assert "ValueError: no &lt;b&gt;" in page
    assert data_of(page, "data")["points"]["m0"][-1] is None


def test_nothing_that_a_run_is_called_becomes_markup_or_code() -> None:
    runs = [
        make_run(n, {HOSTILE: value, "alpha": HOSTILE + value}, 50.0 + n, warnings=HOSTILE, error=HOSTILE)
        for n, value in enumerate("abc")
    ]
    page = render_report(make_source(runs, command=HOSTILE, config=HOSTILE, store=HOSTILE, made=HOSTILE))
    for library in LIBRARIES:
        page = page.replace(asset(library), "")
    assert "<img" not in page
    assert "alert(1)</script>" not in page
    assert page.count("<script") == page.count("</script>") == 7  # three of data, three libraries, ours
    assert HOSTILE in json.dumps(data_of(page, "charts")["key-k0"], ensure_ascii=False).replace('\\"', '"')


def test_a_report_asks_for_nothing() -> None:
    page = render_report(make_source(grid(2, 2)))
    markup = re.sub(r"<script.*?</script>|<style.*?</style>", "", page, flags=re.DOTALL)
    assert not re.search(r"\b(?:src|href|action)=\"(?!#)", markup)
    assert "url(" not in page[: page.index("<script")]
    assert "default-src 'none'" in page


@pytest.mark.parametrize(("rows", "columns", "limit"), [(95, 10, 1_300_000), (100, 100, 3_000_000)])
def test_a_report_is_small(rows: int, columns: int, limit: int) -> None:
    assert len(render_report(make_source(grid(rows, columns))).encode()) <= limit


@pytest.mark.parametrize(
    "runs",
    [
        [],
        [make_run(1, {"alpha": "1"}, None)],
        [make_run(1, {"alpha": "1"}, float("nan")), make_run(2, {"alpha": "nan"}, float("inf"))],
        [
            make_run(1, {f"key{n}": "1" for n in range(1000)}, 1.0),
            make_run(2, {f"key{n}": "2" for n in range(1000)}, 2.0),
        ],
        [make_run(1, {"alpha": "x" * 10_000_000}, 1.0), make_run(2, {"alpha": "y" * 10_000_000}, 2.0)],
    ],
    ids=["no runs", "no scores", "no numbers", "1,000 keys", "10 MB values"],
)
def test_odd_runs_are_a_page_too(runs: list[Run]) -> None:
    page = render_report(make_source(runs))
    assert "</html>" in page
    assert len(page) < 1_400_000


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0.001, 0.01, 0.1, 1.0], True),
        ([0.01, 0.1, 1.0], True),
        ([float(n) for n in range(1, 1000)], False),
        ([0.1, 0.5, 0.9], False),
        ([0.0, 0.01, 0.1, 1.0], False),
        ([0.1, 1.0], False),
        ([1.0, 2.0, 4.0, 8.0, 16.0, 32.0], True),
    ],
)
def test_an_axis_is_logarithmic_where_its_values_go_by_factors(values: list[float], expected: bool) -> None:
    assert is_logarithmic(values) is expected


def test_a_key_with_a_text_among_its_numbers_is_a_choice_in_the_order_of_the_numbers() -> None:
    runs = [make_run(n, {"depth": value}, 50.0 + n) for n, value in enumerate(["10", "None", "2"])]
    (key,) = read_points(Selection(tuple(runs), {}), {}).keys
    assert not key.numeric
    assert key.values == ("2.0", "10.0", "None")


def test_columns_with_few_values_are_packed() -> None:
    assert pack(["a"] * 9 + ["b"]) == {"values": ["a", "b"], "at": [0] * 9 + [1]}
    assert pack([1, 2, 3]) == [1, 2, 3]
