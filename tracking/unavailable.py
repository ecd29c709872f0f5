"""Public names of MLflow that are not here, each with what to use instead."""

from __future__ import annotations

from typing import Final

from tracking.errors import TrackingError


class Unavailable(TrackingError, AttributeError):
    """A name of MLflow that is not here."""

    error_code = "NOT_IMPLEMENTED"


_TRACES = "There are no traces here; MLflow itself records them."
_PROMPTS = "There are no prompts and no language models here; MLflow itself has them."
_FLAVOUR = "Save the model with its own library and log the file: log_artifact."
_LOGGED = "A model is a folder of its run: log_model returns its address, `runs:/<run id>/model`."
_SYSTEM = "The load of the machine is not recorded."

_NAMES: Final[dict[str, str]] = {
    _TRACES: "add_trace delete_assessment delete_trace_tag flush_trace_async_logging get_active_trace_id get_assessment"
    " get_current_active_span get_last_active_trace_id get_trace log_assessment log_expectation log_feedback log_issue"
    " log_trace override_feedback search_sessions search_traces set_trace_tag start_span start_span_no_context trace"
    " tracing update_assessment update_current_trace otel",
    _PROMPTS: "ag2 agent agno anthropic autogen bedrock crewai delete_prompt_alias dspy gateway gemini genai groq"
    " haystack langchain litellm llama_index load_prompt mistral openai prompt pydantic_ai register_prompt"
    " search_prompts semantic_kernel set_prompt_alias smolagents strands txtai",
    _FLAVOUR: "diffusers h2o johnsnowlabs keras onnx paddle pmdarima prophet pyspark pytorch sentence_transformers shap"
    " spacy spark statsmodels tensorflow transformers rfunc",
    _LOGGED: "ActiveModel clear_active_model create_external_model delete_logged_model_tag finalize_logged_model"
    " get_active_model_id get_logged_model initialize_logged_model last_logged_model log_model_params log_outputs"
    " search_logged_models set_active_model set_logged_model_tags",
    _SYSTEM: "disable_system_metrics_logging enable_system_metrics_logging set_system_metrics_node_id"
    " set_system_metrics_samples_before_logging set_system_metrics_sampling_interval system_metrics",
    "Compute the scores with sklearn.metrics and record them: log_metrics.": "evaluate",
    "Use log_figure, or log_artifact for a file.": "log_image Image",
    "Use log_dict, or write a file and log_artifact.": "log_table log_stream",
    "Use tracking.artifacts.load_dict, or search_runs, which returns a frame.": "load_table",
    "An experiment is a config: python -m runner.": "projects run",
    "There is one store for runs and models: set_tracking_uri.": "set_registry_uri get_registry_uri",
    "There are no workspaces: each store is a file of its own, set_tracking_uri.": "create_workspace delete_workspace"
    " get_workspace list_workspaces set_workspace update_workspace",
    "Nothing is logged asynchronously: every call has recorded when it returns.": "flush_artifact_async_logging",
    "A store is a file: there is nothing to log in to.": "login",
    "See: python -m tracking check": "doctor",
    "Compare the metrics of the run: get_run(run_id).data.metrics.": "validate_evaluation_results MetricThreshold"
    " EvaluationArtifact make_metric EvaluationMetric list_evaluators",
    "A model is served by MLflow: mlflow models serve -m FOLDER, which reads the folders written here.": "build_docker"
    " FlavorBackend convert_input_example_to_serving_input validate_serving_input set_retriever_schema",
    "Give the signature to log_model.": "set_signature validate_schema set_model",
    "Give the requirements to log_model: pip_requirements.": "infer_pip_requirements update_model_requirements"
    " add_libraries_to_model",
}
_NAMES["Make a frame of it: from_pandas."] = "from_huggingface from_spark from_tensorflow from_polars load_delta"
INSTEAD: Final = {name: sentence for sentence, names in _NAMES.items() for name in names.split()}


def missing(module: str, name: str) -> AttributeError:
    """Return what to raise for a name that a module lacks: with a sentence where MLflow has it."""
    if name in INSTEAD:
        return Unavailable(f"{module}.{name} is one of MLflow's names that are not here. {INSTEAD[name]}")
    return AttributeError(f"module {module!r} has no attribute {name!r}")
