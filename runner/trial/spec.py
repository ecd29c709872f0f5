"""One point as plain data, the scikit-learn objects it describes, and its identity.

What identity is made of
------------------------
A point's fingerprint is `v1:` and a SHA-256 over the canonical JSON (sorted keys, `1` and `1.0` apart) of

* `config`: every leaf of the resolved config without the bookkeeping keys below and without `data`, plus every
  effective parameter of the estimator and its preparation (so a new default in scikit-learn counts);
* `data`: the fingerprint of the loaded content, names and types of the columns (`runner.data`), not the path;
* `code` and `environment`: see the page in `runner.provenance`.

A value that is hidden (`hidden` below) counts as the expression that is recorded, not as what it is.

It leaves out what cannot change a result or only says where it is filed: BOOKKEEPING, comments, the order of
keys, whether a value came from a file or the command line, git commit, other packages, host, `n_jobs`, backend.
The version prefix changes when this page does; then nothing recorded before counts as the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tracking.records.overrides import Override
from tracking.records.secrets import Hidden, redact, replace_secrets


@dataclass(frozen=True, slots=True)
class Spec:
    """One point of a sweep: resolved, plain, picklable."""

    number: int
    name: str  # the run's name: the model and what varies
    experiment: str  # where the run is filed
    config: Mapping[str, Any]
    overrides: tuple[Override, ...]
    minimal: tuple[Override, ...]  # the shortest overrides that compose this config
    swept: tuple[str, ...]  # the keys of the sweep's axes
    choices: Mapping[str, str]  # the choice of each config group
    origins: Mapping[str, str]  # dotted key -> where its value came from
    extra_tags: Mapping[str, str] = field(default_factory=dict)  # `reproduces`, `derived_from`
    config_dir: tuple[str, ...] = ()  # where the user's own configs were, beside the shipped ones
    config_name: str = "config"  # the main file
    follows: Mapping[str, str] | None = None  # dotted key -> the key that it only repeats, where that is known
    hidden: Hidden | None = None  # where the config has secrets; what else is here never has any

    @property
    def recorded(self) -> Mapping[str, Any]:
        """The config as it is written down: the same one, with expressions where secrets are."""
        return self.config if self.hidden is None else self.hidden.config

    def without_secrets(self, text: str) -> str:
        """Return a text that may be written down: without what is hidden, and without what looks like a secret."""
        return redact(text if self.hidden is None else replace_secrets(text, self.hidden.secrets))

    @property
    def objective(self) -> tuple[str, str]:
        """The summary metric that ranks runs, and `minimize` or `maximize`."""
        objective = self.config["scoring"]["objective"]
        return f"{objective['metric']}_mean", str(objective["direction"])


# -----------------------------------------------------------------------------------------------
