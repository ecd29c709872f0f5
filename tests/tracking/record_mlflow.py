"""Record what a real MLflow does in every scenario: `python tests/tracking/record_mlflow.py`.

Needs an environment with mlflow and matplotlib; run by hand when MLflow or the scenarios change.
The test suite compares `tracking` with what was recorded and does not need MLflow.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
RECORDED = HERE / "mlflow_recorded.json"


def observe(module: Any, folder: Path, only: str = "") -> dict[str, Any]:
    """Run all scenarios against a module whose store is in a fresh folder; return {name: outcome}."""
    from mlflow_scenarios import SCENARIOS, Bench, attempt

    outcomes = {}
    for number, (name, function) in enumerate(SCENARIOS.items()):
        if only in name:
            place = folder / str(number)
            place.mkdir()
            bench = Bench(module, place, f"scenario {number}")
            outcomes[name] = attempt(function, bench)
            while module.active_run():
                module.end_run()
    return outcomes


def in_lines(recorded: dict[str, Any]) -> str:
    """Return JSON with one line a scenario, so that a new recording can be read as a difference."""
    parts = []
    for name, value in recorded.items():
        if isinstance(value, dict):
            lines = [f"{json.dumps(key)}: {json.dumps(item, ensure_ascii=False)}" for key, item in value.items()]
            parts.append(f"{json.dumps(name)}: {{\n" + ",\n".join(lines) + "\n}")
        else:
            parts.append(f"{json.dumps(name)}: {json.dumps(value)}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def main() -> None:
    """Record all scenarios against mlflow."""
    import mlflow
    from mlflow_scenarios import signatures

    logging.disable(logging.CRITICAL)
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        mlflow.set_tracking_uri(f"sqlite:///{folder}/mlflow.db")
        outcomes = observe(mlflow, Path(folder), *sys.argv[1:])
    if sys.argv[1:]:
        print(json.dumps(outcomes, indent=1, ensure_ascii=False))
        return
    recorded = {"mlflow": mlflow.__version__, "signatures": signatures(mlflow), "outcomes": outcomes}
    RECORDED.write_text(in_lines(recorded))
    print(f"{len(outcomes)} scenarios recorded with MLflow {mlflow.__version__} in {os.path.relpath(RECORDED)}")


if __name__ == "__main__":
    main()
