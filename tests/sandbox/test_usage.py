import mmap
import os
import signal
import time

import pytest

from autograder.sandbox import usage


@pytest.fixture
def proc():
    descriptor = os.open("/proc", os.O_RDONLY | os.O_DIRECTORY)
    yield descriptor
    os.close(descriptor)


@pytest.fixture
def family():
    """Makes a child that runs `work` and has a child of its own that does so too; both sleep then."""
    started = []

    def start(work=lambda: None):
        ready, tell = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.fork()
            kept = work()
            os.write(tell, b"x")
            time.sleep(20)
            os._exit(kept is None)
        started.append(pid)
        assert os.read(ready, 1) + os.read(ready, 1) == b"xx"
        os.close(ready)
        os.close(tell)
        return pid

    yield start
    for pid in started:
        usage.kill_descendants(pid)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def measure(proc, pid, limit_mb, files_mb=0):
    (child,) = usage.descendants(proc, pid).pids
    return usage.Processes(proc, (pid, child)).tasks_and_memory_mb(files_mb, limit_mb)


def test_descendants_are_children_and_theirs(proc, family):
    pid = family()
    below = usage.descendants(proc, os.getpid()).pids
    assert pid in below
    assert len(usage.descendants(proc, pid).pids) == 1


def test_the_dead_do_not_count(proc, family):
    pid = family()
    (child,) = usage.descendants(proc, pid).pids
    os.kill(child, signal.SIGKILL)  # its parent sleeps, and leaves it a zombie
    deadline = time.monotonic() + 5
    while usage.descendants(proc, pid).pids and time.monotonic() < deadline:
        time.sleep(0.01)
    assert usage.descendants(proc, pid).pids == ()


def test_tasks_are_threads_and_processes(proc, family):
    import threading

    pid = family(lambda: threading.Thread(target=time.sleep, args=(20,), daemon=True).start())
    assert measure(proc, pid, 10_000)[0] == 4


def test_memory_shared_by_fork_is_counted_once(proc, family):
    kept = bytearray(b"x") * (64 << 20)
    pid = family()
    assert measure(proc, pid, 10_000)[1] > 128, "the quick bound counts it for each"
    assert measure(proc, pid, 0)[1] < 128
    assert len(kept) == 64 << 20


def test_memory_of_their_own_is_counted_for_each(proc, family):
    pid = family(lambda: bytearray(b"x") * (64 << 20))
    assert measure(proc, pid, 0)[1] > 128


def test_memory_shared_on_purpose_is_counted_once(proc, family):
    shared = mmap.mmap(-1, 64 << 20)
    shared.write(b"x" * (64 << 20))
    pid = family(lambda: shared[::4096].count(0))
    with_it = measure(proc, pid, 0)[1]
    shared.close()
    assert 40 < with_it - measure(proc, family(), 0)[1] < 80


def test_files_in_memory_that_are_mapped_are_not_counted_twice(proc, family):
    shared = mmap.mmap(-1, 64 << 20)
    shared.write(b"x" * (64 << 20))
    pid = family(lambda: shared[::4096].count(0))
    assert abs(measure(proc, pid, 0, files_mb=40)[1] - measure(proc, pid, 0)[1]) < 20
    assert measure(proc, pid, 0, files_mb=500)[1] > 500


def test_a_process_that_has_ended_uses_nothing(proc):
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    assert usage.Processes(proc, (pid,)).tasks_and_memory_mb(0, -1) == (0, 0)


def test_open_files_without_a_name_are_found(proc, family, tmp_path):
    def hide():
        file = os.open(tmp_path / "hidden", os.O_CREAT | os.O_WRONLY)
        os.write(file, b"x" * (8 << 20))
        os.unlink(tmp_path / "hidden")
        return file

    pid = family(lambda: hide() if _first(tmp_path) else None)
    (child,) = usage.descendants(proc, pid).pids
    assert 7 < usage.Processes(proc, (pid, child)).unlinked_mb() < 9


def _first(folder):
    """True for one of two processes."""
    try:
        os.mkdir(folder / "taken")
    except FileExistsError:
        return False
    return True


def test_folders_in_memory_are_measured(tmp_path):
    descriptor = os.open("/dev/shm", os.O_RDONLY | os.O_DIRECTORY)
    path = f"/dev/shm/autograder-test-{os.getpid()}"
    before = usage.mounted_mb([descriptor]), usage.owned_mb("/dev/shm", os.getuid())
    with open(path, "wb") as file:
        file.write(b"x" * (8 << 20))
    after = usage.mounted_mb([descriptor]), usage.owned_mb("/dev/shm", os.getuid())
    os.unlink(path)
    os.close(descriptor)
    assert all(now - then == pytest.approx(8, abs=1) for then, now in zip(before, after, strict=True))
    assert usage.owned_mb("/dev/shm", 54325) == 0


def test_descendants_are_killed(proc, family):
    pid = family()
    usage.kill_descendants(pid)
    deadline = time.monotonic() + 5
    while usage.descendants(proc, pid).pids and time.monotonic() < deadline:
        time.sleep(0.01)
    assert usage.descendants(proc, pid).pids == ()
