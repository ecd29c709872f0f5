"""The pages of the ui in a real browser: clicked through, light and dark, wide and narrow, without JavaScript; live."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tracking.client import TrackingClient
from tracking.entities import Metric

pytestmark = pytest.mark.heavy

HOSTILE = "</script><script>document.title='broken'</script>\"'><img src=x onerror=document.title='broken'>"
SWEEP = "1f9a0b2c3d4e"


def record_point(client: TrackingClient, at: int, points: int = 8) -> str:
    """Record a point of the sweep: three folds, one key on a log axis, another one, every fifth failed."""
    tags = {
        "sweep.id": SWEEP,
        "sweep.point": str(at),
        "sweep.points": str(points),
        "sweep.command": "python -m runner -m 'alpha=0.001,0.1,10' l1_ratio=0.1,0.9",
        "objective.metric": "rmse_mean",
        "warnings": HOSTILE,
    }
    run_id: str = client.create_run("0", run_name=f"point {at} {HOSTILE if at == 0 else ''}", tags=tags).info.run_id
    client.log_params(run_id, {"alpha": 10.0 ** (at // 2 - 2), "l1_ratio": (0.1, 0.9)[at % 2]})
    if at % 5 == 4:
        client.set_tag(run_id, "error", "ValueError: no")
        client.set_terminated(run_id, "FAILED")
        return run_id
    folds = [Metric("rmse", 50 + at + fold, 0, fold) for fold in range(3)]
    folds += [Metric("fit_seconds", 0.01 * (at + 1), 0, fold) for fold in range(3)]
    client.log_batch(run_id, metrics=[*folds, Metric("rmse_mean", 51.0 + at, 0, 0), Metric("rmse_std", 1.0, 0, 0)])
    client.log_text(run_id, f"alpha: {10.0 ** (at // 2 - 2)}\nl1_ratio: {(0.1, 0.9)[at % 2]}\n", "config.yaml")
    client.log_text(run_id, "<h1 id=own>HTML</h1><script>document.title = 'its own'</script>", "page.html")
    client.log_text(run_id, "a,b\n1,2\n", "table.csv")
    client.set_terminated(run_id)
    return run_id


@pytest.fixture
def client(tmp_path: Path) -> TrackingClient:
    """Return a client of a store with a sweep of eight points."""
    client = TrackingClient(f"sqlite:///{tmp_path / 'tracking.db'}")
    for at in range(8):
        record_point(client, at)
    return client


@pytest.fixture
def server(client: TrackingClient) -> Iterator[str]:
    """Return the address of the pages of the store, served by a thread."""
    import uvicorn

    from tracking.ui.app import build_app
    from tracking.ui.server import listen

    listening = listen("127.0.0.1", 0)
    app = build_app(client.tracking_uri, hosts=frozenset({"127.0.0.1"}))
    serving = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="on", timeout_graceful_shutdown=1))
    thread = threading.Thread(target=serving.run, kwargs={"sockets": [listening]})
    thread.start()
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    serving.should_exit = True
    thread.join()
    listening.close()


def draw_all(page: Any) -> int:
    figures = page.locator("figure[data-chart]")
    for at in range(figures.count()):
        figures.nth(at).scroll_into_view_if_needed()
        figures.nth(at).locator("svg.marks, canvas.marks").wait_for()
    return int(figures.count())


def newest(client: TrackingClient) -> list[str]:
    return [run.info.run_id for run in client.search_runs(["0"])]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1200, 400])
def test_every_page_fits_and_draws_in_light_and_dark_wide_and_narrow(
    client: TrackingClient, server: str, open_page: Callable[..., Any], width: int, scheme: str
) -> None:
    page = open_page(server, width=width, scheme=scheme)
    runs = newest(client)
    pages = ["/", "/runs", "/sweeps", f"/sweeps/{SWEEP}", f"/runs/{runs[0]}", f"/runs/{runs[3]}"]
    pages += [f"/diff?run={runs[0]}&run={runs[1]}", f"/compare?sweep={SWEEP}", f"/runs/{runs[0]}/artifacts/table.csv"]
    for path in pages:
        page.goto(server + path)
        draw_all(page)
        assert page.evaluate("document.documentElement.scrollWidth") == width, path
        assert "broken" not in page.title()
        paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (paper == "rgb(255, 255, 255)") == (scheme == "light")


@pytest.mark.parametrize("javascript", [True, False], ids=["with JavaScript", "without"])
def test_a_person_clicks_from_an_experiment_to_a_diff_and_back(
    server: str, open_page: Callable[..., Any], javascript: bool
) -> None:
    page = open_page(server, javascript=javascript)
    page.get_by_role("link", name="Default").click()
    assert page.locator("tbody tr").count() == 8
    page.get_by_label("Filter").fill("rmse < 54 and params.l1_ratio = '0.1'")
    page.get_by_role("button", name="Show", exact=True).click()
    assert page.locator("tbody tr").count() == 2
    page.get_by_role("link", name="rmse_mean").click()
    assert page.locator("th[aria-sort=ascending]").text_content() == "rmse_mean"
    for at in range(2):
        page.locator("input[name=run]").nth(at).check()
    page.get_by_role("button", name="Diff the chosen").click()
    assert "config (alpha) differs" in page.locator(".verdict").text_content()
    page.get_by_role("link", name="As a table").click()
    assert page.locator("tbody").first.locator("tr").count() == 2
    page.go_back()
    page.go_back()
    assert page.get_by_label("Filter").input_value() == "rmse < 54 and params.l1_ratio = '0.1'"


def test_columns_are_chosen_without_javascript(server: str, open_page: Callable[..., Any]) -> None:
    page = open_page(f"{server}/runs", javascript=False)
    page.get_by_text("Columns (").click()
    page.get_by_label("user", exact=True).check()
    page.get_by_role("button", name="Show these").click()
    assert "user" in page.locator("thead").text_content()


def test_a_run_is_renamed_and_noted_in_the_browser(
    client: TrackingClient, server: str, open_page: Callable[..., Any]
) -> None:
    run_id = newest(client)[0]
    page = open_page(f"{server}/runs/{run_id}")
    page.get_by_text("Change", exact=True).click()
    page.get_by_label("Name", exact=True).fill("the one of the paper")
    page.get_by_role("button", name="Rename").click()
    page.get_by_role("heading", name="the one of the paper").wait_for()
    assert client.get_run(run_id).info.run_name == "the one of the paper"


def test_an_html_file_of_a_run_knows_nothing_of_the_pages(
    client: TrackingClient, server: str, open_page: Callable[..., Any]
) -> None:
    run_id = newest(client)[0]
    page = open_page(f"{server}/runs/{run_id}/artifacts/page.html")
    assert "<h1 id=own>" in page.locator("pre").text_content()
    assert page.locator("#own").count() == 0
    page.goto(f"{server}/runs/{run_id}/files/page.html")
    assert page.locator("#own").text_content() == "HTML"
    assert page.title() == "its own"
    assert page.evaluate("window.origin") == "null"


def test_a_sweep_that_runs_elsewhere_appears_and_goes_on_by_itself(
    client: TrackingClient, server: str, open_page: Callable[..., Any]
) -> None:
    page = open_page(f"{server}/runs")
    assert page.locator("tbody tr").count() == 8
    record_point(client, 8, points=10)
    page.locator("tbody tr").nth(8).wait_for()  # without a reload
    page.goto(f"{server}/sweeps/{SWEEP}")
    before = page.locator("#progress").text_content()
    record_point(client, 9, points=10)
    page.wait_for_function("before => document.querySelector('#progress').textContent !== before", arg=before)


def test_what_a_person_has_chosen_stays_when_something_is_recorded(
    client: TrackingClient, server: str, open_page: Callable[..., Any]
) -> None:
    page = open_page(f"{server}/runs")
    page.locator("input[name=run]").first.check()
    record_point(client, 8)
    with page.expect_response("**/state"):
        pass
    assert page.locator("input[name=run]:checked").count() == 1
    assert page.locator("tbody tr").count() == 8
    page.locator("input[name=run]").first.uncheck()
    page.locator("tbody tr").nth(8).wait_for()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_serious_fault(
    client: TrackingClient, server: str, open_page: Callable[..., Any], scheme: str
) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed")
    page = open_page(server, scheme=scheme)
    runs = newest(client)
    pages = ["/", "/runs", "/sweeps", f"/sweeps/{SWEEP}", f"/runs/{runs[0]}", f"/runs/{runs[3]}"]
    pages += [f"/diff?run={runs[0]}&run={runs[1]}", f"/compare?sweep={SWEEP}", f"/runs/{runs[0]}/artifacts/table.csv"]
    faults = []
    for path in pages:
        page.goto(server + path)
        draw_all(page)
        page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
        found = axe.Axe().run(page).response["violations"]
        faults += [
            f"{path}: {each['id']}: {each['nodes'][0]['html'][:200]}"
            for each in found
            if each["impact"] in ("serious", "critical")
        ]
    assert faults == []
