"""Why a recorded point is stale, in few words."""

from __future__ import annotations

import json

from runner.trial.identity import explain_change

THEN = {
    "config": {"model.alpha": 1.0},
    "data": "v1:a",
    "environment": {"scikit-learn": "1.8.0", "numpy": "2.1.0"},
    "code": {"scikit-learn": "1.8.0", "mine": "0123456789abcdef"},
}


def test_another_version_of_a_package_is_said_once() -> None:
    text = json.dumps(THEN)
    now = json.loads(text.replace('"scikit-learn": "1.8.0"', '"scikit-learn": "1.9.1"'))

    assert explain_change(text, now) == "scikit-learn 1.8.0 -> 1.9.1"


def test_code_of_ones_own_is_named_and_so_is_what_is_installed_only_now() -> None:
    now = THEN | {"code": {"scikit-learn": "1.8.0", "mine": "fedcba9876543210", "other": "1.0"}}

    assert explain_change(json.dumps(THEN), now) == "code of mine changed; code of other changed"
