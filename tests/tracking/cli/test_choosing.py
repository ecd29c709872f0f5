"""delete, restore, tag and note of many runs at once: by name, by sweep, by filter."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tracking import TrackingClient
from tracking.cli.app import main

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TrackingClient]:
    uri = f"sqlite:///{tmp_path}/runs/tracking.db"
    monkeypatch.setenv("TRACKING_URI", uri)
    made = TrackingClient(uri)
    for number in range(12):
        tags = {"sweep.id": "1f9a0000" if number < 8 else "2b770000"}
        begun = 1_700_000_000_000 + number  # two may begin within one millisecond, and then have no order
        run_id = made.create_run("0", begun, tags, f"ridge alpha={number}").info.run_id
        made.log_batch(run_id, metrics={"rmse_mean": float(number)})
        made.set_terminated(run_id)
    yield made
    made.store.close()


@pytest.fixture
def tracking(capsys: pytest.CaptureFixture[str], client: TrackingClient) -> Command:
    def run(*arguments: str) -> tuple[int, str, str]:
        code = main(list(arguments))
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


def names(client: TrackingClient, filter: str = "") -> set[int]:
    return {int(run.info.run_name.partition("=")[2]) for run in client.search_runs(["0"], filter)}


def test_a_sweep_is_deleted_and_restored_whole(client: TrackingClient, tracking: Command) -> None:
    code, out, _ = tracking("delete", "--sweep", "1f9a")

    assert code == 0
    assert out == "deleted 8 runs.  Undo: python -m tracking restore --sweep 1f9a\n"
    assert names(client) == {8, 9, 10, 11}

    assert tracking("restore", "--sweep", "1f9a")[0] == 0
    assert len(names(client)) == 12


def test_of_a_sweep_those_that_a_filter_finds(client: TrackingClient, tracking: Command) -> None:
    code, out, _ = tracking("delete", "--sweep", "1f9a", "--filter", "rmse >= 6")

    assert code == 0
    assert [line.split("  Undo: ")[0].partition("(")[2] for line in out.splitlines()] == [
        "ridge alpha=7).",
        "ridge alpha=6).",
    ]
    assert names(client) == {*range(6), 8, 9, 10, 11}


def test_tags_are_set_and_removed(client: TrackingClient, tracking: Command) -> None:
    assert tracking("tag", "stage=final", "--sweep", "latest")[:2] == (0, _all_of(client))
    assert names(client, "tags.stage = 'final'") == {8, 9, 10, 11}

    assert tracking("tag", "stage=", "ridge alpha=9")[0] == 0

    assert names(client, "tags.stage = 'final'") == {8, 10, 11}


def _all_of(client: TrackingClient) -> str:
    newest = client.search_runs(["0"], "tags.`sweep.id` = '2b770000'")
    return "set stage of " + ", ".join(f"{run.info.run_id[:8]} ({run.info.run_name})" for run in newest) + ".\n"


def test_a_note_replaces_the_one_before(client: TrackingClient, tracking: Command) -> None:
    assert tracking("note", "first", "ridge alpha=3")[0] == 0
    assert tracking("note", "the one of the paper", "ridge alpha=3")[0] == 0

    assert "the one of the paper" in tracking("show", "ridge alpha=3")[1]

    assert tracking("note", "", "ridge alpha=3")[0] == 0
    assert "mlflow.note.content" not in client.get_run(client.search_runs(["0"])[8].info.run_id).data.tags


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["delete"], "Name what to delete: one or more RUNs, or --experiment NAME, or --sweep ID and --filter TEXT."),
        (["delete", "latest", "--sweep", "latest"], "Name what to delete"),
        (["tag", "stage"], "'stage' is no tag. Write KEY=VALUE first"),
        (["tag", "a=1"], "Which runs? Name them, or choose: --sweep ID, --filter TEXT."),
        (["note", "x", "--sweep", "ffff"], "No sweep 'ffff' has such runs. See: python -m tracking sweeps"),
        (["restore", "--sweep", "1f9a"], "No sweep '1f9a' has such runs"),
        (["delete", "--filter", "rmse > 99"], "No run is like that. See: python -m tracking runs"),
    ],
)
def test_what_cannot_be_meant_is_said_and_changes_nothing(
    client: TrackingClient, tracking: Command, arguments: list[str], message: str
) -> None:
    code, out, err = tracking(*arguments)

    assert (code, out) == (2, "")
    assert message in err
    assert len(names(client)) == 12


def test_runs_lists_a_sweep(tracking: Command) -> None:
    _, out, _ = tracking("runs", "--sweep", "2b77", "--columns", "name", "--format", "csv")

    assert out.splitlines()[1:] == [f"ridge alpha={number}" for number in (11, 10, 9, 8)]


def test_hints_open_the_store_that_was_given(tracking: Command, tmp_path: Path) -> None:
    uri = f"sqlite:///{tmp_path}/runs/tracking.db"

    assert f"See: python -m tracking runs --store {uri}" in tracking("show", "--store", uri, "nothing like it")[2]
    assert f"See: python -m tracking sweeps --store {uri}" in tracking(f"--store={uri}", "sweeps", "zzzz")[2]
    assert "--store" not in tracking("show", "nothing like it")[2]
