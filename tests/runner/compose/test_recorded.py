"""What of a composed config is recorded."""

from pathlib import Path

import pytest
import yaml

from runner.compose.composer import Composed
from runner.compose.folder import config_folder
from runner.compose.recorded import IDLE, as_recorded
from tracking.records.secrets import Hidden

FILES = sorted((config_folder() / "data").glob("*.yaml"))


def composed(data: dict[str, object], *, hidden: Hidden | None = None) -> Composed:
    config = {"model": {"_target_": "sklearn.linear_model._ridge.Ridge"}, "data": data, "sweep": [{"alpha": [1, 2]}]}
    return Composed(config, {}, (), {}, {}, hidden)


@pytest.mark.parametrize("file", FILES, ids=lambda path: path.stem)
def test_the_keys_of_data_that_are_left_out_have_the_values_of_conf(file: Path) -> None:
    written = yaml.safe_load(file.read_text(encoding="utf-8"))
    kept = {key: written[key] for key in IDLE["data"] if key in written}
    assert kept == {key: IDLE["data"][key] for key in kept}
    assert "test" in kept


def test_the_keys_of_the_main_file_that_are_left_out_have_its_values() -> None:
    written = yaml.safe_load((config_folder() / "config.yaml").read_text(encoding="utf-8"))
    assert {key: written[key] for key in IDLE[""]} == IDLE[""]


def test_a_record_has_no_sweep_no_private_module_and_no_key_of_data_that_asks_for_nothing() -> None:
    config, hidden = as_recorded(composed({"source": "wine", "test": None, "weights": "w", "silence": []}))
    assert config == {
        "model": {"_target_": "sklearn.linear_model.Ridge"},
        "data": {"source": "wine", "weights": "w"},
    }
    assert hidden is None


def test_what_is_written_down_in_place_of_secrets_has_the_same_form() -> None:
    shown = {"model": {"_target_": "m.M", "password": "${oc.env:P}"}, "data": {"source": "wine", "test": None}}
    _, hidden = as_recorded(composed({"source": "wine"}, hidden=Hidden(shown, {"hunter2": "${oc.env:P}"})))
    assert hidden is not None
    assert hidden.config["data"] == {"source": "wine"}
    assert hidden.secrets == {"hunter2": "${oc.env:P}"}
