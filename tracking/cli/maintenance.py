"""The verbs that change a store, or what may be done with it: delete, restore, tag, note, gc, check, trust."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from tracking.cli.terminal import (
    Format,
    FormatOption,
    StoreOption,
    confirm,
    database_path,
    emit,
    emit_table,
    note,
    opened,
)
from tracking.entities import LifecycleStage, Run, ViewType
from tracking.errors import InvalidValue
from tracking.records.names import NOTE
from tracking.records.refs import resolve_experiment
from tracking.records.selection import pick_runs
from tracking.store.sqlite import Store
from tracking.stores import absolute_uri, tracking_command
from tracking.text.formatting import format_size, plain
from tracking.validation import TAG, check_key
from tracking.validation import tags as check_tags

ExperimentOption = Annotated[
    str | None,
    typer.Option("--experiment", metavar="NAME", help="A whole experiment, by name or id.", show_default=False),
]
RunsArgument = Annotated[
    list[str] | None, typer.Argument(metavar="[RUN]...", help="One or more runs.", show_default=False)
]


SweepOption = Annotated[
    str | None, typer.Option("--sweep", metavar="ID", help="The runs of a sweep, or latest.", show_default=False)
]
FilterOption = Annotated[
    str, typer.Option("--filter", metavar="TEXT", help="For example: rmse > 60", show_default=False)
]

_LISTED = 5  # runs that are named one by one


def register(app: typer.Typer) -> None:
    """Add these verbs to the program."""
    for verb in (delete, restore, tag, gc, check, trust):
        app.command()(verb)
    app.command("note")(comment)


def delete(
    runs: RunsArgument = None,
    experiment: ExperimentOption = None,
    sweep: SweepOption = None,
    filter: FilterOption = "",
    store: StoreOption = None,
) -> None:
    """Move runs or an experiment to the trash.

    \b
    python -m tracking delete a93f latest~2
    python -m tracking delete --sweep 1f9a --filter "status = 'FAILED'"
    python -m tracking delete --experiment scratch
    """
    with opened(store) as source:
        _move(source, runs or [], experiment, sweep, filter, LifecycleStage.DELETED, store)


def restore(
    runs: RunsArgument = None,
    experiment: ExperimentOption = None,
    sweep: SweepOption = None,
    filter: FilterOption = "",
    store: StoreOption = None,
) -> None:
    """Take runs or an experiment out of the trash.

    \b
    python -m tracking runs --deleted
    python -m tracking restore a93f
    python -m tracking restore --sweep 1f9a
    """
    with opened(store) as source:
        _move(source, runs or [], experiment, sweep, filter, LifecycleStage.ACTIVE, store)


def _move(
    source: Store,
    references: list[str],
    experiment: str | None,
    sweep: str | None,
    filter: str,
    to: LifecycleStage,
    store: str | None,
) -> None:
    deleting = to == LifecycleStage.DELETED
    verb, back = ("delete", "restore") if deleting else ("restore", "delete")
    if sum([bool(references), experiment is not None, bool(sweep or filter.strip())]) != 1:
        raise InvalidValue(
            f"Name what to {verb}: one or more RUNs, or --experiment NAME, or --sweep ID and --filter TEXT."
        )
    if experiment is not None:
        found = resolve_experiment(source, experiment)
        source.update_experiment(found.experiment_id, lifecycle_stage=to)
        undo = tracking_command(back, "--experiment", found.experiment_id, store=store)
        emit(f"{verb}d experiment {plain(found.name)}.  Undo: {undo}")
        return
    # The other stage first: `delete latest` means the latest that can be deleted.
    stage = LifecycleStage.ACTIVE if deleting else LifecycleStage.DELETED
    moved = pick_runs(source, references, sweep, filter, stage=stage, tell=note)
    for run in moved:
        source.update_run(run.info.run_id, lifecycle_stage=to)
        short = run.info.run_id[:8]
        if len(moved) <= _LISTED or references:
            emit(f"{verb}d {short} ({plain(run.info.run_name)}).  Undo: {tracking_command(back, short, store=store)}")
    if len(moved) > _LISTED and not references:
        chosen = [*(["--sweep", sweep] if sweep else []), *(["--filter", filter] if filter else [])]
        emit(f"{verb}d {len(moved)} runs.  Undo: {tracking_command(back, *chosen, store=store)}")


def tag(
    pair: Annotated[str, typer.Argument(metavar="KEY=VALUE", help="The tag; KEY= removes it.", show_default=False)],
    runs: RunsArgument = None,
    sweep: SweepOption = None,
    filter: FilterOption = "",
    store: StoreOption = None,
) -> None:
    """Set a tag of runs, or remove it.

    \b
    python -m tracking tag stage=final best:ridge
    python -m tracking tag paper=yes --sweep latest --filter "rmse < 55"
    python -m tracking tag stage= a93f
    """
    key, equals, value = pair.partition("=")
    if not equals or not key:
        raise InvalidValue(f"{pair!r} is no tag. Write KEY=VALUE first, then the runs: stage=final best:ridge")
    key = check_key(key, TAG)
    with opened(store) as source:
        chosen = pick_runs(source, runs or [], sweep, filter, stage=LifecycleStage.ACTIVE, tell=note)
        for run in chosen if value else [run for run in chosen if key in run.data.tags]:
            if value:
                source.log_batch(run.info.run_id, tags=check_tags({key: value}))
            else:
                source.delete_tag(run.info.run_id, key)
    emit(f"{'set' if value else 'removed'} {plain(key)} of {_named(chosen)}.")


def comment(
    text: Annotated[str, typer.Argument(metavar="TEXT", help="The note; an empty one removes it.", show_default=False)],
    runs: RunsArgument = None,
    sweep: SweepOption = None,
    filter: FilterOption = "",
    store: StoreOption = None,
) -> None:
    """Write a note on runs, which `show` has and searches find; it replaces the one before.

    \b
    python -m tracking note "the one of the paper" best:ridge
    """
    with opened(store) as source:
        chosen = pick_runs(source, runs or [], sweep, filter, stage=LifecycleStage.ACTIVE, tell=note)
        for run in chosen:
            if text:
                source.log_batch(run.info.run_id, tags=check_tags({NOTE: text}))
            elif NOTE in run.data.tags:
                source.delete_tag(run.info.run_id, NOTE)
    emit(f"{'noted on' if text else 'removed the note of'} {_named(chosen)}.")


def _named(runs: Sequence[Run]) -> str:
    if len(runs) > _LISTED:
        return f"{len(runs)} runs"
    return ", ".join(f"{run.info.run_id[:8]} ({plain(run.info.run_name)})" for run in runs)


def gc(
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be removed.")] = False,
    store: StoreOption = None,
) -> None:
    """Remove what is in the trash and free its space.

    \b
    python -m tracking gc --dry-run
    python -m tracking gc --yes
    """
    with opened(store) as source:
        deleted = source.search_runs(None, view_type=ViewType.DELETED_ONLY)
        ids = [run.info.run_id for run in deleted]
        folders = [source.artifact_dir(run_id) for run_id in ids]
        files = _size(folders)
        trashed = source.purge_experiments(dry_run=True)
        what = f"{_counted(len(ids), 'deleted run')} with {format_size(files)} of files"
        if trashed:
            what += f" and {_counted(len(trashed), 'deleted experiment')}"
        if dry_run:
            emit(f"Would remove {what}.")
            return
        if (ids or trashed) and not yes and not confirm(f"Remove {what} for good?"):
            note("Nothing was removed.")
            raise typer.Exit(1)
        before = _database_size(source) + files
        source.purge_runs(ids)
        names = source.purge_experiments()
        freed = before - _database_size(source) - _size(folders)
    emit(f"Removed {what}; {format_size(max(freed, 0))} freed.")
    if names:
        emit(f"Free again: {', '.join(map(repr, names))}.")


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _database_size(store: Store) -> int:
    """Return the bytes of the database file and its journal."""
    path = database_path(absolute_uri(store.uri))
    if path is None:
        return 0
    return sum(file.stat().st_size for file in (path, Path(f"{path}-wal")) if file.exists())


def _size(folders: Sequence[Path]) -> int:
    """Return the bytes that removing these folders frees; what vanishes meanwhile counts as nothing."""
    total = 0
    links: Counter[tuple[int, int]] = Counter()
    for folder in folders:
        for place, _, names in os.walk(folder):
            for name in names:
                with suppress(OSError):
                    facts = os.lstat(os.path.join(place, name))
                    links[file := (facts.st_dev, facts.st_ino)] += 1
                    if links[file] == facts.st_nlink:  # other runs may share a file
                        total += facts.st_size
    return total


def check(
    fix: Annotated[bool, typer.Option("--fix", help="Repair what can be repaired.")] = False,
    format: FormatOption = Format.TABLE,
    store: StoreOption = None,
) -> None:
    """Compare records with files; exit code 1 if they disagree.

    \b
    python -m tracking check
    python -m tracking check --fix
    """
    with opened(store) as source:
        problems = source.check(fix=fix)
    rows = [{"kind": p.kind, "subject": p.subject, "fixed": p.fixed, "problem": p.message} for p in problems]
    columns = ["kind", "subject", "fixed", "problem"]
    emit_table(rows, columns, format, empty="Records and files agree.")
    left = sum(not problem.fixed for problem in problems)
    if left and not fix and any(problem.kind != "database" for problem in problems):
        note(f"{left} found. Repair what can be repaired: {tracking_command('check', '--fix', store=store)}")
    if left:
        raise typer.Exit(1)


def trust(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="The folder of the store, or its database file.")],
) -> None:
    """Let what a store from elsewhere says be imported and run: its models, and the code that its configs name.

    A store that was made here, by you, is trusted already.

    \b
    python -m tracking trust ~/downloads/runs
    """
    places = [folder] if folder.is_file() else [folder / "tracking.db", folder / "runs" / "tracking.db"]
    database = next((place for place in places if place.is_file()), None)
    if database is None:
        raise InvalidValue(f"{folder}: there is no store. Name the folder that its tracking.db is in.")
    with opened(f"sqlite:///{database.absolute()}") as source:
        source.trust()
        count = len(source.search_runs(None))
    emit(f"{database} is trusted: what its {_counted(count, 'run')} say may be imported and run.")
