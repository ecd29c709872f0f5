"""The list of runs in a browser: filter, sort, columns and pages are links; a mistake is a sentence."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest

from tracking.client import TrackingClient
from tracking.errors import FilterError

ROW = r'name="run" value="(\w+)"'
Record = Callable[..., str]
Visit = Callable[..., Any]


def ids(page: Any) -> list[str]:
    return re.findall(ROW, page.text)


def link(page: Any, text: str) -> str:
    found = re.search(rf'href="([^"]*)"[^>]*>{text}</a>', page.text)
    assert found, text
    return unescape(found[1])


def test_runs_are_listed_newest_first_with_the_columns_that_vary(record: Record, visit: Visit) -> None:
    first = record("one", params={"alpha": 0.1, "seed": 42}, metrics={"rmse_mean": 55.0})
    second = record("two", params={"alpha": 0.2, "seed": 42}, metrics={"rmse_mean": 54.0})
    page = visit().get("/runs")
    assert page.status_code == 200
    assert ids(page) == [second, first]
    headings = re.findall(r'<th scope="col"[^>]*>(?:<a[^>]*>)?([\w.]+)', page.text)
    assert headings == ["id", "name", "status", "alpha", "started", "duration", "rmse_mean"]
    assert re.findall(r'name="column" value="([\w.]+)"(?! checked)', page.text)[:2] == ["experiment", "user"]


def test_the_filter_is_that_of_the_command_line(record: Record, visit: Visit) -> None:
    record(params={"alpha": 0.1}, metrics={"rmse": 1.0, "rmse_mean": 55.0})
    best = record(params={"alpha": 0.2}, metrics={"rmse": 99.0, "rmse_mean": 54.0})
    assert ids(visit().get("/runs?filter=rmse < 54.5 and params.alpha < 0.5")) == [best]


def test_a_filter_that_cannot_be_read_says_where_and_keeps_what_was_typed(
    client: TrackingClient, record: Record, visit: Visit
) -> None:
    record()
    page = visit().get("/runs?filter=params.alpha <")
    with pytest.raises(FilterError) as said:
        client.search_runs(["0"], "params.alpha <")
    assert page.status_code == 400
    assert str(said.value) in unescape(page.text)
    assert 'value="params.alpha &lt;"' in page.text


def test_names_that_no_run_has_are_told_with_the_nearest(record: Record, visit: Visit) -> None:
    record(params={"alpha": 0.1})
    page = visit().get("/runs?filter=params.alhpa = '0.1'")
    assert "No run here has params.alhpa. Nearest: params.alpha." in unescape(page.text)


def test_pages_lead_through_all_runs_and_back(record: Record, visit: Visit) -> None:
    every = [record(f"run {at}", metrics={"score": at // 3}) for at in range(120)]
    visitor = visit()
    page = visitor.get("/runs?order=metrics.score DESC")
    seen = [ids(page)]
    for _ in range(2):
        page = visitor.get(link(page, "Next 50"))
        seen.append(ids(page))
    assert [len(part) for part in seen] == [50, 50, 20]
    assert sorted(each for part in seen for each in part) == sorted(every)
    assert ">Next 50<" not in page.text
    page = visitor.get(link(page, "Previous 50"))
    assert ids(page) == seen[1]
    page = visitor.get(link(page, "Previous 50"))
    assert ids(page) == seen[0]
    assert "Previous 50" not in page.text
    assert ids(visitor.get(link(visitor.get(f"/runs?after={every[60]}"), "First page")))[0] == every[-1]


def test_a_heading_sorts_and_a_second_time_the_other_way(record: Record, visit: Visit) -> None:
    low, high = (record(metrics={"my score": value}) for value in (1.0, 2.0))
    visitor = visit()
    page = visitor.get(link(visitor.get("/runs"), "my score"))
    assert ids(page) == [low, high]
    assert 'aria-sort="ascending"' in page.text
    page = visitor.get(link(page, "my score"))
    assert ids(page) == [high, low]
    assert 'aria-sort="descending"' in page.text


def test_columns_are_chosen_in_the_address(record: Record, visit: Visit) -> None:
    record(params={"alpha": 0.1}, tags={"part": "a"})
    page = visit().get("/runs?column=tags.part&column=user")
    assert re.findall(r'<th scope="col"[^>]*>(?:<a[^>]*>)?([\w.]+)', page.text) == ["id", "part", "user"]


def test_a_thousand_columns_are_a_page_and_a_chooser(client: TrackingClient, record: Record, visit: Visit) -> None:
    for run_id in (record(), record()):
        client.log_batch(run_id, params=[], tags=[], metrics=[])
        for start in range(0, 1000, 100):
            client.log_params(run_id, {f"key_{at}": run_id[:8] + str(at) for at in range(start, start + 100)})
    page = visit().get("/runs")
    assert page.text.count('<th scope="col"') == 31
    assert "more columns differ" in page.text
    assert len(re.findall(r'name="column" value="params\.key_\d+"', page.text)) == 1000


def test_a_run_that_a_page_begins_at_may_be_gone(record: Record, visit: Visit) -> None:
    record()
    page = visit().get(f"/runs?after={'f' * 32}")
    assert page.status_code == 400
    assert "ffffffff" in page.text


def test_deleted_runs_are_listed_apart(client: TrackingClient, record: Record, visit: Visit) -> None:
    kept, gone = record(), record()
    client.delete_run(gone)
    assert ids(visit().get("/runs")) == [kept]
    assert ids(visit().get("/runs?deleted=yes")) == [gone]


def test_no_runs_are_a_sentence(visit: Visit) -> None:
    page = visit().get("/runs")
    assert page.status_code == 200
    assert "Record one: <code>python -m runner</code>" in page.text


def test_experiments_lead_to_their_runs(client: TrackingClient, record: Record, visit: Visit) -> None:
    record()
    experiment = client.create_experiment("a & b")
    run_id = client.create_run(experiment, run_name="in it").info.run_id
    visitor = visit()
    page = visitor.get(link(visitor.get("/"), "a &amp; b"))
    assert ids(page) == [run_id]
    assert visitor.get("/runs?experiment=nothing").status_code == 400
