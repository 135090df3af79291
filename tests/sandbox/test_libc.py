import os
import signal
import time

import pytest
from forked import in_child

from autograder.sandbox import libc


def test_other_descriptors_are_closed():
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        kept, lost = os.dup(0), [os.dup(0), os.dup2(0, 900)]
        libc.close_other_descriptors({0, 1, 2, kept, write})
        left = [number for number in (kept, *lost) if _is_open(number)]
        os.write(write, repr(left == [kept]).encode())
        os._exit(0)
    os.waitpid(pid, 0)
    assert os.read(read, 100) == b"True"
    os.close(read)
    os.close(write)


def _is_open(number):
    try:
        os.fstat(number)
    except OSError:
        return False
    return True


def test_errors_name_the_call():
    with pytest.raises(OSError, match=r"mount\(tmpfs .* on /nowhere\)") as caught:
        libc.mount("none", "/nowhere", "tmpfs", 0)
    assert caught.value.errno


def test_a_child_dies_with_its_parent():
    def grandchild():
        ready, tell = os.pipe()
        alive, hold = os.pipe()
        pid = os.fork()
        if pid == 0:
            if os.fork() == 0:
                libc.die_with_parent()
                os.write(tell, b"x")
            time.sleep(20)
            os._exit(0)
        os.close(hold)
        os.read(ready, 1)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        return os.read(alive, 1).decode()  # ends when the last that holds the pipe has gone

    started = time.monotonic()
    assert in_child(grandchild) == ""
    assert time.monotonic() - started < 10


@pytest.mark.skipif(os.geteuid() != 0, reason="only root acts for others")
def test_files_are_opened_as_somebody_else(tmp_path):
    def look():
        path = tmp_path / "private"
        path.write_text("x")
        os.chmod(path, 0o600)
        said = []
        with libc.file_user(54321):
            said.append(os.access(path, os.R_OK, effective_ids=True))
            try:
                path.open()
                said.append("opened")
            except PermissionError:
                said.append("refused")
        path.open().close()
        return said[1:]

    assert in_child(look) == ["refused"]
