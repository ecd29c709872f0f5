"""What a skops file may contain: types of the libraries whose models are saved here, named here.

A list in the file itself, as MLflow reads it, protects from nothing: who writes the file writes the list.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from tracking.errors import ArtifactError, InvalidType

# What skops 0.16 asks about in models of these libraries; what it trusts by itself is not listed.
_TRUSTED: Final = frozenset(
    (
        *("sklearn._loss.link.IdentityLink", "sklearn._loss.link.LogLink", "sklearn._loss.link.LogitLink"),
        *("sklearn._loss.link.MultinomialLogit", "sklearn._loss.link.Interval"),
        *("sklearn._loss.loss.HalfSquaredError", "sklearn._loss.loss.HalfBinomialLoss"),
        *("sklearn._loss.loss.HalfMultinomialLoss", "sklearn._loss.loss.AbsoluteError"),
        *("sklearn._loss._loss.CyHalfSquaredError", "sklearn._loss._loss.CyHalfBinomialLoss"),
        *("sklearn._loss._loss.CyHalfMultinomialLoss", "sklearn._loss._loss.CyAbsoluteError"),
        *("sklearn.neural_network._stochastic_optimizers.AdamOptimizer", "sklearn.neighbors._kd_tree.KDTree"),
        *("sklearn.neighbors._ball_tree.BallTree", "sklearn.tree._tree.Tree"),
        "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
        *("xgboost.core.Booster", "xgboost.sklearn.XGBClassifier", "xgboost.sklearn.XGBRegressor"),
        *("lightgbm.basic.Booster", "lightgbm.sklearn.LGBMClassifier", "lightgbm.sklearn.LGBMRegressor"),
        "collections.OrderedDict",
    )
)


def load_skops(file: Path) -> Any:
    """Return the model in a skops file. Raises ArtifactError for a file with types that are not trusted here."""
    try:
        from skops import io
    except ModuleNotFoundError as problem:
        raise InvalidType(f"{file.name} needs skops: pip install skops.") from problem
    asked = io.get_untrusted_types(file=file)
    if foreign := sorted(set(asked) - _TRUSTED):
        raise ArtifactError(
            f"{file} has types that are not trusted: {', '.join(foreign)}. If you know where it comes from, load it "
            "with skops.io.load(file, trusted=[...])."
        )
    return io.load(file, trusted=asked)
