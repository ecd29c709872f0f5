"""The table of all keys is made from conf/ as it is."""

import importlib.util
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_the_table_of_keys_is_that_of_conf() -> None:
    spec = importlib.util.spec_from_file_location("keys", Path(__file__).with_name("keys.py"))
    assert spec is not None
    assert spec.loader is not None
    keys = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(keys)

    there = (ROOT / "docs" / "keys.md").read_text(encoding="utf-8")

    assert there == keys.write(), "renew it: python tests/docs/keys.py > docs/keys.md"
