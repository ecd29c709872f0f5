"""The user's own code is its content, installed code its version; neither is imported to find out."""

from __future__ import annotations

import functools
import importlib.metadata
import platform
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import scipy
import sklearn
from sklearn.compose import TransformedTargetRegressor
from sklearn.linear_model import Ridge
from sklearn.metrics import make_scorer
from sklearn.model_selection import KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from runner.errors import ModelError
from runner.provenance import code as rooms
from runner.provenance.code import code_identity, find_code, matters
from runner.provenance.packages import list_packages, name_distribution


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A user's package: the estimator's module, a helper that it imports, and one that nobody does."""
    package = tmp_path / "project" / "own_study"
    (package / "parts").mkdir(parents=True)
    (package / "__init__.py").write_text("from own_study.models import Line\n")
    (package / "models.py").write_text("import numpy\nfrom .parts import slope\nimport own_extra\nclass Line: ...\n")
    (package / "parts" / "__init__.py").write_text("")
    (package / "parts" / "slope.py").write_text("from .. import models\nslope = 1\n")
    (package / "plots.py").write_text("raise RuntimeError('imported')\n")
    (package.parent / "own_extra.py").write_text("extra = 1\n")
    monkeypatch.syspath_prepend(str(package.parent))
    yield package
    for name in [name for name in sys.modules if name.startswith("own_study")]:
        del sys.modules[name]


def identity(target: str) -> dict[str, str]:
    rooms.forget()
    return code_identity(target)


def add_distribution(folder: Path, name: str, version: str, module: str = "") -> Path:
    """Lay out what an installer would: metadata, and a module with its line in RECORD."""
    metadata = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    if module:
        (folder / f"{module}.py").write_text("class Model: ...\n")
        (metadata / "RECORD").write_text(f"{module}.py,,\n")
    return metadata


def test_scikit_learns_code_is_its_version() -> None:
    assert code_identity("sklearn.linear_model.Ridge") == {"scikit-learn": sklearn.__version__}


def test_scikit_learn_is_not_imported_to_say_so(tmp_path: Path) -> None:
    code = (
        "import sys; from runner.provenance.capture import capture_provenance, code_identity;"
        "code_identity('sklearn.linear_model.Ridge'); capture_provenance();"
        "print([name for name in ('sklearn', 'pandas', 'scipy', 'hydra') if name in sys.modules])"
    )
    root = Path(rooms.__file__).parents[2]
    done = subprocess.run((sys.executable, "-c", code), cwd=root, capture_output=True, text=True, check=False)

    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_own_code_is_every_own_module_that_the_estimator_reaches(project: Path) -> None:
    found = identity("own_study.models.Line")

    assert set(found) == {
        "own_study",
        "own_study.models",
        "own_study.parts",
        "own_study.parts.slope",
        "own_extra",
    }
    assert "own_study" not in sys.modules


def test_a_class_that_the_package_hands_on_is_found_where_it_is_written(project: Path) -> None:
    assert identity("own_study.Line") == identity("own_study.models.Line")


def test_a_changed_module_or_helper_changes_identity_and_nothing_else_does(project: Path) -> None:
    before = identity("own_study.models.Line")

    (project / "plots.py").write_text("other = 1\n")
    assert identity("own_study.models.Line") == before
    (project / "parts" / "slope.py").write_text("slope = 22\n")
    after = identity("own_study.models.Line")

    assert {name for name in before if before[name] != after[name]} == {"own_study.parts.slope"}


def test_line_endings_and_the_folder_do_not_matter(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = identity("own_study.models.Line")
    project.parent.rename(project.parents[1] / "moved")
    moved = project.parents[1] / "moved"
    monkeypatch.syspath_prepend(str(moved))
    slope = moved / "own_study" / "parts" / "slope.py"
    slope.write_bytes(slope.read_bytes().replace(b"\n", b"\r\n"))

    assert identity("own_study.models.Line") == before


def test_a_module_that_does_not_parse_still_has_content(project: Path) -> None:
    (project / "models.py").write_text("class Line:\n")

    assert "own_study.models" in identity("own_study.models.Line")


def test_a_namespace_package_without_init_is_own_code_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "own_space").mkdir()
    (tmp_path / "own_space" / "models.py").write_text("class Line: ...\n")
    monkeypatch.syspath_prepend(str(tmp_path))

    assert set(identity("own_space.models.Line")) == {"own_space.models"}


def test_several_targets_give_one_identity(project: Path) -> None:
    found = code_identity("own_study.models.Line", "sklearn.pipeline.Pipeline", "fractions.Fraction")

    assert {"own_study.models", "scikit-learn", "python"} <= set(found)
    assert found["python"] == platform.python_version()


def test_installed_code_under_another_name_is_the_version_of_its_distribution(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = tmp_path / "site-packages"
    add_distribution(site, "strong-learners", "2.5", module="slearn")
    monkeypatch.syspath_prepend(str(site))

    assert name_distribution("slearn") == "strong-learners"
    assert identity("slearn.Model") == {"strong-learners": "2.5"}
    assert matters(list_packages(), "slearn.Model")["strong-learners"] == "2.5"


def test_what_matters_is_scikit_learn_numpy_and_scipy() -> None:
    assert matters(list_packages(), "sklearn.linear_model.Ridge") == {
        "numpy": np.__version__,
        "scikit-learn": sklearn.__version__,
        "scipy": scipy.__version__,
    }


def test_a_module_that_is_not_there_is_named() -> None:
    with pytest.raises(ModelError, match="There is no module 'no_such_package' for"):
        identity("no_such_package.Model")


# The tool's own source, and code that objects hold ------------------------------------------------------


def test_the_tools_own_code_is_its_version_also_where_it_is_installed_in_place() -> None:
    assert identity("runner.prepare.tabular") == {"experiment-runner": importlib.metadata.version("experiment-runner")}


def test_own_code_that_imports_the_tool_is_only_the_own_code(project: Path) -> None:
    (project / "models.py").write_text("import tracking\nfrom runner.prepare import tabular\nclass Line: ...\n")

    assert set(identity("own_study.models.Line")) == {"own_study", "own_study.models"}


def test_functions_inside_built_objects_are_found(project: Path) -> None:
    (project / "plots.py").write_text(
        "def double(X):\n    return 2 * X\n\n\ndef metric(y, p, *, w=1):\n    return 0.0\n"
    )
    plots = importlib.import_module("own_study.plots")
    step = FunctionTransformer(func=functools.partial(plots.double))
    nested = TransformedTargetRegressor(make_pipeline(step, Ridge()), func=np.log1p, inverse_func=np.expm1)

    assert find_code(nested) == ("own_study.plots.double",)
    assert find_code({"m": make_scorer(plots.metric, w=2)}) == ("own_study.plots.metric",)
    assert find_code(make_pipeline(StandardScaler(), Ridge()), KFold(), "r2", None) == ()


def test_a_closure_holds_what_it_closes_over(project: Path) -> None:
    (project / "plots.py").write_text("def double(X):\n    return 2 * X\n")
    double = importlib.import_module("own_study.plots").double

    def around(X: object) -> object:
        return double(X)

    assert "own_study.plots.double" in find_code(around)
