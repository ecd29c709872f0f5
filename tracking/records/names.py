"""The names of the record format: every tag, artifact file and bookkeeping key, once.

Constants only, and no imports of ours: every room may know them. What the values look like is told by the other
modules of `tracking.records`.
"""

from typing import Final

# Tags that MLflow writes too, under its names -------------------------------------------------
RUN_NAME: Final = "mlflow.runName"
USER: Final = "mlflow.user"
SOURCE_NAME: Final = "mlflow.source.name"
SOURCE_TYPE: Final = "mlflow.source.type"
GIT_COMMIT: Final = "mlflow.source.git.commit"
GIT_BRANCH: Final = "mlflow.source.git.branch"
GIT_REPO_URL: Final = "mlflow.source.git.repoURL"
PARENT_RUN_ID: Final = "mlflow.parentRunId"
NOTE: Final = "mlflow.note.content"
MODEL_HISTORY: Final = "mlflow.log-model.history"

# What a run was asked, and what its result is made of -----------------------------------------
OVERRIDES: Final = "overrides"  # a JSON list
OBJECTIVE_METRIC: Final = "objective.metric"
OBJECTIVE_DIRECTION: Final = "objective.direction"  # minimize or maximize
OBJECTIVE_OTHERS: Final = "objective.others"  # of a run with several objectives: JSON of metric to direction
IDENTITY: Final = "identity"  # JSON: config, data, code, environment; in IDENTITY_FILE where it is too long
FINGERPRINT: Final = "fingerprint"  # of the identity
FINGERPRINT_ASKED: Final = "fingerprint.asked"  # of the overrides
FINGERPRINT_CONFIG: Final = "fingerprint.config"
FINGERPRINT_DATA: Final = "fingerprint.data"
FINGERPRINT_SPLITS: Final = "fingerprint.splits"
FINGERPRINT_CODE: Final = "fingerprint.code"
FINGERPRINT_ENVIRONMENT: Final = "fingerprint.environment"
DATA_NAME: Final = "data.name"
DATA_SHAPE: Final = "data.shape"  # rows x columns
DATA_TARGET: Final = "data.target"
DATA_FEATURES: Final = "data.features"  # a JSON list of columns
DATA_DTYPES: Final = "data.dtypes"  # JSON: column to type
DATA_INPUT: Final = "data.input."  # and a digest: what log_input said of a data set, JSON
TEST_FINGERPRINT: Final = "data.test.fingerprint"  # of the held-out rows that the run was scored on
TEST_SHAPE: Final = "data.test.shape"
TEST_TRAIN_RATIO: Final = "cv.test_train_ratio"
GIT_DIRTY: Final = "git.dirty"  # true or false; absent where only the program's own folder was looked at
GIT_PATCH: Final = "git.patch"  # SHA-256 of the uncommitted changes

# How and where it ran; the first five are also the header of environment.txt --------------------
PYTHON: Final = "python"
PLATFORM: Final = "platform"
CPU: Final = "cpu"
BLAS: Final = "blas"
THREADS: Final = "threads"  # of BLAS and OpenMP
N_JOBS: Final = "n_jobs"
BACKEND: Final = "backend"
WORKER: Final = "worker"  # of a cluster: host and process that ran it
ATTEMPT: Final = "attempt"  # from 2 on
SHARED: Final = "shared"  # what of its fits other points had computed
PATH_TOLERANCE: Final = "path_tolerance"  # of a run computed along a path: how far from alone it may be, relative
ERROR: Final = "error"
WARNINGS: Final = "warnings"  # one a line
WARNINGS_COUNT: Final = "warnings.count"

# Which other runs it belongs to ----------------------------------------------------------------
SWEEP_ID: Final = "sweep.id"
SWEEP_POINT: Final = "sweep.point"  # from 0
SWEEP_POINTS: Final = "sweep.points"  # how many are planned
SWEEP_COMMAND: Final = "sweep.command"  # as typed
SWEEP_REUSED: Final = "sweep.reused"  # how many points were done before
SWEEP_ALSO: Final = "sweep.also"  # later sweeps that reused the run, one a line
REPRODUCES: Final = "reproduces"  # the run that this one repeats
REPRODUCES_SWEEP: Final = "reproduces.sweep"
DERIVED_FROM: Final = "derived_from"  # the run whose config was changed to make this one

GIT_PREFIX: Final = "mlflow.source.git."
MLFLOW_PREFIX: Final = "mlflow."
OBJECTIVE_PREFIX: Final = "objective."
FINGERPRINT_PREFIX: Final = "fingerprint."
SWEEP_PREFIXES: Final = ("sweep.", "reproduces.")
HOST_TAGS: Final = (PYTHON, PLATFORM, CPU, BLAS, THREADS)

# Artifacts --------------------------------------------------------------------------------------
CONFIG_FILE: Final = "config.yaml"  # the resolved config
OVERRIDES_FILE: Final = "overrides.yaml"  # what was asked, and where each value came from
ENVIRONMENT_FILE: Final = "environment.txt"  # the machine, and one `name==version` a line
IDENTITY_FILE: Final = "identity.json"  # only where the tag cannot hold it
PATCH_FILE: Final = "uncommitted.patch"
TRACEBACK_FILE: Final = "traceback.txt"
LOG_FILE: Final = "run.log"
MODEL_FOLDER: Final = "model"
MODEL_FILE: Final = "model.joblib"  # of version 0.1.0; since then the folder is an MLflow model, with these:
MLMODEL_FILE: Final = "MLmodel"
REQUIREMENTS_FILE: Final = "requirements.txt"
PYTHON_FILE: Final = "python_env.yaml"
EXAMPLE_FILE: Final = "input_example.json"

# Keys of a resolved config that say how and where a point ran, never what was computed.
BOOKKEEPING: Final = frozenset(
    (
        *("hydra", "tracking", "tags", "sweep", "experiment_name", "run_name", "n_jobs", "backend"),
        "engine",
        *("resume", "retries", "dry_run", "fail_fast", "timeout_per_point", "diff", "progress", "keep_predictions"),
        *("keep_importances", "share", "share_memory"),
    )
)

_JUDGING: Final = ("scoring.simpler.",)  # below these keys: how runs are judged afterwards, which is bookkeeping too

_RECORDED: Final = frozenset(
    (
        *(OVERRIDES, IDENTITY, FINGERPRINT, *HOST_TAGS, N_JOBS, BACKEND, WORKER, ATTEMPT, SHARED, ERROR, WARNINGS),
        *(REPRODUCES, DERIVED_FROM, PATH_TOLERANCE),
    )
)
_RECORDED_PREFIXES: Final = (
    *(MLFLOW_PREFIX, OBJECTIVE_PREFIX, FINGERPRINT_PREFIX, *SWEEP_PREFIXES),
    *("cv.", "data.", "git.", "warnings."),
)


def is_recorders_tag(tag: str) -> bool:
    """Tell whether a tag is one that the recorder writes, rather than a person."""
    return tag in _RECORDED or tag.startswith(_RECORDED_PREFIXES)


def is_bookkeeping(key: str) -> bool:
    """Tell whether a dotted key of a config belongs to what never matters for the result."""
    return key.partition(".")[0] in BOOKKEEPING or key.startswith(_JUDGING)
