"""Which runs of a store are the finished points of a sweep. Reads the store."""

from __future__ import annotations

from runner.errors import NotReproducible
from tracking import Run, TrackingClient
from tracking.sweeps import find_sweep, read_sweeps


def find_points(client: TrackingClient, reference: str) -> tuple[str, list[Run], int]:
    """Return a sweep's id, its finished points in order, and how many points have no finished run.

    Raises TrackingError; NotReproducible when no point has finished.
    """
    sweep = find_sweep(read_sweeps(client.store), reference)
    finished = [run for run in sweep.latest.values() if run.info.status == "FINISHED"]
    if not finished:
        raise NotReproducible(f"Sweep {sweep.id} has no finished point to compare with. See: python -m tracking sweeps")
    finished.sort(key=lambda run: int(run.data.tags.get("sweep.point", "0") or 0))
    return sweep.id, finished, max(sweep.planned - len(finished), 0)
