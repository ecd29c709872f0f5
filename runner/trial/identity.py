"""What makes two points the same: what a fingerprint is made of, and the tags that say it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from runner.data.dataset import Dataset
from runner.dotted import public_name, unwrapped
from runner.provenance.capture import code_identity, find_code, matters
from runner.trial.build import Parts
from runner.trial.remembered import by_object
from runner.trial.sharing import tolerance_along_path
from runner.trial.spec import Spec
from tracking.compare.making import Making
from tracking.records.identity import LONGEST, write_identity
from tracking.records.names import (
    BOOKKEEPING,
    DATA_DTYPES,
    DATA_FEATURES,
    DATA_NAME,
    DATA_SHAPE,
    DATA_TARGET,
    FINGERPRINT,
    FINGERPRINT_CODE,
    FINGERPRINT_CONFIG,
    FINGERPRINT_DATA,
    FINGERPRINT_ENVIRONMENT,
    FINGERPRINT_SPLITS,
    IDENTITY,
    TEST_TRAIN_RATIO,
    is_bookkeeping,
)
from tracking.records.values import leaves


def earlier_fingerprint(made_of: Mapping[str, Any], spec: Spec, data: str) -> str:
    """Return the fingerprint that version 0.1.0 gave the point; `data` is that of its data, as it was then."""
    config = {"threads_per_run": spec.config.get("threads_per_run"), **made_of["config"]}
    return fingerprint({**made_of, "config": config, "data": data})


def planned_making(spec: Spec, made_of: Mapping[str, Any]) -> Making:
    """Return what a run of the point would say about its making, as far as that is its identity."""
    params = {key: str(value) for key, value in parameters(spec.recorded).items()}
    return Making(tags={}, params=params, identity=json.loads(json.dumps(made_of, default=repr)))


def parameters(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return every leaf of the resolved config that is not bookkeeping, by its dotted key."""
    return {key: value for key, value in leaves(config) if key.partition(".")[0] not in BOOKKEEPING}


def hidden_parameters(spec: Spec) -> dict[str, str]:
    """Return the parameters that are recorded as an expression, but for the data's: of those the content counts."""
    if spec.hidden is None:
        return {}
    given, recorded = parameters(spec.config), parameters(spec.recorded)
    return {key: str(shown) for key, shown in recorded.items() if given.get(key) != shown and key[:5] != "data."}


def data_key(config: Mapping[str, Any]) -> str:
    """Return what tells the data sections of two configs apart."""
    return json.dumps(config["data"], sort_keys=True, default=repr)


def splits_key(config: Mapping[str, Any]) -> str:
    """Return what tells the splits of two configs of the same data apart."""
    return fingerprint([config["cv"], config["seed"]])


def asked_fingerprint(spec: Spec) -> str:
    """Return what tells apart what two points were asked: the overrides, but for how and where to run."""
    return fingerprint(sorted(override.text for override in spec.overrides if not is_bookkeeping(override.key)))


def path_tolerance(spec: Spec, parts: Parts, data: Dataset) -> float:
    """Return how far from alone `share=path` may leave the point; 0 for a point that it computes as ever."""
    plain = not (spec.config.get("fit_params") or spec.config.get("early_stopping"))
    scored = data.weights is None and all(isinstance(scorer, str) for scorer in parts.scorers.values())
    return tolerance_along_path(parts.estimator) if plain and scored else 0.0


def identify(
    spec: Spec, parts: Parts, data: Dataset, packages: Mapping[str, str], *, path: bool = False
) -> dict[str, Any]:
    """Return what the point's fingerprint is made of; along a `path`, that it was computed so."""
    names = (*targets(spec.config), *find_code(parts.estimator, parts.splitter, parts.scorers))
    made_of = identity(
        spec.recorded,
        parts.estimator,
        data=data.fingerprint,
        code=code_identity(*names),
        environment=matters(packages, *names),
    )
    if path and path_tolerance(spec, parts, data):
        made_of["computed"] = "path"
    # The estimator has been given what the config hides.
    return made_of if spec.hidden is None else _without_secrets(made_of, spec)


def identity_tags(made_of: dict[str, Any], spec: Spec, data: Dataset, ratio: float) -> dict[str, str]:
    """Return the tags that say what a point's fingerprint is made of, and its data.

    Where the identity is too long for its tag, the file beside it has it (`tracking.records.identity`).
    """
    features = json.dumps(list(data.feature_names))
    tags = {
        FINGERPRINT: fingerprint(made_of),
        FINGERPRINT_CONFIG: fingerprint(made_of["config"]),
        FINGERPRINT_DATA: data.fingerprint,
        FINGERPRINT_SPLITS: splits_key(spec.recorded),
        FINGERPRINT_CODE: fingerprint(made_of["code"]),
        FINGERPRINT_ENVIRONMENT: fingerprint(made_of["environment"]),
        IDENTITY: write_identity(made_of)[0],
        DATA_NAME: data.name,
        DATA_SHAPE: data.shape,
        DATA_TARGET: data.target_name,
        DATA_FEATURES: features,
        DATA_DTYPES: json.dumps(dict(data.dtypes)),
        TEST_TRAIN_RATIO: repr(ratio),
    }
    return {key: value if len(value) <= LONGEST else _shortened(value) for key, value in tags.items()}


def _shortened(text: str) -> str:
    return json.dumps({"too long to keep": f"{len(text)} characters", "fingerprint": fingerprint(text)})


VERSION = "v1"
_THREADS = "threads_per_run"  # it is a parameter of a run, for the seconds depend on it
_FINDERS = frozenset(f"hydra.utils.{name}" for name in ("get_method", "get_class", "get_object", "get_static_method"))


def identity(
    config: Mapping[str, Any],
    estimator: Any,
    *,
    data: str,
    code: Mapping[str, str],
    environment: Mapping[str, str],
) -> dict[str, Any]:
    """Return what the fingerprint is made of, as plain data."""
    config_leaves = {
        key: _plain(value)
        for key, value in leaves(_canonical(config))
        if not is_bookkeeping(key) and not key.startswith(("data.", _THREADS))
    }
    row = _row(config)
    if row:
        config_leaves["prepare"] = row
    for name, value in _effective(estimator, row):
        config_leaves.setdefault(name, value)
    return {"config": config_leaves, "data": data, "code": dict(code), "environment": dict(environment)}


_SINGLE = (str, int, float, type(None))  # known sooner to be no mapping than by asking whether they are


def _canonical(node: Any) -> Any:
    """Return a config in which one class has one name, however it was spelled or wrapped by hydra-zen."""
    if isinstance(node, list | tuple):
        return [_canonical(item) for item in node]
    if isinstance(node, _SINGLE) or not isinstance(node, Mapping):
        return node
    tree = {key: _canonical(value) for key, value in unwrapped(node).items()}
    if isinstance(tree.get("_target_"), str):
        tree["_target_"] = public_name(tree["_target_"])
    return tree


def fingerprint(part: object) -> str:
    """Hash plain data: `v1:` and 32 hexadecimal digits."""
    text = json.dumps(part, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=repr)
    return f"{VERSION}:{hashlib.sha256(text.encode()).hexdigest()[:32]}"


def targets(config: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the dotted names of the code that a config names: model, preparation, splitter, loader, own scorers.

    Of `hydra.utils.get_method` and its like it is what they find. Names of files are not among them.
    """
    found = list(_named({key: part for key, part in config.items() if not is_bookkeeping(key)}))
    function = config["data"].get("function")
    found += [name for name in (function, *config["scoring"]["metrics"].values()) if isinstance(name, str)]
    return tuple(dict.fromkeys(name for name in found if "." in name))


def _named(node: object) -> Iterator[str]:
    if isinstance(node, _SINGLE):
        return
    if isinstance(node, list | tuple):
        for item in node:
            yield from _named(item)
    elif isinstance(node, Mapping):
        node = unwrapped(node)
        target = node.get("_target_")
        target = public_name(target) if isinstance(target, str) else target
        if target in _FINDERS:
            target = node.get("path") or next(iter(node.get("_args_") or ()), None)
        if isinstance(target, str):
            yield target
        for value in node.values():
            yield from _named(value)


def _without_secrets(node: Any, spec: Spec) -> Any:
    if isinstance(node, Mapping):
        return {key: _without_secrets(value, spec) for key, value in node.items()}
    if isinstance(node, list):
        return [_without_secrets(item, spec) for item in node]
    return spec.without_secrets(node) if isinstance(node, str) else node


def _row(config: Mapping[str, Any]) -> list[str]:
    """Return the names of preparations in a row, `prepare=[tabular,select]`, whose order counts; [] for one."""
    prepare = config.get("prepare") or {}
    return [] if "_target_" in prepare else list(prepare)


def _effective(estimator: Any, row: Sequence[str]) -> Iterator[tuple[str, Any]]:
    steps = getattr(estimator, "named_steps", None) or {"model": estimator}
    for step, part in steps.items():
        section = f"prepare.{step}" if step in row else step
        for name, value in _parameters_of(part) if hasattr(part, "get_params") else ():
            yield f"{section}.{name}", value


@by_object
def _parameters_of(part: Any) -> list[tuple[str, Any]]:
    return [(name.replace("__", "."), _plain(value)) for name, value in sorted(part.get_params(deep=True).items())]


def _plain(value: Any) -> Any:
    """Return a JSON value that is the same in every process: no addresses, no numpy."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if hasattr(value, "item") and getattr(value, "shape", None) == ():
        return value.item()
    if hasattr(value, "get_params"):
        return {"class": f"{type(value).__module__}.{type(value).__qualname__}"}
    if isinstance(value, type) or callable(value):
        return f"{getattr(value, '__module__', '')}.{getattr(value, '__qualname__', type(value).__qualname__)}"
    return repr(value)
