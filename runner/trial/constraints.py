"""What scikit-learn allows for a parameter, asked before a fit and told by the key that was typed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from runner.errors import ModelError
from runner.suggest import suggest
from tracking.records.values import leaves


def check_parameters(estimator: Any, key: str, config: Mapping[str, Any], *, validate: bool) -> None:
    """Ask scikit-learn's own parameter constraints, of the estimator and of those inside it. Raises ModelError."""
    if not validate and not any(isinstance(value, list) for _, value in leaves(config.get(key))):
        return
    inner = estimator.get_params(deep=True).values() if hasattr(estimator, "get_params") else ()
    for part in (estimator, *inner):
        check_constraints(part, key, config)


def check_constraints(part: Any, key: str, config: Mapping[str, Any]) -> None:
    """Ask the constraints of one estimator, whose section is `key`. Raises ModelError naming the refused parameter."""
    ask = getattr(part, "_validate_params", None)
    if ask is None or isinstance(part, type) or not hasattr(part, "_parameter_constraints"):
        return  # an estimator of one's own inherits the method, but need not say any constraint
    try:
        ask()
    except ValueError as error:
        if not _made_tuples(part):  # YAML has lists only; some parameters must be tuples
            raise ModelError(_explain_constraint(str(error), part, key, config)) from error
        check_constraints(part, key, config)


def _made_tuples(part: Any) -> bool:
    lists = {name: tuple(value) for name, value in part.get_params(deep=False).items() if isinstance(value, list)}
    part.set_params(**lists)
    return bool(lists)


def _explain_constraint(text: str, part: Any, key: str, config: Mapping[str, Any]) -> str:
    match = re.match(r"The '(\w+)' parameter of \w+ (must be .*)\. Got (.*) instead\.", text, re.S)
    if not match:
        return f"{key}: {text}"
    name, rule, got = match.groups()
    short = name in config and not isinstance(config[name], Mapping)  # `scoring` is a section, and no parameter
    asked = name if short else f"{key}.{name}"
    got = {"None": "null", "True": "true", "False": "false"}.get(got, got)
    rule = rule.replace("an instance of 'bool' or an instance of 'numpy.bool'", "true or false")
    words = {}
    if among := re.search(r"among \{(.+?)\}", rule):  # a set, in another order each time
        words = {word.strip().strip("'"): word.strip() for word in among[1].split(",")}
        rule = rule.replace(among[1], ", ".join(words[word] for word in sorted(words)))
    return f"{asked}={got}: {name} of {type(part).__name__} {rule}.{suggest(got.strip(chr(39)), words)}"
