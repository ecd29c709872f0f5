"""Signatures: inferred as MLflow 3.17 infers them; the expected texts are what it gave for the same objects."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse

import tracking
from tracking.errors import InvalidType, InvalidValue
from tracking.models import ModelSignature, infer_signature
from tracking.types import ColSpec, Schema, TensorSpec

X = np.arange(20.0).reshape(10, 2)

INFERRED: dict[str, tuple[Callable[[], Any], str]] = {
    "array": (lambda: X, '[{"type": "tensor", "tensor-spec": {"dtype": "float64", "shape": [-1, 2]}}]'),
    "float32, three axes": (
        lambda: np.array([1, 2], np.float32).reshape(1, 2, 1),
        '[{"type": "tensor", "tensor-spec": {"dtype": "float32", "shape": [-1, 2, 1]}}]',
    ),
    "texts": (lambda: np.array(["a", "b"]), '[{"type": "tensor", "tensor-spec": {"dtype": "str", "shape": [-1]}}]'),
    "sparse": (
        lambda: scipy.sparse.csr_matrix(X),
        '[{"type": "tensor", "tensor-spec": {"dtype": "float64", "shape": [-1, 2]}}]',
    ),
    "frame": (
        lambda: pd.DataFrame(
            {
                "a": [1, 2, 3],
                "b": [1.0, None, 2.0],
                "c": ["x", "y", None],
                "d": pd.to_datetime(["2020-01-01"] * 3),
                "e": [True, False, True],
            }
        ),
        '[{"type": "long", "name": "a", "required": true}, {"type": "double", "name": "b", "required": false}, '
        '{"type": "string", "name": "c", "required": false}, {"type": "datetime", "name": "d", "required": true}, '
        '{"type": "boolean", "name": "e", "required": true}]',
    ),
    "nullable types": (
        lambda: pd.DataFrame(
            {
                "a": pd.array([1, 2], "Int64"),
                "s": pd.array(["a", None], "string"),
                "b": pd.array([True, None], "boolean"),
            }
        ),
        '[{"type": "long", "name": "a", "required": true}, {"type": "string", "name": "s", "required": false}, '
        '{"type": "boolean", "name": "b", "required": false}]',
    ),
    "objects": (
        lambda: pd.DataFrame(
            {"a": np.array([True, None], object), "d": [datetime.date(2020, 1, 1)] * 2, "y": [b"x", b"y"]}
        ),
        '[{"type": "boolean", "name": "a", "required": false}, {"type": "datetime", "name": "d", "required": true}, '
        '{"type": "binary", "name": "y", "required": true}]',
    ),
    "zones": (
        lambda: pd.DataFrame({"tz": pd.to_datetime(["2020", "2021"], utc=True)}),
        '[{"type": "datetime", "name": "tz", "required": true}]',
    ),
    "categories": (
        lambda: pd.DataFrame({"a": pd.Categorical(["x", "y"])}),
        '[{"type": "string", "name": "a", "required": true}]',
    ),
    "numbers as names": (
        lambda: pd.DataFrame({0: [1.0], 1: [2.0]}),
        '[{"type": "double", "name": 0, "required": true}, {"type": "double", "name": 1, "required": true}]',
    ),
    "empty column": (
        lambda: pd.DataFrame({"n": [None, None]}),
        '[{"type": "any", "name": "n", "required": false}]',
    ),
    "series": (lambda: pd.Series([1.0, 2.0], name="q"), '[{"type": "double", "name": "q", "required": true}]'),
    "list": (lambda: [1, 2, 3], '[{"type": "long", "required": true}]'),
    "lists": (lambda: [[1, 2], [3, 4]], '[{"type": "array", "items": {"type": "long"}, "required": true}]'),
    "text": (lambda: "text", '[{"type": "string", "required": true}]'),
    "dictionary": (
        lambda: {"a": 1.5, "b": ["x", "y"]},
        '[{"type": "double", "name": "a", "required": true}, '
        '{"type": "array", "items": {"type": "string"}, "name": "b", "required": true}]',
    ),
}


@pytest.mark.parametrize("name", INFERRED)
def test_a_signature_is_what_mlflow_infers(name: str) -> None:
    make, expected = INFERRED[name]

    assert infer_signature(make()).to_dict()["inputs"] == expected


def test_parameters_keep_their_defaults() -> None:
    signature = infer_signature(X, params={"alpha": 0.1, "n": [1, 2]})

    assert signature.to_dict()["params"] == (
        '[{"name": "alpha", "default": 0.1, "shape": null, "type": "double"}, '
        '{"name": "n", "default": [1, 2], "shape": [-1], "type": "long"}]'
    )


def test_what_has_no_name_is_of_any_type_and_the_other_columns_keep_theirs() -> None:
    frame = pd.DataFrame({"mixed": np.array([1, "x"], object), "time": pd.to_timedelta([1, 2]), "b": [1.0, 2.0]})

    columns = json.loads(infer_signature(frame).to_dict()["inputs"] or "")
    assert [column["type"] for column in columns] == ["any", "any", "double"]


@pytest.mark.parametrize("name", INFERRED)
def test_a_signature_is_read_back_as_it_was(name: str) -> None:
    signature = infer_signature(INFERRED[name][0](), X[:, 0], params={"alpha": 0.5})

    assert ModelSignature.from_dict(signature.to_dict()).to_dict() == signature.to_dict()


def test_a_schema_can_be_written_by_hand() -> None:
    schema = Schema([ColSpec("double", "a"), ColSpec("string", "b", required=False)])

    assert schema.input_names() == ["a", "b"]
    assert Schema.from_json(schema.to_json()) == schema
    assert Schema([TensorSpec(np.dtype("float64"), (-1, 2))]).is_tensor_spec()
    with pytest.raises(InvalidValue, match="'number'"):
        ColSpec("number", "a")


def test_nothing_is_inferred_from_an_object() -> None:
    with pytest.raises(InvalidType, match="object"):
        infer_signature(object())


def test_the_signature_of_an_example_has_what_the_model_predicts() -> None:
    from sklearn.linear_model import LinearRegression

    frame = pd.DataFrame({"a": [1.0, 2.0], "b": [2.0, 1.0]})
    with tracking.start_run():
        info = tracking.sklearn.log_model(LinearRegression().fit(frame, [1.0, 2.0]), input_example=frame)

    assert info.signature is not None
    assert info.signature.inputs is not None
    assert info.signature.inputs.input_names() == ["a", "b"]
    assert info.signature.outputs is not None
    assert (
        info.signature.outputs.to_json() == '[{"type": "tensor", "tensor-spec": {"dtype": "float64", "shape": [-1]}}]'
    )


def test_an_example_is_kept_as_it_was() -> None:
    from tracking.models import Model

    frame = pd.DataFrame({"a": [0.1, 1 / 3], "b": ["x", None], "c": pd.to_datetime(["2020-01-01", None])})
    tracking.sklearn.save_model(int, "saved", input_example=frame, signature=False)

    back = Model.load("saved").load_input_example()
    assert back["a"].tolist() == [0.1, 1 / 3]
    assert back.astype(object).where(back.notna(), None)["b"].tolist() == ["x", None]
    assert pd.to_datetime(back["c"]).equals(frame["c"].astype(pd.to_datetime(back["c"]).dtype))
    assert Model.load("saved").signature is None
