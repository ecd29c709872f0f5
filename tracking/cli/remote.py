"""The verbs that lead to other stores and back: push, import, merge."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from tracking.cli.terminal import StoreOption, emit, note, opened
from tracking.entities import Run
from tracking.errors import InvalidValue, ServerError
from tracking.records.refs import resolve_experiment, resolve_runs
from tracking.records.sweep_search import find_sweep, search_sweep
from tracking.store.sqlite import Store
from tracking.stores import absolute_uri, current_uri, open_store, tracking_command
from tracking.text.formatting import plain
from tracking.validation import MAX_PARAM_VALUE, MAX_TAG_VALUE

if TYPE_CHECKING:
    from tracking.remote.foreign import Source
    from tracking.remote.push import Pushed

_SHOWN = 5  # of what could not be pushed


def register(app: typer.Typer) -> None:
    """Add these verbs to the program."""
    app.command()(push)
    app.command("import")(import_)
    app.command()(merge)


def push(
    server: Annotated[str, typer.Argument(metavar="URI", help="An MLflow server: http://...", show_default=False)],
    runs: Annotated[
        list[str] | None, typer.Argument(metavar="[RUN]...", help="Only these runs.", show_default=False)
    ] = None,
    sweep: Annotated[str | None, typer.Option(metavar="ID", help="Only the runs of a sweep.")] = None,
    filter: Annotated[str, typer.Option(metavar="TEXT", help="Only the runs that match.")] = "",
    experiment: Annotated[str | None, typer.Option(metavar="NAME", help="Only the runs of an experiment.")] = None,
    artifacts: Annotated[bool, typer.Option(help="Push files too.")] = True,
    connections: Annotated[int, typer.Option(min=1, max=32, help="Requests side by side.")] = 4,
    store: StoreOption = None,
) -> None:
    """Copy ended runs to an MLflow server; what it has already is not sent again.

    \b
    python -m tracking push http://127.0.0.1:5000
    python -m tracking push http://127.0.0.1:5000 --sweep latest
    python -m tracking push http://127.0.0.1:5000 best:ridge --no-artifacts
    """
    from tracking.remote.push import Pushed, claim, ended
    from tracking.remote.push import push as push_runs
    from tracking.remote.rest import Server

    counts = Pushed()
    with opened(store) as source, Server(server, connections=connections) as target:
        chosen = _selected(source, runs or [], sweep, filter, experiment)
        ready = ended(chosen)
        claim(source, target)
        try:
            push_runs(
                source,
                target,
                ready,
                with_files=artifacts,
                connections=connections,
                pushed=counts,
                tell=lambda counts: _progress(counts.seen, len(ready)),
            )
        except (ServerError, KeyboardInterrupt):
            _clear_progress()
            left = len(ready) - counts.seen
            again = tracking_command(*_words(target.uri, runs, sweep, filter, experiment, artifacts), store=store)
            note(f"{_counted(left)} not pushed yet. To go on where this stopped: {again}")
            raise
        finally:
            source.release_claims()
    _clear_progress()
    emit(_told(counts, target.uri, len(chosen) - len(ready)))
    note_shortened(ready)
    for key, reason in list(counts.refused.items())[:_SHOWN]:
        note(f"{key[:8]} was refused: {reason}")
    if counts.refused:
        raise typer.Exit(1)


class Files(StrEnum):
    """What becomes of the files of imported runs."""

    COPY = "copy"
    REFERENCE = "reference"


def import_(
    source: Annotated[
        str, typer.Argument(metavar="SOURCE", help="mlflow.db, mlruns/ or http://...", show_default=False)
    ],
    artifacts: Annotated[Files, typer.Option(help="Copy files, or only record where they lie.")] = Files.COPY,
    store: StoreOption = None,
) -> None:
    """Take in the runs of MLflow: a database file, a folder mlruns/ or a server. What is here already stays as it is.

    \b
    python -m tracking import mlflow.db
    python -m tracking import mlruns
    python -m tracking import http://127.0.0.1:5000 --artifacts reference
    """
    from tracking.remote.opening import open_source

    with open_source(source) as found:
        _import(found, source, store, copies=artifacts == Files.COPY)


def merge(
    other: Annotated[
        str, typer.Argument(metavar="OTHER_STORE", help="Another store of ours: path or URI.", show_default=False)
    ],
    store: StoreOption = None,
) -> None:
    """Take in the runs of another store, under their ids. What is here already stays as it is.

    \b
    python -m tracking merge ../laptop/runs/tracking.db
    """
    from tracking.remote.store_source import StoreSource

    uri = other if "://" in other else f"sqlite:///{os.path.abspath(other)}"
    if absolute_uri(uri) == absolute_uri(store or current_uri()):
        raise InvalidValue(f"{other} is the store itself. Name another one.")
    with opened(uri) as source:
        _import(StoreSource(source), other, store, copies=True)


def _import(source: Source, name: str, store: str | None, *, copies: bool) -> None:
    from tracking.remote.importing import import_runs

    target = open_store(absolute_uri(store or current_uri()))
    try:
        counts = import_runs(target, source, copies=copies, tell=_progress)
    finally:
        target.close()
        _clear_progress()
    parts = {"added": counts.added, "here already": counts.known, "still running and left out": counts.running}
    told = ", ".join(f"{number} {words}" for words, number in parts.items() if number)
    emit(f"{plain(name)}: {told or 'no runs to take in'}.")
    if counts.without_files:
        note(
            f"The files of {_counted(counts.without_files)} lie where they cannot be copied from; the tag artifacts.at "
            "says where. A server that has them gives them: python -m tracking import http://..., into a new store."
        )


def _selected(source: Store, runs: list[str], sweep: str | None, filter: str, experiment: str | None) -> list[Run]:
    if runs and (sweep or filter or experiment):
        raise InvalidValue("Choose runs by name or by --sweep, --filter and --experiment, not both.")
    if runs:
        return resolve_runs(source, runs, tell=note)
    scope = [resolve_experiment(source, experiment).experiment_id] if experiment else None
    if sweep is None:
        return source.search_runs(scope, filter_string=filter)
    return search_sweep(source, find_sweep(source, sweep), scope, filter_string=filter)


def _words(
    server: str, runs: list[str] | None, sweep: str | None, filter: str, experiment: str | None, artifacts: bool
) -> list[str]:
    chosen = [("--sweep", sweep), ("--filter", filter), ("--experiment", experiment)]
    options = [word for option, value in chosen if value for word in (option, value)]
    return ["push", server, *(runs or []), *options, *([] if artifacts else ["--no-artifacts"])]


def _told(counts: Pushed, uri: str, running: int) -> str:
    parts = {
        "pushed": counts.created,
        "brought up to date": counts.updated,
        "there already": counts.same,
        "deleted there and left so": counts.deleted,
        "refused": len(counts.refused),
        "still running and left out": running,
    }
    told = ", ".join(f"{number} {words}" for words, number in parts.items() if number)
    return f"{uri}: {told or 'no runs to push'}."


def note_shortened(runs: Sequence[Run]) -> None:
    """Name what is as long as it may be: as far as one can tell it was cut when it was recorded, as MLflow would."""
    params = {key for run in runs for key, value in run.data.params.items() if len(value) == MAX_PARAM_VALUE}
    tags = {key for run in runs for key, value in run.data.tags.items() if len(value) == MAX_TAG_VALUE}
    for keys, kind, most in ((params, "params", MAX_PARAM_VALUE), (tags, "tags", MAX_TAG_VALUE)):
        if keys:
            shown = ", ".join(plain(key) for key in sorted(keys)[:_SHOWN]) + (", ..." if len(keys) > _SHOWN else "")
            note(
                f"{most} characters, the most that {kind} may have, so probably cut when recorded: {shown}"
                " (what a config says is complete in its config.yaml)."
            )


def _counted(number: int) -> str:
    return f"{number} run{'' if number == 1 else 's'}"


def _progress(seen: int, total: int) -> None:
    if sys.stderr.isatty():
        print(f"\r{seen} of {total} runs", end="", file=sys.stderr, flush=True)


def _clear_progress() -> None:
    if sys.stderr.isatty():
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)
