"""What differs between a staged folder and a built one, and making the built one the same."""

from pathlib import Path

import pytest

from autograder.build.folders import differences, files_in, replace_folder


@pytest.fixture
def folders(tmp_path):
    staged, built = tmp_path / "staged", tmp_path / "built"
    write(staged, {"same.txt": "1", "changed.txt": "new", "data/new.txt": "1"})
    write(built, {"same.txt": "1", "changed.txt": "old", "old/gone.txt": "1"})
    write(built, {"public_checks/__pycache__/x.pyc": "1", ".ipynb_checkpoints/a.ipynb": "1"})
    return staged, built


def write(folder, files):
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)


def test_every_difference_is_named_and_leftovers_of_use_are_none(folders):
    assert differences(*folders) == {
        Path("changed.txt"): "out of date",
        Path("data/new.txt"): "missing",
        Path("old/gone.txt"): "not made by the build",
    }


def test_a_missing_folder_is_all_missing(tmp_path, folders):
    assert set(differences(folders[0], tmp_path / "nowhere").values()) == {"missing"}


def test_replacing_leaves_no_difference_and_rewrites_nothing_that_was_right(folders):
    staged, built = folders
    before = (built / "same.txt").stat()
    replace_folder(staged, built)
    assert differences(staged, built) == {}
    assert [str(path) for path in files_in(built)] == ["changed.txt", "data/new.txt", "same.txt"]
    after = (built / "same.txt").stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert not (built / "old").exists()
    assert (built / ".ipynb_checkpoints" / "a.ipynb").exists()
