"""Keywords that an estimator takes without looking at them: a misspelt one would leave the default in use, silently.

scikit-learn refuses an unknown parameter. A class with `**kwargs` does not: those of LightGBM and XGBoost are held
against the parameters that these libraries document; of any other class a note says that nobody checks. So it does
of a keyword of XGBoost that is like no known one.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from runner.dotted import locate
from runner.errors import ModelError
from runner.suggest import suggest
from runner.trial.remembered import by_object

# https://xgboost.readthedocs.io/en/stable/parameter.html, but for those that the classes name themselves
_XGBOOST = tuple(
    """
    abs_rel_tol aft_loss_distribution aft_loss_distribution_scale alpha base_score disable_default_eval_metric eta
    extmem_single_page feature_selector fail_on_invalid_gpu_id huber_slope lambda lambdarank_bias_norm
    lambdarank_normalization lambdarank_num_pair_per_sample lambdarank_pair_method lambdarank_score_normalization
    lambdarank_unbiased max_cached_hist_node ndcg_exp_gain normalize_type nthread num_class num_target one_drop
    process_type quantile_alpha expectile_alpha rate_drop refresh_leaf sample_type seed seed_per_iteration skip_drop
    top_k tweedie_variance_power updater use_rmm validate_parameters
""".split()  # noqa: SIM905 - 41 names in a row read better
)
_WRAPPERS = ("hydra", "hydra_zen")  # their keywords are those of what they wrap


def check_keywords(node: object, key: str) -> Iterator[str]:
    """Yield a note for each keyword in a section that nothing checks, nested objects included.

    Raises ModelError for one that LightGBM or XGBoost does not document.
    """
    if isinstance(node, list):
        for number, item in enumerate(node):
            yield from check_keywords(item, f"{key}.{number}")
    if not isinstance(node, Mapping):
        return
    target = node.get("_target_")
    if isinstance(target, str) and target.partition(".")[0] not in _WRAPPERS:
        yield from _check(locate(target, f"{key}._target_={target}"), target, node, key)
    for name, value in node.items():
        yield from check_keywords(value, f"{key}.{name}")


def _check(factory: Any, target: str, node: Mapping[str, Any], key: str) -> Iterator[str]:
    named = _named(factory)
    if named is None:
        return
    library, _, _ = target.partition(".")
    known = [*named, *_documented(library)]
    short = target.rpartition(".")[2]
    for name, value in node.items():
        if name.startswith("_") or name in known:
            continue
        said = f"{key}.{name}={value}: {short}"
        near = suggest(name, known)
        complete = library == "lightgbm"  # a new XGBoost may document more than is listed here
        if complete or (near and library == "xgboost"):
            raise ModelError(f"{said} documents no parameter '{name}'.{near}")
        yield f"{said} takes any keyword, and names no '{name}'. If it is misspelt, nothing reads it.{near}"


@by_object
def _named(factory: Any) -> list[str] | None:
    """List the parameters that a class or its bases name, in front of `**kwargs`; None if it takes no such."""
    kinds: tuple[Any, ...] = getattr(factory, "__mro__", ())
    makers = [kind.__init__ for kind in kinds] or [factory]
    try:
        own = inspect.signature(makers[0]).parameters.values()
        if not any(parameter.kind is parameter.VAR_KEYWORD for parameter in own):
            return None  # before its bases are asked: that takes ten times as long
        signatures = [own, *(inspect.signature(maker).parameters.values() for maker in makers[1:])]
    except (TypeError, ValueError):
        return None
    return [p.name for parameters in signatures for p in parameters if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)]


def _documented(library: str) -> Sequence[str]:
    if library == "xgboost":
        return _XGBOOST
    if library == "lightgbm":
        listed = locate("lightgbm.basic._ConfigAliases", "lightgbm")  # what the library itself goes by
        return [alias for aliases in listed._get_all_param_aliases().values() for alias in aliases]
    return ()
