"""A sweep as one run of the server's, in which its points are nested: ours has no run of its own for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tracking.entities import Run, RunStatus
from tracking.records.names import NOTE, SOURCE_NAME, SOURCE_TYPE, SWEEP_COMMAND, SWEEP_ID, SWEEP_POINTS
from tracking.records.sweep_search import read_sweeps
from tracking.remote.content import Content
from tracking.remote.names import SWEEP_RUN
from tracking.store.sqlite import Store


def sweep_key(tags: Mapping[str, str]) -> str:
    """Return the key of the parent run of a run's sweep, "" for a run of no sweep."""
    return SWEEP_RUN + tags[SWEEP_ID] if SWEEP_ID in tags else ""


def sweep_contents(store: Store, runs: Sequence[Run]) -> dict[str, Content]:
    """Return the parent runs of the sweeps that these runs belong to, by key.

    They tell of the whole sweep in the store, whichever of its runs are given.
    """
    wanted = {sweep_key(run.data.tags) for run in runs} - {""}
    if not wanted:
        return {}
    contents = {}
    for sweep in read_sweeps(store):
        if (key := SWEEP_RUN + sweep.id) not in wanted or not sweep.own:
            continue
        first = sweep.own[0]
        open_ = [run for run in sweep.own if not RunStatus(run.info.status).is_terminated()]
        tags = {SWEEP_ID: sweep.id, SWEEP_POINTS: str(sweep.planned), SWEEP_COMMAND: sweep.command}
        tags |= {NOTE: f"`{sweep.command}`"} if sweep.command else {}
        contents[key] = Content(
            key=key,
            experiment=store.get_experiment(first.info.experiment_id).name,
            name=f"sweep {sweep.id}",
            user=first.info.user_id,
            status=str(RunStatus.RUNNING if open_ else RunStatus.FINISHED),
            start_time=sweep.started,
            end_time=None if open_ else max(run.info.end_time or run.info.start_time for run in sweep.own),
            parent="",
            tags=tags | {tag: first.data.tags[tag] for tag in (SOURCE_NAME, SOURCE_TYPE) if tag in first.data.tags},
            params={},
            metrics=(),
            files=(),
        )
    return contents
