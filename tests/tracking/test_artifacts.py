"""`mlflow.artifacts`: files of runs by their addresses."""

from __future__ import annotations

from pathlib import Path

import pytest

import tracking as mlflow


@pytest.fixture
def address() -> str:
    """The address of a run with a text, a dictionary and bytes."""
    with mlflow.start_run() as run:
        mlflow.log_text("héllo", "notes.txt")
        mlflow.log_dict({"a": [1, 2]}, "folder/values.json")
        Path("bytes").write_bytes(b"\xff\xfe\x00")
        mlflow.log_artifact("bytes")
    return f"runs:/{run.info.run_id}"


def test_files_are_loaded_listed_and_copied_by_address(address: str, tmp_path: Path) -> None:
    run_id = address.removeprefix("runs:/")
    assert mlflow.artifacts.load_text(f"{address}/notes.txt") == "héllo"
    assert mlflow.artifacts.load_dict(f"{address}/folder/values.json") == {"a": [1, 2]}
    assert [info.path for info in mlflow.artifacts.list_artifacts(address)] == ["bytes", "folder", "notes.txt"]
    there = mlflow.artifacts.download_artifacts(run_id=run_id, artifact_path="folder")
    assert Path(there, "values.json").is_file()
    copy = mlflow.artifacts.download_artifacts(f"{address}/notes.txt", dst_path=tmp_path / "here")
    assert Path(copy) == tmp_path / "here" / "notes.txt"


@pytest.mark.parametrize("path", ["/missing.txt", "/notes.txt", "/bytes", ""])
def test_what_cannot_be_loaded_is_one_of_our_errors(address: str, path: str) -> None:
    with pytest.raises(mlflow.TrackingError):
        mlflow.artifacts.load_dict(address + path)


def test_a_run_is_named_in_one_way() -> None:
    for wrong in ({}, {"artifact_uri": "runs:/a/b", "run_id": "a"}, {"artifact_uri": "s3://x/y"}):
        with pytest.raises(mlflow.TrackingError):
            mlflow.artifacts.download_artifacts(**wrong)  # type: ignore[arg-type]
