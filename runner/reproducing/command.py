"""`python -m runner.reproduce`: run recorded runs again; say whether the result is the same, and if not, why.

Reads the command line, opens the store, prints, and ends with an exit code: 0 reproduced, 1 not (or worse
than allowed), 2 it cannot be run here or was asked wrongly, 130 Ctrl-C. The work is done in `running`
and its neighbours, which are imported when needed, so that `--help` is instant.
"""

from __future__ import annotations

import argparse
import os
import re
import shlex
import shutil
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from runner.errors import ConfigError, Interrupted, NotReproducible, PointFailed, RunnerError
from runner.report.console import emit, say
from tracking.records.names import GIT_COMMIT, GIT_DIRTY, PATCH_FILE, REPRODUCES_SWEEP, SWEEP_COMMAND

if TYPE_CHECKING:
    from runner.reproducing.running import Options
    from runner.trial.recorded import RecordedRun
    from tracking import TrackingClient

_DESCRIPTION = """\
Run a recorded run again as a new run, and say whether the result is the same to the last bit: every score of
every fold, the model's parameters, predictions for a probe set. Where it is not: how far off, and which
ingredient differs first (config, data, code, packages, Python, BLAS, threads, CPU)."""

_EXAMPLES = """\
examples:
  python -m runner.reproduce latest
  python -m runner.reproduce a93f --tolerance 1e-9
  python -m runner.reproduce a93f model=lasso alpha=0.3      start from its config, change it
  python -m runner.reproduce --sweep latest --n-jobs 2       every finished point of a sweep
  python -m runner.reproduce a93f --checkout ../then         write out the code it was made with
  python -m runner.reproduce --check best:ridge --metric rmse --tolerance 0.5%      for CI

A RUN is an id or the start of one, a run's name, latest, latest~N, best or best:EXPERIMENT.
Models are loaded from the store, which runs what their files say: use stores that you trust.
Exit code: 0 reproduced, 1 not reproduced or worse, 2 cannot be run here (the message says what is missing)"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `python -m runner.reproduce`; return the exit code."""
    typed = list(sys.argv[1:] if arguments is None else arguments)
    parser = _parser()
    asked = parser.parse_intermixed_args(typed)  # options also between RUN and what to change
    from tracking import TrackingError

    try:
        return _run(asked, typed)
    except KeyboardInterrupt:
        say("interrupted")
        return Interrupted.exit_code
    except RunnerError as error:
        say(f"error: {error}")
        return error.exit_code
    except TrackingError as error:
        say(f"error: {error}")
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m runner.reproduce",
        description=_DESCRIPTION,
        epilog=_EXAMPLES.replace("%", "%%"),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        usage="%(prog)s RUN [key=value ...] | --sweep ID | --check BASELINE  [options]",
    )
    add = parser.add_argument
    add("run", nargs="?", metavar="RUN", help="the run to run again")
    add(
        "changes",
        nargs="*",
        metavar="key=value",
        help="what to change; the new run is tagged derived_from",
    )
    add(
        "--sweep",
        metavar="ID",
        help="run every finished point of a sweep again: latest, or an id",
    )
    add(
        "--check",
        metavar="BASELINE",
        help="fail if today's code scores worse than this run; prints Markdown",
    )
    add("--metric", metavar="NAME", help="for --check: the metric to compare; default: the run's objective")
    add(
        "--tolerance",
        metavar="T",
        help="the difference, absolute or relative, that still counts as the same; default: 0, every bit."
        " For --check: how much worse is allowed, as 0.5% or 0.1".replace("%", "%%"),
    )
    add("--n-jobs", metavar="N", default="auto", help="for --sweep: points side by side; default: auto")
    add("--threads", metavar="N", type=int, help="BLAS and OpenMP threads; default: as recorded")
    add(
        "--data",
        metavar="PATH",
        help="where the data file is now; default: where it was, seen from here",
    )
    add(
        "--config-dir",
        metavar="DIR",
        action="append",
        help="for key=value: where configs of your own are; default: where they were when the run was made",
    )
    add(
        "--checkout",
        metavar="DIR",
        help="write the recorded code and its uncommitted changes to a new folder",
    )
    add(
        "--store",
        metavar="URI",
        help="as sqlite:///path; default: TRACKING_URI, else runs/tracking.db",
    )
    return parser


def _run(asked: argparse.Namespace, typed: Sequence[str]) -> int:
    _check_options(asked)
    client = open_client(asked.store)
    if asked.sweep is not None:
        return _reproduce_sweep(asked, client, typed)
    from runner.trial.recorded import find_recorded

    then = find_recorded(client, asked.check or asked.run)
    if asked.check is not None:
        return _check(asked, client, then)
    if asked.checkout is not None:
        return _check_out(asked, then)
    if asked.changes:
        return _run_changed(asked, client, then)
    from runner.reproducing.pages import render_reproduction
    from runner.reproducing.running import reproduce_run

    result = reproduce_run(client, then, _options(asked))
    _print(render_reproduction(result, then))
    return 0 if result else 1


def _check_options(asked: argparse.Namespace) -> None:
    ways = {"RUN": asked.run, "--sweep": asked.sweep, "--check": asked.check}
    chosen = [name for name, value in ways.items() if value is not None]
    if not chosen:
        raise ConfigError("Which run? Give a RUN, as latest, or --sweep ID. See --help.")
    if asked.sweep is not None and (changes := [text for text in (asked.run, *asked.changes) if _is_change(text)]):
        raise ConfigError(_say_sweep_as_it_was(changes[0]))
    if len(chosen) > 1:
        raise ConfigError(f"{' and '.join(chosen)} were given together. Choose one.")
    if _is_change(asked.run):
        raise ConfigError(f"{asked.run}: name the RUN to start from first, as: latest {asked.run}")
    if strange := [text for text in asked.changes if "=" not in text and not text.startswith("~")]:
        raise ConfigError(f"{strange[0]}: changes are written key=value, and one RUN is run again at a time.")
    if asked.config_dir is not None and not asked.changes:
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


def _options(asked: argparse.Namespace) -> Options:
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
def _run_changed(asked: argparse.Namespace, client: TrackingClient, then: RecordedRun) -> int:
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


def _reproduce_sweep(asked: argparse.Namespace, client: TrackingClient, typed: Sequence[str]) -> int:
    from runner.report.progress import Progress
    from runner.reproducing.pages import SweepSummary
    from runner.reproducing.running import SweepAgain, find_points

    sweep_id, runs, left_out = find_points(client, asked.sweep)
    summary = SweepSummary(len(runs), left_out)
    progress = Progress(len(runs))
    command = shlex.join(["python", "-m", "runner.reproduce", *typed])
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


def _check(asked: argparse.Namespace, client: TrackingClient, baseline: RecordedRun) -> int:
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


def _check_out(asked: argparse.Namespace, then: RecordedRun) -> int:
    from runner.provenance.capture import restore

    commit = then.making.tags.get(GIT_COMMIT, "")
    if not commit:
        raise NotReproducible(f"Run {then.short} ({then.name}) has no git commit: it ran outside a repository.")
    path = then.folder / PATCH_FILE
    dirty = then.run.data.tags.get(GIT_DIRTY) == "true"
    if dirty and not path.is_file():
        raise NotReproducible(f"Run {then.short} had uncommitted changes, but its uncommitted.patch is gone.")
    directory = Path(asked.checkout)
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
