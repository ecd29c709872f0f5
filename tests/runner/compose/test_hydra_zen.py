"""What hydra-zen's `builds` writes, also with its own processing, is the same run as the class named directly."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sklearn.linear_model import Ridge

import tracking
from runner.cli import main

zen = pytest.importorskip("hydra_zen", reason="hydra-zen is not installed: it is in the extra heavy")

pytestmark = pytest.mark.heavy


@pytest.mark.parametrize("processed", [{}, {"zen_meta": {"note": "mine"}}], ids=["plain", "zen_processing"])
def test_a_built_config_is_the_same_run_as_its_class(processed: dict[str, Any]) -> None:
    folder = Path("c/model")
    folder.mkdir(parents=True)
    written = zen.to_yaml(zen.builds(Ridge, alpha=0.5, solver="auto", **processed))
    assert ("zen_processing" in written) == bool(processed)
    (folder / "built.yaml").write_text(written)
    (folder / "named.yaml").write_text("_target_: sklearn.linear_model.Ridge\nalpha: 0.5\nsolver: auto\n")

    for name in ("built", "named"):
        asked = ["--config-dir", "c", f"model={name}", "experiment_name=zen", "run_name=same", "refit=false"]
        assert main(asked) == 0

    named, built = tracking.search_runs(experiment_names=["zen"], output_format="list")
    assert named.data.tags["fingerprint"] == built.data.tags["fingerprint"]
    assert tracking.diff_runs(named.info.run_id, built.info.run_id).is_same()
