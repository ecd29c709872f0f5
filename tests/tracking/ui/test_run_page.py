"""The page of one run: what it shows, what it changes, and runs of every unhappy kind."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from tracking.client import TrackingClient

Record = Callable[..., str]
Visit = Callable[..., Any]


def test_params_say_where_each_value_came_from(client: TrackingClient, record: Record, visit: Visit) -> None:
    run_id = record(params={"alpha": 0.1, "seed": 42})
    client.log_text(run_id, "origins:\n  alpha: command line\n  seed: config.yaml\n", "overrides.yaml")
    page = visit().get(f"/runs/{run_id}").text
    assert '<td>alpha</td><td class="text">0.1</td><td>command line</td>' in page
    assert '<td>seed</td><td class="text">42</td><td>config.yaml</td>' in page


def test_metrics_have_their_history_as_a_chart_the_objective_first(
    client: TrackingClient, record: Record, visit: Visit
) -> None:
    run_id = record(tags={"objective.metric": "rmse_mean"}, status=None)
    for fold in range(5):
        client.log_metric(run_id, "mae", 40.0 + fold, step=fold)
        client.log_metric(run_id, "rmse", 50.0 + fold, step=fold)
    page = visit().get(f"/runs/{run_id}").text
    assert re.findall(r"<option>(\w+)</option>", page) == ["rmse", "mae"]
    assert '"value":[50.0,51.0,52.0,53.0,54.0]' in page
    assert re.search(r"<td>rmse</td>(<td class=\"number\">(54|5|50)</td>){3}", page)


def test_a_long_history_is_thinned_and_says_so(client: TrackingClient, record: Record, visit: Visit) -> None:
    from tracking.entities import Metric

    run_id = record()
    client.log_batch(run_id, metrics=[Metric("loss", 1 / (at + 1), 0, at) for at in range(10_000)])
    page = visit().get(f"/runs/{run_id}")
    assert "every 6th of 10000 values" in page.text
    assert len(page.content) < 100_000


def test_numbers_that_are_none_are_shown_as_they_are(record: Record, visit: Visit) -> None:
    run_id = record(metrics={"a": float("nan"), "b": float("inf"), "c": float("-inf")})
    page = visit().get(f"/runs/{run_id}").text
    assert [value for value in re.findall(r'<td class="number">(-?\w+)</td>', page) if value != "1"] == [
        *("nan", "inf", "-inf")
    ]


def test_a_run_without_anything_is_a_page(record: Record, visit: Visit) -> None:
    page = visit().get(f"/runs/{record(status=None)}")
    assert page.status_code == 200
    assert "No files." in page.text
    assert "Metrics" not in page.text


def test_a_failed_run_says_why(client: TrackingClient, record: Record, visit: Visit) -> None:
    run_id = record(tags={"error": "ValueError: no"}, status="FAILED")
    client.log_text(run_id, "Traceback\n  line 1\nValueError: no\n", "traceback.txt")
    page = visit().get(f"/runs/{run_id}").text
    assert "ValueError: no" in page
    assert "line 1" in page


def test_files_are_previewed_as_what_they_are(client: TrackingClient, record: Record, visit: Visit) -> None:
    run_id = record()
    client.log_text(run_id, "a: 1\n", "config.yaml")
    client.log_text(run_id, "name;value\nx;<b>1</b>\n", "deep/table.csv")
    client.log_text(run_id, "x" * 300_000, "long.txt")
    folder = Path(client.store.artifact_dir(run_id))
    (folder / "data.bin").write_bytes(b"\0\1")
    (folder / "a.png").write_bytes(b"\x89PNG")
    visitor = visit()
    shown = {name: visitor.get(f"/runs/{run_id}/artifacts/{name}").text for name in ("config.yaml", "deep/table.csv")}
    assert "a: 1" in shown["config.yaml"]
    assert "<td>&lt;b&gt;1&lt;/b&gt;</td>" in shown["deep/table.csv"]
    assert "It is no text." in visitor.get(f"/runs/{run_id}/artifacts/data.bin").text
    assert f'src="/runs/{run_id}/files/a.png"' in visitor.get(f"/runs/{run_id}/artifacts/a.png").text
    long = visitor.get(f"/runs/{run_id}/artifacts/long.txt")
    assert "Only the beginning is shown." in long.text
    assert len(long.content) < 210_000
    assert visitor.get(f"/runs/{run_id}/artifacts/deep").status_code == 400
    assert "There is: a.png, config.yaml" in visitor.get(f"/runs/{run_id}/artifacts/nothing").text


def test_a_run_is_renamed_tagged_noted_deleted_and_restored(
    client: TrackingClient, record: Record, visit: Visit
) -> None:
    run_id = record("before")
    visitor = visit()
    word = visitor.word(run_id)

    def change(verb: str, **form: str) -> Any:
        answer = visitor.post(f"/runs/{run_id}/{verb}", {**form, "word": word})
        assert (answer.status_code, answer.headers.get("location")) == (303, f"/runs/{run_id}"), answer.text
        return client.get_run(run_id)

    renamed = change("rename", name="after & more")
    assert (renamed.info.run_name, renamed.data.tags["mlflow.runName"]) == ("after & more", "after & more")
    assert change("tag", key="stage", value="final").data.tags["stage"] == "final"
    assert "stage" not in change("tag", key="stage", value="").data.tags
    assert change("note", note="two\r\nlines").data.tags["mlflow.note.content"] == "two\nlines"
    assert "mlflow.note.content" not in change("note", note=" ").data.tags
    assert change("delete").info.lifecycle_stage == "deleted"
    page = visitor.get(f"/runs/{run_id}").text
    assert "in the trash" in page
    assert f'action="/runs/{run_id}/rename"' not in page
    assert change("restore").info.lifecycle_stage == "active"


def test_what_cannot_be_changed_is_a_sentence(client: TrackingClient, record: Record, visit: Visit) -> None:
    run_id = record()
    visitor = visit()
    word = visitor.word(run_id)
    assert "Invalid tag key" in unescape(
        visitor.post(f"/runs/{run_id}/tag", {"key": "a<b", "value": "1", "word": word}).text
    )
    assert visitor.post(f"/runs/{'f' * 32}/delete", {"word": word}).status_code == 404
    assert visitor.post(f"/runs/{run_id}/explode", {"word": word}).status_code == 400
    assert visitor.post(f"/runs/{run_id}/note", {"note": "x" * 200_000, "word": word}).status_code == 400
    client.delete_run(run_id)
    assert "trash" in visitor.post(f"/runs/{run_id}/tag", {"key": "a", "value": "1", "word": word}).text


def test_a_run_that_is_not_there_names_the_nearest(record: Record, visit: Visit) -> None:
    record("ridge")
    page = visit().get("/runs/rigde")
    assert page.status_code == 404
    assert "ridge" in page.text


def test_a_store_that_disappears_is_a_sentence_until_it_is_back(
    client: TrackingClient, record: Record, visit: Visit
) -> None:
    run_id = record()
    visitor = visit()
    folder = client.store.folder
    client.store.close()
    folder.rename(folder.with_name("away"))
    for path in ("/", "/runs", f"/runs/{run_id}", "/sweeps", "/state"):
        answer = visitor.get(path)
        assert answer.status_code == (200 if path == "/state" else 503), answer.text
    assert not folder.exists()
    folder.with_name("away").rename(folder)
    assert visitor.get("/runs").status_code == 200


def test_commands_on_a_page_name_the_store_where_they_would_open_another(
    client: TrackingClient, record: Record, visit: Visit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = record()
    short = run_id[:8]
    here = visit().get(f"/runs/{run_id}").text
    assert f"<code>python -m runner.reproduce {short}</code>" in here
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    there = visit().get(f"/runs/{run_id}").text
    for program in ("runner.reproduce", "tracking show"):
        assert f"python -m {program} {short} --store {client.tracking_uri}</code>" in there
