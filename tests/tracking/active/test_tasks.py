"""Which run is active in asyncio tasks and in threads: each has its own."""

from __future__ import annotations

import asyncio
import threading

import tracking


def recorded() -> dict[str, dict[str, float]]:
    """Return the metrics of all runs by name."""
    return {run.info.run_name: run.data.metrics for run in tracking.search_runs(output_format="list")}


async def log_under(name: str, value: float, *, nested: bool = False) -> None:
    """Start a run, let the other tasks have a turn, and log to the active run."""
    with tracking.start_run(run_name=name, nested=nested):
        await asyncio.sleep(0)
        tracking.log_metric("before", value)
        await asyncio.sleep(0)
        tracking.log_metric("after", value)


def test_values_of_tasks_that_alternate_land_each_in_the_run_of_its_own_task() -> None:
    async def main() -> None:
        await asyncio.gather(*(log_under(f"task {i}", i) for i in range(6)))

    asyncio.run(main())

    assert recorded() == {f"task {i}": {"before": i, "after": i} for i in range(6)}


def test_a_task_begins_in_the_run_of_the_code_that_made_it_and_nests_its_own_there() -> None:
    async def log(value: int) -> None:
        await asyncio.sleep(0)
        tracking.log_metric(f"by task {value}", value)

    async def main() -> None:
        with tracking.start_run(run_name="parent"):
            await asyncio.gather(log(1), log_under("child 1", 1, nested=True), log_under("child 2", 2, nested=True))
            tracking.log_metric("at the end", 0)

    asyncio.run(main())

    children = {f"child {i}": {"before": i, "after": i} for i in (1, 2)}
    assert recorded() == {"parent": {"by task 1": 1, "at the end": 0}, **children}
    frame = tracking.search_runs(filter_string="attributes.run_name LIKE 'child%'")
    (parent,) = tracking.search_runs(filter_string="attributes.run_name = 'parent'", output_format="list")
    assert set(frame["tags.mlflow.parentRunId"]) == {parent.info.run_id}


def test_a_run_that_a_task_left_open_belongs_to_its_thread_as_from_cell_to_cell_of_a_notebook() -> None:
    async def first_cell() -> None:
        tracking.start_run(run_name="open")

    async def second_cell() -> None:
        tracking.log_metric("m", 1)

    asyncio.run(first_cell())
    asyncio.run(second_cell())
    tracking.log_metric("n", 2)
    tracking.end_run()

    assert recorded() == {"open": {"m": 1, "n": 2}}
    assert tracking.active_run() is None


def test_a_task_that_is_cancelled_kills_its_run_and_no_other() -> None:
    async def wait() -> None:
        with tracking.start_run(run_name="cancelled"):
            await asyncio.sleep(600)

    async def main() -> None:
        task = asyncio.create_task(wait())
        with tracking.start_run(run_name="fine"):
            await asyncio.sleep(0)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    asyncio.run(main())

    status = {run.info.run_name: run.info.status for run in tracking.search_runs(output_format="list")}
    assert status == {"cancelled": "KILLED", "fine": "FINISHED"}


def test_a_block_may_be_left_by_another_task_than_entered_it() -> None:
    async def enter() -> tracking.ActiveRun:
        return tracking.start_run(run_name="fixture").__enter__()

    async def leave(run: tracking.ActiveRun) -> None:
        run.__exit__(None, None, None)

    async def main() -> None:
        run = await asyncio.create_task(enter())
        await asyncio.create_task(leave(run))
        assert tracking.active_run() is None

    asyncio.run(main())

    (found,) = tracking.search_runs(output_format="list")
    assert found.info.status == "FINISHED"


def test_to_thread_works_for_the_run_of_its_task_and_a_thread_begins_without_one() -> None:
    seen: list[tracking.ActiveRun | None] = []

    async def main() -> None:
        with tracking.start_run(run_name="task"):
            await asyncio.to_thread(tracking.log_metric, "by its thread", 1)
            thread = threading.Thread(target=lambda: seen.append(tracking.active_run()))
            thread.start()
            thread.join()

    asyncio.run(main())

    assert recorded() == {"task": {"by its thread": 1}}
    assert seen == [None]


def test_a_block_ends_the_run_that_its_body_ended_and_resumed() -> None:
    with tracking.start_run(run_name="r") as run:
        tracking.end_run("FAILED")
        tracking.start_run(run_id=run.info.run_id)

    assert tracking.active_run() is None
    assert tracking.get_run(run.info.run_id).info.status == "FINISHED"
