"""Filters and orders: a sound one finds runs, any other is refused as FilterError."""

from __future__ import annotations

import random
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

from nonsense import ODD, damaged, require_sentence

import tracking

WORDS = [
    *(
        "metrics.rmse",
        "metrics.`r 2`",
        'params."a"',
        "params.alpha",
        "tags.`mlflow.runName`",
        "attributes.status",
        "status",
    ),
    *(
        "run_id",
        "start_time",
        "rmse",
        "dataset.name",
        "tag.x",
        "metrics.",
        ".rmse",
        "params.alpha.beta",
        "attribute.end_time",
    ),
    *("=", "!=", "<", "<=", ">", ">=", "<>", "==", "LIKE", "ILIKE", "IN", "NOT IN", "IS NULL", "IS NOT NULL"),
    *(
        "AND",
        "OR",
        "NOT",
        "and",
        "(",
        ")",
        ",",
        "0.5",
        "1e400",
        "-3",
        ".5",
        "1.2.3",
        "'x'",
        "'it''s'",
        '"y"',
        "'%a_'",
        "''",
        "NaN",
    ),
]
SOUND = [
    "metrics.rmse < 57 AND params.alpha = '0.1'",
    "tags.note LIKE '%a%' OR NOT (status = 'FINISHED')",
    "params.alpha IN ('1', '2') AND metrics.rmse IS NOT NULL",
]


@cache
def _client() -> tracking.TrackingClient:
    client = tracking.TrackingClient(f"sqlite:///{mkdtemp(prefix='fuzz-filters-')}/t.db")
    for number in range(4):
        run_id = client.create_run("0").info.run_id
        client.log_param(run_id, "alpha", number)
        client.log_metric(run_id, "rmse", [57.5, float("nan"), float("inf"), -1][number])
        client.set_tag(run_id, "note", ODD[number])
    return client


def _text(source: random.Random) -> str:
    match source.randrange(4):
        case 0:
            return damaged(source, source.choice(SOUND), 4)
        case 1:
            words = (source.choice(WORDS) for _ in range(source.randrange(14)))
            return source.choice([" ", "", "\n"]).join(words)
        case 2:
            word = source.choice(
                ["(", "NOT ", "metrics.rmse = 1 OR ", "params.alpha = '1' AND ", "'", "9", "metrics.a IN (1,"]
            )
            return word * source.randrange(400) + source.choice(SOUND) + ")" * source.randrange(60)
        case _:
            return "".join(source.choice([*ODD, *WORDS]) for _ in range(source.randrange(8)))


def search(source: random.Random, folder: Path) -> None:
    """Search with a filter or an order of any kind."""
    text = _text(source)
    order = [_text(source) + source.choice(["", " ASC", " DESC"])] if source.random() < 0.3 else None
    try:
        _client().search_runs(["0"], "" if order else text, order_by=order, max_results=source.choice([1, 1000]))
    except tracking.TrackingError as error:
        require_sentence(error, text)
