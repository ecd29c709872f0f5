"""The verbs that change a store, or what may be done with it: delete, restore, gc, check, trust."""

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
from tracking.entities import LifecycleStage, ViewType
from tracking.errors import InvalidValue
from tracking.records.refs import resolve_experiment, resolve_runs
from tracking.store.sqlite import Store
from tracking.stores import absolute_uri, tracking_command
from tracking.text.formatting import format_size, plain

ExperimentOption = Annotated[
    str | None,
    typer.Option("--experiment", metavar="NAME", help="A whole experiment, by name or id.", show_default=False),
]
RunsArgument = Annotated[
    list[str] | None, typer.Argument(metavar="[RUN]...", help="One or more runs.", show_default=False)
]


def register(app: typer.Typer) -> None:
    """Add these verbs to the program."""
    for verb in (delete, restore, gc, check, trust):
        app.command()(verb)


def delete(runs: RunsArgument = None, experiment: ExperimentOption = None, store: StoreOption = None) -> None:
    """Move runs or an experiment to the trash.

    \b
    python -m tracking delete a93f latest~2
    python -m tracking delete --experiment scratch
    """
    with opened(store) as source:
        _move(source, runs or [], experiment, LifecycleStage.DELETED, store)


def restore(runs: RunsArgument = None, experiment: ExperimentOption = None, store: StoreOption = None) -> None:
    """Take runs or an experiment out of the trash.

    \b
    python -m tracking runs --deleted
    python -m tracking restore a93f
    """
    with opened(store) as source:
        _move(source, runs or [], experiment, LifecycleStage.ACTIVE, store)


def _move(source: Store, references: list[str], experiment: str | None, to: LifecycleStage, store: str | None) -> None:
    deleting = to == LifecycleStage.DELETED
    verb, back = ("delete", "restore") if deleting else ("restore", "delete")
    if bool(references) == (experiment is not None):
        raise InvalidValue(f"Name what to {verb}: one or more RUNs, or --experiment NAME.")
    if experiment is not None:
        found = resolve_experiment(source, experiment)
        source.update_experiment(found.experiment_id, lifecycle_stage=to)
        undo = tracking_command(back, "--experiment", found.experiment_id, store=store)
        emit(f"{verb}d experiment {plain(found.name)}.  Undo: {undo}")
        return
    # The other stage first: `delete latest` means the latest that can be deleted.
    stage = LifecycleStage.ACTIVE if deleting else LifecycleStage.DELETED
    for run in resolve_runs(source, references, stage=stage, tell=note, one_only=True):
        source.update_run(run.info.run_id, lifecycle_stage=to)
        short = run.info.run_id[:8]
        emit(f"{verb}d {short} ({plain(run.info.run_name)}).  Undo: {tracking_command(back, short, store=store)}")


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
