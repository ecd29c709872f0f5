"""What a config may hold: types, ranges and allowed words, registered with Hydra's ConfigStore.

Shapes only: no estimator is looked at here (`spec` checks parameters against scikit-learn).
The schemas are plain configs with typed leaves rather than dataclasses, because a model file has to be able
to put a knob of its own (`alpha`) at the top level, and because a dataclass cannot hold a range.
"""

from collections.abc import Callable
from dataclasses import Field, fields
from functools import cache, partial
from typing import Any

from hydra.core.config_store import ConfigStore
from omegaconf import DictConfig, OmegaConf, ValidationError, ValueNode
from omegaconf.base import Metadata

from runner import rules
from runner.settings import CLUSTERS, LOCAL, Settings

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


# -- leaves


def _int(minimum: int = 1, *, maximum: int | None = None, words: tuple[str, ...] = (), null: bool = False) -> Checked:
    rule = partial(rules.whole, minimum=minimum, maximum=maximum, words=words)
    return Checked(rule, kind=int, optional=null, value=None if null else "???")


def _bool(*words: str, value: bool | str = "???") -> Checked:
    return Checked(partial(rules.yes_no, words=words), kind=bool, value=value)


def _str(*words: str, null: bool = False, value: str = "???") -> Checked:
    return Checked(partial(rules.text, words=words), kind=str, optional=null, value=None if null else value)


def _leaf(setting: Field[Any]) -> Checked:
    """Return the leaf of a setting of `runner.settings`."""
    kind, rule, null = (setting.metadata[word] for word in ("kind", "rule", "null"))
    return Checked(rule, kind=kind, optional=null, value=None if null else "???")


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
                "simpler": _open(),
            },
            "tags": _open(),
            "tracking": {
                "uri": _str(null=True),
                "server": _str(null=True),
                "secret_resolvers": [],
                "model_format": _str("pickle", "skops", "joblib"),
            },
            "engine": {
                # With values, because a record leaves them out and has to compose again.
                "name": _str(LOCAL, *CLUSTERS, value=LOCAL),
                "address": _str(null=True),
                "cluster": _open(),  # of whoever makes it
                "mixed": _bool(value=False),
            },
            "seed": _int(0, maximum=MAX_SEED),
            "refit": _bool(),
            "early_stopping": _int(1, null=True),
            "early_stopping_share": Checked(rules.share, kind=object, value=0.1),  # as a record leaves it out
            "fit_params": _open(),
            "experiment_name": _str(null=True),
            "run_name": _str(null=True),
            "sweep": None,  # `sweep` reads it: a list of grids
            **{setting.name: _leaf(setting) for setting in fields(Settings)},
        }
    )


def choices() -> dict[str, DictConfig]:
    """Return the schemas that group files name in their own defaults lists.

    They live under `hydra/`, because that is what `--help` does not list as a choice.
    """
    seed = _int(0, maximum=MAX_SEED, null=True)
    table = {
        "source": _str("csv", "parquet", "callable", "frame"),
        "name": _str(null=True),
        "limit": _int(1, null=True),
        "task": _str("regression", "classification", null=True),
        "groups": _str(null=True),
        "time": _str(null=True),
        "weights": _str(null=True),
        "missing_target": _str("error", "drop", null=True),
        "test": Checked(rules.share_or_path, kind=object, optional=True, value=None),
        "test_seed": seed,
        "dtypes": _open(),
    }
    target = Checked(rules.names, kind=object)
    optional_target = Checked(rules.names, kind=object, optional=True, value=None)
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
            "test_size": Checked(rules.share, kind=object),
            "random_state": seed,
        },
        "made_up_regression": {**sizes, "noise": None},
        "made_up_classes": {**sizes, "n_classes": _int(2)},
        "file": {**table, "path": "???", "target": target, "options": _open()},
        "function": {**table, "function": _str(), "target": optional_target, "kwargs": _open()},
        "frame": {**table, "frame": _str(), "target": target},
    }
    return {name: OmegaConf.create(content) for name, content in plain.items()}


@cache
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
