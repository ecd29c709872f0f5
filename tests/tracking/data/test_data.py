"""Data sets of a run: described by from_pandas and from_numpy, recorded by log_input, read and searched."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import tracking
import tracking.data
from tracking.data.pandas_dataset import PandasDataset
from tracking.entities import DatasetInput, InputTag
from tracking.errors import ArtifactNotFound, InvalidType, InvalidValue


@pytest.fixture
def frame() -> pd.DataFrame:
    return pd.DataFrame({"a": [1.0, 2.0], "b": ["x", "y"], "t": [0, 1]})


def test_what_log_input_says_is_read_from_the_run(frame: pd.DataFrame) -> None:
    dataset = tracking.data.from_pandas(frame, source="data.csv", targets="t", name="mine")
    with tracking.start_run() as run:
        tracking.log_input(dataset, context="training", tags={"kind": "clean"})

    (given,) = tracking.get_run(run.info.run_id).inputs.dataset_inputs

    assert (given.dataset.name, given.dataset.digest, given.dataset.source_type) == ("mine", dataset.digest, "local")
    assert json.loads(given.dataset.profile or "") == {"num_rows": 2, "num_elements": 6}
    assert json.loads(given.dataset.schema or "")["mlflow_colspec"][1] == {
        "name": "b",
        "required": True,
        "type": "string",
    }
    assert {tag.key: tag.value for tag in given.tags} == {"kind": "clean", "mlflow.data.context": "training"}
    assert isinstance(dataset, PandasDataset)


# Computed with MLflow 3.17.2. Cells and names change a digest; the target's name, the source and the name do not.
@pytest.mark.parametrize(
    ("dataset", "digest"),
    [
        (lambda: tracking.data.from_pandas(pd.DataFrame({"a": [1.0, 2], "b": ["x", "y"], "t": [0, 1]})), "8758705b"),
        (lambda: tracking.data.from_numpy(np.arange(6).reshape(3, 2), targets=np.arange(3)), "fa07b5e8"),
        (lambda: tracking.data.from_numpy({"a": np.arange(6)}), "976a84d4"),
    ],
)
def test_digests_are_those_of_mlflow(dataset: Any, digest: str) -> None:
    assert dataset().digest == digest


def test_arrays_say_their_shapes_and_types() -> None:
    dataset = tracking.data.from_numpy(np.zeros((3, 2)), targets=np.arange(3, dtype="int64"))

    assert dataset.profile == {
        **{"features_shape": (3, 2), "features_size": 6, "features_nbytes": 48},
        **{"targets_shape": (3,), "targets_size": 3, "targets_nbytes": 24},
    }
    schema = json.loads(dataset.to_dict()["schema"] or "")["mlflow_tensorspec"]
    assert json.loads(schema["features"])[0]["tensor-spec"] == {"dtype": "float64", "shape": [-1, 2]}


def test_the_same_data_given_again_replace_what_they_were_for_and_others_are_added(frame: pd.DataFrame) -> None:
    with tracking.start_run() as run:
        tracking.log_input(tracking.data.from_pandas(frame, name="one"), context="training")
        tracking.log_inputs(
            [tracking.data.from_pandas(frame, name="one"), tracking.data.from_pandas(frame, name="two")],
            contexts=["testing", None],
        )

    inputs = tracking.get_run(run.info.run_id).inputs.dataset_inputs

    assert sorted((given.dataset.name, [tag.value for tag in given.tags]) for given in inputs) == [
        ("one", ["testing"]),
        ("two", []),
    ]


def test_a_table_too_wide_for_a_tag_is_recorded_without_its_columns() -> None:
    wide = pd.DataFrame(np.zeros((2, 2000)), columns=[f"column {n}" for n in range(2000)])
    with tracking.start_run() as run:
        tracking.log_input(tracking.data.from_pandas(wide))

    (given,) = tracking.get_run(run.info.run_id).inputs.dataset_inputs

    assert given.dataset.schema is None
    assert json.loads(given.dataset.profile or "")["num_elements"] == 4000


def test_the_data_of_the_runner_are_inputs_too() -> None:
    tags = {"data.name": "wine", "fingerprint.data": "v2:abc", "data.shape": "178x13"}
    with tracking.start_run(tags=tags) as run:
        pass

    (given,) = tracking.get_run(run.info.run_id).inputs.dataset_inputs

    assert (given.dataset.name, given.dataset.digest) == ("wine", "v2:abc")
    assert list(given.tags) == [InputTag("mlflow.data.context", "training")]


@pytest.mark.parametrize(
    ("filter_string", "found"),
    [
        ("dataset.name = 'mine'", ["given"]),
        ("datasets.name LIKE 'w%'", ["recorded"]),
        ("dataset.context = 'testing'", ["given"]),
        ("dataset.context = 'training'", ["recorded"]),
        ("dataset.digest = 'v2:abc' OR dataset.digest = '8758705b'", ["given", "recorded"]),
        ("dataset.name IS NULL", ["none"]),
        ("dataset.name IS NOT NULL", ["given", "recorded"]),
        ("NOT dataset.name = 'mine'", ["none", "recorded"]),
    ],
)
def test_runs_are_found_by_their_data(frame: pd.DataFrame, filter_string: str, found: list[str]) -> None:
    with tracking.start_run(run_name="none"):
        pass
    with tracking.start_run(run_name="given"):
        tracking.log_input(tracking.data.from_pandas(frame, name="mine"), context="testing")
    with tracking.start_run(run_name="recorded", tags={"data.name": "wine", "fingerprint.data": "v2:abc"}):
        pass

    runs = tracking.search_runs(filter_string=filter_string, output_format="list")

    assert sorted(run.info.run_name for run in runs) == found


def test_data_are_loaded_from_where_a_run_says_they_are(frame: pd.DataFrame, tmp_path: Path) -> None:
    file = tmp_path / "data.csv"
    frame.to_csv(file, index=False)
    with tracking.start_run() as run:
        tracking.log_input(tracking.data.from_pandas(frame, source=file.as_uri()))
    (given,) = tracking.get_run(run.info.run_id).inputs.dataset_inputs
    source = tracking.data.get_source(given)

    assert pd.read_csv(source.load()).equals(frame)

    file.unlink()
    with pytest.raises(ArtifactNotFound, match="not there any more"):
        source.load()


def test_data_that_a_program_made_say_so(frame: pd.DataFrame) -> None:
    source = tracking.data.get_source(tracking.data.from_pandas(frame))

    assert source.to_dict()["tags"]["mlflow.source.type"] == "LOCAL"
    with pytest.raises(InvalidValue, match="give from_pandas or from_numpy a source"):
        source.load()


@pytest.mark.parametrize(
    ("wrong", "error", "said"),
    [
        (lambda frame: tracking.data.from_pandas([1]), InvalidType, "takes a DataFrame"),
        (lambda frame: tracking.data.from_pandas(frame, targets="y"), InvalidValue, "It has: a, b, t"),
        (lambda frame: tracking.data.from_pandas(frame, source="ftp://x"), InvalidValue, "neither a path nor"),
        (lambda frame: tracking.data.from_numpy(frame, name="x"), InvalidType, "from_pandas"),
        (lambda frame: tracking.log_input(frame, "x"), InvalidType, "from_pandas or from_numpy returns"),
        (lambda frame: tracking.log_inputs([], ["training"]), InvalidValue, "give one for each"),
        (lambda frame: tracking.data.from_spark(frame, "x"), AttributeError, "MLflow's names that are not here"),
    ],
)
def test_what_is_wrong_is_said(frame: pd.DataFrame, wrong: Any, error: type[Exception], said: str) -> None:
    with tracking.start_run(), pytest.raises(error, match=said):
        wrong(frame)


def test_a_client_takes_entities(frame: pd.DataFrame) -> None:
    client = tracking.MlflowClient()
    run_id = client.create_run("0").info.run_id
    entity = tracking.data.from_pandas(frame).entity()

    client.log_inputs(run_id, [DatasetInput(entity, [InputTag("mlflow.data.context", "x")])])

    assert client.get_run(run_id).inputs.dataset_inputs[0].dataset == entity
