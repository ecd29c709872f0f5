"""Weights of rows, handed to fits and scorers by scikit-learn's metadata routing.

The model and the estimators inside it get them where they take them; a preparation does not; a scorer does where
its metric takes them. The scores are those of `cross_validate(..., params={"sample_weight": weights})` with
`set_fit_request(sample_weight=True)` and `set_score_request(sample_weight=True)`.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any

import sklearn

from runner.errors import ModelError


def routing() -> AbstractContextManager[None]:
    """Open a block in which scikit-learn routes metadata."""
    context: AbstractContextManager[None] = sklearn.config_context(enable_metadata_routing=True)
    return context


def request_weights(estimator: Any) -> Any:
    """Return a clone of an estimator whose model asks for weights. Raises ModelError where it takes none."""
    from sklearn.base import clone
    from sklearn.utils.metadata_routing import get_routing_for_object

    with routing():
        asking = clone(estimator)
        *preparations, model = [step for _, step in asking.steps] if hasattr(asking, "steps") else [asking]
        for preparation in preparations:
            _request(preparation, wanted=False)
        _request(model, wanted=True)
        if "sample_weight" not in get_routing_for_object(asking).consumes("fit", ["sample_weight"]):
            raise ModelError(
                f"data.weights: {type(model).__name__} takes no weights in its fit(). Choose a model that does, or"
                " leave the weights out: data.weights=null"
            )
    return asking


def _request(estimator: Any, *, wanted: bool) -> None:
    """Set what an estimator and those inside it say of weights, as far as they take them."""
    from sklearn.metrics import get_scorer

    inner = estimator.get_params(deep=True).values() if hasattr(estimator, "get_params") else ()
    for part in (estimator, *inner):
        if wanted and isinstance(getattr(part, "scoring", None), str) and takes_weights(part.scoring):
            part.scoring = get_scorer(part.scoring).set_score_request(sample_weight=True)  # of a search inside
        for method in ("set_fit_request", "set_score_request"):
            request = getattr(part, method, None)
            if request is not None and not isinstance(part, type) and _takes(getattr(part, method[4:-8], None)):
                request(sample_weight=wanted)


def weighted_scorers(scorers: Mapping[str, Any]) -> dict[str, Any]:
    """Return scorers that ask for weights, as far as their metrics take them."""
    from sklearn.metrics import get_scorer

    found = {}
    with routing():
        for name, scorer in scorers.items():
            found[name] = get_scorer(scorer) if isinstance(scorer, str) else scorer
            if takes_weights(scorer) and hasattr(found[name], "set_score_request"):
                found[name].set_score_request(sample_weight=True)
    return found


def takes_weights(scorer: Any) -> bool:
    """Tell whether a scorer counts rows by their weights."""
    from sklearn.metrics import get_scorer

    made = get_scorer(scorer) if isinstance(scorer, str) else scorer
    return _takes(getattr(made, "_score_func", None)) if hasattr(made, "set_score_request") else False


def _takes(function: Any) -> bool:
    try:
        return "sample_weight" in inspect.signature(function).parameters
    except (TypeError, ValueError):
        return False
