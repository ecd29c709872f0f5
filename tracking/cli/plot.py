"""The verb that draws any column of many runs against any other, in the terminal or as a file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tracking.cli.terminal import StoreOption, emit, note, opened, terminal_width
from tracking.errors import ArtifactError
from tracking.records.selection import select_runs

_WIDEST = 100


def register(app: typer.Typer) -> None:
    """Add this verb to the program."""
    app.command()(plot)


def plot(
    sweep: Annotated[str, typer.Argument(metavar="SWEEP", help="Four or more characters of a sweep's id, or latest.")],
    x: Annotated[str, typer.Argument(metavar="X", help="A key, as alpha, or a metric.")],
    y: Annotated[str, typer.Argument(metavar="Y", help="A metric, as rmse, or fit_seconds.")],
    by: Annotated[
        str | None, typer.Option("--by", metavar="KEY", help="A line for each of its values.", show_default=False)
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="FILE", help="Write a .png or .svg instead.", show_default=False),
    ] = None,
    filter: Annotated[str, typer.Option("--filter", metavar="TEXT", help="Only the runs that are like this.")] = "",
    store: StoreOption = None,
) -> None:
    """Draw any column of a sweep against any other.

    \b
    python -m tracking plot latest alpha rmse
    python -m tracking plot latest alpha rmse --by l1_ratio -o alpha.png
    python -m tracking plot 1f9a fit_seconds rmse
    """
    from tracking.pages.pictures import make_picture
    from tracking.pages.points import read_points
    from tracking.pages.reading import selected

    with opened(store) as source:
        runs = select_runs(source, [], sweep, filter, None, tell=note)
        selection, left_out = selected(source, runs)
        histories = source.get_metric_histories([run.info.run_id for run in selection.runs])
    picture = make_picture(read_points(selection, histories), x, y, by)
    if left_out:
        note(f"{left_out} runs that were scored on other data or splits are left out.")
    if out is None:
        emit(picture.text(width=min(terminal_width() or 80, _WIDEST)))
        return
    content = picture.file(out.suffix.casefold())
    try:
        out.write_bytes(content)
    except OSError as error:
        raise ArtifactError(f"Cannot write {out}: {error.strerror}. Give another file: -o FILE.") from error
    emit(str(out))
