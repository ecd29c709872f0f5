"""A piece of work is one process's at a time; a claim lapses with its process."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tracking.entities import Claim, Process
from tracking.store import claims, schema
from tracking.store.process import current_process, is_gone
from tracking.store.sqlite import Store
from tracking.stores import open_store

CLAIM = """
import sys
from tracking.stores import open_store
print(open_store(sys.argv[1]).claim("v1:one").mine, flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(f"sqlite:///{tmp_path}/tracking.db")


def start_claimant(store: Store) -> tuple[subprocess.Popen[str], str]:
    """Start a process that claims the work; return it and what it was told."""
    command = [sys.executable, "-c", CLAIM, store.uri]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[3]
    )
    assert process.stdout is not None
    return process, process.stdout.readline().strip()


def test_what_nobody_has_is_had_by_whoever_claims_it(store: Store) -> None:
    assert store.claim("v1:one") == Claim(None, mine=True)
    assert store.claim("v1:one") == Claim(current_process(), mine=True)
    assert store.claim("v1:two") == Claim(None, mine=True)


def test_what_a_living_process_has_is_not_given_away_and_lapses_when_it_is_killed(store: Store) -> None:
    store.create_experiment("made here")
    other, told = start_claimant(store)
    assert told == "True"

    claim = store.claim("v1:one")
    assert not claim.mine
    assert claim.before is not None
    assert claim.before.pid == other.pid

    other.kill()
    other.communicate()
    assert store.claim("v1:one") == Claim(claim.before, mine=True)


def test_what_was_given_back_is_free_and_known_to_have_been_had(store: Store) -> None:
    store.claim("v1:one")
    store.release_claims()
    other, told = start_claimant(store)
    other.communicate("\n")

    assert told == "True"
    store.release_claims()
    assert store.claim("v1:one").before is not None


def prepare(sql: sqlite3.Connection) -> None:
    sql.create_function("process_gone", 3, lambda *process: is_gone(Process(*process)))
    schema.migrate(sql, None)


def test_a_claim_of_another_machine_lapses_after_an_hour(tmp_path: Path) -> None:
    theirs, ours = Process("far away", 1, "then"), current_process()
    with closing(sqlite3.connect(tmp_path / "a.db", isolation_level=None)) as sql:
        prepare(sql)
        assert claims.claim(sql, "work", theirs, 1_000).mine
        assert not claims.claim(sql, "work", ours, 1_000 + 3_599_000).mine
        assert claims.claim(sql, "work", ours, 1_000 + 3_601_000) == Claim(theirs, mine=True)


def test_old_claims_are_forgotten(tmp_path: Path) -> None:
    week = 7 * 24 * 3_600_000
    with closing(sqlite3.connect(tmp_path / "a.db", isolation_level=None)) as sql:
        prepare(sql)
        claims.claim(sql, "old", current_process(), 1_000)
        claims.claim(sql, "new", current_process(), 2_000)
        claims.release(sql, current_process(), 1_500 + week)
        assert sql.execute("SELECT key, pid FROM claims").fetchall() == [("new", 0)]
