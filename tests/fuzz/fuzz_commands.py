"""What is typed behind `python -m runner`, and what a file says of a sweep: a preview, points, or a sentence."""

from __future__ import annotations

import random
from functools import cache
from itertools import islice
from pathlib import Path

from nonsense import ODD, answer, damaged, require_sentence

from runner.cli import main
from runner.compose.composer import Composer
from runner.compose.session import session
from runner.errors import RunnerError
from runner.invocation import Invocation, SpecMaker, read_points

WORDS = [
    *(
        "model=ridge",
        "model=lasso,knn",
        "alpha=0.1,1",
        "alpha=logspace(-3,3,5)",
        "model.alpha=range(1,5,2)",
        "seed=1,2",
        "cv=kfold",
    ),
    *(
        "cv.n_splits=3",
        "+model.tol=1e-3",
        "~model.solver",
        "prepare=standard,none",
        "data=wine",
        "scoring=classification",
    ),
    *(
        "l1_ratio=interval(0,1)",
        "+tags.x='a,b'",
        'run_name="q"',
        "sweep=[{alpha: [1,2]},{model: [knn]}]",
        "model@m2=ridge",
    ),
    *(
        "sweep.alpha=[1,2]",
        "exclude=[{alpha: 1}]",
        "data=csv",
        "data.path=x.csv",
        "data.target=y",
        "n_jobs=2",
        "alpha=sort(3,1,2)",
    ),
    *(
        "model.alpha=${seed}",
        "experiment=elasticnet_grid",
        "tracking.uri=x.db",
        "resume=true",
        "scoring.metrics.a=max_error",
    ),
    *(
        "hydra/sweeper=basic",
        "hydra.verbose=true",
        "backend=threading",
        "alpha=choice(1,2)",
        "data.limit=tag(t,int(3))",
        "alpha=[1,2]",
    ),
]
OPTIONS = [
    "-m",
    "--multirun",
    "-c",
    "job",
    "--config-name",
    "--config-dir",
    "x",
    "--package",
    "-p",
    "--version",
    "-x",
    "--resolve",
]
SWEEP = """# @package _global_
defaults: [_self_]
model: {alpha: 1.0}
sweep:
  - {model: [ridge, lasso], alpha: 'logspace(-3, 0, 4)'}
  - alpha: [0.1, 0.2]
    seed: {repeat: 3}
    exclude: [{alpha: 0.1}]
  - zip: {alpha: [1, 2], seed: [3, 4]}
"""


def _typed(source: random.Random, words: list[str]) -> list[str]:
    typed = [source.choice(words) for _ in range(source.randint(1, 4))]
    return [damaged(source, word) if source.random() < 0.5 else word for word in typed]


def _clean(text: str) -> str:
    """A command line holds no NUL; what was not UTF-8 comes as surrogates, and those are let in."""
    return text.replace("\0", "")


def command(source: random.Random, folder: Path) -> None:
    """Preview whatever is typed."""
    words = _typed(source, [*WORDS, *WORDS, *OPTIONS, *ODD])
    typed = ["dry_run=true", *source.choice([["-m"], []]), *map(_clean, words), "dry_run=true"]
    shows_config = {"-c", "--cfg", "--resolve", "--version", "--help", "-h"} & set(typed)  # Hydra's own answers
    answer(main, typed, plain=not shows_config)


def sweep_file(source: random.Random, folder: Path) -> None:
    """Preview the sweep of a file with anything in it."""
    (folder / "c" / "experiment").mkdir(parents=True)
    text = damaged(source, SWEEP, source.choice([1, 3, 12]))
    (folder / "c" / "experiment" / "mine.yaml").write_bytes(text.encode("utf-8", "surrogatepass"))
    answer(main, ["-m", "--config-dir", "c", "experiment=mine", "dry_run=true"])


@cache
def _composer() -> Composer:
    return Composer("config", hydra_overrides=())


def points(source: random.Random, folder: Path) -> None:
    """Expand what is typed to points, and compose the first of them."""
    typed = tuple(map(_clean, _typed(source, WORDS)))
    with session():
        composer = _composer()
        invocation = Invocation(typed, "", sweeps=source.random() < 0.8, quiet=True)
        try:
            expansion = read_points(invocation, composer)
            maker = SpecMaker(invocation, composer, expansion)
            for point in islice(expansion, 3):
                maker.spec(point)
        except RunnerError as error:
            require_sentence(error, typed)
