"""Pages of a search by the run they begin at, runs counted by tag, and a store that is only looked at."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from tracking.client import TrackingClient
from tracking.entities import Run
from tracking.errors import RunNotFound, StoreError, StoreReadOnly
from tracking.store.sqlite import Store
from tracking.stores import open_store

ORDERS = [
    [],
    ["metrics.rmse ASC"],
    ["metrics.rmse DESC", "params.alpha ASC"],
    ["end_time DESC"],
    ["params.alpha DESC"],
    ["start_time DESC", "recorded DESC"],
    ["status ASC", "run_name DESC"],
]


@pytest.fixture
def uri(tmp_path: Path) -> str:
    """Return a store with 23 runs: equal scores, NaN, infinities, runs without a metric, runs that go on."""
    client = TrackingClient(f"sqlite:///{tmp_path / 'tracking.db'}")
    scores = [1.0, 2.0, 2.0, float("nan"), float("inf"), float("-inf"), None]
    for at in range(23):
        run = client.create_run("0", run_name=f"run {at % 5}", start_time=1000 + at // 3, tags={"part": f"p{at % 4}"})
        if (score := scores[at % 7]) is not None:
            client.log_metric(run.info.run_id, "rmse", score)
        if at % 3:
            client.log_param(run.info.run_id, "alpha", at % 4)
        if at % 2:
            client.set_terminated(run.info.run_id, end_time=5000 - at // 4)
    return client.tracking_uri


def ids(runs: list[Run]) -> list[str]:
    return [run.info.run_id for run in runs]


@pytest.mark.parametrize("order", ORDERS, ids=" ".join)
def test_pages_one_after_the_other_are_the_whole_list_both_ways(uri: str, order: list[str]) -> None:
    store = open_store(uri)
    whole = ids(store.search_runs(None, order_by=order))
    forwards = page = ids(store.search_runs(None, order_by=order, max_results=4))
    while page := ids(store.search_runs(None, order_by=order, max_results=4, after=page[-1])):
        assert len(forwards) < len(whole)
        forwards = forwards + page
    assert forwards == whole
    backwards = page = ids(store.search_runs(None, order_by=order, max_results=4, before=whole[-1]))
    while page := ids(store.search_runs(None, order_by=order, max_results=4, before=page[0])):
        assert len(backwards) < len(whole)
        backwards = page + backwards
    assert backwards == whole[:-1]


@pytest.mark.parametrize("order", ORDERS, ids=" ".join)
def test_each_run_is_followed_by_the_next_within_a_filter(uri: str, order: list[str]) -> None:
    store = open_store(uri)
    whole = ids(store.search_runs(None, filter_string="tags.part != 'p1'", order_by=order))
    for one, other in pairwise(whole):
        found = store.search_runs(None, filter_string="tags.part != 'p1'", order_by=order, max_results=1, after=one)
        assert ids(found) == [other]


def test_a_page_at_a_run_that_is_gone_says_so(uri: str) -> None:
    with pytest.raises(RunNotFound, match="ffffffff"):
        open_store(uri).search_runs(None, after="f" * 32)


def test_runs_are_counted_by_the_value_of_a_tag(uri: str) -> None:
    groups = open_store(uri).group_runs("part")
    assert {group.value: group.runs for group in groups} == {"p0": 6, "p1": 6, "p2": 6, "p3": 5}
    assert {group.value: group.statuses for group in groups}["p1"] == {"FINISHED": 6}
    assert {group.value: (group.first_start, group.last_start) for group in groups}["p3"] == (1001, 1006)
    assert [group.first_start for group in groups] == [1001, 1000, 1000, 1000]
    assert open_store(uri).group_runs("no such tag") == []


def test_a_store_that_is_only_looked_at_sees_what_others_write_and_writes_nothing(uri: str) -> None:
    looking = open_store(uri, read_only=True)
    before, count = looking.change_count(), len(looking.search_runs(None))
    assert looking.change_count() == before
    TrackingClient(uri).create_run("0")
    assert looking.change_count() != before
    assert len(looking.search_runs(None)) == count + 1
    with pytest.raises(StoreReadOnly):
        looking.create_experiment("new")


def test_a_store_that_is_only_looked_at_is_never_made(tmp_path: Path) -> None:
    store: Store = open_store(f"sqlite:///{tmp_path / 'nothing' / 'tracking.db'}", read_only=True)
    with pytest.raises(StoreError):
        store.search_runs(None)
    assert list(tmp_path.iterdir()) == []
