"""The artifact folder: nothing leaves it, nothing is half written, and errors say what happened."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import tracking
from tracking.errors import ArtifactError, ArtifactNotFound, InvalidArtifactPath, InvalidType, RunDeleted, StoreFull
from tracking.store import contents, copying, files, paths


@pytest.fixture
def root(tmp_path: Path) -> str:
    return str(tmp_path / "root")


def tree(root: str) -> list[str]:
    """Return all files and folders below the root, those that no listing shows too."""
    return sorted(str(path.relative_to(root)) for path in Path(root).rglob("*"))


def test_a_write_that_fails_leaves_the_old_file_and_no_temporary_one(root: str) -> None:
    files.write_bytes(root, "a.txt", b"old")

    def write(temporary: str) -> None:
        Path(temporary).write_text("half")
        raise OSError(28, "No space left on device", temporary)

    with pytest.raises(StoreFull, match="no space left"):
        files.write_through(root, "a.txt", write)

    assert tree(root) == ["a.txt"]
    assert Path(root, "a.txt").read_text() == "old"


def test_a_write_through_a_link_out_of_the_folder_is_refused(root: str, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "file.txt").write_text("untouched")
    Path(root).mkdir()
    os.symlink(outside, Path(root, "folder"))
    os.symlink(outside / "file.txt", Path(root, "file.txt"))

    for path in ("folder/new.txt", "file.txt"):
        with pytest.raises(InvalidArtifactPath, match="link"):
            files.write_bytes(root, path, b"x")
    with pytest.raises(InvalidArtifactPath, match="link"):
        copying.copy_out(root, "folder")

    assert [path.read_text() for path in outside.iterdir()] == ["untouched"]


def test_a_link_out_of_the_folder_is_listed_and_never_followed(root: str, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.txt").write_text("secret")
    files.write_bytes(root, "sub/a.txt", b"x")
    os.symlink(outside, Path(root, "sub/folder"))
    os.symlink(outside / "secret.txt", Path(root, "sub/file"))

    found = contents.list_folder(root, "sub")

    assert [(info.path, info.is_dir) for info in found] == [
        ("sub/a.txt", False),
        ("sub/file", False),
        ("sub/folder", False),
    ]
    for path in (None, "sub"):
        with pytest.raises(InvalidArtifactPath, match="link that leads out"):
            copying.copy_out(root, path, tmp_path / "copy")
    assert not any((tmp_path / "copy").rglob("*.txt"))


def test_a_link_inside_the_folder_is_followed(root: str) -> None:
    files.write_bytes(root, "real/a.txt", b"x")
    os.symlink("real", Path(root, "alias"))

    assert [info.path for info in contents.list_folder(root, "alias")] == ["alias/a.txt"]


@given(st.text(alphabet="a./\\\0é", max_size=8))
def test_a_path_that_is_accepted_stays_inside(path: str) -> None:
    for normalise in (False, True):
        try:
            checked = paths.check_path(path, normalise=normalise)
        except InvalidArtifactPath:
            continue
        assert os.path.normpath(os.path.join("/root", checked)).startswith("/root")
        assert not os.path.isabs(checked)


def test_a_folder_with_an_unreadable_file_is_not_logged_in_part(root: str, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "a.txt").write_text("fine")
    os.symlink("nowhere", source / "b.txt")

    with pytest.raises(ArtifactNotFound, match=r"b\.txt"):
        copying.copy_contents_in(root, source)

    assert not Path(root).exists()


def test_a_folder_that_links_to_its_parent_is_refused(root: str, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    os.symlink(source, source / "loop")

    with pytest.raises(ArtifactError, match="contains it"):
        copying.copy_in(root, source)


def test_a_pipe_is_refused_instead_of_waited_for(root: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")

    with pytest.raises(ArtifactError, match="neither a file nor a folder"):
        copying.copy_in(root, tmp_path / "pipe")


def test_a_listing_shows_no_temporary_files(root: str) -> None:
    files.write_bytes(root, "a.txt", b"x")
    Path(root, f"{paths.TEMPORARY}left-by-a-crash").write_text("half")

    assert [info.path for info in contents.list_folder(root)] == ["a.txt"]


def test_a_missing_artifact_names_what_there_is(root: str) -> None:
    files.write_bytes(root, "sub/config.yaml", b"x")

    with pytest.raises(FileNotFoundError, match=r"sub/config\.yaml"):
        contents.existing(root, "sub/confg.yaml")


def test_a_path_of_the_wrong_type_is_a_type_error(root: str) -> None:
    with pytest.raises(InvalidType, match="bytes"):
        files.write_bytes(root, b"a", b"x")
    with pytest.raises(InvalidType, match="5"):
        copying.copy_in(root, 5)


def test_a_file_where_the_folder_should_be_is_an_artifact_error(root: str) -> None:
    Path(root).write_text("a file")

    with pytest.raises(ArtifactError, match=r"a\.txt"):
        files.write_bytes(root, "a.txt", b"x")


def test_a_large_file_is_copied_whole(root: str, tmp_path: Path) -> None:
    content = os.urandom(3_000_000)
    (tmp_path / "large.bin").write_bytes(content)

    copying.copy_in(root, tmp_path / "large.bin", "sub")

    assert Path(root, "sub/large.bin").read_bytes() == content


def test_a_deleted_run_takes_no_files() -> None:
    with tracking.start_run() as run:
        pass
    tracking.delete_run(run.info.run_id)

    with pytest.raises(RunDeleted, match=r"[Rr]estore"):
        tracking.log_text("x", "a.txt", run_id=run.info.run_id)
    assert tracking.TrackingClient().list_artifacts(run.info.run_id) == []


def test_the_artifact_uri_is_absolute_and_quoted_and_follows_the_store(tmp_path: Path) -> None:
    tracking.set_tracking_uri("sqlite:///here/tracking.db")
    with tracking.start_run() as run:
        tracking.log_text("x", "a b.txt")
        assert tracking.get_artifact_uri("a b.txt").endswith(f"/here/artifacts/0/{run.info.run_id}/a%20b.txt")
    tracking.reset()
    (tmp_path / "here").rename(tmp_path / "there")

    moved = tracking.TrackingClient("sqlite:///there/tracking.db")

    assert moved.get_artifact_uri(run.info.run_id).startswith((tmp_path / "there").as_uri())
    assert Path(moved.download_artifacts(run.info.run_id, "a b.txt")).read_text() == "x"


def test_runs_share_a_file_where_they_are_told_to_and_a_changed_one_is_not_passed_on(root: str) -> None:
    for folder in "abcd":
        files.write_bytes(root, f"{folder}/same.txt", b"as before", shared=folder != "c")
    first, second, own, _ = (Path(root, folder, "same.txt") for folder in "abcd")
    assert first.samefile(second)
    assert not own.samefile(first)

    first.unlink()
    first.write_bytes(b"changed by hand")
    Path(root, "d/same.txt").write_bytes(b"in place")
    files.write_bytes(root, "e/same.txt", b"as before", shared=True)

    assert Path(root, "e/same.txt").read_bytes() == b"as before"


def test_a_shared_file_that_is_written_again_changes_for_one_run_only(root: str) -> None:
    files.write_bytes(root, "a/same.txt", b"one", shared=True)
    files.write_bytes(root, "b/same.txt", b"one", shared=True)

    files.write_bytes(root, "a/same.txt", b"two", shared=True)

    assert Path(root, "b/same.txt").read_bytes() == b"one"


@pytest.mark.parametrize(
    ("path", "kind"),
    [("folder", IsADirectoryError), ("", IsADirectoryError), ("file.txt/x", NotADirectoryError)],
)
def test_a_file_over_a_folder_or_below_a_file_says_which_stands_there(
    root: str, path: str, kind: type[OSError]
) -> None:
    files.write_bytes(root, "folder/file.txt", b"x")
    files.write_bytes(root, "file.txt", b"x")

    with pytest.raises(ArtifactError) as caught:
        files.write_bytes(root, path, b"x")

    assert isinstance(caught.value, kind)
    assert paths.TEMPORARY not in str(caught.value)
    assert path.partition("/")[0] in str(caught.value)


def test_a_folder_over_a_file_is_refused(root: str, tmp_path: Path) -> None:
    (tmp_path / "name").mkdir()
    files.write_bytes(root, "name", b"x")
    with pytest.raises(NotADirectoryError, match="is a file"):
        copying.copy_in(root, tmp_path / "name")


def test_what_may_not_be_read_is_a_permission_error_with_a_remedy(root: str) -> None:
    refusal = PermissionError(13, "Permission denied", "data.csv")
    with pytest.raises(PermissionError, match=r"data\.csv.*Change its permissions") as caught:
        files.write_through(root, "a", lambda _: (_ for _ in ()).throw(refusal))
    assert isinstance(caught.value, ArtifactError)
