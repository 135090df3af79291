"""The work folder is untrusted ground: nothing outside it is ever read or written through it."""

import os

import pytest

from autograder.sandbox.work_folder import MAX_DEPTH, WorkFolder


@pytest.fixture
def inside(tmp_path):
    folder = tmp_path / "work"
    folder.mkdir()
    return folder


@pytest.fixture
def work(inside):
    folder = WorkFolder(os.open(inside, os.O_RDONLY), None)
    yield folder
    folder.close()


def test_files_go_in_and_come_back(work, inside):
    files = {"a.txt": b"1", "data/deep/b.bin": b"\0\1", "data/c": b""}
    work.write(files)
    assert (inside / "data/deep/b.bin").read_bytes() == b"\0\1"
    assert work.read(1 << 20) == (files, [])


@pytest.mark.parametrize("path", ["../x", "/etc/x", "a/../../x", "", "a//b", "a/./b", "nul\0"])
def test_a_path_that_leads_out_is_refused(work, path, tmp_path):
    with pytest.raises(ValueError, match="relative path"):
        work.write({path: b"x"})
    assert [entry.name for entry in tmp_path.rglob("*")] == ["work"]


def test_links_are_left_out(work, inside, tmp_path):
    secret = tmp_path / "secret"
    secret.write_bytes(b"hidden")
    (inside / "file").symlink_to(secret)
    (inside / "folder").symlink_to(tmp_path)
    os.mkfifo(inside / "pipe")
    files, left_out = work.read(1 << 20)
    assert files == {}
    assert sorted(left_out) == ["file", "folder", "pipe"]


def test_a_folder_swapped_for_a_link_is_not_written_through(work, inside, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (inside / "data").symlink_to(outside)
    with pytest.raises(OSError):
        work.write({"data/planted": b"x"})
    assert list(outside.iterdir()) == []


def test_an_existing_file_is_not_written_through(work, inside, tmp_path):
    target = tmp_path / "target"
    target.write_bytes(b"before")
    (inside / "out").symlink_to(target)
    with pytest.raises(FileExistsError):
        work.write({"out": b"after"})
    assert target.read_bytes() == b"before"


def test_what_exceeds_the_room_is_left_out(work, inside):
    (inside / "big").write_bytes(b"x" * 100)
    (inside / "small").write_bytes(b"y" * 10)
    assert work.read(50) == ({"small": b"y" * 10}, ["big"])


def test_a_folder_without_end_is_cut(work, inside):
    path = inside.joinpath(*["d"] * (MAX_DEPTH + 3))
    path.mkdir(parents=True)
    (path / "bottom").write_bytes(b"x")
    files, left_out = work.read(1 << 20)
    assert files == {}
    assert left_out == ["/".join(["d"] * (MAX_DEPTH + 1))]
