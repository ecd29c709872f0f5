"""`python -m runner.reproduce`: run recorded runs again; say whether the result is the same, and if not, why.

Reads the command line, opens the store, prints, and ends with an exit code: 0 reproduced, 1 not (or worse
than allowed), 2 it cannot be run here or was asked wrongly, 130 Ctrl-C. The work is done in `running`
and its neighbours, which are imported when needed, so that `--help` is instant.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from runner.errors import ConfigError, Interrupted, NotReproducible, PointFailed, RunnerError
from runner.report.console import emit, say
from tracking.records.names import GIT_COMMIT, GIT_DIRTY, PATCH_FILE, REPRODUCES_SWEEP, SWEEP_COMMAND
from tracking.records.secrets import redact_override

if TYPE_CHECKING:
    from runner.reproducing.running import Options
    from runner.trial.recorded import RecordedRun
    from tracking import TrackingClient

_DESCRIPTION = """\
Run a recorded run again as a new run, and say whether the result is the same to the last bit: every score of
every fold, the model's parameters, predictions for a probe set. Where it is not: how far off, and which
ingredient differs first (config, data, code, packages, Python, BLAS, threads, CPU)."""

_EXAMPLES = """\
\b
examples:
  python -m runner.reproduce latest
  python -m runner.reproduce a93f --tolerance 1e-9
  python -m runner.reproduce a93f model=lasso alpha=0.3      start from its config, change it
  python -m runner.reproduce --sweep latest --n-jobs 2       every finished point of a sweep
  python -m runner.reproduce a93f --checkout ../then         write out the code it was made with
  python -m runner.reproduce --check best:ridge --metric rmse --tolerance 0.5%      for CI

\\b
A RUN is an id or the start of one, a run's name, latest, latest~N, best or best:EXPERIMENT.
Models are loaded, which runs what their files say, only from stores made here or trusted: python -m tracking trust.
Exit code: 0 reproduced, 1 not reproduced or worse, 2 cannot be run here (the message says what is missing)"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What was typed; None for what was not."""

    run: str | None
    changes: Sequence[str]
    sweep: str | None
    check: str | None
    metric: str | None
    tolerance: str | None
    n_jobs: str
    threads: int | None
    data: str | None
    config_dir: Sequence[str] | None
    checkout: str | None
    store: str | None


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `python -m runner.reproduce`; return the exit code."""
    typed = list(sys.argv[1:] if arguments is None else arguments)
    asked: list[Asked] = []
    try:
        build_command().main(args=typed, prog_name="python -m runner.reproduce", obj=asked)
    except SystemExit as ended:  # also after a mistake in the options, and --help
        if not asked:
            return ended.code if isinstance(ended.code, int) else 0
    from tracking import TrackingError

    try:
        return _run(asked[0], typed)  # not within the above, where Ctrl-C would be another exit code
    except KeyboardInterrupt:
        say("interrupted")
        return Interrupted.exit_code
    except RunnerError as error:
        say(f"error: {error}")
        return error.exit_code
    except TrackingError as error:
        say(f"error: {error}")
        return 2


def build_command() -> Any:
    """Return the command line, which appends an `Asked` to the list that it is given as `obj`."""
    app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    app.command(help=f"{_DESCRIPTION}\n\n{_EXAMPLES}", options_metavar="[options]")(_take)
    return typer.main.get_command(app)


def _take(
    context: typer.Context,
    run: Annotated[str | None, typer.Argument(metavar="RUN", help="The run to run again.")] = None,
    changes: Annotated[
        list[str] | None,
        typer.Argument(metavar="key=value", help="What to change; the new run is tagged derived_from."),
    ] = None,
    sweep: Annotated[
        str | None, typer.Option(metavar="ID", help="Run every finished point of a sweep again: latest, or an id.")
    ] = None,
    check: Annotated[
        str | None,
        typer.Option(metavar="BASELINE", help="Fail if today's code scores worse than this run; prints Markdown."),
    ] = None,
    metric: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="For --check: the metric to compare; default: the run's objective."),
    ] = None,
    tolerance: Annotated[
        str | None,
        typer.Option(
            metavar="T",
            help="The difference, absolute or relative, that still counts as the same; default: 0, every bit."
            " For --check: how much worse is allowed, as 0.5% or 0.1.",
        ),
    ] = None,
    n_jobs: Annotated[str, typer.Option(metavar="N", help="For --sweep: points side by side.")] = "auto",
    threads: Annotated[
        int | None, typer.Option(metavar="N", help="BLAS and OpenMP threads; default: as recorded.")
    ] = None,
    data: Annotated[
        str | None,
        typer.Option(metavar="PATH", help="Where the data file is now; default: where it was, seen from here."),
    ] = None,
    config_dir: Annotated[
        list[str] | None,
        typer.Option(
            metavar="DIR",
            help="For key=value: where configs of your own are; default: where they were when the run was made.",
        ),
    ] = None,
    checkout: Annotated[
        str | None,
        typer.Option(metavar="DIR", help="Write the recorded code and its uncommitted changes to a new folder."),
    ] = None,
    store: Annotated[
        str | None, typer.Option(metavar="URI", help="As sqlite:///path; default: TRACKING_URI, else runs/tracking.db.")
    ] = None,
) -> None:
    context.obj.append(Asked(**(context.params | {"changes": changes or []})))


def _run(asked: Asked, typed: Sequence[str]) -> int:
    _check_options(asked)
    client = open_client(asked.store)
    if asked.sweep is not None:
        return _reproduce_sweep(asked, asked.sweep, client, typed)
    from runner.trial.recorded import find_recorded

    then = find_recorded(client, asked.check or asked.run or "")
    if asked.check is not None:
        return _check(asked, client, then)
    if asked.checkout is not None:
        return _check_out(asked, Path(asked.checkout), then)
    if asked.changes:
        return _run_changed(asked, client, then)
    from runner.reproducing.pages import render_reproduction
    from runner.reproducing.running import reproduce_run

    result = reproduce_run(client, then, _options(asked))
    _print(render_reproduction(result, then))
    return 0 if result else 1


def _check_options(asked: Asked) -> None:
    ways = {"RUN": asked.run, "--sweep": asked.sweep, "--check": asked.check}
    chosen = [name for name, value in ways.items() if value is not None]
    if not chosen:
        raise ConfigError("Which run? Give a RUN, as latest, or --sweep ID. See --help.")
    changes = [text for text in (asked.run or "", *asked.changes) if _is_change(text)]
    if asked.sweep is not None and changes:
        raise ConfigError(_say_sweep_as_it_was(changes[0]))
    if len(chosen) > 1:
        raise ConfigError(f"{' and '.join(chosen)} were given together. Choose one.")
    if _is_change(asked.run):
        raise ConfigError(f"{asked.run}: name the RUN to start from first, as: latest {asked.run}")
    if strange := [text for text in asked.changes if "=" not in text and not text.startswith("~")]:
        raise ConfigError(f"{strange[0]}: changes are written key=value, and one RUN is run again at a time.")
    if asked.config_dir and not asked.changes:
        raise ConfigError("--config-dir belongs to key=value: a run itself is run again from the config it recorded.")
    if asked.metric is not None and asked.check is None:
        raise ConfigError("--metric belongs to --check BASELINE.")
    if asked.checkout is not None and (asked.run is None or asked.changes):
        raise ConfigError("--checkout DIR needs a single RUN, and nothing to change.")
    if asked.threads is not None and asked.threads < 1:
        raise ConfigError(f"--threads {asked.threads}: give a whole number >= 1.")


def _is_change(text: str | None) -> bool:
    return text is not None and re.fullmatch(r"[+~]*[\w./@-]+=\S*", text) is not None


def _say_sweep_as_it_was(change: str) -> str:
    key, _, value = change.partition("=")
    if option := {"n_jobs": "--n-jobs", "threads_per_run": "--threads", "data.path": "--data"}.get(key):
        return f"{change}: with --sweep this is an option: {option} {value}"
    return f"{change}: a sweep is run again as it was. To change something, start from one RUN: RUN {change}"


def open_client(uri: str | None) -> TrackingClient:
    """Open an existing store and make it the one in use. Raises NotReproducible where there is none."""
    import tracking

    chosen = tracking.absolute_uri(uri or tracking.get_tracking_uri())
    scheme, _, path = chosen.partition(":///")
    if scheme == "sqlite" and path not in ("", ":memory:") and not Path(path).exists():
        raise NotReproducible(f"No store at {path}. Name one: --store sqlite:///path/to/tracking.db")
    tracking.set_tracking_uri(chosen)
    return tracking.TrackingClient(chosen)


def _options(asked: Asked) -> Options:
    from runner.reproducing.running import Options

    return Options(_number(asked.tolerance or "0"), asked.threads, asked.data)


def _number(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number < float("inf"):
        raise ConfigError(f"--tolerance {text}: give a number >= 0, as 1e-9. (0.5% is for --check.)")
    return number


# The five things it does ---------------------------------------------------------------------------
def _run_changed(asked: Asked, client: TrackingClient, then: RecordedRun) -> int:
    from runner.reproducing.changed import change_recorded, run_changed
    from runner.reproducing.pages import render_changed

    options = _options(asked)
    changed = change_recorded(then, asked.changes, config_dirs=asked.config_dir or ())
    for note in changed.notes:
        say(f"note: {note}")
    outcome, now = run_changed(client, then, changed, options)
    _print(render_changed(then, now, width=_width()))
    if not outcome.ok:
        raise PointFailed(f"The changed run {now.short} ({now.name}) failed: {outcome.error}")
    _print(["", f"{now.name} ({now.short}), derived from {then.name} ({then.short})"])
    return 0


def _reproduce_sweep(asked: Asked, reference: str, client: TrackingClient, typed: Sequence[str]) -> int:
    from runner.report.progress import Progress
    from runner.reproducing.pages import SweepSummary
    from runner.reproducing.running import SweepAgain, find_points

    sweep_id, runs, left_out = find_points(client, reference)
    summary = SweepSummary(len(runs), left_out)
    progress = Progress(len(runs))
    command = shlex.join(["python", "-m", "runner.reproduce", *map(redact_override, typed)])
    again = SweepAgain(
        client,
        runs,
        _options(asked),
        n_jobs=_jobs(asked.n_jobs),
        tags={SWEEP_COMMAND: command, REPRODUCES_SWEEP: sweep_id},
        on_outcome=progress.take,
    )
    try:
        with progress:
            for result in again.results():
                summary.take(result)
    finally:
        _print(summary.render(width=_width()))
    return summary.exit_code


def _jobs(text: str) -> int | None:
    if text == "auto":
        return None
    if text.lstrip("-").isdecimal() and int(text) != 0:
        return int(text)
    raise ConfigError(f"--n-jobs {text}: give a number, -1 for every core, or auto.")


def _check(asked: Asked, client: TrackingClient, baseline: RecordedRun) -> int:
    from runner.reproducing.check import check_baseline, read_tolerance
    from runner.reproducing.pages import render_check
    from runner.reproducing.running import Options

    tolerance = read_tolerance(asked.tolerance or "0")
    options = Options(threads=asked.threads, data=asked.data)
    check = check_baseline(client, baseline, metric=asked.metric, tolerance=tolerance, options=options)
    lines = render_check(check)
    _print(lines)
    if summary := os.environ.get("GITHUB_STEP_SUMMARY"):
        with open(summary, "a", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")
    return 0 if check else 1


def _check_out(asked: Asked, directory: Path, then: RecordedRun) -> int:
    from runner.provenance.capture import restore

    commit = then.making.tags.get(GIT_COMMIT, "")
    if not commit:
        raise NotReproducible(f"Run {then.short} ({then.name}) has no git commit: it ran outside a repository.")
    path = then.folder / PATCH_FILE
    dirty = then.run.data.tags.get(GIT_DIRTY) == "true"
    if dirty and not path.is_file():
        raise NotReproducible(f"Run {then.short} had uncommitted changes, but its uncommitted.patch is gone.")
    left = restore(commit, path.read_bytes() if path.is_file() else b"", directory, Path.cwd())
    changes = " with its uncommitted changes" if dirty else ""
    _print([f"Wrote commit {commit[:12]}{changes} to {directory}"])
    _print(f"  not recorded, so not there: {name}" for name in left)
    store = shlex.quote(_uri_from_elsewhere(asked.store))
    _print([f"  cd {shlex.quote(str(directory))} && python -m runner.reproduce {then.short} --store {store}"])
    return 0


def _uri_from_elsewhere(uri: str | None) -> str:
    import tracking

    return tracking.absolute_uri(uri or tracking.get_tracking_uri())


def _print(lines: Iterable[str]) -> None:
    if shown := list(lines):
        emit(shown)


def _width() -> int | None:
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None
