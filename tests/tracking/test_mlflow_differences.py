"""In every scenario `tracking` does what was recorded of MLflow, but for the differences listed here."""

from __future__ import annotations

import fnmatch
import importlib.util
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import tracking

HERE = Path(__file__).parent
RECORDED = json.loads((HERE / "mlflow_recorded.json").read_text())

# Why, and in which scenarios (patterns: * stands for anything).
DIFFERENCES: dict[str, list[str]] = {
    "infinities stay infinities": ["log_metric*: value inf", "log_metric*: value -inf"],
    "Ctrl-C is KILLED, not FAILED": ["with: status for <class 'KeyboardInterrupt'>"],
    "leaving a parent's block ends the parent too": ["with: leaving the parent while a child is open"],
    "an integer-like step is an integer, not bytes": ["log_metric: step np.int64(4)"],
    "a step is a whole number": ["log_metric: step 1.5", "log_metric: step nan"],
    "a wrong type is a TypeError": [
        "set_tag: key 1",
        "set_tag: key 1.5",
        "set_tag: key b'a'",
        "set_tag: key ('a',)",
        "log_params: argument ?*",
        "log_metrics: argument ?*",
        "set_tags: argument ?*",
        "search_runs: experiment_names None",
    ],
    "a number that fits no float is a ValueError": ["log_metric*: value 10000000000000000000000*"],
    "an unknown status is refused and the run stays open": ["end_run: status 'bogus'"],
    "a malformed id is an invalid value everywhere": [
        "start_run: experiment_id '-1'",
        "set_experiment: id 1.5",
        "delete_run: ''",
        "delete_run: 'a/b'",
    ],
    "a taken name has one error code everywhere": ["rename_experiment: free, taken, deleted, unknown"],
    "an artifact URI ends with the run id": ["search_runs: filter \"artifact_uri LIKE '%artifacts'\""],
    "a filter that is not one is refused, not half read": [
        "search_runs: filter 'metrics. > 1'",
        "search_runs: filter \"metrics.m > 1 params.a = 'x'\"",
        "search_runs: filter \"params.a = 'x' AND\"",
        "search_runs: filter \"metrics.m > 1 AND AND params.a = 'y'\"",
    ],
    "blanks around a name in order_by mean nothing": [
        "search_runs: order 'params.p ' with blanks",
        "search_runs: order ' params.p' with blanks",
    ],
    "files are kept in folders of this machine only": ["create_experiment: location *"],
    "a status is a text, as in info.status, which it equals": ["RunStatus: FINISHED"],
    "IS NULL is understood everywhere": [
        "search_runs: filter 'status IS NULL'",
        "search_runs: filter 'metrics.m IS NULL'",
    ],
    "the same column twice is an invalid order": ["search_runs: order ?'metrics.m', 'metrics.m'?"],
    "a folder that is missing, or a file, is not silently nothing": [
        "log_artifacts: missing folder",
        "log_artifacts: a file",
    ],
    "no path leaves the run's folder": ["download_artifacts: '../x'", "get_artifact_uri: '../x'"],
}


@pytest.fixture(scope="module")
def scenarios() -> Iterator[Any]:
    specification = importlib.util.spec_from_file_location("mlflow_scenarios", HERE / "mlflow_scenarios.py")
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    sys.modules["mlflow_scenarios"] = module
    specification.loader.exec_module(module)
    yield module
    del sys.modules["mlflow_scenarios"]


@pytest.fixture(scope="module")
def outcomes(scenarios: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    place = tmp_path_factory.mktemp("scenarios")
    tracking.reset()
    tracking.set_tracking_uri(f"sqlite:///{place}/tracking.db")
    found = {}
    for number, (name, function) in enumerate(scenarios.SCENARIOS.items()):
        folder = place / str(number)
        folder.mkdir()
        found[name] = scenarios.attempt(function, scenarios.Bench(tracking, folder, f"scenario {number}"))
        while tracking.active_run():
            tracking.end_run()
    tracking.reset()
    return found


def reason(name: str) -> str | None:
    """Return why a scenario may differ, if it is listed."""
    return next(
        (why for why, patterns in DIFFERENCES.items() if any(fnmatch.fnmatchcase(name, p) for p in patterns)),
        None,
    )


def agree(theirs: Any, ours: Any) -> bool:
    """Tell whether two outcomes are the same; an error is, by its code or as an instance of the builtin."""
    if isinstance(theirs, dict):
        if not isinstance(ours, dict) or theirs.keys() != ours.keys():
            return False
        if "raises" in theirs:
            same_code = theirs["raises"] is not None and theirs["raises"] == ours["raises"]
            return same_code or (theirs["raises"] is None and theirs["builtin"][0] in ours["builtin"])
        return all(agree(theirs[key], ours[key]) for key in theirs)
    if isinstance(theirs, list):
        return isinstance(ours, list) and len(theirs) == len(ours) and all(map(agree, theirs, ours))
    return type(theirs) is type(ours) and theirs == ours


@pytest.mark.heavy
def test_every_scenario_ends_as_with_mlflow_or_is_listed(outcomes: dict[str, Any]) -> None:
    different = {name for name, ours in outcomes.items() if not agree(RECORDED["outcomes"][name], ours)}
    unexpected = {
        name: {"mlflow": RECORDED["outcomes"][name], "tracking": outcomes[name]}
        for name in different
        if reason(name) is None
    }

    assert not unexpected, json.dumps(unexpected, indent=1, ensure_ascii=False)
    assert set(DIFFERENCES) == {reason(name) for name in different}, "listed, but no longer different"


def test_the_recording_is_of_the_scenarios_as_they_are(scenarios: Any) -> None:
    assert list(RECORDED["outcomes"]) == list(scenarios.SCENARIOS), "run tests/tracking/record_mlflow.py"


def test_every_function_takes_mlflows_parameters_in_mlflows_order(scenarios: Any) -> None:
    for name, ours in scenarios.signatures(tracking).items():
        # Where traces go is not asked: there are none.
        theirs = [parameter for parameter in RECORDED["signatures"][name] if parameter != "trace_location"]
        assert ours[: len(theirs)] == theirs, name


def test_nothing_but_tracking_errors_leaves_a_call(outcomes: dict[str, Any]) -> None:
    def codes(outcome: Any) -> Iterator[Any]:
        if isinstance(outcome, dict) and "raises" in outcome:
            yield outcome["raises"]
        for part in outcome.values() if isinstance(outcome, dict) else outcome if isinstance(outcome, list) else ():
            yield from codes(part)

    # An error without a code is a builtin exception that slipped through.
    assert [name for name, outcome in outcomes.items() if None in codes(outcome)] == []
