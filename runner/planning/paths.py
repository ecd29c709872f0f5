"""The order of points along a path (`share=path`): of those that differ in alpha only, the largest first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from runner.trial.identity import fingerprint, parameters
from runner.trial.spec import Spec

AHEAD = 1000  # points that are ordered together; of a sweep of any size no more are in memory


def along_paths(specs: Iterable[Spec]) -> Iterator[Spec]:
    """Yield the points so that those of one path follow each other, by descending alpha; the others where they were."""
    iterator = iter(specs)
    while ahead := list(islice(iterator, AHEAD)):
        alphas = [_alpha(spec.config) for spec in ahead]
        first: dict[str, int] = {}  # path -> the place of its first point
        places = [
            first.setdefault(_others(spec), place) if alpha is not None else place
            for place, (spec, alpha) in enumerate(zip(ahead, alphas, strict=True))
        ]
        order = sorted(range(len(ahead)), key=lambda place: (places[place], -(alphas[place] or 0.0)))
        yield from (ahead[place] for place in order)


def _alpha(config: Mapping[str, Any]) -> float | None:
    model = config.get("model")
    alpha = model.get("alpha") if isinstance(model, Mapping) else None
    return float(alpha) if isinstance(alpha, int | float) else None


def _others(spec: Spec) -> str:
    """Return what tells apart points that differ in more than alpha, also where a key at the root repeats it."""
    return fingerprint(
        {key: value for key, value in parameters(spec.config).items() if key not in ("alpha", "model.alpha")}
    )
