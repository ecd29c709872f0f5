"""The pool of workers that a config asks for. Here a cluster's library is imported, and nowhere before."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from runner.engine.cluster import Cluster
from runner.engine.cluster_pool import ClusterPool
from runner.settings import ClusterSettings


def open_cluster(
    asked: ClusterSettings, *, size: int, targets: Iterable[str], tell: Callable[[str], None]
) -> ClusterPool:
    """Connect to the cluster, or make it with `size` workers. Raises ConfigError where it cannot be had."""
    return ClusterPool(_cluster(asked, size), size=asked.size, targets=targets, mixed=asked.mixed, tell=tell)


def _cluster(asked: ClusterSettings, size: int) -> Cluster:
    if asked.name == "ray":
        from runner.engine.ray_cluster import open_ray

        return open_ray(asked.address, asked.cluster, size=size, fixed=asked.size is not None)
    from runner.engine.dask_cluster import open_dask

    return open_dask(asked.address, asked.cluster, size=size)
