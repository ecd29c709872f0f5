"""Who may ask a page for what: Host, token, forms, files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tracking.client import TrackingClient

HOSTILE = "</script><script>document.title='broken'</script>\"'><img src=x onerror=document.title='broken'>"
Record = Callable[..., str]
Visit = Callable[..., Any]


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8765", "127.0.0.1.evil.example", "", "[::2]:1"])
def test_a_page_answers_under_the_names_of_this_machine_only(visit: Visit, host: str) -> None:
    answer = visit().get("/runs", Host=host)
    assert answer.status_code == 403
    assert "<html" not in answer.text


@pytest.mark.parametrize("host", ["127.0.0.1:8765", "localhost", "LOCALHOST:1"])
def test_the_port_of_the_host_does_not_matter(visit: Visit, host: str) -> None:
    assert visit().get("/", Host=host).status_code == 200


def test_every_answer_says_what_a_browser_may_do_with_it(visit: Visit) -> None:
    visitor = visit()
    for path in ("/", "/runs", "/nothing", "/assets/page.js"):
        headers = visitor.get(path).headers
        assert headers["content-security-policy"].startswith("default-src 'none'; base-uri 'none'; frame-ancestors")
        assert "unsafe-inline" not in headers["content-security-policy"].partition("script-src")[2]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"


def test_with_a_token_the_link_lets_in_once_and_a_cookie_after_that(visit: Visit) -> None:
    visitor = visit(hosts=None, token="secret")
    assert visitor.get("/").status_code == 403
    assert visitor.get("/?token=guess").status_code == 403
    answer = visitor.get("/runs?token=secret&filter=a b")
    assert (answer.status_code, answer.headers["location"]) == (303, "/runs?filter=a+b")
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    visitor.cookies = dict(answer.cookies)
    assert visitor.get("/runs").status_code == 200
    visitor.cookies = dict.fromkeys(answer.cookies, "guess")
    assert visitor.get("/runs").status_code == 403


def test_a_link_with_a_token_never_leads_to_another_server(visit: Visit) -> None:
    answer = visit(hosts=None, token="secret").get("/%2fevil.example/?token=secret")
    assert answer.headers["location"] == "/evil.example/"


def test_a_form_of_another_page_changes_nothing(client: TrackingClient, record: Record, visit: Visit) -> None:
    run_id = record("before")
    visitor = visit()
    for form in ({"name": "after"}, {"name": "after", "word": "guess"}):
        assert visitor.post(f"/runs/{run_id}/rename", form).status_code == 400
    assert client.get_run(run_id).info.run_name == "before"
    assert visitor.get(f"/runs/{run_id}/rename").status_code == 405


def test_read_only_pages_have_no_forms_and_take_none(client: TrackingClient, record: Record, visit: Visit) -> None:
    run_id = record("before")
    visitor = visit(read_only=True)
    assert 'method="post"' not in visitor.get(f"/runs/{run_id}").text
    answer = visitor.post(f"/runs/{run_id}/rename", {"name": "after", "word": visitor.app.app.state.looking.word})
    assert answer.status_code == 404
    assert client.get_run(run_id).info.run_name == "before"


def test_html_that_a_run_kept_is_text_on_the_page_and_sandboxed_by_itself(
    client: TrackingClient, record: Record, visit: Visit
) -> None:
    run_id = record()
    client.log_text(run_id, HOSTILE, "page.html")
    client.log_text(run_id, f"<svg xmlns='http://www.w3.org/2000/svg'>{HOSTILE}</svg>", "picture.svg")
    visitor = visit()
    assert HOSTILE not in visitor.get(f"/runs/{run_id}/artifacts/page.html").text
    assert "&lt;/script&gt;" in visitor.get(f"/runs/{run_id}/artifacts/page.html").text
    for name in ("page.html", "picture.svg"):
        policy = visitor.get(f"/runs/{run_id}/files/{name}").headers["content-security-policy"]
        assert policy.startswith("sandbox allow-scripts; default-src 'none'")
        assert "allow-same-origin" not in policy
    saved = visitor.get(f"/runs/{run_id}/files/page.html?save=yes")
    assert saved.headers["content-disposition"].startswith("attachment")
    assert saved.headers["content-type"] == "application/octet-stream"


def test_no_path_leads_out_of_the_folder_of_a_run(client: TrackingClient, record: Record, visit: Visit) -> None:
    run_id = record()
    client.log_text(run_id, "mine", "a.txt")
    folder = Path(client.store.artifact_dir(run_id))
    (folder / "link.txt").symlink_to(client.store.folder / "tracking.db")
    visitor = visit()
    for kind in ("artifacts", "files"):
        for path in ("%2e%2e/%2e%2e/%2e%2e/tracking.db", "link.txt", "%2fetc%2fpasswd", "a%00b"):
            answer = visitor.get(f"/runs/{run_id}/{kind}/{path}")
            assert answer.status_code in (400, 404), path
            assert b"SQLite" not in answer.content
    assert visitor.get(f"/runs/{run_id}/files/a.txt").text == "mine"


def test_nothing_that_runs_are_called_is_markup(client: TrackingClient, record: Record, visit: Visit) -> None:
    tags = {"sweep.id": "1f9a0b2c", "sweep.command": HOSTILE, "objective.metric": "rmse_mean", "error": HOSTILE}
    first, second = (
        record(HOSTILE, params={"alpha": HOSTILE + str(at)}, metrics={"rmse_mean": at}, tags=tags) for at in range(2)
    )
    client.set_tag(first, "mlflow.note.content", HOSTILE)
    client.create_experiment("<img src=x>")
    visitor = visit()
    pages = [
        *("/", "/runs", f"/runs/{first}", "/sweeps", "/sweeps/1f9a0b2c", f"/diff?run={first}&run={second}"),
        *("/compare?sweep=1f9a0b2c", "/compare?sweep=1f9a0b2c&group_by=alpha", "/runs?filter=<img src=x>"),
        *("/runs?experiment=<img src=x>", "/runs?order=<img src=x>", "/runs?column=<img src=x>", "/<img src=x>"),
    ]
    for path in pages:
        text = visitor.get(path).text
        assert "<img src=x" not in text, path
        assert "<script>document" not in text, path
