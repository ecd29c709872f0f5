"""What every store promises: run against each backend. A new one is added to BACKENDS and nothing else."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from tracking.entities import LifecycleStage, Metric, Process, Run, RunStatus, ViewType
from tracking.errors import (
    AlreadyExists,
    ExperimentDeleted,
    ExperimentNotFound,
    FilterError,
    InvalidValue,
    ParamConflict,
    RunDeleted,
    RunNotFound,
    TagNotFound,
)
from tracking.store.process import current_process
from tracking.store.sqlite import Store
from tracking.stores import open_store

BACKENDS: dict[str, Callable[[Path], str]] = {
    "file": lambda folder: f"sqlite:///{folder}/runs/tracking.db",
    "memory": lambda folder: "sqlite://",
}


@pytest.fixture(params=BACKENDS)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    opened = open_store(BACKENDS[request.param](tmp_path))
    yield opened
    opened.close()


class Recorder:
    """Starts runs with ids that are easy to name: the letter, 32 times."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def __call__(
        self,
        letter: str,
        *,
        experiment: str = "0",
        start: int = 1000,
        process: Process | None = None,
        metrics: dict[str, float] | None = None,
        params: dict[str, str] | None = None,
        tags: dict[str, str] | None = None,
    ) -> str:
        run = self.store.create_run(
            experiment,
            run_id=letter * 32,
            run_name=f"run-{letter}",
            user_id="ann",
            start_time=start,
            process=process or current_process(),
            tags=tags or {},
        )
        points = [Metric(key, value, start) for key, value in (metrics or {}).items()]
        self.store.log_batch(run.info.run_id, metrics=points, params=params or {})
        return run.info.run_id


@pytest.fixture
def record(store: Store) -> Recorder:
    return Recorder(store)


def letters(runs: list[Run]) -> str:
    return "".join(run.info.run_id[0] for run in runs)


class TestExperiments:
    def test_a_new_store_has_the_default_experiment_only(self, store: Store) -> None:
        (default,) = store.search_experiments()
        assert (default.experiment_id, default.name, default.lifecycle_stage) == ("0", "Default", "active")

    def test_ids_count_up_and_are_not_used_twice(self, store: Store) -> None:
        first, second = store.create_experiment("a"), store.create_experiment("b")
        store.update_experiment(second, lifecycle_stage=LifecycleStage.DELETED)
        assert [first, second, store.create_experiment("c")] == ["1", "2", "3"]

    def test_an_experiment_reads_back_as_it_was_created(self, store: Store) -> None:
        id_ = store.create_experiment("été / 日本", tags={"team": "blue"})
        found = store.get_experiment(id_)
        assert found == store.get_experiment_by_name("été / 日本")
        assert (found.name, found.tags, found.lifecycle_stage) == ("été / 日本", {"team": "blue"}, "active")
        assert found.creation_time == found.last_update_time > 0

    @pytest.mark.parametrize("unknown", ["99", "abc", "", "-1", "1" * 30, "²"])
    def test_an_unknown_id_is_named_in_the_error(self, store: Store, unknown: str) -> None:
        with pytest.raises(ExperimentNotFound, match=f"'{unknown}'"):
            store.get_experiment(unknown)

    def test_an_unknown_name_gives_none(self, store: Store) -> None:
        assert store.get_experiment_by_name("nothing") is None

    @pytest.mark.parametrize("stage", LifecycleStage)
    def test_a_taken_name_is_refused_also_when_its_owner_is_in_the_trash(self, store: Store, stage: str) -> None:
        id_ = store.create_experiment("a")
        if stage == LifecycleStage.DELETED:
            store.update_experiment(id_, lifecycle_stage=stage)
        with pytest.raises(AlreadyExists, match="'a'"):
            store.create_experiment("a")
        with pytest.raises(AlreadyExists, match="'a'"):
            store.update_experiment("0", name="a")

    def test_renaming_keeps_the_rest_and_may_name_itself(self, store: Store) -> None:
        id_ = store.create_experiment("a", tags={"k": "v"})
        store.update_experiment(id_, name="b")
        store.update_experiment(id_, name="b")
        assert store.get_experiment(id_).tags == {"k": "v"}
        assert store.get_experiment_by_name("a") is None

    def test_deleting_and_restoring_carries_all_runs_along(self, store: Store, record: Recorder) -> None:
        id_ = store.create_experiment("a")
        run_id = record("a", experiment=id_)
        store.update_experiment(id_, lifecycle_stage=LifecycleStage.DELETED)
        assert store.get_run(run_id).info.lifecycle_stage == "deleted"
        with pytest.raises(ExperimentDeleted):
            record("b", experiment=id_)
        store.update_experiment(id_, lifecycle_stage=LifecycleStage.ACTIVE)
        assert store.get_run(run_id).info.lifecycle_stage == "active"

    def test_tags_are_replaced_and_removed(self, store: Store) -> None:
        store.set_experiment_tags("0", {"a": "1", "b": "2"})
        store.set_experiment_tags("0", {"a": "3"})
        store.delete_experiment_tag("0", "b")
        assert store.get_experiment("0").tags == {"a": "3"}
        with pytest.raises(TagNotFound, match=r"'b'.*Its tags: a"):
            store.delete_experiment_tag("0", "b")

    def test_search_by_view_filter_and_order(self, store: Store) -> None:
        for name in ("b", "a", "Ab"):
            store.create_experiment(name, tags={"first": name[0]})
        store.update_experiment("1", lifecycle_stage=LifecycleStage.DELETED)

        def names(**options: object) -> list[str]:
            return [experiment.name for experiment in store.search_experiments(**options)]  # type: ignore[arg-type]

        assert names(order_by=["name"]) == ["Ab", "Default", "a"]
        assert names(view_type=ViewType.DELETED_ONLY) == ["b"]
        assert names(filter_string="name ILIKE 'a%'", order_by=["name DESC"]) == ["a", "Ab"]
        either = "tags.first = 'a' OR attribute.experiment_id IN ('0', '9')"
        assert names(filter_string=either, order_by=["name"]) == ["Default", "a"]
        assert names(filter_string="tags.first IS NULL") == ["Default"]
        assert names(order_by=["name"], max_results=1, offset=1) == ["Default"]
        assert names(max_results=0) == []

    def test_artifacts_lie_beside_the_store_or_where_the_experiment_says(
        self, store: Store, record: Recorder, tmp_path: Path
    ) -> None:
        elsewhere = tmp_path / "else where"
        usual, special = "0", store.create_experiment("a", artifact_location=elsewhere.as_uri())
        first, second = record("a", experiment=usual), record("b", experiment=special)
        assert store.artifact_dir(first).parts[-3:] == ("artifacts", "0", first)
        assert store.artifact_dir(second) == elsewhere / second
        for run_id in (first, second):
            uri = urlsplit(store.get_run(run_id).info.artifact_uri)
            assert (uri.scheme, unquote(uri.path)) == ("file", str(store.artifact_dir(run_id)))
        with pytest.raises(InvalidValue, match="s3://"):
            store.create_experiment("c", artifact_location="s3://bucket")


class TestRuns:
    def test_a_new_run_is_running_and_reads_back_as_it_was_returned(self, store: Store) -> None:
        process = current_process()
        tags = {"mlflow.user": "ann", "k": "v"}
        run = store.create_run(
            "0", run_id="a" * 32, run_name="x", user_id="ann", start_time=5, process=process, tags=tags
        )
        assert run == store.get_run("a" * 32)
        assert (run.info.status, run.info.end_time, run.data.tags) == ("RUNNING", None, tags)

    def test_the_same_run_id_is_refused(self, store: Store, record: Recorder) -> None:
        record("a")
        with pytest.raises(AlreadyExists, match="aaaa"):
            record("a", tags={"k": "v"})
        assert store.get_run("a" * 32).data.tags == {}

    def test_an_unknown_run_or_experiment_is_named(self, store: Store, record: Recorder) -> None:
        with pytest.raises(ExperimentNotFound, match="'7'"):
            record("a", experiment="7")
        for call in (
            lambda: store.get_run("nope"),
            lambda: store.update_run("nope", status="FINISHED"),
            lambda: store.log_batch("nope", params={"a": "1"}),
            lambda: store.delete_tag("nope", "k"),
            lambda: store.artifact_dir("nope"),
            lambda: store.purge_runs(["nope"]),
        ):
            with pytest.raises(RunNotFound, match="'nope'"):
                call()
        assert store.get_metric_history("nope", "m") == []

    def test_ending_resuming_and_renaming(self, store: Store, record: Recorder) -> None:
        run_id = record("a")
        store.update_run(run_id, status=RunStatus.FAILED, end_time=2000)
        info = store.get_run(run_id).info
        assert (info.status, info.start_time, info.end_time) == ("FAILED", 1000, 2000)
        store.update_run(run_id, status=RunStatus.RUNNING, process=current_process())
        store.update_run(run_id, run_name="new")
        info = store.get_run(run_id).info
        assert (info.status, info.end_time, info.run_name) == ("RUNNING", 2000, "new")

    def test_a_deleted_run_is_readable_but_not_writable(self, store: Store, record: Recorder) -> None:
        run_id = record("a", params={"p": "1"}, tags={"k": "v"})
        store.update_run(run_id, lifecycle_stage=LifecycleStage.DELETED)
        assert store.get_run(run_id).data.params == {"p": "1"}
        with pytest.raises(RunDeleted, match=run_id):
            store.log_batch(run_id, tags={"k": "w"})
        with pytest.raises(RunDeleted):
            store.delete_tag(run_id, "k")
        store.update_run(run_id, lifecycle_stage=LifecycleStage.ACTIVE)
        store.log_batch(run_id, tags={"k": "w"})

    def test_ids_are_found_by_prefix(self, store: Store, record: Recorder) -> None:
        for letter in "bca":
            record(letter)
        store.update_run("b" * 32, lifecycle_stage=LifecycleStage.DELETED)
        assert store.find_run_ids("bbbb") == ["b" * 32]
        assert [found[0] for found in store.find_run_ids("", limit=2)] == ["a", "b"]
        assert store.find_run_ids("%") == store.find_run_ids("B") == []

    def test_purging_removes_deleted_runs_with_their_files(self, store: Store, record: Recorder) -> None:
        kept, gone = record("a", metrics={"m": 1}), record("b", metrics={"m": 1}, tags={"k": "v"})
        folder = store.artifact_dir(gone)
        folder.mkdir(parents=True)
        (folder / "x.txt").write_text("x")
        with pytest.raises(InvalidValue, match="not in the trash"):
            store.purge_runs([gone])
        store.update_run(gone, lifecycle_stage=LifecycleStage.DELETED)
        with pytest.raises(InvalidValue, match="not in the trash"):
            store.purge_runs([gone, kept])
        assert folder.exists()
        store.purge_runs([gone])
        assert not folder.exists()
        assert store.find_run_ids("") == [kept]
        assert store.get_metric_histories([kept, gone])[gone] == {}
        assert store.check() == []


class TestValues:
    @pytest.mark.parametrize(
        "text", ["", " a ", "line\nline", "nul\0nul", "日本 🎉", "'; DROP TABLE runs; --", "9" * 6000]
    )
    def test_text_reads_back_as_it_was_written(self, store: Store, record: Recorder, text: str) -> None:
        run_id = record("a", params={"p": text}, tags={"t": text})
        record("b", params={"p": "x", "q": "y"})
        data = store.get_run(run_id).data
        assert (data.params, data.tags) == ({"p": text}, {"t": text})
        columns = store.search_run_columns(None, order_by=["attributes.run_id"])
        assert (columns.params["p"], columns.tags["t"]) == ([text, "x"], [text, None])

    def test_a_param_may_be_logged_again_but_not_changed(self, store: Store, record: Recorder) -> None:
        run_id = record("a", params={"p": "1"})
        store.log_batch(run_id, params={"p": "1", "q": "2"})
        with pytest.raises(ParamConflict, match=r"'p'.*'1'.*'2'"):
            store.log_batch(run_id, params={"new": "1", "p": "2"}, tags={"t": "1"}, metrics=[Metric("m", 1.0, 1)])
        data = store.get_run(run_id).data
        assert (data.params, data.tags, data.metrics) == ({"p": "1", "q": "2"}, {}, {})

    def test_names_of_a_refused_call_are_written_correctly_later(self, store: Store, record: Recorder) -> None:
        run_id = record("a", params={"p": "1"})
        with pytest.raises(ParamConflict):
            store.log_batch(run_id, params={"x": "1", "y": "2", "p": "2"}, metrics=[Metric("x", 1.0, 1)])
        other = record("b", params={"y": "b"}, metrics={"x": 3.0})
        assert store.get_run(other).data.params == {"y": "b"}
        assert store.get_run(other).data.metrics == {"x": 3.0}

    def test_tags_are_replaced_and_removed(self, store: Store, record: Recorder) -> None:
        run_id = record("a", tags={"a": "1", "b": "2"})
        store.log_batch(run_id, tags={"a": "3"})
        store.delete_tag(run_id, "b")
        assert store.get_run(run_id).data.tags == {"a": "3"}
        with pytest.raises(TagNotFound, match=r"'b'.*Its tags: a"):
            store.delete_tag(run_id, "b")

    def test_one_name_may_be_param_metric_and_tag(self, store: Store, record: Recorder) -> None:
        run_id = record("a", params={"x": "p"}, tags={"x": "t"}, metrics={"x": 1.0})
        data = store.get_run(run_id).data
        assert (data.params["x"], data.tags["x"], data.metrics["x"]) == ("p", "t", 1.0)

    def test_a_name_alone_renames(self, store: Store, record: Recorder) -> None:
        store.log_batch(record("a"), run_name="renamed")
        assert store.get_run("a" * 32).info.run_name == "renamed"
        store.update_run("a" * 32, lifecycle_stage=LifecycleStage.DELETED)
        with pytest.raises(RunDeleted):
            store.log_batch("a" * 32, run_name="again")

    @pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan, 0.1, 1e308, 5e-324, 2**53 + 2.0, -0.0])
    def test_any_float_reads_back_exactly(self, store: Store, record: Recorder, value: float) -> None:
        run_id = record("a", metrics={"m": value})
        (point,) = store.get_metric_history(run_id, "m")
        (column,) = store.search_run_columns(None).metrics["m"]
        for found in (point.value, store.get_run(run_id).data.metrics["m"], column):
            assert found == value or (math.isnan(found) and math.isnan(value))
            assert isinstance(found, float)

    def test_extreme_steps_and_beyond(self, store: Store, record: Recorder) -> None:
        run_id = record("a")
        store.log_batch(run_id, metrics=[Metric("m", 1.0, 1, 2**63 - 1), Metric("m", 2.0, 1, -(2**63))])
        assert store.get_run(run_id).data.metrics == {"m": 1.0}
        with pytest.raises(InvalidValue, match="64-bit"):
            store.log_batch(run_id, metrics=[Metric("n", 1.0, 1), Metric("m", 1.0, 1, 2**63)])
        assert store.get_metric_history(run_id, "n") == []

    def test_text_that_is_not_unicode_is_refused(self, store: Store, record: Recorder) -> None:
        run_id = record("a")
        with pytest.raises(InvalidValue, match="Unicode"):
            store.log_batch(run_id, params={"ok": "1", "bad": "\ud800"})
        assert store.get_run(run_id).data.params == {}

    @pytest.mark.parametrize(
        ("points", "latest"),
        [
            ([(0, 10, 1.0), (1, 5, 2.0)], 2.0),  # the greater step, though earlier
            ([(1, 5, 2.0), (0, 10, 1.0)], 2.0),
            ([(0, 10, 1.0), (0, 11, 0.5)], 0.5),  # the later one at the same step
            ([(0, 10, 1.0), (0, 10, 3.0), (0, 10, 2.0)], 3.0),  # the greatest at the same time
            ([(0, 10, math.nan), (0, 10, -5.0)], -5.0),  # NaN is less than any number
            ([(0, 10, -5.0), (0, 10, math.nan)], -5.0),
            ([(0, 10, -math.inf), (0, 10, math.nan)], -math.inf),
            ([(-3, 10, 1.0), (-2, 10, 0.0)], 0.0),
        ],
    )
    def test_the_latest_value_is_that_of_the_greatest_step_time_and_value(
        self, store: Store, record: Recorder, points: list[tuple[int, int, float]], latest: float
    ) -> None:
        run_id = record("a")
        for step, timestamp, value in points:
            store.log_batch(run_id, metrics=[Metric("m", value, timestamp, step)])
        assert store.get_run(run_id).data.metrics["m"] == latest

    def test_history_is_ordered_by_time_and_keeps_identical_points_once(self, store: Store, record: Recorder) -> None:
        run_id = record("a")
        points = [(3.0, 20, 0), (1.0, 10, 1), (2.0, 10, 0), (2.0, 10, 0), (0.5, 10, 0)]
        store.log_batch(run_id, metrics=[Metric("m", *point) for point in points])
        store.log_batch(run_id, metrics=[Metric("m", math.nan, 30), Metric("m", math.nan, 30)])
        history = store.get_metric_history(run_id, "m")
        assert [(p.timestamp, p.step, p.value) for p in history[:-1]] == [
            (10, 0, 0.5),
            (10, 0, 2.0),
            (10, 1, 1.0),
            (20, 0, 3.0),
        ]
        assert math.isnan(history[-1].value)
        by_step = store.get_metric_histories([run_id])[run_id]["m"]
        assert [(p.step, p.timestamp) for p in by_step] == [(0, 10), (0, 10), (0, 20), (0, 30), (1, 10)]

    def test_a_large_call_is_one_call(self, store: Store, record: Recorder) -> None:
        run_id = record("a")
        params = {f"p{i}": str(i) for i in range(3000)}
        store.log_batch(run_id, params=params, tags=params, metrics=[Metric("m", i, i, i) for i in range(5000)])
        data = store.get_run(run_id).data
        assert (data.params, data.tags, data.metrics) == (params, params, {"m": 4999.0})
        assert len(store.get_metric_history(run_id, "m")) == 5000


class TestSearch:
    @pytest.fixture(autouse=True)
    def _runs(self, store: Store, record: Recorder) -> None:
        other = store.create_experiment("other")
        record("a", start=1, metrics={"m": 1.0, "deep/x y": 1.0}, params={"alpha": "0.5", "solver": "svd"})
        record("b", start=2, metrics={"m": math.nan}, params={"alpha": "10", "solver": "SVD"}, tags={"t": "é*?["})
        record("c", start=3, metrics={"m": math.inf}, params={"alpha": "auto"}, tags={"t": "x'y"})
        record("d", start=4, experiment=other, params={"alpha": "1e-3"}, tags={"t": "5", "empty": ""})
        record("e", start=5, experiment=other, metrics={"m": -2.0}, params={"alpha": "inf"})
        store.update_run("e" * 32, status=RunStatus.FINISHED, end_time=9)

    @pytest.mark.parametrize(
        ("filter_string", "found"),
        [
            ("", "abcde"),
            ("metrics.m > 0", "ac"),
            ("metric.m <= -2.0", "e"),
            ("metrics.m != 1", "bce"),  # NaN differs; a run without m does not match
            ("metrics.m = 1 and run_name = 'run-a'", "a"),
            ("metrics.`deep/x y` = 1", "a"),
            ('metrics."deep/x y" >= 1e0', "a"),
            ("metrics.m IS NULL", "d"),
            ("metrics.m IN (1, -2)", "ae"),
            ("metrics.m NOT IN (1, -2)", "bc"),
            ("metrics.nothing > 0", ""),
            ("params.alpha < 1", "ad"),
            ("params.alpha <= 0.5 AND params.alpha > 0.01", "a"),
            ("params.alpha > 0", "abde"),
            ("params.alpha >= 10", "be"),
            ("params.alpha = 10.0", "b"),
            ("params.alpha != 10", "acde"),
            ("params.alpha IN (0.5, 0.001)", "ad"),
            ("params.alpha NOT IN (0.5, 0.001)", "bce"),
            ("params.alpha = '10'", "b"),
            ("params.alpha = '10.0'", ""),
            ("params.solver != 'svd'", "b"),
            ("NOT params.solver = 'svd'", "bcde"),
            ("params.solver LIKE 's%'", "a"),
            ("params.solver ILIKE 's_D'", "ab"),
            ("params.solver IS NOT NULL", "ab"),
            ("params.solver IN ('svd', 'SVD', 'x')", "ab"),
            ("params.solver NOT IN ('svd',)", "b"),
            ("tags.t LIKE '%*?['", "b"),
            ("tags.t LIKE '_*?['", "b"),
            ("tags.t ILIKE 'É%'", "b"),
            ('tags.t = "x\'y"', "c"),
            ("tags.t < 6", "d"),
            ("tags.empty = ''", "d"),
            ("tags.empty LIKE ''", "d"),
            ("tags.t IS NULL", "ae"),
            ("status = 'FINISHED'", "e"),
            ("status != 'FINISHED'", "abcd"),
            ("attributes.status LIKE 'RUN%'", "abcd"),
            ("end_time > 5", "e"),
            ("NOT end_time > 5", "abcd"),
            ("end_time IS NULL", "abcd"),
            ("end_time NOT IN (1)", "e"),
            ("start_time >= 2 AND created < 4", "bc"),
            ("user_id = 'ann' AND artifact_uri LIKE 'file:///%/0/%'", "abc"),
            ("`run name` ILIKE 'RUN-A'", "a"),
            ("attr.run_id IN ('" + "a" * 32 + "', 'x')", "a"),
            ("run.run_id NOT IN ('" + "a" * 32 + "')", "bcde"),
            ("metrics.m = 1 OR tags.t = '5' AND params.alpha < 1", "ad"),
            ("(metrics.m = 1 OR tags.t = '5') AND params.alpha < 0.1", "d"),
            ("NOT (metrics.m = 1 OR NOT params.alpha < 1)", "d"),
            ("datasets.name = 'x'", ""),
            ("NOT dataset.name = 'x'", "abcde"),
        ],
    )
    def test_a_filter_finds(self, store: Store, filter_string: str, found: str) -> None:
        assert letters(store.search_runs(None, filter_string=filter_string, order_by=["start_time ASC"])) == found

    @pytest.mark.parametrize(
        ("order_by", "found"),
        [
            ([], "edcba"),
            (["metrics.m"], "eacbd"),  # numbers, NaN, missing
            (["metrics.m DESC"], "caebd"),
            (["params.solver asc"], "baedc"),
            (["params.alpha DESC"], "ecdba"),
            (["tags.t", "start_time"], "dcbae"),
            (["end_time"], "edcba"),
            (["end_time DESC", "start_time ASC"], "eabcd"),
            (["attributes.status", "metrics.`deep/x y`", "run_id DESC"], "eadcb"),
        ],
    )
    def test_an_order_sorts_what_is_missing_last_in_both_directions(
        self, store: Store, order_by: list[str], found: str
    ) -> None:
        runs = store.search_runs(None, order_by=order_by)
        assert letters(runs) == found
        columns = store.search_run_columns(None, order_by=order_by)
        assert [run_id[0] for run_id in columns.info["run_id"]] == list(found)

    @pytest.mark.heavy
    def test_a_large_list_is_no_trouble(self, store: Store) -> None:
        listed = ", ".join(f"'{i}'" for i in range(10_000))
        assert letters(store.search_runs(None, filter_string=f"tags.t IN ({listed})")) == "d"
        numbers = ", ".join(map(str, range(2000)))
        assert letters(store.search_runs(None, filter_string=f"params.alpha IN ({numbers})")) == "b"
        ors = " OR ".join(f"metrics.m = {i}" for i in range(2000))
        assert letters(store.search_runs(None, filter_string=ors)) == "a"

    def test_pages_views_and_experiments(self, store: Store) -> None:
        store.update_run("a" * 32, lifecycle_stage=LifecycleStage.DELETED)
        assert letters(store.search_runs(None, max_results=2)) == "ed"
        assert letters(store.search_runs(None, max_results=2, offset=2)) == "cb"
        assert store.search_runs(None, max_results=0) == store.search_runs(None, max_results=-1) == []
        assert letters(store.search_runs(["0"], view_type=ViewType.ALL)) == "cba"
        assert letters(store.search_runs(None, view_type=ViewType.DELETED_ONLY)) == "a"
        assert store.search_runs(None, view_type=7) == []
        assert letters(store.search_runs(["1", "1", "99", "x"])) == "ed"
        assert store.search_runs([]) == []

    def test_columns_hold_the_same_as_runs(self, store: Store) -> None:
        runs = store.search_runs(None, order_by=["metrics.m"])
        columns = store.search_run_columns(None, order_by=["metrics.m"])
        assert columns.infos == [run.info for run in runs]
        for kind in ("params", "tags"):
            for key, column in getattr(columns, kind).items():
                assert column == [getattr(run.data, kind).get(key) for run in runs]
        for key, values in columns.metrics.items():
            expected = [run.data.metrics.get(key, math.nan) for run in runs]
            assert list(map(repr, values)) == list(map(repr, expected))
        assert set(columns.metrics) == {"m", "deep/x y"}

    def test_nothing_found_gives_empty_columns(self, store: Store) -> None:
        columns = store.search_run_columns(["99"])
        assert (columns.infos, columns.metrics, columns.params, columns.tags) == ([], {}, {}, {})

    def test_a_filter_that_cannot_be_read_is_refused(self, store: Store) -> None:
        with pytest.raises(FilterError):
            store.search_runs(None, filter_string="metrics.m >")
        with pytest.raises(FilterError):
            store.search_runs(None, order_by=["metrics.m", "metrics.m DESC"])


class TestTruth:
    """A run whose process is gone is KILLED, whatever its row says."""

    @pytest.fixture
    def dead(self) -> Process:
        alive = current_process()
        return Process(alive.host, alive.pid, alive.started + "0")  # the same number, given to another process

    def test_it_reads_as_killed_everywhere(self, store: Store, record: Recorder, dead: Process) -> None:
        record("a")
        record("b")
        record("c", process=dead)
        assert store.get_run("c" * 32).info.status == "KILLED"
        assert letters(store.search_runs(None, filter_string="status = 'KILLED'")) == "c"
        assert letters(store.search_runs(None, filter_string="status = 'RUNNING'", order_by=["run_id"])) == "ab"
        columns = store.search_run_columns(None, order_by=["status", "run_id"])
        assert columns.info["status"] == ["KILLED", "RUNNING", "RUNNING"]

    def test_check_names_it_and_repairs_it(self, store: Store, record: Recorder, dead: Process) -> None:
        record("a")
        record("b", process=dead)
        (problem,) = store.check()
        assert (problem.kind, problem.subject, problem.fixed) == ("stale run", "b" * 32, False)
        assert [problem.fixed for problem in store.check(fix=True)] == [True]
        assert store.check() == []

    def test_it_can_be_resumed_and_ended(self, store: Store, record: Recorder, dead: Process) -> None:
        run_id = record("a", process=dead)
        store.update_run(run_id, status=RunStatus.RUNNING, process=current_process())
        assert store.get_run(run_id).info.status == "RUNNING"
        store.update_run(run_id, status=RunStatus.FINISHED, end_time=3)
        assert store.get_run(run_id).info.status == "FINISHED"


class TestThreads:
    def test_many_threads_write_one_run_and_lose_nothing(self, store: Store, record: Recorder) -> None:
        run_id = record("a")

        def write(number: int) -> None:
            for step in range(50):
                store.log_batch(run_id, metrics=[Metric("m", number, 1, step)], params={f"p{number}.{step}": "x"})

        threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(store.get_metric_history(run_id, "m")) == 200
        assert len(store.get_run(run_id).data.params) == 200

    def test_of_rival_threads_one_sets_a_param(self, store: Store, record: Recorder) -> None:
        run_id = record("a")
        refused: list[ParamConflict] = []

        def write(value: str) -> None:
            try:
                store.log_batch(run_id, params={"p": value})
            except ParamConflict as conflict:
                refused.append(conflict)

        threads = [threading.Thread(target=write, args=(str(number),)) for number in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(refused) == 5

    def test_a_closed_store_can_be_used_again(self, store: Store) -> None:
        store.create_experiment("a")
        store.close()
        store.close()
        assert store.get_experiment("0").name == "Default"


@pytest.mark.parametrize("number", ["99999999999999999999", "-99999999999999999999", "1" + "0" * 400])
def test_whole_numbers_beyond_64_bits_are_compared_as_floats(store: Store, number: str) -> None:
    store.create_run("0", run_id="a", run_name="x", user_id="u", start_time=5, process=current_process(), tags={})
    store.log_batch("a", params={"p": "5"}, metrics=[Metric("m", 5.0, 1)])
    sign = ">" if number.startswith("-") else "<"
    for name in ("metrics.m", "params.p", "start_time"):
        assert len(store.search_runs(None, filter_string=f"{name} {sign} {number}")) == 1
        assert store.search_runs(None, filter_string=f"{name} IN (1, {number})") == []
