"""What is to be written of a model: made out of the model and MLflow's keywords, before anything is written."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, TypedDict

from tracking.errors import InvalidType, TrackingError
from tracking.models.examples import Example, example_of
from tracking.models.flavours import Written, written
from tracking.models.python_model import PythonModel
from tracking.models.requirements import given_requirements, infer_requirements, require
from tracking.models.signature import ModelSignature, infer_signature
from tracking.validation import shorten


class Further(TypedDict, total=False):
    """What may be said of a model by keyword only; the keywords are MLflow's, but for `compress`."""

    pip_requirements: Any  # these instead of what would be inferred
    extra_pip_requirements: Any
    metadata: Mapping[str, Any] | None
    compress: int  # 0 to 9: above 0 the file is one of joblib
    pyfunc_predict_fn: str
    params: Mapping[str, Any] | None  # these four are kept in the metadata
    tags: Mapping[str, Any] | None
    model_type: str | None
    step: int | None
    await_registration_for: int | None  # there is nothing to wait for


class Options(Further, total=False):
    """All that may be said of a model that is saved."""

    conda_env: Any  # its pip section
    code_paths: Sequence[str] | None  # files and folders that are copied along
    serialization_format: str  # pickle, cloudpickle, skops, joblib
    signature: ModelSignature | bool | None  # False: do not infer one from the example
    input_example: Any
    artifacts: Mapping[str, str] | None  # of a PythonModel: files and folders that are copied along, by name


OPTIONS: Final = (*Further.__annotations__, *Options.__annotations__)


@dataclass(frozen=True, slots=True)
class Saved:
    """What was said of a model, made out."""

    model: Written
    requirements: str
    signature: ModelSignature | None
    example: Example | None
    metadata: Mapping[str, Any] | None
    code_paths: Sequence[str]


def describe(model: Any, flavour: str, options: Options) -> Saved:
    """Make out what is to be written of a model. Raises InvalidValue, InvalidType."""
    given = _named(**options)
    with pickling(model):
        parts = written(
            model,
            flavour,
            format=given.get("serialization_format") or "pickle",
            compress=given.get("compress") or 0,
            predict=given.get("pyfunc_predict_fn") or "predict",
            artifacts=given.get("artifacts"),
        )
    example = given.get("input_example")
    signature = given.get("signature")
    if flavour != "python_function" and given.get("artifacts"):
        raise InvalidType("Only a PythonModel takes artifacts. Files beside a model: log_artifact.")
    if signature is None and example is not None and not isinstance(example, Example):
        signature = _infer(model, example)
    if signature is not None and not isinstance(signature, ModelSignature | bool):
        raise InvalidType(f"A signature is what infer_signature returns, not {shorten(signature)}.")
    signature = signature if isinstance(signature, ModelSignature) else None
    more = {name: given.get(name) for name in ("params", "tags", "model_type", "step") if given.get(name) is not None}
    metadata = given.get("metadata")
    return Saved(
        parts,
        _requirements(model, parts, signature, given),
        signature,
        None if example is None else example_of(example),
        {**(metadata or {}), **more} if more else metadata,
        given.get("code_paths") or (),
    )


def _named(**options: Any) -> dict[str, Any]:
    unknown = [name for name in options if name not in OPTIONS]
    if unknown:
        raise InvalidType(f"log_model and save_model take no {unknown[0]!r}. They take: {', '.join(OPTIONS)}.")
    return options


def _infer(model: Any, example: Any) -> ModelSignature | None:
    try:
        return infer_signature(example, _output(model, example))
    except Exception as problem:  # predict runs the model's code
        warnings.warn(f"No signature was inferred from the input example: {problem}", stacklevel=5)
        return None


def _output(model: Any, example: Any) -> Any:
    if isinstance(model, PythonModel):
        return None  # its predict may need the artifacts
    return model.predict(example) if hasattr(model, "predict") else None


def _requirements(model: Any, parts: Written, signature: ModelSignature | None, given: Mapping[str, Any]) -> str:
    lines, extra = given_requirements(
        given.get("pip_requirements"), given.get("extra_pip_requirements"), given.get("conda_env")
    )
    if lines is None:
        frames = signature is not None and signature.inputs is not None and signature.inputs.has_input_names()
        lines = sorted({*infer_requirements(model, frames=frames), *require(parts.requirements)})
    return "".join(f"{line}\n" for line in [*lines, *extra])


@contextmanager
def pickling(model: Any) -> Iterator[None]:
    """Turn what the block raises while a model is written into InvalidType; errors of files stay as they are."""
    try:
        yield
    except (OSError, TrackingError):
        raise
    except Exception as problem:  # pickling runs the code of the model's classes
        raise InvalidType(
            f"The model {shorten(model)} cannot be saved: {problem}. Lambdas and local classes cannot be pickled; "
            "define them at the top of a module."
        ) from problem
