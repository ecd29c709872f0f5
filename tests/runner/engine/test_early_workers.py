"""Workers that are asked for by number start before anything else, fit only what they fit, and never stay."""

from __future__ import annotations

import shlex
import sys

import pytest

from runner.engine import forkserver as nursery
from runner.engine.forkserver import early_workers
from runner.engine.worker import PRELOAD
from runner.trial.threads import environment

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="workers are forked")


@pytest.mark.parametrize("typed", ["-m alpha=1,2 n_jobs=2", "n_jobs=-1 --multirun", "-m n_jobs=12 model=svr"])
def test_they_start_when_a_sweep_asks_for_several(typed: str) -> None:
    with early_workers(shlex.split(typed)):
        early = nursery.take(PRELOAD, environment(1))
        assert early.imports == (PRELOAD, environment(1))
        assert not early.gone
        early.close()


@pytest.mark.parametrize(
    "typed",
    [
        "alpha=1 n_jobs=2",
        "-m alpha=1,2",
        "-m n_jobs=1",
        "-m n_jobs=auto",
        "-m n_jobs=2 dry_run=true",
        "-m n_jobs=2 resume=true",
        "-m n_jobs=2 backend=threading",
        "-m n_jobs=2 threads_per_run=2",
        "-m n_jobs=2 hydra/launcher=basic",
        "-m n_jobs=2 --cfg job",
    ],
)
def test_they_do_not_where_it_may_be_otherwise(typed: str) -> None:
    with early_workers(shlex.split(typed)):
        assert nursery._early == []


def test_what_nobody_takes_is_ended() -> None:
    with early_workers(["-m", "n_jobs=2"]):
        [early] = nursery._early
    assert early.gone


def test_a_pool_with_other_threads_gets_a_nursery_of_its_own() -> None:
    with early_workers(["-m", "n_jobs=2"]):
        [early] = nursery._early
        other = nursery.take(PRELOAD, environment(3))
        assert other is not early
        assert early.gone
        other.close()
