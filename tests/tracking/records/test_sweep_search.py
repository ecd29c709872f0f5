"""Sweeps found without reading the others: the same ones, in the same order, as when everything is read."""

from __future__ import annotations

from pathlib import Path

import pytest

from tracking.client import TrackingClient
from tracking.errors import FilterError
from tracking.records.names import SWEEP_ALSO
from tracking.records.sweep_search import find_sweep, read_newest_sweeps, read_sweep, read_sweeps, search_sweep
from tracking.records.sweeps import Reuse
from tracking.store.sqlite import Store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Return a store with three sweeps, one of which failed, and two that reused their runs; one ran nothing itself."""
    client = TrackingClient(f"sqlite:///{tmp_path / 'tracking.db'}")
    for number, sweep in enumerate(["aaaa0001", "bbbb0002", "cccc0003"]):
        for point in range(3):
            tags = {"sweep.id": sweep, "sweep.point": str(point), "sweep.points": "3", "sweep.command": f"run {sweep}"}
            tags |= {"objective.metric": "rmse", "note": "long", "git.commit": "c"}
            run = client.create_run("0", tags=tags, start_time=1000 * number + point)
            client.log_param(run.info.run_id, "alpha", str(point))
            client.log_metric(run.info.run_id, "rmse", 3.0 - point + number)
            client.set_terminated(run.info.run_id, "FAILED" if sweep == "bbbb0002" else "FINISHED")
    client.create_run("0", tags={"sweep.id": "dddd0004", "sweep.point": "1"}, start_time=5000)
    for run in client.search_runs(["0"], filter_string="tags.`sweep.id` = 'aaaa0001'"):
        tags, described = run.data.tags, Reuse("eeee0005", 7, points=3, started=7000, command="again")
        tags[SWEEP_ALSO] = Reuse("dddd0004", 0).noted(tags)
        client.set_tag(run.info.run_id, SWEEP_ALSO, described.noted(tags))
    return client.store


def test_the_newest_are_those_that_reading_all_gives(store: Store) -> None:
    whole = read_sweeps(store)
    found, count = read_newest_sweeps(store, 0)
    assert [sweep.id for sweep in found] == ["eeee0005", "dddd0004", "cccc0003", "bbbb0002", "aaaa0001"]
    assert [sweep.row() for sweep in found] == [sweep.row() for sweep in whole]
    assert count == 5
    assert [sweep.id for sweep in read_newest_sweeps(store, 2)[0]] == ["eeee0005", "dddd0004"]


def test_a_row_of_a_listing_is_made_of_runs_without_params_and_other_tags(store: Store) -> None:
    (sweep, *_), _ = read_newest_sweeps(store, 1)
    assert all(not run.data.params and "note" not in run.data.tags and run.data.metrics for run in sweep.runs)


@pytest.mark.parametrize("sweep_id", ["aaaa0001", "bbbb0002", "dddd0004", "eeee0005"])
def test_one_sweep_has_the_runs_that_reading_all_gives_it(store: Store, sweep_id: str) -> None:
    (whole,) = [sweep for sweep in read_sweeps(store) if sweep.id == sweep_id]
    assert read_sweep(store, sweep_id) == whole
    assert find_sweep(store, sweep_id[:4]) == whole


def test_what_sweeps_read_of_the_others_is_nothing(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    search = Store.search_runs

    def counted(self: Store, *scope: object, **options: object) -> object:
        found = search(self, *scope, **options)  # type: ignore[arg-type]
        read.extend(run.data.tags["sweep.id"] for run in found)
        return found

    monkeypatch.setattr(Store, "search_runs", counted)
    find_sweep(store, "cccc")
    assert sorted(set(read)) == ["aaaa0001", "cccc0003"]  # aaaa0001 is what was reused


def test_a_sweep_is_searched_for_its_own_runs_and_a_mistake_is_told_of_what_was_typed(store: Store) -> None:
    sweep = find_sweep(store, "dddd0004")
    found = search_sweep(store, sweep, None, filter_string="params.alpha = '1' OR params.alpha = '2'")
    assert [run.data.params["alpha"] for run in found] == ["2", "1"]
    with pytest.raises(FilterError) as raised:
        search_sweep(store, sweep, None, filter_string="params.alpha =")
    assert "start_time" not in str(raised.value)
