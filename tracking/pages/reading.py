"""What pages about many runs are made of, read from the store. The one module of `pages` that reads it."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING

from tracking.compare.factors import spell_alike
from tracking.compare.ranks import rank_methods
from tracking.compare.table import Selection
from tracking.compare.winner import FEWEST, Winner, judge_winner, rank_runs
from tracking.entities import Run
from tracking.errors import ArtifactError
from tracking.pages.points import find_ranking, rank
from tracking.pages.rank_text import rank_lines
from tracking.pages.winner_text import winner_lines
from tracking.records.names import CONFIG_FILE
from tracking.records.ranking import objectives, scored_on
from tracking.records.reading import load_records
from tracking.records.sweeps import Sweep
from tracking.store.contents import read_text
from tracking.store.sqlite import Store
from tracking.stores import needed_uri

if TYPE_CHECKING:
    from tracking.pages.report import ReportSource


def selected(source: Store, runs: Sequence[Run]) -> tuple[Selection, int]:
    """Return the runs that were scored on the data and splits of the newest, with those that have no score at all.

    The scores of the others say nothing about these; the number says how many there are.
    """
    scored = [run for run in runs if run.data.metrics]
    newest = scored_on(max(scored, key=lambda run: run.info.start_time)) if scored else None
    kept = [run for run in runs if not run.data.metrics or scored_on(run) == newest]
    return Selection(tuple(spell_alike(kept)), experiment_names(source, kept)), len(runs) - len(kept)


def experiment_names(source: Store, runs: Sequence[Run]) -> dict[str, str]:
    """Return the names of the experiments of these runs by id."""
    ids = dict.fromkeys(run.info.experiment_id for run in runs)
    return {experiment_id: source.get_experiment(experiment_id).name for experiment_id in ids}


def read_report(
    source: Store,
    runs: Sequence[Run],
    *,
    title: str,
    sweep: Sweep | None = None,
    metric: str | None = None,
    uri: str | None = None,
    made: str = "",
) -> ReportSource:
    """Return what a report of these runs is made of; `sweep` is the one that they are, `metric` replaces the objective.

    `uri` is the store as a person gave it, for the commands that the report names. Raises InvalidValue for an unknown
    metric.
    """
    from tracking.pages.report import ReportSource  # numpy
    from tracking.records.predictions import load_predictions

    selection, left_out = selected(source, runs)
    kept = selection.runs
    name, direction = find_ranking(selection, metric)
    best = [run for run in rank(kept, name, direction) if name in run.data.metrics] if name else []
    return ReportSource(
        title=title,
        selection=selection,
        histories=source.get_metric_histories([run.info.run_id for run in kept]),
        command=sweep.command if sweep else "",
        sweep=sweep.id if sweep else "",
        planned=sweep.planned if sweep else 0,
        store=needed_uri(uri),
        metric=metric,
        records=load_records(source, best[:2]),
        predictions=next(iter(load_predictions(source, [run.info.run_id for run in best[:1]])), None),
        config=_config(source, best[0]) if best else "",
        left_out=left_out,
        worth=[] if metric else [*read_winner_lines(source, kept, uri=uri), *_ranks(runs)],
        made=made,
    )


def _config(source: Store, run: Run) -> str:
    try:
        return read_text(str(source.artifact_dir(run.info.run_id)), CONFIG_FILE) or ""
    except ArtifactError as error:
        return f"(not shown: {error})"


def read_winner_lines(store: Store, runs: Sequence[Run], *, uri: str | None = None) -> list[str]:
    """Return what the best of these runs is worth, line by line; [] for fewer than three that can be ranked.

    Of runs over five or more data sets also how what varies beside the data ranks over them.
    """
    where = needed_uri(uri)

    def command(run_id: str) -> str:
        return shlex.join(["python", "-m", "runner.reproduce", run_id[:8], *(["--store", where] if where else [])])

    return [*(line for winner in read_winners(store, runs) for line in winner_lines(winner, command)), *_ranks(runs)]


def _ranks(runs: Sequence[Run]) -> list[str]:
    found = [rank_methods(runs, metric, direction) for metric, direction in _objectives(runs)]
    return [line for ranks in found if ranks is not None for line in ("", *rank_lines(ranks))]


def _objectives(runs: Sequence[Run]) -> list[tuple[str, str]]:
    return list(dict.fromkeys(each for run in runs for each in objectives(run)))


def read_winners(store: Store, runs: Sequence[Run]) -> list[Winner]:
    """Judge the best of these runs, for each of their objectives that three or more of them can be ranked by."""
    found = []
    for metric, direction in _objectives(runs):
        ranked = rank_runs(runs, metric, direction)
        if len(ranked.runs) < FEWEST:
            continue
        from tracking.records.predictions import load_predictions  # numpy

        ids = [run.info.run_id for run in ranked.runs]
        histories = store.get_metric_histories(ids, [ranked.plain])
        found.append(judge_winner(ranked, histories, load_predictions(store, ids)))
    return [winner for winner in found if winner is not None]
