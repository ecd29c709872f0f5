"""What can go wrong in `tracking`. Every public call raises one of these and nothing else.

TrackingError                     the root; carries MLflow's `error_code`
 ├─ InvalidValue                  also ValueError   a name, value, state or filter that is not allowed
 │   ├─ ParamConflict                               a param was already logged with another value
 │   ├─ FilterError                                 a filter or order_by that cannot be read; it shows where
 │   ├─ RunDeleted, ExperimentDeleted               the target is in the trash: restore it first
 │   └─ RunAmbiguous                                several runs answer to a reference
 ├─ InvalidType                   also TypeError    a value of a type that cannot be recorded
 ├─ NotFound                      also LookupError
 │   ├─ RunNotFound, ExperimentNotFound, TagNotFound, ModelNotFound
 │   └─ ArtifactNotFound          also FileNotFoundError
 ├─ AlreadyExists                                   the name is taken
 ├─ RunConflict                                     a run is already active, or belongs elsewhere
 ├─ ArtifactError                 also OSError      a file could not be read or written
 │   ├─ ArtifactPermission        also PermissionError      it may not be read or written
 │   ├─ ArtifactIsFolder          also IsADirectoryError    a folder stands where a file belongs
 │   ├─ ArtifactNotFolder         also NotADirectoryError   a file stands where a folder belongs
 │   └─ InvalidArtifactPath       also ValueError   a path that is not inside the run's folder
 ├─ ServerError                   also OSError      an MLflow server refused, or answered what is not understood
 │   └─ ServerUnreachable                           no answer came, however often it was asked
 └─ StoreError                    also OSError      the store could not be opened, read or written
     ├─ UnknownScheme             also ValueError   no backend for this URI
     ├─ StoreReadOnly             also PermissionError
     ├─ StoreFull                                   no space left on the device
     ├─ StoreCorrupt                                the file is not a readable store
     ├─ StoreNotTrusted           also PermissionError  made elsewhere; what it names is not run unasked
     └─ StoreTooNew                                 written by a newer version; left untouched
"""


class TrackingError(Exception):
    """Base of everything that `tracking` raises; `error_code` is MLflow's name for the case."""

    error_code = "INTERNAL_ERROR"

    def __init__(self, message: str, *, error_code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        if error_code is not None:
            self.error_code = error_code

    def __str__(self) -> str:  # LookupError and OSError would show the repr or an errno
        return self.message


class InvalidValue(TrackingError, ValueError):
    """A name, value, state or combination of arguments that is not allowed."""

    error_code = "INVALID_PARAMETER_VALUE"


class ParamConflict(InvalidValue):
    """A param of the run was already logged with another value; params do not change."""


class FilterError(InvalidValue):
    """A `filter_string` or `order_by` that cannot be read; the message points at the place."""


class RunDeleted(InvalidValue):
    """The run is in the trash; restore it before writing to it."""


class ExperimentDeleted(InvalidValue):
    """The experiment is in the trash; restore it before using it."""


class RunAmbiguous(InvalidValue):
    """Several runs answer to the reference; the message lists them."""


class InvalidType(TrackingError, TypeError):
    """A value of a type that cannot be recorded there."""

    error_code = "INVALID_PARAMETER_VALUE"


class NotFound(TrackingError, LookupError):
    """What was asked for is not in the store."""

    error_code = "RESOURCE_DOES_NOT_EXIST"


class RunNotFound(NotFound):
    """No run has this id."""


class ExperimentNotFound(NotFound):
    """No experiment has this id or name."""


class TagNotFound(NotFound):
    """The run or experiment has no tag of this name."""


class ModelNotFound(NotFound):
    """No registered model has this name, version or alias."""


class ArtifactNotFound(NotFound, FileNotFoundError):
    """The run has no such artifact, or the local file to log does not exist."""


class AlreadyExists(TrackingError):
    """The name is taken, perhaps by something in the trash."""

    error_code = "RESOURCE_ALREADY_EXISTS"


class RunConflict(TrackingError):
    """Another run is active, or the run belongs to another experiment or parent."""

    error_code = "INTERNAL_ERROR"


class ArtifactError(TrackingError, OSError):
    """A file could not be read or written."""


class ArtifactPermission(ArtifactError, PermissionError):
    """A file that may not be read or written."""


class ArtifactIsFolder(ArtifactError, IsADirectoryError):
    """A folder stands where a file belongs."""


class ArtifactNotFolder(ArtifactError, NotADirectoryError):
    """A file stands where a folder belongs."""


class InvalidArtifactPath(ArtifactError, ValueError):
    """A path that is absolute, has `..`, or leads out of the run's folder by a link."""

    error_code = "INVALID_PARAMETER_VALUE"


class ServerError(TrackingError, OSError):
    """An MLflow server refused a request, or answered what is not understood."""

    def __init__(self, message: str, *, error_code: str | None = None, status: int = 0) -> None:
        super().__init__(message, error_code=error_code)
        self.status = status  # of HTTP, 0 without an answer


class ServerUnreachable(ServerError):
    """No answer came from the server, however often it was asked."""


class StoreError(TrackingError, OSError):
    """The store could not be opened, read or written."""


class UnknownScheme(StoreError, ValueError):
    """No backend is known for this URI."""

    error_code = "INVALID_PARAMETER_VALUE"


class StoreReadOnly(StoreError, PermissionError):
    """The store, or the folder around it, may not be written."""


class StoreFull(StoreError):
    """The device has no space left; nothing of the call was recorded."""


class StoreCorrupt(StoreError):
    """The file is not a readable store."""


class StoreNotTrusted(StoreError, PermissionError):
    """The store was made elsewhere, and what it says to import and run is not run unasked."""

    error_code = "PERMISSION_DENIED"


class StoreTooNew(StoreError):
    """The store was written by a newer version of this library; it was not touched."""
