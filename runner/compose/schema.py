"""What a config may hold: types, ranges and allowed words, registered with Hydra's ConfigStore.

Shapes only: no estimator is looked at here (`spec` checks parameters against scikit-learn).
The schemas are plain configs with typed leaves rather than dataclasses, because a model file has to be able
to put a knob of its own (`alpha`) at the top level, and because a dataclass cannot hold a range.
"""

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

from hydra.core.config_store import ConfigStore
from omegaconf import DictConfig, OmegaConf, ValidationError, ValueNode
from omegaconf.base import Metadata

from runner.suggest import suggest

EDGE = "hydra_plugins.runner_edge"  # the module under runner/plugins that Hydra discovers

Rule = Callable[[Any], Any]

MAX_SEED = 2**32 - 1  # numpy's


class Checked(ValueNode):
    """A leaf whose values go through a rule, which returns the value to keep or raises ValueError."""

    _rule: Rule

    def __init__(self, rule: Rule, *, kind: type, value: Any = "???", optional: bool = False) -> None:
        self.__dict__["_rule"] = rule  # first: ValueNode's constructor validates
        metadata = Metadata(key=None, optional=optional, ref_type=kind, object_type=kind)
        super().__init__(parent=None, value=value, metadata=metadata)

    def _validate_and_convert_impl(self, value: Any) -> Any:
        try:
            return self._rule(value)
        except ValueError as error:
            # omegaconf fills in $VALUE and puts the full key below
            raise ValidationError(f"'$VALUE' is not allowed here: it must be {error}") from None

    def __deepcopy__(self, memo: dict[int, Any]) -> "Checked":
        node = Checked.__new__(Checked)
        self._deepcopy_impl(node, memo)
        node.__dict__["_rule"] = self.__dict__["_rule"]
        node.__dict__["_flags_cache"] = None
        return node


# -- rules: module-level functions, so that a config with them can be pickled


def _whole(value: Any, *, minimum: int, maximum: int | None, words: tuple[str, ...]) -> int | str:
    if isinstance(value, str) and value in words:
        return value
    number: Any = value
    if isinstance(value, str):
        with suppress(ValueError):
            number = int(value)
    if isinstance(number, bool):  # an int to Python, not to a person
        number = None
    if isinstance(number, int) and minimum <= number and (maximum is None or number <= maximum):
        return number
    limits = f"a whole number >= {minimum}" if maximum is None else f"a whole number, {minimum} to {maximum}"
    raise ValueError(" or ".join([limits, *words]))


def _jobs(value: Any) -> int | str:
    try:
        number = _whole(value, minimum=-1, maximum=None, words=("auto",))
    except ValueError:
        number = 0
    if number == 0:
        raise ValueError("a number of jobs, -1 for every core, or auto")
    return number


def _yes_no(value: Any, *, words: tuple[str, ...]) -> bool | str:
    if isinstance(value, bool) or (isinstance(value, str) and value in words):
        return value
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    raise ValueError(" or ".join(["true or false", *words]))


def _text(value: Any, *, words: tuple[str, ...]) -> str:
    if isinstance(value, (str, int, float)) and not isinstance(value, bool):
        if not words or value in words:
            return str(value)
        raise ValueError(f"{' or '.join(words)}.{suggest(str(value), words)}".rstrip("."))
    raise ValueError(" or ".join(words) if words else "text")


def _positive(value: Any) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = 0.0
    if isinstance(value, bool) or not 0 < number < float("inf"):
        raise ValueError("a number > 0")
    return number


def _share(value: Any) -> float | int:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = 0.0
    if isinstance(value, bool) or not (0 < number < 1 or (number >= 1 and number.is_integer())):
        raise ValueError("a share of the rows between 0 and 1, or a whole number of rows")
    return number if number < 1 else int(number)


# -- leaves


def _int(minimum: int = 1, *, maximum: int | None = None, words: tuple[str, ...] = (), null: bool = False) -> Checked:
    rule = partial(_whole, minimum=minimum, maximum=maximum, words=words)
    return Checked(rule, kind=int, optional=null, value=None if null else "???")


def _bool(*words: str) -> Checked:
    return Checked(partial(_yes_no, words=words), kind=bool)


def _str(*words: str, null: bool = False) -> Checked:
    return Checked(partial(_text, words=words), kind=str, optional=null, value=None if null else "???")


def _open(content: dict[str, Any] | None = None) -> DictConfig:
    """Return a mapping that takes further keys without `+`."""
    node = OmegaConf.create(content or {})
    OmegaConf.set_struct(node, False)
    return node


# -- schemas


def root() -> DictConfig:
    """Return the schema of the top level and of what every choice of a group has."""
    return OmegaConf.create(
        {
            "model": _open(),  # `spec` checks the names: they are the estimator's, not ours
            "data": {},
            "prepare": _open(),
            "cv": {},
            "scoring": {
                "metrics": _open(),
                "objective": {"metric": _str(), "direction": _str("minimize", "maximize")},
            },
            "tags": _open(),
            "tracking": {"uri": _str(null=True)},
            "seed": _int(0, maximum=MAX_SEED),
            "refit": _bool(),
            "experiment_name": _str(null=True),
            "run_name": _str(null=True),
            "sweep": None,  # `sweep` reads it: a list of grids
            "n_jobs": Checked(_jobs, kind=int),
            "backend": _str(),
            "threads_per_run": _int(1),
            "resume": _bool(),
            "dry_run": _bool(),
            "fail_fast": _bool(),
            "retries": _int(0),
            "timeout_per_point": Checked(_positive, kind=float, optional=True, value=None),
            "progress": _bool("auto"),
            "diff": _str(null=True),
        }
    )


def choices() -> dict[str, DictConfig]:
    """Return the schemas that group files name in their own defaults lists.

    They live under `hydra/`, because that is what `--help` does not list as a choice.
    """
    seed = _int(0, maximum=MAX_SEED, null=True)
    table = {
        "source": _str("csv", "parquet", "callable"),
        "name": _str(null=True),
        "limit": _int(1, null=True),
        "task": _str("regression", "classification", null=True),
        "groups": _str(null=True),
        "time": _str(null=True),
        "dtypes": _open(),
    }
    sizes = {
        "source": _str(),
        "name": _str(),
        "n_samples": _int(1),
        "n_features": _int(1),
        "n_informative": _int(1),
        "random_state": seed,
    }
    plain: dict[str, dict[str, Any]] = {
        "splits": {"_target_": _str(), "n_splits": _int(2), "shuffle": _bool(), "random_state": seed},
        "time_splits": {
            "_target_": _str(),
            "n_splits": _int(2),
            "gap": _int(0),
            "test_size": _int(1, null=True),
        },
        "repeats": {"_target_": _str(), "n_splits": _int(2), "n_repeats": _int(1), "random_state": seed},
        "random_splits": {
            "_target_": _str(),
            "n_splits": _int(1),
            "test_size": Checked(_share, kind=object),
            "random_state": seed,
        },
        "made_up_regression": {**sizes, "noise": None},
        "made_up_classes": {**sizes, "n_classes": _int(2)},
        "file": {"path": "???", **table, "target": _str(), "options": _open()},
        "function": {**table, "function": _str(), "target": _str(null=True), "kwargs": _open()},
    }
    return {name: OmegaConf.create(content) for name, content in plain.items()}


def register() -> None:
    """Make the schemas known to Hydra; calling it again changes nothing."""
    store = ConfigStore.instance()
    store.store(name="schema", node=root(), provider="runner")
    store.store(
        group="hydra/sweeper",
        name="grid",
        node={"_target_": f"{EDGE}.GridSweeper", "points": 10, "params": None},
        provider="runner",
    )
    store.store(group="hydra/launcher", name="pool", node={"_target_": f"{EDGE}.PoolLauncher"}, provider="runner")
    for name, node in choices().items():
        store.store(group="hydra/schema", name=name, node=node, provider="runner")
