"""Sweeps, differences and comparisons in a browser."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest

from tracking.cli import app as cli
from tracking.client import TrackingClient

Record = Callable[..., str]
Visit = Callable[..., Any]

SWEEP = "1f9a0b2c"


@pytest.fixture
def grid(record: Record) -> list[str]:
    """Record six points of eight, two seeds of three alphas; one more failed."""
    found = []
    for at in range(6):
        alpha, seed = (0.1, 1, 10)[at // 2], at % 2
        tags = {
            "sweep.id": SWEEP,
            "sweep.point": str(at),
            "sweep.points": "8",
            "sweep.command": "python -m runner -m alpha=0.1,1,10 seed=0,1",
            "objective.metric": "rmse_mean",
        }
        metrics = {"rmse_mean": 50.0 + at, "rmse_std": 1.0}
        found.append(record(f"point {at}", params={"alpha": alpha, "seed": seed}, metrics=metrics, tags=tags))
    record(
        "broken", params={"alpha": 99}, tags={**tags, "sweep.point": "6", "error": "ValueError: no"}, status="FAILED"
    )
    return found


def test_a_sweep_is_listed_with_how_far_it_is_and_its_best(grid: list[str], visit: Visit) -> None:
    page = visit().get("/sweeps").text
    assert f'href="/sweeps/{SWEEP}"' in page
    assert [*re.findall(r'<td class="number(?: bad)?">(\d+)</td>', page)] == ["8", "6", "1", "0"]
    assert f'<a href="/runs/{grid[0]}">50</a>' in page
    assert 'max="8" value="7"' in page


def test_a_sweep_says_what_its_best_is_worth_and_what_is_missing_to_say_more(grid: list[str], visit: Visit) -> None:
    page = unescape(visit().get(f"/sweeps/{SWEEP}").text)
    assert "best        rmse 50 ± 1  point 0 (the best of 6; not ranked with it: 1 did not finish)" in page
    assert "honest      not known: rmse has no fold scores: nothing tells its spread" in page
    assert "as good as  not known: rmse has no fold scores: nothing tells its spread" in page


def test_sweeps_come_in_pages(record: Record, visit: Visit) -> None:
    for at in range(25):
        record(tags={"sweep.id": f"{at:08x}"})
    visitor = visit()
    first = re.findall(r'href="/sweeps/(\w+)"', visitor.get("/sweeps").text)
    second = re.findall(r'href="/sweeps/(\w+)"', visitor.get("/sweeps?from=20").text)
    assert (len(first), len(second)) == (20, 5)
    assert sorted([*first, *second]) == [f"{at:08x}" for at in range(25)]
    assert visitor.get("/sweeps?from=nonsense").status_code == 200


def test_the_page_of_a_sweep_is_its_report(grid: list[str], visit: Visit) -> None:
    page = visit().get(f"/sweeps/{SWEEP}").text
    assert "8 points: 6 done, 1 failed, 1 missing" in page
    for heading in ("The winner", "What was asked", "rmse_mean against each key", "Failures", "The runs"):
        assert f">{heading}</h2>" in page
    assert "ValueError: no" in page
    assert '<script src="/assets/vega.min.js' in page
    assert "<script>" not in page  # nothing inline: the policy would not run it
    assert visit().get("/sweeps/ffffffff").status_code == 404


def test_the_progress_of_a_sweep_is_a_page_of_its_own_for_polling(
    client: TrackingClient, grid: list[str], visit: Visit
) -> None:
    visitor = visit()
    part = visitor.get(f"/sweeps/{SWEEP}?part=progress")
    assert 'data-left="1"' in part.text
    assert len(part.content) < 1000
    tags = {"sweep.id": SWEEP, "sweep.point": "7", "sweep.points": "8"}
    run_id = client.create_run("0", run_name="the last", tags=tags).info.run_id
    running = visitor.get(f"/sweeps/{SWEEP}?part=progress").text
    assert "1 running" in running
    assert "data-running" in running
    assert " left</p>" in running
    client.set_terminated(run_id)
    assert 'data-left="0"' in visitor.get(f"/sweeps/{SWEEP}?part=progress").text


def test_the_state_changes_when_something_was_recorded_and_only_then(record: Record, visit: Visit) -> None:
    visitor = visit()
    before = visitor.get("/state")
    assert visitor.get("/state").json() == before.json()
    assert len(before.content) < 200
    assert f'data-state="{before.json()["state"]}"' in visitor.get("/runs").text
    record()
    assert visitor.get("/state").json() != before.json()


def test_a_diff_is_that_of_the_command_line(
    client: TrackingClient, grid: list[str], visit: Visit, capsys: pytest.CaptureFixture[str]
) -> None:
    page = unescape(visit().get(f"/diff?run={grid[0]}&run={grid[3]}").text)
    cli.main(["diff", grid[0], grid[3], "--store", client.tracking_uri])
    printed = capsys.readouterr().out
    verdict = re.search(r'class="verdict">([^<]*)<', page)
    assert verdict
    assert verdict[1] in printed
    assert '<td>alpha</td><td class="text">"0.1"</td><td class="text">"1"</td>' in page  # params are text
    assert f"python -m tracking diff {grid[0][:8]} {grid[3][:8]}</code>" in page


@pytest.mark.parametrize("chosen", [0, 1, 13])
def test_a_diff_of_too_few_or_too_many_runs_is_a_sentence(grid: list[str], visit: Visit, chosen: int) -> None:
    page = visit().get("/diff?" + "&".join(f"run={(grid * 3)[at]}" for at in range(chosen)))
    assert page.status_code == 400
    assert f"{chosen} were chosen" in page.text


def test_a_comparison_ranks_groups_and_tells_effects(grid: list[str], visit: Visit) -> None:
    visitor = visit()
    page = visitor.get(f"/compare?sweep={SWEEP}").text
    assert re.findall(r'name="run" value="(\w+)"', page)[:2] == grid[:2]
    assert "What each key does to rmse_mean" in page
    grouped = visitor.get(f"/compare?sweep={SWEEP}&group_by=!seed&filter=status = 'FINISHED'").text
    assert "50.5 ± 0.71" in grouped
    assert 'name="run"' not in grouped
    ordered = visitor.get(f"/compare?run={grid[0]}&run={grid[1]}&sort=rmse_mean desc").text
    assert re.findall(r'name="run" value="(\w+)" aria', ordered) == [grid[1], grid[0]]


def test_a_comparison_that_cannot_be_made_says_why_and_keeps_the_runs(grid: list[str], visit: Visit) -> None:
    page = visit().get(f"/compare?sweep={SWEEP}&group_by=alhpa")
    assert page.status_code == 400
    assert "Nearest: alpha" in page.text
    assert len(re.findall(r'name="run" value', page.text)) == 7
    nothing = visit().get("/compare")
    assert nothing.status_code == 400
    assert "Which runs?" in nothing.text
