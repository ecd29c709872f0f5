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

_GATEWAY = "There is no gateway to language models here; MLflow itself has one."
_INNER = "It is part of MLflow's own machinery, of which nothing is needed here."
_HOOKS = "A store is a file and calls nobody: run a command after yours, as `python -m tracking watch`."
_REGISTRY = "The registry here has no such verb: make a new version with register_model, or delete the model."
_LISTED = "See: python -m tracking runs"
_DATA_SETS = "A data set is an input of runs: log_input, and search_runs finds it by dataset.name."

# A sentence -> the names that it is said of, in whatever module of MLflow they are.
_NAMES: Final[dict[str, str]] = {
    _TRACES: "add_trace delete_assessment delete_trace_tag flush_trace_async_logging get_active_trace_id get_assessment"
    " get_current_active_span get_last_active_trace_id get_trace log_assessment log_expectation log_feedback log_issue"
    " log_trace override_feedback search_sessions search_traces set_trace_tag start_span start_span_no_context trace"
    " tracing update_assessment update_current_trace otel Assessment AssessmentError AssessmentSource"
    " AssessmentSourceType Expectation Feedback Issue IssueReference IssueSeverity IssueStatus Link LiveSpan NoOpSpan"
    " ScorerVersion Session Span SpanEvent SpanLogLevel SpanStatus SpanStatusCode SpanType Trace TraceArchivalConfig"
    " TraceData TraceInfo TraceLocation TraceLocationType TraceState MlflowExperimentLocation InferenceTableLocation"
    " UCSchemaLocation UnityCatalog MlflowTracingException MlflowTraceDataException MlflowTraceDataNotFound"
    " MlflowTraceDataCorrupted MlflowTraceArchivalMalformedTrace delete_traces end_span end_trace start_trace"
    " link_traces_to_run unlink_traces_from_run evaluation telemetry error_classification",
    _PROMPTS: "ag2 agent agno anthropic autogen bedrock crewai delete_prompt_alias dspy gemini genai"
    " groq haystack langchain litellm llama_index load_prompt mistral openai prompt pydantic_ai register_prompt"
    " search_prompts semantic_kernel set_prompt_alias smolagents strands txtai Prompt ChatAgent ChatModel"
    " ResponsesAgent Document create_prompt create_prompt_version delete_prompt delete_prompt_tag"
    " delete_prompt_version delete_prompt_version_tag detach_prompt_from_run get_prompt get_prompt_version"
    " get_prompt_version_by_alias link_prompt_version_to_model link_prompt_version_to_run link_prompt_versions_to_trace"
    " list_logged_prompts parse_prompt_uri search_prompt_versions set_prompt_tag set_prompt_version_tag ai_commands"
    " assistant claude_code typesafe update_signature_for_type_hint_from_example",
    _GATEWAY: "gateway deployments BudgetAction BudgetDuration BudgetDurationUnit BudgetTargetScope BudgetUnit"
    " ConnectOptionSettings FallbackConfig FallbackStrategy GatewayBudgetPolicy GatewayEndpoint GatewayEndpointBinding"
    " GatewayEndpointModelConfig GatewayEndpointModelMapping GatewayEndpointTag GatewayGuardrail GatewayGuardrailConfig"
    " GatewayModelDefinition GatewayModelLinkageType GatewayResourceType GatewaySecretInfo GuardrailAction"
    " GuardrailStage RoutingStrategy MCPAccessEndpoint MCPRemoteTransportType MCPServer MCPServerVersion MCPStatus"
    " MCPTool mcp create_mcp_access_endpoint create_mcp_server create_mcp_server_version delete_mcp_access_endpoint"
    " delete_mcp_server delete_mcp_server_alias delete_mcp_server_tag delete_mcp_server_version"
    " delete_mcp_server_version_tag get_latest_mcp_server_version get_mcp_access_endpoint get_mcp_server"
    " get_mcp_server_version get_mcp_server_version_by_alias refresh_mcp_server_version_tools"
    " search_mcp_access_endpoints search_mcp_server_versions search_mcp_servers set_mcp_server_alias set_mcp_server_tag"
    " set_mcp_server_version_tag update_mcp_access_endpoint update_mcp_server update_mcp_server_version",
    _FLAVOUR: "diffusers h2o johnsnowlabs keras onnx paddle pmdarima prophet pyspark pytorch sentence_transformers shap"
    " spacy spark statsmodels tensorflow transformers rfunc spark_udf DBConnectArtifactCache archive_directory"
    " extract_archive_to_dir",
    _LOGGED: "ActiveModel clear_active_model create_external_model delete_logged_model_tag finalize_logged_model"
    " get_active_model_id get_logged_model initialize_logged_model last_logged_model log_model_params log_outputs"
    " search_logged_models set_active_model set_logged_model_tags LoggedModel LoggedModelInput LoggedModelOutput"
    " LoggedModelParameter LoggedModelStatus LoggedModelTag create_logged_model delete_logged_model"
    " list_logged_model_artifacts log_model_artifact log_model_artifacts import_checkpoints ModelConfig"
    " set_prediction_context Context",
    _SYSTEM: "disable_system_metrics_logging enable_system_metrics_logging set_system_metrics_node_id"
    " set_system_metrics_samples_before_logging set_system_metrics_sampling_interval system_metrics",
    _DATA_SETS: "add_dataset_to_experiments create_dataset delete_dataset delete_dataset_tag get_dataset"
    " remove_dataset_from_experiments search_datasets set_dataset_tags DatasetRecord DatasetRecordSource"
    " DatasetRecordSourceType EntityAssociationType get_dataset_source_from_json get_registered_sources",
    _HOOKS: "Webhook WebhookEvent WebhookStatus WebhookTestResult create_webhook delete_webhook get_webhook"
    " list_webhooks test_webhook update_webhook webhooks",
    _REGISTRY: "copy_model_version rename_registered_model delete_model_version_tag delete_registered_model_tag",
    _LISTED: "cli runs experiments db",
    _INNER: "azure config demo environment_variables legacy_databricks_cli mismatch ml_package_versions protos pytest"
    " server test utils version ExecutionException InvalidUrlException MissingConfigException"
    " MlflowNotImplementedException get_error_code",
    "It has no tracking of its own here: log_metric in the objective function.": "optuna",
    "Copy the model's folder there, or push it to an MLflow server first.": "sagemaker",
    "The scores are scikit-learn's, and evaluate reads them by itself.": "metrics",
    "Make a frame of it: from_pandas.": "from_huggingface from_polars from_spark from_tensorflow load_delta",
    "Use log_figure, or log_artifact for a file.": "log_image Image load_image",
    "Use log_dict, or write a file and log_artifact.": "log_table log_stream",
    "Use tracking.artifacts.load_dict, or search_runs, which returns a frame.": "load_table",
    "An experiment is a config: python -m runner.": "projects run SourceType",
    "There is one store for runs and models: set_tracking_uri.": "set_registry_uri get_registry_uri",
    "There are no workspaces: each store is a file of its own, set_tracking_uri.": "create_workspace delete_workspace"
    " get_workspace list_workspaces set_workspace update_workspace get_workspace_store_uri Workspace"
    " WorkspaceDeletionMode",
    "Nothing is logged asynchronously: every call has recorded when it returns.": "flush_artifact_async_logging",
    "A store is a file: there is nothing to log in to.": "login",
    "See: python -m tracking check": "doctor",
    "Compare the metrics that evaluate returns.": "validate_evaluation_results MetricThreshold"
    " EvaluationArtifact make_metric EvaluationMetric list_evaluators",
    "A model is served by MLflow: mlflow models serve -m FOLDER, which reads the folders written here.": "build_docker"
    " FlavorBackend convert_input_example_to_serving_input validate_serving_input set_retriever_schema EnvType"
    " build_model_env",
    "Load the model and call its predict: pyfunc.load_model.": "predict load_pyfunc add_to_model",
    "Give the signature to log_model.": "set_signature validate_schema set_model",
    "Give the example to log_model: input_example.": "ModelInputExample",
    "Who may use what is decided where the model runs.": "Resource ResourceType",
    "Give the requirements to log_model: pip_requirements.": "infer_pip_requirements update_model_requirements"
    " add_libraries_to_model get_default_conda_env get_default_pip_requirements",
}
INSTEAD: Final = {name: sentence for sentence, names in _NAMES.items() for name in names.split()}


def missing(module: str, name: str) -> AttributeError:
    """Return what to raise for a name that a module, or the client, lacks: with a sentence where MLflow has it."""
    if name in INSTEAD:
        return Unavailable(f"{module}.{name} is one of MLflow's names that are not here. {INSTEAD[name]}")
    kind = "module" if "." in module or module.islower() else "class"
    return AttributeError(f"{kind} {module!r} has no attribute {name!r}")
