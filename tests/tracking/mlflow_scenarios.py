"""What a tracking script may do, as a table of small scenarios that run against `mlflow` and against `tracking`.

A scenario takes a Bench and returns plain data; what it raises is data too. No scenario depends on another:
each has an experiment of its own, and no run is active when it begins.
"""
# One scenario a line reads as a table, wrapped it would not.
# ruff: noqa: E501, C408, PLW0108, SIM223, SIM905
# fmt: off

from __future__ import annotations

import contextlib
import math
import os
import re
import threading
import time
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

SCENARIOS: dict[str, Callable[[Bench], Any]] = {}
UNKNOWN_RUN = "0" * 32


class Bench:
    """A module under observation, an experiment of its own, and a folder with a few files."""

    def __init__(self, module: ModuleType, folder: Path, name: str) -> None:
        self.m = module
        self.folder = folder
        self.name = name
        self.client = module.MlflowClient()
        self.experiment = module.set_experiment(name).experiment_id

    def file(self, name: str, text: str = "text") -> str:
        """Make a local file and return its path."""
        path = self.folder / "local" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return str(path)

    def ended(self, **values: Any) -> str:
        """Record a run with params, metrics and tags, and return its id."""
        with self.m.start_run(run_name=values.get("run_name")) as run:
            self.m.log_params(values.get("params", {}))
            self.m.log_metrics(values.get("metrics", {}))
            self.m.set_tags(values.get("tags", {}))
        return run.info.run_id

    def stored(self, run_id: str | None = None) -> Any:
        """Return what a run holds, by default the last one of this thread."""
        return plain(self.m.get_run(run_id or self.m.last_active_run().info.run_id))

    def files(self, run_id: str) -> list[Any]:
        """Return all artifacts of a run with their sizes."""
        found: list[Any] = []
        waiting = [None]
        while waiting:
            for info in self.client.list_artifacts(run_id, waiting.pop()):
                found.append([info.path, info.is_dir, info.file_size])
                if info.is_dir:
                    waiting.append(info.path)
        return sorted(found)

    def content(self, run_id: str, path: str) -> str:
        """Return the text of an artifact."""
        return Path(self.client.download_artifacts(run_id, path)).read_bytes().decode()


def plain(value: Any) -> Any:
    """Reduce a value to what can be compared: JSON data without ids, times and paths."""
    if value is None or (isinstance(value, bool | int) and not hasattr(value, "name")):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, str):
        return re.sub(r"[0-9a-f]{32}", "<id>", str.__str__(value))
    if isinstance(value, dict):
        return {plain(str(key)): plain(value[key]) for key in sorted(value, key=str)}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if hasattr(value, "info") and hasattr(value, "data"):
        tags = {key: text for key, text in value.data.tags.items() if not key.startswith("mlflow.")}
        return {
            "name": "<made up>" if re.fullmatch(r"[a-z]+-[a-z]+-\d+", value.info.run_name) else value.info.run_name,
            "status": plain(value.info.status),
            "stage": plain(value.info.lifecycle_stage),
            "params": plain(value.data.params),
            "metrics": plain(value.data.metrics),
            "tags": plain(tags),
        }
    if hasattr(value, "lifecycle_stage") and hasattr(value, "experiment_id"):
        return {"name": value.name, "stage": plain(value.lifecycle_stage), "tags": plain(value.tags)}
    return f"<{type(value).__name__}>"


def attempt(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Return what a call gives, or how it fails: MLflow's code, or the builtin exceptions that it is."""
    try:
        return plain(function(*args, **kwargs))
    except Exception as error:
        builtin = [kind.__name__ for kind in type(error).__mro__ if kind.__module__ == "builtins"]
        return {"raises": getattr(error, "error_code", None), "builtin": builtin}


def scenario(name: str) -> Callable[[Callable[[Bench], Any]], Callable[[Bench], Any]]:
    """Put a function into the table."""

    def add(function: Callable[[Bench], Any]) -> Callable[[Bench], Any]:
        assert name not in SCENARIOS, name
        SCENARIOS[name] = function
        return function

    return add


def each(template: str, values: list[Any], function: Callable[[Bench, Any], Any]) -> None:
    """Put a function into the table once for every value."""
    for number, value in enumerate(values):
        shown = repr(value) if len(repr(value)) < 50 else f"{repr(value)[:40]}... #{number}"
        shown = re.sub(r" at 0x\w+", "", shown)
        scenario(template.format(shown))(lambda t, value=value: function(t, value))


def watched(t: Bench, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Make one call in a run of its own; return its outcome and what the run holds afterwards."""
    with t.m.start_run(run_name="r") as run:
        outcome = attempt(function, *args, **kwargs)
    return [outcome, t.stored(run.info.run_id)]


# Names ----------------------------------------------------------------------------------------------
KEYS: list[Any] = [
    *["a", "a b", "a/b", "a.b", "a-b", "a:b", "été", "日本", ".a", "-a", ":", " ", "_", "0", "a" * 250, "é" * 250],
    *["", ".", "..", "/a", "a/", "./a", "../a", "..a", "a/../b", "a//b", "a/.", "a" * 251, "a\tb", "a\nb", "🙂"],
    *[f"a{character}" for character in "$@%(),=\\\"';#+[]{}|~`!?<>*&^"],
    *[None, 1, 1.5, b"a", ("a",)],
]
each("log_param: key {}", KEYS, lambda t, key: watched(t, t.m.log_param, key, 1))
each("log_metric: key {}", KEYS, lambda t, key: watched(t, t.m.log_metric, key, 1))
each("set_tag: key {}", KEYS, lambda t, key: watched(t, t.m.set_tag, key, 1))
each("set_experiment_tag: key {}", KEYS[:12] + KEYS[14:31], lambda t, key: [
    attempt(t.m.set_experiment_tag, key, 1), plain(t.m.get_experiment(t.experiment))
])

# Params ---------------------------------------------------------------------------------------------
VALUES: list[Any] = [1, True, None, 0.1, [1, "a"], {"a": 1}, np.float32(0.1), float("nan"), "", "é\n日本\0 x ", b"x"]
VALUES += [1e300, -0.0, (1, 2), Decimal("1.50"), "x" * 6000, "x" * 6001, "x" * 8000]
each("log_param: value {}", VALUES, lambda t, value: watched(t, t.m.log_param, "p", value))
each("log_params: value {}", VALUES, lambda t, value: watched(t, t.m.log_params, {"p": value, "q": 1}))
each("log_params: argument {}", [{}, [], None, "text", {1: 2}, {"ok": 1, "bad$": 2}], lambda t, value: watched(
    t, t.m.log_params, value
))
PAIRS = [(1, "1"), (1, 2), (1, 1.0), (None, "None"), ("a", "A"), ("x" * 7000, "x" * 6000 + "y"), ("", "")]
each("log_param: again {}", PAIRS, lambda t, pair: watched(
    t, lambda: [attempt(t.m.log_param, "p", pair[0]), attempt(t.m.log_param, "p", pair[1])]
))


@scenario("log_param: the value comes back as the very object")
def _(t):
    thing = [1, 2]
    with t.m.start_run():
        return t.m.log_param("p", thing) is thing


@scenario("log_params: one changed value refuses all")
def _(t):
    return watched(t, lambda: [t.m.log_param("p", 1), attempt(t.m.log_params, {"new": 1, "p": 2})])


@scenario("log_params: many")
def _(t):
    return watched(t, t.m.log_params, {f"p{i}": i for i in range(150)})


@scenario("log_params: to another run, ended, deleted, unknown")
def _(t):
    run_id = t.ended()
    first = attempt(t.m.log_params, {"a": 1}, run_id=run_id)
    state = [t.stored(run_id), plain(t.m.active_run())]
    t.m.delete_run(run_id)
    return [first, state, attempt(t.m.log_params, {"b": 1}, run_id=run_id),
            attempt(t.m.log_params, {"b": 1}, run_id=UNKNOWN_RUN),
            attempt(t.m.log_params, {"b": 1}, run_id="a/b")]


@scenario("log_params: empty starts a run")
def _(t):
    t.m.log_params({})
    return t.m.active_run() is not None


@scenario("log_param: the same key as param, metric and tag; case matters")
def _(t):
    return watched(t, lambda: [t.m.log_param("k", 1), t.m.log_metric("k", 2), t.m.set_tag("k", 3), t.m.log_param("K", 4)])


@scenario("log_param: rival threads, one value wins")
def _(t):
    outcomes: list[Any] = []
    with t.m.start_run() as run:
        def write(value: int) -> None:
            outcomes.append(attempt(t.client.log_param, run.info.run_id, "p", value))
        threads = [threading.Thread(target=write, args=(i,)) for i in range(4)]
        [thread.start() for thread in threads]
        [thread.join() for thread in threads]
    return [sum(isinstance(outcome, int) for outcome in outcomes),
            sorted({outcome["raises"] for outcome in outcomes if isinstance(outcome, dict)})]


# Metrics --------------------------------------------------------------------------------------------
NUMBERS: list[Any] = [1, 1.5, True, False, np.bool_(True), Decimal("1.5"), Fraction(1, 4), "1.5", "nan", "abc", "", None]
NUMBERS += [np.float32(0.5), np.int64(3), np.array(2.5), np.array([2.5]), np.array([[2.5]]), np.array([1.0, 2.0])]
NUMBERS += [[1], [], {}, {"a": 1}, 1j, float("nan"), float("inf"), -float("inf"), 10**400, 10**300, -0.0, 1e-310, object()]
each("log_metric: value {}", NUMBERS, lambda t, value: watched(t, t.m.log_metric, "m", value))
each("log_metrics: value {}", NUMBERS, lambda t, value: watched(t, t.m.log_metrics, {"ok": 1, "m": value}))
each("log_metrics: argument {}", [{}, [], None, "text", {"bad$": 1, "ok": 1}, {1: 1}], lambda t, value: watched(
    t, t.m.log_metrics, value
))


def _points(t: Bench, run_id: str, key: str = "m") -> list[Any]:
    return [[plain(point.value), plain(point.step)] for point in t.client.get_metric_history(run_id, key)]


STEPS: list[Any] = [None, 0, 1, -5, 2.0, True, 1.5, "3", [1], np.int64(4), 2**63 - 1, 2**63, -(2**63), float("nan")]


def _with_step(t: Bench, step: Any) -> Any:
    with t.m.start_run() as run:
        outcome = attempt(t.m.log_metric, "m", 1, step=step)
    return [outcome, attempt(_points, t, run.info.run_id)]


each("log_metric: step {}", STEPS, _with_step)
TIMES: list[Any] = [1, 1234567890123, -1, "5", 1.0]


def _with_timestamp(t: Bench, timestamp: Any) -> Any:
    with t.m.start_run() as run:
        outcome = attempt(t.m.log_metric, "m", 1, timestamp=timestamp)
    return [outcome, [plain(point.timestamp) for point in t.client.get_metric_history(run.info.run_id, "m")]]


each("log_metric: timestamp {}", TIMES, _with_timestamp)
ORDERS = [
    [(1, 0, 5), (2, 0, 5), (1.5, 0, 5)],
    [(1, 5, 5), (2, 3, 9)],
    [(1, 0, 9), (2, 0, 5)],
    [(3, -1, 5), (2, -2, 9)],
    [(1, 0, 5), (1, 0, 5), (1, 0, 6)],
    [(1, 2, 5), (3, 1, 5), (2, 2, 4)],
]


def _order(t: Bench, points: Any) -> Any:
    with t.m.start_run() as run:
        for value, step, timestamp in points:
            t.m.log_metric("m", value, step=step, timestamp=timestamp)
    return [t.stored(run.info.run_id)["metrics"], _points(t, run.info.run_id)]


each("log_metric: latest and history of {}", ORDERS, _order)


@scenario("log_metric: without a step it stays 0")
def _(t):
    with t.m.start_run() as run:
        [t.m.log_metric("m", value, timestamp=value) for value in (1, 2, 3)]
    return _points(t, run.info.run_id)


@scenario("log_metrics: one step and time for all, many")
def _(t):
    with t.m.start_run() as run:
        t.m.log_metrics({f"m{i}": i for i in range(1200)}, step=7, timestamp=99)
    points = [t.client.get_metric_history(run.info.run_id, f"m{i}")[0] for i in (0, 600, 1199)]
    return [[point.key, point.value, point.step, point.timestamp] for point in points]


@scenario("log_metric: to another run, ended, deleted, unknown")
def _(t):
    run_id = t.ended()
    first = attempt(t.m.log_metric, "a", 1, run_id=run_id)
    more = attempt(t.m.log_metrics, {"b": 2}, run_id=run_id, step=3)
    state = [t.stored(run_id), plain(t.m.active_run())]
    t.m.delete_run(run_id)
    return [first, more, state, attempt(t.m.log_metric, "b", 1, run_id=run_id),
            attempt(t.m.log_metric, "b", 1, run_id=UNKNOWN_RUN)]


@scenario("get_metric_history: unknown key and unknown run")
def _(t):
    run_id = t.ended()
    return [attempt(t.client.get_metric_history, run_id, "x"), attempt(t.client.get_metric_history, UNKNOWN_RUN, "x")]


@scenario("log_metric: from four threads, none lost")
def _(t):
    with t.m.start_run() as run:
        def write(number: int) -> None:
            [t.client.log_metric(run.info.run_id, "m", i, step=number * 100 + i) for i in range(10)]
        threads = [threading.Thread(target=write, args=(i,)) for i in range(4)]
        [thread.start() for thread in threads]
        [thread.join() for thread in threads]
    return len(_points(t, run.info.run_id))


# Tags -----------------------------------------------------------------------------------------------
TAGS: list[Any] = [1, None, True, 0.5, "", "é\n ", [1], "x" * 8000, "x" * 8001]
each("set_tag: value {}", TAGS, lambda t, value: watched(t, t.m.set_tag, "k", value))
each("set_experiment_tag: value {}", [1, None, "", "x" * 20000, "x" * 20001], lambda t, value: [
    attempt(t.m.set_experiment_tag, "k", value), plain(t.m.get_experiment(t.experiment))
])
each("set_tags: argument {}", [{}, [], None, {"ok": 1, "bad$": 1}, {f"k{i}": i for i in range(150)}], lambda t, value: (
    watched(t, t.m.set_tags, value)
))


@scenario("set_tag: replaces")
def _(t):
    return watched(t, lambda: [t.m.set_tag("k", 1), t.m.set_tag("k", 2)])


@scenario("delete_tag: there, missing, bad key")
def _(t):
    return watched(t, lambda: [t.m.set_tags({"a": 1, "b": 2}), attempt(t.m.delete_tag, "a"), attempt(t.m.delete_tag, "x")])


@scenario("set_tag: mlflow.runName renames")
def _(t):
    with t.m.start_run(run_name="old") as run:
        t.m.set_tag("mlflow.runName", "new")
    found = t.m.get_run(run.info.run_id)
    return [found.info.run_name, found.data.tags["mlflow.runName"]]


@scenario("set_tags: mlflow.runName renames")
def _(t):
    with t.m.start_run(run_name="old") as run:
        t.m.set_tags({"mlflow.runName": "new", "b": 1})
    found = t.m.get_run(run.info.run_id)
    return [found.info.run_name, found.data.tags["mlflow.runName"]]


@scenario("set_tag: an empty mlflow.runName is ignored")
def _(t):
    with t.m.start_run(run_name="old") as run:
        outcome = attempt(t.m.set_tag, "mlflow.runName", "")
    found = t.m.get_run(run.info.run_id)
    return [outcome, found.info.run_name]


@scenario("delete_tag: mlflow.runName keeps the name")
def _(t):
    with t.m.start_run(run_name="old") as run:
        t.m.delete_tag("mlflow.runName")
    found = t.m.get_run(run.info.run_id)
    return [found.info.run_name, "mlflow.runName" in found.data.tags]


@scenario("set_tag: system tags may be changed and deleted")
def _(t):
    with t.m.start_run() as run:
        before = run.info.user_id
        t.m.set_tag("mlflow.user", "someone")
        t.m.delete_tag("mlflow.source.name")
    found = t.m.get_run(run.info.run_id)
    return [found.data.tags["mlflow.user"], found.info.user_id == before, "mlflow.source.name" in found.data.tags]


@scenario("start_run: system tags")
def _(t):
    with t.m.start_run(run_name="n", description="about") as run:
        pass
    tags = {key: text for key, text in run.data.tags.items() if "git" not in key}
    return [sorted(tags), tags["mlflow.source.type"], tags["mlflow.note.content"], tags["mlflow.runName"],
            tags["mlflow.user"] == run.info.user_id]


@scenario("start_run: MLFLOW_RUN_CONTEXT adds tags, the user's win")
def _(t):
    os.environ["MLFLOW_RUN_CONTEXT"] = '{"k": "context", "j": "context", "mlflow.user": "context"}'
    try:
        with t.m.start_run(tags={"k": "user", "mlflow.source.name": "mine"}) as run:
            pass
    finally:
        del os.environ["MLFLOW_RUN_CONTEXT"]
    return [run.data.tags[key] for key in ("k", "j", "mlflow.user", "mlflow.source.name")]


# Starting and ending --------------------------------------------------------------------------------
@scenario("start_run: a new run")
def _(t):
    run = t.m.start_run()
    found = t.m.get_run(run.info.run_id)
    same = t.m.active_run() is run
    t.m.end_run()
    return [plain(found), found.info.end_time, same, run.info.status, plain(t.m.active_run()), t.stored(),
            run.info.experiment_id == t.experiment]


each("end_run: status {}", ["FINISHED", "FAILED", "KILLED", None, "", "SCHEDULED", "bogus"], lambda t, status: [
    plain(t.m.start_run()), attempt(t.m.end_run, status), t.m.active_run() is None
])
each("end_run: stored status {}", ["FINISHED", "FAILED", "KILLED", None, ""], lambda t, status: [
    (t.m.start_run(), t.m.end_run(status)) and None, t.stored()["status"]
])
each("start_run: experiment_id {}", [1.5, [1], "abc", "987654", 987654, "-1", " "], lambda t, value: [
    attempt(t.m.start_run, experiment_id=value), plain(t.m.active_run())
])
each("start_run: run_name {}", ["", "n", "x" * 9000, "日本 \n", None], lambda t, value: [
    (t.m.start_run(run_name=value), t.m.end_run()) and None, t.stored()
])
each("start_run: run_id {}", [UNKNOWN_RUN, "a/b", "../x", "x" * 300, ""], lambda t, value: [
    attempt(t.m.start_run, run_id=value), t.m.active_run() is None
])
each("start_run: parent_run_id {}", [UNKNOWN_RUN, "a/b"], lambda t, value: [
    attempt(t.m.start_run, parent_run_id=value), plain(t.m.active_run())
])


@scenario("end_run: without a run")
def _(t):
    return attempt(t.m.end_run)


@scenario("start_run: experiment as text and as number, which is not activated")
def _(t):
    other = t.m.create_experiment(f"{t.name} other")
    with t.m.start_run(experiment_id=other) as one:
        pass
    with t.m.start_run(experiment_id=int(other)) as two:
        pass
    with t.m.start_run() as three:
        pass
    return [run.info.experiment_id == other for run in (one, two, three)]


@scenario("start_run: in a deleted experiment")
def _(t):
    other = t.m.create_experiment(f"{t.name} other")
    t.m.delete_experiment(other)
    return [attempt(t.m.start_run, experiment_id=other), plain(t.m.active_run())]


@scenario("start_run: run_name beats the tag, tag names else")
def _(t):
    with t.m.start_run(run_name="given", tags={"mlflow.runName": "tag"}) as one:
        pass
    with t.m.start_run(tags={"mlflow.runName": "tag"}) as two:
        pass
    return [one.info.run_name, two.info.run_name, two.data.tags["mlflow.runName"]]


@scenario("start_run: a description given twice")
def _(t):
    return [attempt(t.m.start_run, description="a", tags={"mlflow.note.content": "b"}), plain(t.m.active_run()),
            len(t.m.search_runs(output_format="list"))]


@scenario("start_run: an empty description")
def _(t):
    with t.m.start_run(description="", tags={"mlflow.note.content": "b"}) as run:
        return run.data.tags["mlflow.note.content"]


@scenario("start_run: a second one, nested or not")
def _(t):
    with t.m.start_run(run_name="parent") as parent:
        second = attempt(t.m.start_run)
        same = attempt(t.m.start_run, run_id=parent.info.run_id)
        by_parent = attempt(t.m.start_run, parent_run_id=parent.info.run_id)
        with t.m.start_run(nested=True) as child:
            inner = t.m.active_run() is child
        outer = t.m.active_run() is parent
    found = t.m.get_run(child.info.run_id)
    return [second, same, by_parent, inner, outer, found.data.tags["mlflow.parentRunId"] == parent.info.run_id,
            t.m.get_parent_run(child.info.run_id).info.run_id == parent.info.run_id,
            plain(t.m.get_parent_run(parent.info.run_id))]


@scenario("start_run: the message of a second one names the outermost run")
def _(t):
    with t.m.start_run() as parent, t.m.start_run(nested=True):
        try:
            t.m.start_run()
        except Exception as error:
            return [parent.info.run_id in str(error), "nested=True" in str(error)]


@scenario("start_run: nested without a parent")
def _(t):
    with t.m.start_run(nested=True) as run:
        return "mlflow.parentRunId" in run.data.tags


@scenario("start_run: nested in another experiment")
def _(t):
    other = t.m.create_experiment(f"{t.name} other")
    with t.m.start_run() as parent, t.m.start_run(nested=True, experiment_id=other) as child:
        return [child.info.experiment_id == other, child.data.tags["mlflow.parentRunId"] == parent.info.run_id]


@scenario("start_run: parent_run_id of an ended, deleted and other run")
def _(t):
    ended = t.ended()
    with t.m.start_run(parent_run_id=ended) as child:
        linked = child.data.tags["mlflow.parentRunId"] == ended
    with t.m.start_run() as active:
        other = attempt(t.m.start_run, nested=True, parent_run_id=ended)
        with t.m.start_run(nested=True, parent_run_id=active.info.run_id) as inner:
            own = inner.data.tags["mlflow.parentRunId"] == active.info.run_id
    t.m.delete_run(ended)
    return [linked, other, own, attempt(t.m.start_run, parent_run_id=ended), plain(t.m.active_run())]


@scenario("with: an exception means FAILED and propagates")
def _(t):
    with contextlib.suppress(ValueError), t.m.start_run():
        raise ValueError
    return [t.stored()["status"], plain(t.m.active_run())]


each("with: status for {}", [SystemExit, GeneratorExit, KeyboardInterrupt], lambda t, kind: _status_after(t, kind))


def _status_after(t: Bench, kind: type[BaseException]) -> Any:
    with contextlib.suppress(kind), t.m.start_run():
        raise kind
    return t.stored()["status"]


@scenario("with: a status given inside is kept, also when an exception follows")
def _(t):
    with t.m.start_run() as one:
        t.m.end_run("KILLED")
    with contextlib.suppress(ValueError), t.m.start_run() as two:
        t.m.end_run("KILLED")
        raise ValueError
    return [t.stored(one.info.run_id)["status"], t.stored(two.info.run_id)["status"]]


@scenario("with: another run started inside stays active")
def _(t):
    with t.m.start_run():
        t.m.end_run()
        second = t.m.start_run()
    return [t.m.active_run() is second, t.stored(second.info.run_id)["status"]]


@scenario("with: leaving the parent while a child is open")
def _(t):
    with t.m.start_run() as parent:
        child = t.m.start_run(nested=True)
    return [t.stored(child.info.run_id)["status"], t.stored(parent.info.run_id)["status"], plain(t.m.active_run())]


@scenario("start_run: resume")
def _(t):
    run_id = t.ended(params={"p": 1}, metrics={"m": 1}, run_name="old")
    before = t.m.get_run(run_id).info
    with t.m.start_run(run_id=run_id, run_name="new", tags={"k": 1}, description="d", experiment_id="0") as run:
        running = t.stored(run_id)
        t.m.log_metric("m", 2, step=1)
        changed = attempt(t.m.log_param, "p", 2)
    after = t.m.get_run(run_id)
    return [running, changed, plain(after), after.info.start_time == before.start_time,
            after.info.experiment_id == before.experiment_id, after.data.tags["mlflow.note.content"],
            run.info.run_id == run_id, after.data.tags["mlflow.runName"]]


@scenario("start_run: resume as nested adds no parent")
def _(t):
    run_id = t.ended()
    with t.m.start_run(), t.m.start_run(run_id=run_id, nested=True) as run:
        return ["mlflow.parentRunId" in run.data.tags, t.m.active_run() is run]


@scenario("start_run: resume a deleted run, a run of another experiment")
def _(t):
    run_id = t.ended()
    t.m.delete_run(run_id)
    deleted = attempt(t.m.start_run, run_id=run_id)
    t.m.restore_run(run_id)
    t.m.set_experiment(f"{t.name} other")
    return [deleted, attempt(t.m.start_run, run_id=run_id), plain(t.m.active_run())]


@scenario("start_run: MLFLOW_RUN_ID resumes once")
def _(t):
    run_id = t.ended()
    os.environ["MLFLOW_RUN_ID"] = run_id
    with t.m.start_run() as run:
        pass
    return [run.info.run_id == run_id, "MLFLOW_RUN_ID" in os.environ]


@scenario("last_active_run: active, ended, deleted meanwhile, nested")
def _(t):
    with t.m.start_run() as parent:
        active = t.m.last_active_run().info.run_id == parent.info.run_id
        with t.m.start_run(nested=True) as child:
            pass
        back = t.m.last_active_run().info.run_id == parent.info.run_id
        t.m.log_param("late", 1)
    last = t.m.last_active_run()
    t.m.delete_run(parent.info.run_id)
    return [active, back, plain(last), plain(t.m.last_active_run()), child.info.run_id != parent.info.run_id]


@scenario("active_run: is a snapshot and belongs to its thread")
def _(t):
    seen: list[Any] = []
    with t.m.start_run() as run:
        t.m.log_param("p", 1)
        thread = threading.Thread(target=lambda: seen.append([plain(t.m.active_run()), plain(t.m.last_active_run())]))
        thread.start()
        thread.join()
        return [plain(t.m.active_run()), seen, plain(run.data.params)]


@scenario("threads: each has a run of its own without a parent")
def _(t):
    found: list[Any] = []

    def work(number: int) -> None:
        with t.m.start_run(run_name=f"n{number}") as run:
            t.m.log_param("p", number)
            found.append([run.info.run_id, number])

    with t.m.start_run():
        threads = [threading.Thread(target=work, args=(i,)) for i in range(3)]
        [thread.start() for thread in threads]
        [thread.join() for thread in threads]
    return [[t.stored(run_id), "mlflow.parentRunId" in t.m.get_run(run_id).data.tags]
            for run_id, _ in sorted(found, key=lambda pair: pair[1])]


AUTO: dict[str, Callable[[Bench], Any]] = {
    "log_param": lambda t: t.m.log_param("a", 1),
    "log_params": lambda t: t.m.log_params({"a": 1}),
    "log_metric": lambda t: t.m.log_metric("a", 1),
    "log_metrics": lambda t: t.m.log_metrics({"a": 1}),
    "set_tag": lambda t: t.m.set_tag("a", 1),
    "set_tags": lambda t: t.m.set_tags({"a": 1}),
    "log_text": lambda t: t.m.log_text("a", "a.txt"),
    "log_dict": lambda t: t.m.log_dict({}, "a.json"),
    "log_artifact": lambda t: t.m.log_artifact(t.file("a.txt")),
    "get_artifact_uri": lambda t: t.m.get_artifact_uri() and None,
    "search_runs": lambda t: t.m.search_runs(output_format="list"),
    "set_experiment_tag": lambda t: t.m.set_experiment_tag("a", 1),
    "get_experiment": lambda t: t.m.get_experiment(t.experiment).name == t.name,
    "end_run": lambda t: t.m.end_run(),
}
for _name, _call in AUTO.items():
    scenario(f"auto start: {_name}")(
        lambda t, call=_call: [attempt(call, t), t.m.active_run() is not None, t.m.end_run()]
    )

# Reading and deleting -------------------------------------------------------------------------------
each("get_run: {}", [UNKNOWN_RUN, "", "../x", "a/b", None, 5], lambda t, value: attempt(t.m.get_run, value))
each("delete_run: {}", [UNKNOWN_RUN, "", "a/b"], lambda t, value: attempt(t.m.delete_run, value))
each("get_parent_run: {}", [UNKNOWN_RUN, "a/b"], lambda t, value: attempt(t.m.get_parent_run, value))


@scenario("delete_run: data stays, twice is fine, restore")
def _(t):
    run_id = t.ended(params={"p": 1})
    t.m.delete_run(run_id)
    deleted = t.stored(run_id)
    again = attempt(t.m.delete_run, run_id)
    refused = [attempt(t.client.log_param, run_id, "q", 1), attempt(t.client.log_metric, run_id, "q", 1),
               attempt(t.client.set_tag, run_id, "q", 1), attempt(t.client.delete_tag, run_id, "q")]
    t.m.restore_run(run_id)
    return [deleted, again, refused, t.stored(run_id), attempt(t.m.restore_run, run_id)]


@scenario("delete_run: children stay")
def _(t):
    with t.m.start_run() as parent, t.m.start_run(nested=True) as child:
        pass
    t.m.delete_run(parent.info.run_id)
    return [t.stored(child.info.run_id)["stage"], t.m.get_parent_run(child.info.run_id).info.lifecycle_stage]


@scenario("get_run: dictionaries are copies")
def _(t):
    run_id = t.ended(params={"p": 1})
    t.m.get_run(run_id).data.params["q"] = "2"
    return [t.stored(run_id)["params"], sorted(t.m.get_run(run_id).to_dictionary())[:2]]


@scenario("client: create, update and end a run")
def _(t):
    run = t.client.create_run(t.experiment, tags={"k": "v"}, run_name="n")
    created = plain(run)
    t.client.log_param(run.info.run_id, "p", 1)
    t.client.log_metric(run.info.run_id, "m", 1, step=2, timestamp=5)
    t.client.set_tag(run.info.run_id, "t", 1)
    t.client.update_run(run.info.run_id, name="other")
    t.client.set_terminated(run.info.run_id, "FAILED", end_time=77)
    found = t.client.get_run(run.info.run_id)
    return [created, plain(found), found.info.end_time, plain(t.m.active_run())]


@scenario("client: set_terminated without a status; with a bad one")
def _(t):
    run = t.client.create_run(t.experiment)
    t.client.set_terminated(run.info.run_id)
    return [t.stored(run.info.run_id)["status"], attempt(t.client.set_terminated, UNKNOWN_RUN)]


@scenario("client: update_run with a status")
def _(t):
    run_id = t.ended()
    t.client.update_run(run_id, status="FAILED")
    return [t.stored(run_id)["status"], attempt(t.client.update_run, UNKNOWN_RUN, status="FAILED")]


@scenario("client: create_run in an unknown and a deleted experiment")
def _(t):
    other = t.m.create_experiment(f"{t.name} other")
    t.m.delete_experiment(other)
    return [attempt(t.client.create_run, "987654"), attempt(t.client.create_run, other)]


@scenario("client: log_batch of entities")
def _(t):
    e = t.m.entities
    run_id = t.ended()
    t.client.log_batch(run_id, metrics=[e.Metric("m", 1.5, 10, 3)], params=[e.Param("p", "1")], tags=[e.RunTag("t", "v")])
    return [t.stored(run_id), _points(t, run_id),
            attempt(t.client.log_batch, run_id, params=[e.Param("p", "2"), e.Param("new", "1")]),
            attempt(t.client.log_batch, run_id, metrics=[e.Metric("bad$", 1.0, 1, 0)], params=[e.Param("new", "1")]),
            attempt(t.client.log_batch, run_id, params=[e.Param("x", "1"), e.Param("x", "2")]),
            t.stored(run_id)]


@scenario("client: log_batch of nothing; to unknown and deleted runs")
def _(t):
    run_id = t.ended()
    nothing = attempt(t.client.log_batch, run_id)
    t.m.delete_run(run_id)
    tags = [t.m.entities.RunTag("a", "b")]
    return [nothing, attempt(t.client.log_batch, run_id, tags=tags), attempt(t.client.log_batch, UNKNOWN_RUN, tags=tags)]


each("synchronous=False: {}", ["log_param", "log_metric", "set_tag"], lambda t, name: watched(
    t, lambda: [getattr(t.m, name)("k", 1, synchronous=False).wait(), t.m.flush_async_logging()]
))
each("synchronous=False: {}", ["log_params", "log_metrics", "set_tags"], lambda t, name: watched(
    t, lambda: [getattr(t.m, name)({"k": 1}, synchronous=False).wait(), t.m.flush_async_logging()]
))

# Experiments ----------------------------------------------------------------------------------------
each("create_experiment: name {}", ["", None, 5, True, b"x"], lambda t, name: attempt(t.m.create_experiment, name))
each("create_experiment: name of length {}", [500, 501], lambda t, size: isinstance(
    attempt(t.m.create_experiment, (t.name + "x" * size)[:size]), str
))
each("create_experiment: odd name {}", ["a/b", "..", "  ", "日本", "a\nb", "$%", "x'; --"], lambda t, name: [
    isinstance(t.m.create_experiment(t.name + name), str), t.m.get_experiment_by_name(t.name + name).name == t.name + name
])
each("set_experiment: {}", ["", 5, True, b"x"], lambda t, name: attempt(t.m.set_experiment, name))
each("set_experiment: id {}", ["987654", 987654, "abc", 1.5], lambda t, value: attempt(
    t.m.set_experiment, experiment_id=value
))
each("get_experiment: {}", ["987654", 987654, "abc", "1.5"], lambda t, value: attempt(t.m.get_experiment, value))
each("delete_experiment: {}", ["987654", "abc"], lambda t, value: attempt(t.m.delete_experiment, value))
each("artifact_location: {}", ["runs:/a/b", "x" * 2049], lambda t, value: attempt(
    t.m.create_experiment, t.name + " other", value
))


@scenario("create_experiment: does not activate; taken; case matters; tags")
def _(t):
    other = t.m.create_experiment(f"{t.name} other", tags={"k": "v"})
    taken = attempt(t.m.create_experiment, f"{t.name} other")
    upper = isinstance(attempt(t.m.create_experiment, f"{t.name} OTHER"), str)
    bad = attempt(t.m.create_experiment, f"{t.name} bad", tags={"bad$": "v"})
    t.m.delete_experiment(other)
    with t.m.start_run() as run:
        pass
    return [taken, upper, bad, plain(t.m.get_experiment_by_name(f"{t.name} bad")), run.info.experiment_id == t.experiment,
            attempt(t.m.create_experiment, f"{t.name} other"), plain(t.m.get_experiment(other))]


@scenario("create_experiment: ids count up and are not used again")
def _(t):
    first = int(t.m.create_experiment(f"{t.name} 1"))
    t.m.delete_experiment(str(first))
    return [int(t.m.create_experiment(f"{t.name} 2")) - first, isinstance(t.m.get_experiment(first).experiment_id, str)]


@scenario("Default: id 0")
def _(t):
    found = t.m.get_experiment("0")
    return [found.name, found.experiment_id, plain(found.lifecycle_stage), t.m.get_experiment_by_name("Default").experiment_id]


@scenario("set_experiment: by name, by id, both, neither")
def _(t):
    made = t.m.set_experiment(f"{t.name} new")
    by_id = t.m.set_experiment(experiment_id=t.experiment)
    by_number = t.m.set_experiment(experiment_id=int(t.experiment))
    return [plain(made), by_id.experiment_id == t.experiment, by_number.experiment_id == t.experiment,
            attempt(t.m.set_experiment, "a", "1"), attempt(t.m.set_experiment)]


@scenario("set_experiment: a deleted one is refused and the old one stays; the variable is exported")
def _(t):
    other = t.m.create_experiment(f"{t.name} other")
    t.m.delete_experiment(other)
    refused = [attempt(t.m.set_experiment, f"{t.name} other"), attempt(t.m.set_experiment, experiment_id=other)]
    with t.m.start_run() as run:
        pass
    return [refused, run.info.experiment_id == t.experiment, os.environ["MLFLOW_EXPERIMENT_ID"] == t.experiment]


@scenario("set_experiment: the active run stays, nested ones go to the new one")
def _(t):
    with t.m.start_run() as run:
        other = t.m.set_experiment(f"{t.name} other").experiment_id
        t.m.log_param("p", 1)
        with t.m.start_run(nested=True) as child:
            pass
    return [t.m.get_run(run.info.run_id).info.experiment_id == t.experiment, child.info.experiment_id == other]


@scenario("set_experiment: eight threads get one id")
def _(t):
    found: list[str] = []
    threads = [
        threading.Thread(target=lambda: found.append(t.m.set_experiment(f"{t.name} x").experiment_id)) for _ in range(8)
    ]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    return [len(found), len(set(found))]


@scenario("get_experiment_by_name: unknown, deleted")
def _(t):
    other = t.m.create_experiment(f"{t.name} other")
    t.m.delete_experiment(other)
    return [plain(t.m.get_experiment_by_name("never made")), plain(t.m.get_experiment_by_name(f"{t.name} other"))]


@scenario("delete_experiment: takes its runs along, restore brings all back")
def _(t):
    one, two = t.ended(), t.ended()
    t.m.delete_run(one)
    t.m.delete_experiment(t.experiment)
    gone = [t.stored(one)["stage"], t.stored(two)["stage"], attempt(t.m.start_run), attempt(t.m.delete_experiment, t.experiment)]
    t.client.restore_experiment(t.experiment)
    return [gone, t.stored(one)["stage"], t.stored(two)["stage"], attempt(t.client.restore_experiment, t.experiment)]


@scenario("rename_experiment: free, taken, deleted, unknown")
def _(t):
    other = t.m.create_experiment(f"{t.name} other")
    t.client.rename_experiment(other, f"{t.name} renamed")
    renamed = t.m.get_experiment(other).name == f"{t.name} renamed"
    taken = attempt(t.client.rename_experiment, other, t.name)
    t.m.delete_experiment(other)
    return [renamed, taken, attempt(t.client.rename_experiment, other, "x"), attempt(t.client.rename_experiment, "987654", "x")]


@scenario("experiment tags: set, replace, delete, missing")
def _(t):
    t.m.set_experiment_tag("a", 1)
    t.m.set_experiment_tags({"a": 2, "b": "x"})
    t.m.delete_experiment_tag("b")
    return [plain(t.m.get_experiment(t.experiment)), attempt(t.m.delete_experiment_tag, "b"), plain(t.m.active_run()),
            attempt(t.client.set_experiment_tag, "987654", "a", "b")]


# Searching ------------------------------------------------------------------------------------------
def _next_millisecond() -> None:
    """Let the clock move on, so that what is made next is newer."""
    now = time.time_ns() // 1_000_000
    while time.time_ns() // 1_000_000 == now:
        pass


def _filled(t: Bench) -> list[str]:
    rows: list[dict[str, Any]] = [
        dict(run_name="one", params={"a": "x", "n": 9, "odd key": 1}, metrics={"m": 1, "z": 0}, tags={"t": "Red", "a.b": 1}),
        dict(run_name="two", params={"a": "y", "n": 10}, metrics={"m": 2.5, "z": float("nan")}, tags={"t": "red"}),
        dict(run_name="Three", params={"a": "X", "n": 100}, metrics={"m": -1, "a-b": 3}, tags={"t": "blue", "u": ""}),
        dict(run_name="four_4", params={}, metrics={}, tags={"a/b": "50%"}),
    ]
    return [(_next_millisecond(), t.ended(**row))[1] for row in rows]


def _found(t: Bench, **query: Any) -> list[str]:
    return [run.info.run_name for run in t.m.search_runs(output_format="list", **query)]


def _search(t: Bench, text: str) -> Any:
    _filled(t)
    t.m.start_run(run_name="open")
    t.m.end_run("FAILED")
    return attempt(lambda: sorted(_found(t, filter_string=text)))


FILTERS = [
    *["", "metrics.m > 1", "metric.m >= 1", "metrics.m = 1", "metrics.m != 1", "metrics.m < 1e3", "metrics.m <= -1"],
    *["metrics.m > .5", "metrics.z = 0", "metrics.z != 0", "metrics.z > -1", "metrics.`a-b` = 3", 'metrics."a-b" = 3'],
    *["metrics.missing > 0", "metrics.missing != 0", "metrics.m = '1'", "metrics.m > +1", "metrics.m = nan", "metrics.m == 1"],
    *["metrics.m <> 1", "metrics.m LIKE '1'", "params.a = 'x'", 'params.a = "x"', "param.a = 'x'", "parameter.a != 'x'"],
    *["parameters.a LIKE 'x'", "params.a ILIKE 'x'", "params.a like '%'", "params.a ilike 'X%'", "params.n = '9'"],
    *["params.a = x", "params.missing != 'x'", "params.missing = 'x'", "params.`odd key` = '1'", 'params."odd key" = "1"'],
    *["params.a IS NULL", "params.a IS NOT NULL", "params.a is null", "tags.u IS NULL", "tags.t = 'red'", "tag.t LIKE 'r%'"],
    *["tags.t ILIKE 'RED'", "tags.t LIKE '_ed'", "tags.a.b = '1'", "tags.`a/b` = '50%'", "tags.u = ''", "tags.t != 'red'"],
    *["attributes.status = 'FINISHED'", "status = 'FAILED'", "status != 'FINISHED'", "attr.run_name = 'one'", "run_name LIKE '%e'"],
    *["`run name` = 'one'", '"run name" = "two"', "run.run_name = 'one'", "attribute.run_name ILIKE 'THREE'", "run_name ILIKE 'T%'"],
    *["start_time > 0", "attributes.end_time > 0", "created > 0", "start_time < 5", "start_time = 'x'", "user_id != 'nobody at all'"],
    *["tags.`mlflow.runName` = 'one'", "tags.mlflow.runName = 'two'", "artifact_uri LIKE '%artifacts'", "run_id = 'x'"],
    *["run_id IN ('x', 'y')", "run_id NOT IN ('x')", "attributes.run_id in ('x')", "run_id IN ()", "run_id IN 'x'", "run_id > 'x'"],
    *["metrics.m > 0 AND params.a = 'x'", "metrics.m > 0 and tags.t = 'red'", "metrics.m > 0 AND metrics.m < 2 AND params.a = 'x'"],
    *["nonsense", "metrics.m", "metrics.m >", "> 1", "metrics. > 1", "bogus.a = '1'", "experiment_id = '1'", "lifecycle_stage = 'active'"],
    *["metrics.m > 1 garbage", "metrics.m > 1 params.a = 'x'", "params.a = 'x", "params.a LIKE x", "   ", "metrics.m > 1; metrics.m > 2"],
    *["metrics.m > 1, params.a = 'x'", "-- comment", "metrics.m > 1 -- c", "Metrics.m > 1", "params.A = 'x'", "status LIKE 'FIN%'"],
    *["params.a = 'it''s'", "params.a = 'x' AND", "metrics.m > 1 AND AND params.a = 'y'", "status IS NULL", "metrics.m IS NULL"],
    *["params.a > 'x'", "tags.t >= 'a'", "status > 'A'", "params.a NOT LIKE 'x'", "1 < metrics.m", "'x' = params.a", "datasets.name = 'x'"],
]
each("search_runs: filter {}", FILTERS, _search)


def _order_by(t: Bench, order: Any) -> Any:
    _filled(t)
    return attempt(_found, t, order_by=order)


ORDERINGS: list[Any] = [
    *[["metrics.m"], ["metrics.m DESC"], ["metrics.m ASC"], ["metrics.m asc"], ["metrics.z"], ["metrics.z DESC"], ["metric.m desc"]],
    *[["params.n"], ["params.n DESC"], ["params.a", "metrics.m"], ["tags.t"], ["tags.t DESC"], ["tags.`a/b`"], ["run_name"]],
    *[["attributes.run_name DESC"], ["start_time"], ["start_time ASC"], ["attributes.start_time DESC"], ["status", "run_name"]],
    *[["metrics.`a-b` DESC"], ['metrics."a-b"'], ["bogus.x"], ["bogus"], ["metrics.m DOWN"], [""], ["metrics.m", "metrics.m"]],
    *[["params.missing", "run_name"], ["end_time DESC"], [], None, ["experiment_id"], ["metrics.m ASC DESC"], ["lifecycle_stage"]],
]
each("search_runs: order {}", ORDERINGS, _order_by)
each("search_runs: max_results {}", [0, -1, 1, 3, 100, None], lambda t, size: [
    _filled(t) and None, attempt(lambda: len(t.m.search_runs(output_format="list", max_results=size)))
])


@scenario("search_runs: newest first by default, and complete")
def _(t):
    _filled(t)
    return [_found(t, order_by=["start_time DESC"]), plain(t.m.search_runs(output_format="list", filter_string="metrics.m = 1"))]


@scenario("search_runs: views")
def _(t):
    runs = _filled(t)
    t.m.delete_run(runs[0])
    return [sorted(_found(t, run_view_type=view)) for view in (1, 2, 3)]


@scenario("search_runs: scope")
def _(t):
    _filled(t)
    other = t.m.create_experiment(f"{t.name} other")
    with t.m.start_run(experiment_id=other, run_name="elsewhere"):
        pass
    return [sorted(_found(t)), sorted(_found(t, experiment_ids=[other])), sorted(_found(t, experiment_ids=[t.experiment, other])),
            sorted(_found(t, experiment_names=[f"{t.name} other"])), sorted(_found(t, experiment_ids=[])),
            _found(t, experiment_ids=["987654"]), _found(t, experiment_names=["never made"]),
            attempt(_found, t, experiment_ids=["abc"]), attempt(_found, t, experiment_ids=["1"], experiment_names=["a"]),
            sorted(_found(t, experiment_ids=[int(other)])), sorted(_found(t, experiment_ids=[other], search_all_experiments=True)),
            "elsewhere" in _found(t, search_all_experiments=True)]


@scenario("search_runs: pandas")
def _(t):
    _filled(t)
    frame = t.m.search_runs(order_by=["attributes.run_name"])
    return [list(frame.columns[:6]), sorted(name for name in frame.columns[6:] if "git" not in name), [plain(float(x)) for x in frame["metrics.m"]],
            [None if x is None or x != x else x for x in frame["params.a"]], str(frame["start_time"].dtype).split(",")[1],
            type(frame.index).__name__, list(frame["status"]), len(frame)]


@scenario("search_runs: pandas of nothing")
def _(t):
    frame = t.m.search_runs()
    return [list(frame.columns), len(frame)]


@scenario("search_runs: pandas, end_time of a running run")
def _(t):
    with t.m.start_run():
        frame = t.m.search_runs()
        return [str(frame["end_time"].iloc[0]), str(frame["status"].iloc[0])]


@scenario("search_runs: other formats are refused")
def _(t):
    return attempt(t.m.search_runs, output_format="csv")


each("client.search_runs: max_results {}", [0, -1, 50000, 50001, 2], lambda t, size: attempt(
    lambda: len(t.client.search_runs([t.experiment], max_results=size))
))


@scenario("client.search_runs: pages")
def _(t):
    _filled(t)
    names, token, pages = [], None, 0
    while True:
        page = t.client.search_runs([t.experiment], max_results=3, page_token=token, order_by=["attributes.run_name"])
        names += [run.info.run_name for run in page]
        pages, token = pages + 1, page.token
        if not token:
            return [names, pages]


def _experiments(t: Bench, text: str | None, order: Any = None) -> Any:
    for name, tags in (("a one", {"k": "v"}), ("b two", {"k": "w"}), ("C three", {})):
        _next_millisecond()
        t.m.create_experiment(f"{t.name} {name}", tags=tags)
    t.m.delete_experiment(t.m.create_experiment(f"{t.name} gone"))
    found = t.m.search_experiments(filter_string=text and text.replace("NAME", t.name), order_by=order)
    return [experiment.name.removeprefix(t.name) for experiment in found if experiment.name.startswith(t.name)]


EXPERIMENT_FILTERS = [
    *[None, "", "name LIKE 'NAME%'", "name = 'NAME a one'", "name != 'NAME a one'", "attribute.name ILIKE '% C THREE'", "tags.k = 'v'"],
    *["tag.k != 'v'", "tags.k LIKE '_'", "tags.k IS NULL", "tags.k IS NOT NULL", "creation_time > 0", "last_update_time > 5"],
    *["name LIKE '%one' AND tags.k = 'v'", "bogus = 'x'", "name > 'x'", "metrics.m > 1", "nonsense", "name = x", "creation_time > 'x'"],
]
each("search_experiments: filter {}", EXPERIMENT_FILTERS, lambda t, text: attempt(_experiments, t, text))
each("search_experiments: order {}", [["name"], ["name DESC"], ["experiment_id"], ["creation_time", "name"], ["bogus"], ["tags.k"]], lambda t, order: (
    attempt(_experiments, t, None, order)
))


@scenario("search_experiments: views and max_results")
def _(t):
    _next_millisecond()
    t.m.delete_experiment(t.m.create_experiment(f"{t.name} gone"))
    names = [[e.name for e in t.m.search_experiments(view_type=view) if e.name.startswith(t.name)] for view in (1, 2, 3)]
    return [*[[name.removeprefix(t.name) for name in view] for view in names], len(t.m.search_experiments(max_results=1))]


# Artifacts ------------------------------------------------------------------------------------------
def _artifact(t: Bench, call: Callable[[Bench], Any]) -> Any:
    with t.m.start_run() as run:
        outcome = attempt(call, t)
    return [outcome, t.files(run.info.run_id)]


PATHS: list[Any] = [None, "", "sub", "a/b", "..", "../x", "/abs", "x/../y", "./x", ".", "x/", "x//y", "a%20b", "#", "日本", "a b", ".hidden"]
each("log_artifact: artifact_path {}", PATHS, lambda t, path: _artifact(t, lambda t: t.m.log_artifact(t.file("f.txt"), path)))
each("log_artifacts: artifact_path {}", PATHS, lambda t, path: _artifact(
    t, lambda t: t.m.log_artifacts(os.path.dirname(t.file("d/f.txt")), path)
))
FILES: list[Any] = ["a.txt", "a/b.txt", "./a", "x/../b", "../a", "/a", "", ".", "a/", "日本.txt", "a b#%20", ".artifact.uploading.x"]
each("log_text: file {}", FILES, lambda t, path: _artifact(t, lambda t: t.m.log_text("some", path)))
each("log_text: text {}", ["", "é\r\n日本\n", 5, b"x", None], lambda t, text: _artifact(t, lambda t: t.m.log_text(text, "a.txt")))


def _dictionary(t: Bench, case: Any) -> Any:
    value, name = case
    with t.m.start_run() as run:
        outcome = attempt(t.m.log_dict, value, name)
    return [outcome, attempt(t.content, run.info.run_id, name)]


DICTS: list[Any] = [({"b": 1, "a": [1, 2]}, name) for name in ("a.json", "a.yaml", "a.yml", "a.YAML", "a", "a.txt")]
DICTS += [({"é": "日本", "n": float("nan")}, "a.json"), ({"é": "日本"}, "a.yaml"), ([1, {"a": 2}], "a.json"), ({}, "a.json")]
DICTS += [({"p": Path("/x")}, "a.json"), ({(1, 2): 3}, "a.json"), ({1: 2, "b": None}, "a.json"), ({"a": {"b": {"c": [1]}}}, "a.yaml")]
each("log_dict: {}", DICTS, _dictionary)


@scenario("log_artifact: a file as str and Path, replaced")
def _(t):
    def call(t):
        t.m.log_artifact(t.file("f.txt", "old text"))
        t.m.log_artifact(Path(t.file("f.txt", "new")))
    return _artifact(t, call)


@scenario("log_artifact: a folder keeps its name")
def _(t):
    t.file("d/x.txt")
    t.file("d/e/.y")
    (t.folder / "local/d/empty").mkdir()
    return [_artifact(t, lambda t: t.m.log_artifact(str(t.folder / "local/d"), "in")),
            _artifact(t, lambda t: t.m.log_artifact(str(t.folder / "local/d") + "/"))]


@scenario("log_artifacts: contents, hidden and empty too; merged and replaced")
def _(t):
    t.file("d/x.txt")
    t.file("d/e/.y")
    (t.folder / "local/d/empty").mkdir()

    def call(t):
        t.m.log_artifacts(t.folder / "local/d")
        t.file("d/x.txt", "longer than before")
        t.file("d/new.txt")
        t.m.log_artifacts(str(t.folder / "local/d"))

    return _artifact(t, call)


each("log_artifact: local path {}", ["missing", "", None, "dangling"], lambda t, name: _artifact(t, lambda t: (
    t.file("x"), os.path.lexists(t.folder / "local/dangling") or os.symlink("nowhere", t.folder / "local/dangling"),
    t.m.log_artifact(str(t.folder / "local" / name) if name else name)
)[-1]))


@scenario("log_artifacts: missing folder")
def _(t):
    return _artifact(t, lambda t: t.m.log_artifacts(str(t.folder / "nowhere")))


@scenario("log_artifacts: a file")
def _(t):
    return _artifact(t, lambda t: t.m.log_artifacts(t.file("f.txt")))


@scenario("log_artifact: links are followed, mode and time kept")
def _(t):
    target = t.file("target.txt", "content")
    os.chmod(target, 0o640)
    os.utime(target, (1000, 1000))
    os.symlink(target, t.folder / "local/link.txt")
    with t.m.start_run() as run:
        t.m.log_artifact(str(t.folder / "local/link.txt"))
    place = Path(t.m.get_run(run.info.run_id).info.artifact_uri.removeprefix("file://")) / "link.txt"
    return [t.files(run.info.run_id), place.is_symlink(), oct(place.stat().st_mode & 0o777), int(place.stat().st_mtime)]


@scenario("artifacts: a file over a folder, a folder over a file")
def _(t):
    with t.m.start_run() as run:
        t.m.log_text("x", "a/b.txt")
        over_folder = attempt(t.m.log_text, "x", "a")
        under_file = attempt(t.m.log_text, "x", "a/b.txt/c")
    return [over_folder, under_file, t.files(run.info.run_id)]


@scenario("artifacts: a link out of the run's folder")
def _(t):
    outside = t.file("outside/secret.txt")
    with t.m.start_run() as run:
        t.m.log_text("x", "a.txt")
        root = Path(run.info.artifact_uri.removeprefix("file://"))
        os.symlink(os.path.dirname(outside), root / "out")
        outcomes = [attempt(t.m.log_text, "x", "out/new.txt"), attempt(t.client.list_artifacts, run.info.run_id, "out")]
    return [outcomes, os.listdir(os.path.dirname(outside))]


@scenario("artifacts: to another run; to a run that is unknown")
def _(t):
    run_id = t.ended()
    t.m.log_text("x", "a.txt", run_id=run_id)
    t.m.log_artifact(t.file("f.txt"), run_id=run_id)
    t.m.log_dict({}, "d.json", run_id=run_id)
    t.m.log_artifacts(str(t.folder / "local"), "all", run_id=run_id)
    return [t.files(run_id), plain(t.m.active_run()), attempt(t.m.log_text, "x", "a.txt", run_id=UNKNOWN_RUN)]


each("list_artifacts: {}", [None, "", "a", "a/", "a/b.txt", "missing", "../x", "..", "/", "a/../a"], lambda t, path: _listed(t, path))


def _listed(t: Bench, path: Any) -> Any:
    with t.m.start_run() as run:
        t.m.log_text("x", "a/b.txt")
        t.m.log_text("x", "c.txt")
    return attempt(lambda: [[info.path, info.is_dir, info.file_size] for info in t.client.list_artifacts(run.info.run_id, path)])


@scenario("list_artifacts: unknown run")
def _(t):
    return attempt(t.client.list_artifacts, UNKNOWN_RUN)


each("download_artifacts: {}", ["a/b.txt", "a", "a/c", "a/c/d.txt", "missing", "../x", "a/missing"], lambda t, path: _downloaded(t, path))


def _downloaded(t: Bench, path: Any) -> Any:
    with t.m.start_run() as run:
        t.m.log_text("x", "a/c/d.txt")
        t.m.log_text("x", "a/b.txt")
    target = t.folder / "new" / "folder"

    def call() -> Any:
        place = t.client.download_artifacts(run.info.run_id, path, str(target))
        below = sorted(str(p.relative_to(target)) for p in target.rglob("*"))
        return [os.path.isabs(place), os.path.relpath(place, target), below]

    return attempt(call)


@scenario("download_artifacts: gives a copy")
def _(t):
    with t.m.start_run() as run:
        t.m.log_text("x", "b.txt")
    with open(t.client.download_artifacts(run.info.run_id, "b.txt"), "w") as file:
        file.write("changed")
    return t.content(run.info.run_id, "b.txt")


each("get_artifact_uri: {}", [None, "a.txt", "a/b", "../x"], lambda t, path: _uri(t, path))


def _uri(t: Bench, path: Any) -> Any:
    with t.m.start_run() as run:
        base = run.info.artifact_uri
        return attempt(lambda: t.m.get_artifact_uri(path).removeprefix(base))


@scenario("log_figure: formats and refusals")
def _(t):
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib.figure import Figure

    figure = Figure()
    figure.subplots().plot([1, 2])
    with t.m.start_run() as run:
        outcomes = [attempt(t.m.log_figure, figure, name) for name in ("a.png", "sub/b.svg", "c.bogus")]
        outcomes.append(attempt(t.m.log_figure, "not a figure", "d.png"))
        outcomes.append(attempt(t.m.log_figure, figure, "e.png", save_kwargs={"dpi": 50}))
    return [outcomes, [path for path, *_ in t.files(run.info.run_id)]]


# Environment ----------------------------------------------------------------------------------------
@scenario("MLFLOW_TRUNCATE_LONG_VALUES=false refuses")
def _(t):
    os.environ["MLFLOW_TRUNCATE_LONG_VALUES"] = "false"
    try:
        return watched(t, lambda: [attempt(t.m.log_param, "p", "x" * 6001), attempt(t.m.set_tag, "k", "x" * 8001),
                                   attempt(t.m.log_params, {"a": 1, "p": "x" * 6001})])
    finally:
        del os.environ["MLFLOW_TRUNCATE_LONG_VALUES"]


@scenario("MLFLOW_ENABLE_ASYNC_LOGGING=true")
def _(t):
    os.environ["MLFLOW_ENABLE_ASYNC_LOGGING"] = "true"
    try:
        return watched(t, lambda: [t.m.log_param("p", 1).wait(), t.m.log_metric("m", 1).wait(), t.m.set_tag("k", 1).wait()])
    finally:
        del os.environ["MLFLOW_ENABLE_ASYNC_LOGGING"]


# What public scripts were seen to do -----------------------------------------------------------------
@scenario("with: the body ends the run and resumes it")
def _(t):
    with t.m.start_run() as run:
        t.m.end_run("FAILED")
        t.m.start_run(run_id=run.info.run_id)
    return [t.m.active_run() is None, t.stored(run.info.run_id)]


@scenario("log_batch: one tag twice")
def _(t):
    run = t.ended()
    tags = [t.m.entities.RunTag("a", "1"), t.m.entities.RunTag("a", "2")]
    return [attempt(t.client.log_batch, run, tags=tags), t.stored(run)]


each("create_run: name a and tag {}", ["a", "b"], lambda t, name: attempt(
    t.client.create_run, t.experiment, run_name="a", tags={"mlflow.runName": name}
))
each("create_run: start_time {}", [-1], lambda t, time: attempt(
    lambda: t.client.create_run(t.experiment, start_time=time).info.start_time
))


@scenario("experiment tags: of a deleted experiment")
def _(t):
    gone = t.m.create_experiment(t.name + " gone", tags={"k": "v"})
    t.client.delete_experiment(gone)
    return [attempt(t.client.set_experiment_tag, gone, "a", 1), attempt(t.client.delete_experiment_tag, gone, "k")]


each("search_runs: quoted filter {}", ["`metrics`.m > 1", "`metrics`.`m` > 1", "`params`.p = '1'", '"metrics".m > 1'],
     lambda t, text: _found_of_one(t, text))
each("search_runs: order {} with blanks", ["params.p ", " params.p", "params.p  ASC"],
     lambda t, text: _found_of_one(t, "", order_by=[text]))


def _found_of_one(t: Bench, text: str, **options: Any) -> Any:
    t.ended(run_name="one", params={"p": 1}, metrics={"m": 2})
    return attempt(lambda: [run.info.run_name for run in t.client.search_runs([t.experiment], text, **options)])


@scenario("search_runs: experiment_names None")
def _(t):
    return attempt(lambda: len(t.m.search_runs(experiment_names=[None])))


@scenario("RunStatus: FINISHED")
def _(t):
    return plain(t.m.entities.RunStatus.FINISHED)


@scenario("RunStatus: by number and by name")
def _(t):
    status = t.m.entities.RunStatus
    return [status.to_string(3), status.to_string(status.FAILED), status.is_terminated(3), status.is_terminated(1)]


@scenario("entities: made with few arguments")
def _(t):
    kinds = t.m.entities
    info = kinds.RunInfo("a", "0", "u", "FINISHED", 1, 2, "active")
    experiment = kinds.Experiment("1", "n", "/t", "active")
    data = kinds.RunData([kinds.Metric("a", 1.0, 1, 0)], [kinds.Param("p", "v")], [kinds.RunTag("t", "v")])
    return [
        info.user_id, info.status, info.start_time, info.end_time, info.lifecycle_stage, experiment.tags,
        data.metrics, data.params, data.tags, kinds.RunData().metrics, kinds.Run(info, data).info.run_id,
    ]


each("list_artifacts: also {}", [".", "./", "a/.", "./a", "a/.."], lambda t, path: _listed(t, path))


@scenario("get_artifact_uri: a dot")
def _(t):
    with t.m.start_run():
        return attempt(lambda: t.m.get_artifact_uri(".").rstrip("/.") == t.m.get_artifact_uri().rstrip("/"))


each("create_experiment: location {}", ["s3://bucket/path", "dbfs:/x", "mysql://host/x"], lambda t, place: attempt(
    lambda: bool(t.m.create_experiment(f"{t.name} {place}", artifact_location=place))
))


def signatures(module: Any) -> dict[str, list[str]]:
    """Return the parameter names of MLflow's functions and client methods that the contract names."""
    import inspect

    fluent = """set_tracking_uri get_tracking_uri set_experiment create_experiment get_experiment get_experiment_by_name
        search_experiments delete_experiment set_experiment_tag set_experiment_tags delete_experiment_tag start_run end_run
        active_run last_active_run get_run get_parent_run delete_run log_param log_params log_metric log_metrics log_artifact
        log_artifacts log_text log_dict log_figure set_tag set_tags delete_tag get_artifact_uri search_runs""".split()
    client = """get_run get_parent_run get_metric_history create_run search_experiments get_experiment get_experiment_by_name
        create_experiment delete_experiment restore_experiment rename_experiment log_metric log_param set_experiment_tag
        delete_experiment_tag set_tag delete_tag update_run log_batch log_artifact log_artifacts log_text log_dict log_figure
        list_artifacts download_artifacts set_terminated delete_run restore_run search_runs""".split()
    things = {name: getattr(module, name) for name in fluent}
    things |= {f"MlflowClient.{name}": getattr(module.MlflowClient, name) for name in client}
    return {name: list(inspect.signature(thing).parameters) for name, thing in things.items()}


__all__ = ["SCENARIOS", "Bench", "attempt", "plain", "signatures"]
