"""What can go wrong in `runner`. A user's mistake is one message and exit code 2, never a traceback.

RunnerError                 the root; `exit_code` is what the command line ends with
 ├─ ConfigError             2   a key, value, group choice or sweep that cannot be
 │   ├─ SweepError              an axis, grid, zip, repeat or exclude that cannot be read
 │   └─ ModelError              an estimator, or a parameter that the estimator rejects
 ├─ DataError               2   data that is missing, or that cannot be fitted as configured
 ├─ NotReproducible         2   a recorded run that cannot be run here; names what is missing
 ├─ PointFailed             1   a point raised, ran out of time, or took its worker along
 └─ Interrupted           130   Ctrl-C or SIGTERM; the command line ends with 143 after SIGTERM
"""


class RunnerError(Exception):
    """Base of everything that `runner` raises on purpose."""

    exit_code = 1


class ConfigError(RunnerError):
    """A key, value, group choice or sweep that cannot be."""

    exit_code = 2


class SweepError(ConfigError):
    """An axis, grid, zip, repeat or exclude that cannot be read."""


class ModelError(ConfigError):
    """An estimator that cannot be built, or a parameter that it rejects."""


class DataError(RunnerError):
    """Data that is missing, or that cannot be fitted as configured."""

    exit_code = 2


class NotReproducible(RunnerError):
    """A recorded run that cannot be run here; the message names what is missing."""

    exit_code = 2


class PointFailed(RunnerError):
    """A point raised, ran out of time, or took its worker along."""


class StopPoint(KeyboardInterrupt):
    """A running point is to end because its sweep stops: Ctrl-C or SIGTERM. No error, and no estimator's doing."""


class Interrupted(RunnerError):
    """Ctrl-C or SIGTERM ended the sweep; what had finished is recorded."""

    exit_code = 130
