"""How a reference finds its run, and what is said when it does not."""

import pytest

from tracking.entities import LifecycleStage, Metric
from tracking.errors import ExperimentNotFound, InvalidValue, RunAmbiguous, RunNotFound
from tracking.records.ranking import objective
from tracking.records.refs import resolve_experiment, resolve_run, resolve_runs
from tracking.store.process import current_process
from tracking.stores import open_store


@pytest.fixture
def store(tmp_path):
    store = open_store(f"sqlite:///{tmp_path}/tracking.db")
    store.create_experiment("ridge")
    store.create_experiment("lasso")
    yield store
    store.close()


def record(store, run_id, name="run", *, start=0, experiment="ridge", metrics=None, status="FINISHED", tags=None):
    found = store.get_experiment_by_name(experiment)
    store.create_run(
        found.experiment_id,
        run_id=run_id,
        run_name=name,
        user_id="ada",
        start_time=start,
        process=current_process(),
        tags=tags or {},
    )
    store.log_batch(run_id, metrics=[Metric(key, value, 0) for key, value in (metrics or {}).items()])
    store.update_run(run_id, status=status, end_time=start + 1)


MINIMIZE = {"objective.metric": "rmse", "objective.direction": "minimize"}


def find(store, reference, **options):
    return resolve_run(store, reference, **options).info.run_id


def test_an_id_and_its_first_four_characters_name_a_run(store):
    record(store, "a93f5e")
    record(store, "b93f5e")

    assert find(store, "a93f5e") == find(store, "a93f") == "a93f5e"


def test_a_whole_id_wins_over_longer_ids_that_start_with_it(store):
    record(store, "a93f")
    record(store, "a93f5e")

    assert find(store, "a93f") == "a93f"


def test_three_characters_are_too_few_and_the_message_says_so(store):
    record(store, "a93f5e")

    with pytest.raises(RunNotFound, match="too short for an id: give 4 characters"):
        find(store, "a93")


@pytest.mark.parametrize("name", ["ridge alpha=0.1", "it's", 'say "it"', """both ' and \"""", "日本", "50%_x"])
def test_a_name_names_a_run(store, name):
    record(store, "a93f5e", name)
    record(store, "b93f5e", "bothx' and y" if "both" in name else "other")

    assert find(store, name) == "a93f5e"


def test_of_several_runs_of_one_name_it_is_the_newest_and_that_is_said(store):
    record(store, "a93f5e", "twin", start=1)
    record(store, "b93f5e", "twin", start=2)
    told = []

    assert find(store, "twin", tell=told.append) == "b93f5e"

    assert told == ["1 more run of the name 'twin': this is about the newest, b93f5e."]
    with pytest.warns(UserWarning, match="this is about the newest"):
        find(store, "twin")


def test_what_cannot_be_undone_takes_no_name_that_several_runs_have(store):
    record(store, "a93f5e", "twin", start=1)
    record(store, "b93f5e", "twin", start=2)

    with pytest.raises(RunAmbiguous, match=r"2 runs answer to 'twin': b93f5e \(twin\), a93f5e \(twin\). Give an id"):
        find(store, "twin", one_only=True)


def test_a_name_that_is_also_the_start_of_an_id_is_ambiguous(store):
    record(store, "beef00", "one")
    record(store, "a93f5e", "beef")

    with pytest.raises(RunAmbiguous, match="2 runs answer to 'beef'"):
        find(store, "beef")


def test_active_runs_are_meant_before_deleted_ones_unless_asked_otherwise(store):
    record(store, "a93f5e", "twin", start=1)
    record(store, "b93f5e", "twin", start=2)
    store.update_run("b93f5e", lifecycle_stage=LifecycleStage.DELETED)

    assert find(store, "twin") == "a93f5e"
    assert find(store, "twin", stage=LifecycleStage.DELETED) == "b93f5e"
    assert find(store, "b93f") == "b93f5e"
    assert find(store, "latest") == "a93f5e"
    assert find(store, "latest", stage=LifecycleStage.DELETED) == "b93f5e"


def test_a_name_means_the_run_itself_and_not_those_that_reproduce_it(store):
    record(store, "a93f5e", "ridge alpha=0.1")
    for number in range(25):
        record(store, f"b93f{number:02}", "ridge alpha=0.1", start=1 + number, tags={"reproduces": "a93f5e"})

    assert find(store, "ridge alpha=0.1") == "a93f5e"
    assert find(store, "b93f24") == "b93f24"
    with pytest.raises(RunAmbiguous, match="runs answer to 'b93f'"):
        find(store, "b93f")
    assert find(store, "latest") == "b93f24"


def test_a_name_that_only_repetitions_have_names_them(store):
    record(store, "b93f5e", "ridge", tags={"reproduces": "gone"})

    assert find(store, "ridge") == "b93f5e"


def test_a_run_that_is_there_comes_before_a_deleted_one_that_it_reproduces(store):
    record(store, "a93f5e", "ridge")
    record(store, "b93f5e", "ridge", tags={"reproduces": "a93f5e"})
    store.update_run("a93f5e", lifecycle_stage=LifecycleStage.DELETED)

    assert find(store, "ridge") == "b93f5e"
    assert find(store, "ridge", stage=LifecycleStage.DELETED) == "a93f5e"


def test_of_equally_good_runs_the_best_is_the_one_that_was_first(store):
    record(store, "b93f5e", metrics={"rmse": 1.0}, tags=MINIMIZE)
    record(store, "a93f5e", metrics={"rmse": 1.0}, start=5, tags=MINIMIZE | {"reproduces": "b93f5e"})

    assert find(store, "best") == "b93f5e"


def test_latest_counts_back_from_the_run_started_last(store):
    for number, run_id in enumerate(["a93f5e", "b93f5e", "c93f5e"]):
        record(store, run_id, start=number)

    assert [find(store, f"latest{back}") for back in ("", "~0", "~1", "~2")] == [
        "c93f5e",
        "c93f5e",
        "b93f5e",
        "a93f5e",
    ]
    with pytest.raises(RunNotFound, match="has 3 runs, the oldest is 'latest~2'"):
        find(store, "latest~3")


def test_latest_in_an_empty_store_says_how_to_record_a_run(store):
    with pytest.raises(RunNotFound, match=r"has no runs\. Record one: python -m runner"):
        find(store, "latest")


def test_best_follows_the_direction_of_the_objective(store):
    maximize = {"objective.metric": "r2", "objective.direction": "maximize"}
    record(store, "a93f5e", metrics={"rmse": 2.0}, tags=MINIMIZE, start=1)
    record(store, "b93f5e", metrics={"rmse": 1.0}, tags=MINIMIZE, start=2)
    record(store, "c93f5e", metrics={"r2": 0.1}, tags=maximize, experiment="lasso", start=3)
    record(store, "d93f5e", metrics={"r2": 0.9}, tags=maximize, experiment="lasso", start=4)

    assert find(store, "best:ridge") == "b93f5e"
    assert find(store, "best:lasso") == "d93f5e"
    assert find(store, "best") == "d93f5e"  # by the objective of the newest run


def scored(data, splits="s"):
    return MINIMIZE | {"fingerprint.data": data, "fingerprint.splits": splits}


def test_best_ranks_only_runs_scored_on_the_data_and_splits_of_the_newest_and_says_so(store):
    record(store, "a93f5e", metrics={"rmse": 0.1}, tags=scored("small numbers"), start=1)
    record(store, "b93f5e", metrics={"rmse": 60.0}, tags=scored("diabetes"), start=2)
    record(store, "c93f5e", metrics={"rmse": 50.0}, tags=scored("diabetes"), start=3)
    record(store, "d93f5e", metrics={"rmse": 20.0}, tags=scored("diabetes", "other folds"), start=2)
    record(store, "e93f5e", metrics={"rmse": 0.2}, tags=MINIMIZE, start=1)  # nobody knows on what
    record(store, "f93f5e", metrics={"rmse": 0.3}, tags=scored("diabetes"), status="FAILED", start=9)
    said = []

    assert find(store, "best", tell=said.append) == "c93f5e"
    assert find(store, "best:ridge", tell=said.append) == "c93f5e"
    assert [text.partition(",")[0] for text in said] == [
        "The runs of the store were scored on 4 different sets of data or splits",
        "The runs of experiment 'ridge' were scored on 4 different sets of data or splits",
    ]


def test_best_says_nothing_where_all_runs_were_scored_on_the_same(store):
    record(store, "a93f5e", metrics={"rmse": 2.0}, tags=scored('it\'s "so"'))
    record(store, "b93f5e", metrics={"rmse": 1.0}, tags=scored('it\'s "so"'))
    said = []

    assert find(store, "best", tell=said.append) == "b93f5e"
    assert said == []


def test_best_passes_over_failed_runs_and_values_that_are_no_number(store):
    record(store, "a93f5e", metrics={"rmse": 3.0}, tags=MINIMIZE)
    record(store, "b93f5e", metrics={"rmse": 1.0}, tags=MINIMIZE, status="FAILED")
    record(store, "c93f5e", metrics={"rmse": float("nan")}, tags=MINIMIZE)
    record(store, "d93f5e", metrics={"rmse": 0.1})

    assert find(store, "best") == "a93f5e"


def test_best_without_an_objective_says_which_tags_to_set(store):
    record(store, "a93f5e", metrics={"rmse": 3.0})

    with pytest.raises(RunNotFound, match=r"Tag the runs with objective\.metric"):
        find(store, "best:ridge")


def test_best_without_a_finished_run_says_so(store):
    record(store, "a93f5e", tags=MINIMIZE, status="FAILED")

    with pytest.raises(RunNotFound, match="no finished run has the objective 'rmse'"):
        find(store, "best")


def test_best_of_an_unknown_experiment_names_the_nearest(store):
    with pytest.raises(ExperimentNotFound, match=r"No experiment 'rigde'\. Nearest: 'ridge'"):
        find(store, "best:rigde")


def test_a_direction_that_is_none_is_refused(store):
    record(store, "a93f5e", tags={"objective.metric": "rmse", "objective.direction": "down"})

    with pytest.raises(InvalidValue, match=r"'down'\. Allowed: minimize, maximize"):
        objective(store.get_run("a93f5e"))


@pytest.mark.parametrize(
    ("reference", "nearest"), [("ridge alpha=0.2", "'ridge alpha=0.1'"), ("a93e", "'a93f5e'"), ("", "'ridge")]
)
def test_an_unknown_run_names_the_nearest(store, reference, nearest):
    record(store, "a93f5e", "ridge alpha=0.1")
    record(store, "b0b0b0", "elasticnet")

    with pytest.raises(RunNotFound, match=f"Nearest: {nearest}.*See: python -m tracking runs"):
        find(store, reference)


def test_experiments_are_found_by_name_before_id(store):
    store.create_experiment("1")

    assert resolve_experiment(store, "1").name == "1"
    assert resolve_experiment(store, "2").name == "lasso"


def test_several_references_keep_their_order(store):
    record(store, "a93f5e", start=1)
    record(store, "b93f5e", start=2)

    assert [run.info.run_id for run in resolve_runs(store, ["latest", "a93f"])] == ["b93f5e", "a93f5e"]


def test_of_runs_that_start_in_one_millisecond_the_one_recorded_last_is_the_latest(store):
    for letter in "cadbe":
        store.create_run(
            "0", run_id=letter * 32, run_name=letter, user_id="u", start_time=9**15, process=current_process(), tags={}
        )
    assert [resolve_run(store, f"latest~{back}").info.run_name for back in range(5)] == ["e", "b", "d", "a", "c"]
