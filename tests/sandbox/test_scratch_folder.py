import os
import stat

import pytest
from forked import in_child

from autograder.sandbox import scratch_folder


@pytest.fixture
def scratch(tmp_path):
    path = tmp_path / "scratch"
    path.mkdir()
    scratch_folder.prepare(str(path), None)
    return path


def test_nobody_else_may_enter(scratch):
    modes = {stat.S_IMODE(path.stat().st_mode) for path in (scratch, *scratch.iterdir())}
    assert modes == {0o700}
    assert {path.name for path in scratch.iterdir()} == {"home", "work", "ipc", "tmp"}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives folders away")
def test_it_belongs_to_the_kernels_user(tmp_path):
    scratch_folder.prepare(str(tmp_path), 54321)
    assert {path.stat().st_uid for path in (tmp_path, *tmp_path.iterdir())} == {54321}


def test_a_new_folder_has_room(scratch):
    assert not scratch_folder.is_full(str(scratch), 1)


def test_a_large_file_fills_it(scratch):
    (scratch / "work" / "below").mkdir()
    (scratch / "work" / "below" / "large").write_bytes(b"x" * (3 << 20))
    assert scratch_folder.is_full(str(scratch), 2)
    assert not scratch_folder.is_full(str(scratch), 4)


def test_files_among_the_sockets_fill_it(scratch):
    (scratch / "ipc" / "large").write_bytes(b"x" * (3 << 20))
    assert scratch_folder.is_full(str(scratch), 1000)


def test_a_sparse_file_takes_no_room(scratch):
    with open(scratch / "work" / "sparse", "wb") as file:
        file.truncate(100 << 20)
    assert not scratch_folder.is_full(str(scratch), 2)


def test_folders_nested_without_end_fill_it(scratch):
    here = os.getcwd()
    os.chdir(scratch / "work")
    for _ in range(80):
        os.mkdir("deeper")
        os.chdir("deeper")
    os.chdir(here)
    assert scratch_folder.is_full(str(scratch), 1000)


def test_links_are_not_followed(scratch, tmp_path):
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "large").write_bytes(b"x" * (3 << 20))
    (scratch / "work" / "link").symlink_to(tmp_path / "outside")
    assert not scratch_folder.is_full(str(scratch), 2)
    scratch_folder.remove(str(scratch))
    assert (tmp_path / "outside" / "large").exists()
    assert not scratch.exists()


def test_folders_without_permissions_are_removed(tmp_path):
    def as_an_ordinary_user():
        if os.geteuid() == 0:
            os.chmod(tmp_path, 0o777)
            for folder in tmp_path.parents:
                os.chmod(folder, os.stat(folder).st_mode | 0o011)
            os.setresuid(54321, 54321, 54321)
        scratch = str(tmp_path / "scratch")
        os.mkdir(scratch)
        scratch_folder.prepare(scratch, None)
        for folder in ("work/closed", "work/closed/inner"):
            os.mkdir(os.path.join(scratch, folder))
        open(os.path.join(scratch, "work/closed/inner/file"), "w").close()
        os.chmod(os.path.join(scratch, "work/closed/inner"), 0)
        os.chmod(os.path.join(scratch, "work/closed"), 0)
        scratch_folder.remove(scratch)
        return os.path.exists(scratch)

    assert in_child(as_an_ordinary_user) is False
