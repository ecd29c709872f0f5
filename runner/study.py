"""What is done with an invocation that was read: check, plan, run, report. All that needs scikit-learn."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import tracking
from runner.compose.composer import Composer
from runner.data.dataset import Dataset
from runner.engine.dispatch import Engine
from runner.engine.workers import Workers
from runner.errors import ConfigError
from runner.invocation import Invocation, SpecMaker
from runner.planning.check import Checker
from runner.planning.paths import along_paths
from runner.planning.plan import Planned, plan_points
from runner.planning.preview import render_preview
from runner.planning.resume import Resumed, find_reusable
from runner.points.expansion import Expansion
from runner.provenance.capture import Provenance, capture_provenance
from runner.report.console import emit, say, width
from runner.report.mirroring import Mirroring
from runner.report.notebook import find_display
from runner.report.progress import Progress, Watcher
from runner.report.results import Results
from runner.report.summary import SPREAD, Ending, render_ending, render_plan, render_results
from runner.settings import ClusterSettings, Settings
from runner.store import folder_of, model_format, open_store, server_of
from runner.trial.identity import data_key, hidden_parameters
from runner.trial.keeping import Keeping
from runner.trial.outcome import Outcome
from runner.trial.session import Session, open_session
from runner.trial.spec import Spec
from tracking.compare.winner import FEWEST
from tracking.mirror import shown
from tracking.records.names import SWEEP_COMMAND, SWEEP_ID, SWEEP_POINTS, SWEEP_REUSED


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """A sound invocation: its points, and what all of them share."""

    invocation: Invocation
    composer: Composer
    expansion: Expansion
    first: Spec
    settings: Settings
    cluster: ClusterSettings | None  # None: this machine
    targets: frozenset[str]  # the code that the points name
    datasets: Mapping[str, Dataset]  # by `data_key`
    provenance: Provenance
    store: str
    server: str | None  # that runs are sent to as well
    sweep: Mapping[str, str]  # the tags that its runs are known by as a sweep; {} for one run

    @property
    def path(self) -> bool:
        """Whether linear models are fitted along the path of their alphas."""
        return bool(self.sweep) and self.settings.share == "path"

    @property
    def specs(self) -> Iterator[Spec]:
        """The points, composed and named, in order; along paths by descending alpha."""
        specs = map(SpecMaker(self.invocation, self.composer, self.expansion).spec, self.expansion)
        return along_paths(specs) if self.path else specs


@dataclass(frozen=True, slots=True)
class Ended:
    """What came of the points."""

    results: Results
    interrupted: int  # by the signal of this number, 0 without one
    stopped: bool  # by fail_fast
    elsewhere: int  # points that another process runs


def check(invocation: Invocation, composer: Composer, expansion: Expansion, first: Spec, settings: Settings) -> Study:
    """Raise RunnerError for every mistake that can be known before a point runs."""
    checker = check_points(invocation, composer, expansion)
    model_format(first.config["tracking"])
    server = server_of(first.config["tracking"])
    store = open_store(first.config["tracking"], writes=settings.runs)
    return Study(
        invocation=invocation,
        composer=composer,
        expansion=expansion,
        first=first,
        settings=settings.fitted(checker.targets, points=expansion.count()),
        cluster=ClusterSettings.of(first.config, settings),
        targets=frozenset(checker.targets),
        datasets=checker.datasets,
        provenance=capture_provenance(exclude=folder_of(store)),
        store=store,
        server=server,
        sweep=_sweep_tags(invocation, expansion) if invocation.sweeps else {},
    )


def check_points(invocation: Invocation, composer: Composer, expansion: Expansion) -> Checker:
    """Raise RunnerError for the mistakes of the points; return what was seen of them."""
    checker = Checker(composer, SpecMaker(invocation, composer, expansion).spec)
    checker.check(expansion)
    for note in checker.notes if not invocation.quiet else ():
        say(f"note: {note}")
    return checker


def preview(study: Study) -> None:
    """Print what would change against the recorded run that `diff` names."""
    if study.expansion.count() > 1:
        raise ConfigError("diff= compares one point with a recorded run. Leave out -m, or what sweeps.")
    data = study.datasets[data_key(study.first.config)]
    _print(study, render_preview(study.first, study.store, data=data, provenance=study.provenance, width=width()))


def plan(study: Study) -> Iterator[Planned]:
    """Look up what the store knows of each point."""
    return plan_points(study.specs, study.datasets, study.provenance, study.store, path=study.path)


def show_plan(study: Study) -> None:
    """Print what would run."""
    settings = study.settings
    shares = bool(study.sweep) and settings.share != "off"
    lines = render_plan(plan(study), resume=settings.resume, jobs=settings.size, width=width(), shares=shares)
    _print(study, lines)


def resume(study: Study) -> Resumed | None:
    """Find the points that `resume=true` reuses, and say how many; None without it."""
    if not study.settings.resume:
        return None
    resumed = find_reusable(plan(study), study.store, study.sweep)
    notes = [_say_hidden(key, shown) for key, shown in hidden_parameters(study.first).items()]
    for line in (*notes, *resumed.describe(study.expansion.count())) if not study.invocation.quiet else ():
        say(line)
    return resumed


def run(study: Study, resumed: Resumed | None, pool: Workers | None, watchers: Sequence[Watcher]) -> Ended:
    """Run the points that are left, show how far it is, and tell the watchers."""
    reused, quiet = list(resumed.reused.values()) if resumed else [], study.invocation.quiet
    left = study.expansion.count() - len(reused)
    results = Results(keep_runs=study.invocation.keep_runs)
    for outcome in reused:
        results.take(outcome)
    live = study.settings.progress
    display = find_display() if quiet and study.sweep and live else None
    progress = Progress(left, live=False if quiet else None if live == "auto" else bool(live), display=display)
    session = _session(study, {SWEEP_REUSED: str(len(reused))} if study.sweep and reused else {})
    specs = _claimed(study.specs, resumed, results) if resumed else study.specs
    deaths = resumed.deaths if resumed else {}
    if study.cluster and left:
        from runner.engine.clusters import open_cluster

        pool = cluster = open_cluster(
            study.cluster,
            size=min(study.settings.size, left),
            targets=study.targets,
            tell=lambda line: None if quiet else progress.say(f"note: {line}"),
        )
        progress.workers = lambda: cluster.size
    engine = Engine(_begun(specs, [progress, *watchers]), study.settings, session, total=left, pool=pool, deaths=deaths)
    keeping = Keeping(study.store) if study.sweep and study.settings.keep_predictions == "auto" else None
    try:
        with progress:
            for outcome in engine.run() if left else ():
                results.take(outcome)
                if keeping:
                    keeping.take(outcome)
                for watcher in [*([] if quiet and display is None else [progress]), *watchers]:
                    watcher.take(outcome)
    finally:
        if keeping:
            keeping.finish()
        if resumed:
            resumed.release()
    return Ended(results, engine.interrupted, engine.stopped, len(resumed.elsewhere) if resumed else 0)


def mirroring(study: Study) -> Mirroring | None:
    """Return what sends runs to the server too, if there is one, and say so where only the environment names it."""
    if study.server is None:
        return None
    if not study.first.config["tracking"].get("server") and not study.invocation.quiet:
        say(f"note: runs are sent to {shown(study.server)} too, which MLFLOW_TRACKING_URI or the program names.")
    return Mirroring(study.server, study.store, study.sweep.get(SWEEP_ID))


def report(study: Study, ended: Ended, *, seconds: float) -> None:
    """Print the table of the best points, what failed, and what one would type next."""
    command = study.invocation.command if study.invocation.sweeps else None
    table = render_results(ended.results, study.expansion.varying, width=width())
    ending = Ending(
        study.expansion.count(),
        seconds,
        study.store,
        command,
        interrupted=bool(ended.interrupted),
        stopped=ended.stopped,
        elsewhere=ended.elsewhere,
    )
    lines = [
        *([table, SPREAD, ""] if "+-" in table else [table, ""] if table else []),
        *_mixed(study, ended),
        *_winner(study, ended),
        *render_ending(ended.results, ending),
    ]
    _print(study, lines)


def _mixed(study: Study, ended: Ended) -> list[str]:
    """Say where points were scored on different data or splits, so that the table ranks what cannot be ranked."""
    keys = [key for key in study.expansion.varying if key.partition(".")[0] in ("data", "cv", "seed")]
    if not keys or ended.results.finished + ended.results.reused < 2:
        return []
    said = "and so were scored on different data or splits: their scores do not rank them"
    return [f"The points differ in {', '.join(keys)}, {said}.", ""]


def _winner(study: Study, ended: Ended) -> list[str]:
    """Return what the best of a sweep is worth; nothing of fewer than three points, and of a sweep that was stopped."""
    several = ended.results.finished + ended.results.reused >= FEWEST
    if study.invocation.quiet or not several or ended.interrupted or SWEEP_ID not in study.sweep:
        return []
    lines = tracking.describe_winner(study.sweep[SWEEP_ID], uri=study.store)
    return [*lines, ""] if lines else []


# -----------------------------------------------------------------------------------------------
def _say_hidden(key: str, shown: str) -> str:
    return f"note: {key} is {shown} in the record: that its value is another one now is not seen"


def _begun(specs: Iterator[Spec], watchers: Sequence[Watcher]) -> Iterator[Spec]:
    for spec in specs:
        for watcher in watchers:
            watcher.begin(spec)
        yield spec


def _claimed(specs: Iterator[Spec], resumed: Resumed, results: Results) -> Iterator[Spec]:
    """Yield the points that are for this sweep to run, each when its turn has come."""
    for spec in specs:
        if spec.number in resumed.reused:
            continue
        claimed = resumed.claim(spec)
        if isinstance(claimed, Outcome):
            results.take(claimed)
        elif claimed:
            yield spec


def _sweep_tags(invocation: Invocation, expansion: Expansion) -> dict[str, str]:
    return {
        SWEEP_ID: secrets.token_hex(4),
        SWEEP_POINTS: str(expansion.count()),
        SWEEP_COMMAND: invocation.command,
    }


def _session(study: Study, more: Mapping[str, str]) -> Session:
    settings, tags = study.settings, {**study.sweep, **more, **(study.invocation.sweep_tags or {})}
    return open_session(
        study.store,
        study.datasets,
        threads=settings.threads_per_run,
        n_jobs=str(study.first.config["n_jobs"]),
        backend=study.cluster.name if study.cluster else settings.backend,
        tags=tags,
        checked=True,
        share_bytes=settings.share_bytes if study.sweep else 0,
        path=study.path,
    )


def _print(study: Study, lines: Iterable[str]) -> None:
    if not study.invocation.quiet:
        emit(lines)
