"""What a page may change: a run's name, tags and note, and whether it is in the trash. Absent with --read-only."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from urllib.parse import parse_qsl

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from tracking.client import TrackingClient
from tracking.errors import InvalidValue
from tracking.records.names import NOTE
from tracking.ui.page import address, looking
from tracking.ui.security import require_ours

_MOST_BYTES = 100_000

Form = Mapping[str, str]


async def change(request: Request) -> Response:
    """Do what a form of a run's page asks for, and show the page again."""
    here = looking(request)
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > _MOST_BYTES:
            raise InvalidValue(f"Nothing was changed: the form has more than {_MOST_BYTES} bytes.")
    form = dict(parse_qsl(body.decode(errors="replace"), keep_blank_values=True))
    require_ours(form, here.word)
    run_id, verb = request.path_params["run"], request.path_params["verb"]
    act = ACTIONS.get(verb)
    if act is None:
        raise InvalidValue(f"No action {verb!r}. There are: {', '.join(ACTIONS)}.")
    await run_in_threadpool(act, TrackingClient(here.uri), run_id, form)
    return RedirectResponse(address("runs", run_id), 303)


def _rename(client: TrackingClient, run_id: str, form: Form) -> None:
    client.update_run(run_id, name=form.get("name", "").strip() or None)


def _tag(client: TrackingClient, run_id: str, form: Form) -> None:
    key = form.get("key", "").strip()
    if form.get("value", ""):
        client.set_tag(run_id, key, form["value"])
    else:
        client.delete_tag(run_id, key)


def _note(client: TrackingClient, run_id: str, form: Form) -> None:
    if content := form.get("note", "").replace("\r\n", "\n").strip():
        client.set_tag(run_id, NOTE, content)
    elif NOTE in client.get_run(run_id).data.tags:
        client.delete_tag(run_id, NOTE)


def _delete(client: TrackingClient, run_id: str, form: Form) -> None:
    client.delete_run(run_id)


def _restore(client: TrackingClient, run_id: str, form: Form) -> None:
    client.restore_run(run_id)


ACTIONS: Mapping[str, Callable[[TrackingClient, str, Form], None]] = {
    "rename": _rename,
    "tag": _tag,
    "note": _note,
    "delete": _delete,
    "restore": _restore,
}
