import os
import stat
import threading

import pytest

from autograder.errors import ConfigError
from autograder.grading.secret import read_or_create_secret


@pytest.fixture
def path(tmp_path):
    return tmp_path / ".autograder" / "secret"


def test_it_is_made_once_for_its_owner_alone(path):
    secret = read_or_create_secret(path)
    assert len(secret) == 32
    assert read_or_create_secret(path) == secret
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert os.listdir(path.parent) == ["secret"]


def test_a_group_of_instructors_can_share_it(path):
    read_or_create_secret(path, shared_with_group=True)
    assert stat.S_IMODE(path.stat().st_mode) == 0o660


def test_programs_that_make_it_at_once_get_the_same(path):
    start = threading.Barrier(8)
    seen = []

    def make():
        start.wait()
        seen.append(read_or_create_secret(path))

    threads = [threading.Thread(target=make) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == 8
    assert len(set(seen)) == 1


@pytest.mark.parametrize("mode", [0o604, 0o640, 0o666])
def test_a_secret_that_others_can_read_is_refused(path, mode):
    read_or_create_secret(path)
    path.chmod(mode)
    with pytest.raises(ConfigError, match="others could read"):
        read_or_create_secret(path)


@pytest.mark.parametrize("content", [b"", b"short", b"x" * 33])
def test_a_damaged_secret_is_not_replaced_in_silence(path, content):
    read_or_create_secret(path)
    path.write_bytes(content)
    with pytest.raises(ConfigError, match="expected 32 bytes"):
        read_or_create_secret(path)
    assert path.read_bytes() == content


def test_a_link_is_not_followed(path, tmp_path):
    path.parent.mkdir()
    (tmp_path / "elsewhere").write_bytes(b"x" * 32)
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ConfigError, match="cannot be read"):
        read_or_create_secret(path)


def test_a_folder_that_cannot_be_made_is_a_clear_error(tmp_path):
    (tmp_path / ".autograder").write_text("in the way")
    with pytest.raises(ConfigError, match=r"secret cannot be (read|written): Not a directory"):
        read_or_create_secret(tmp_path / ".autograder" / "secret")
