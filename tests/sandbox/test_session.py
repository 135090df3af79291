"""A kernel's life as its owner sees it."""

import os
import signal
import time
from pathlib import Path

import pytest

from autograder.errors import LauncherError
from autograder.sandbox.limits import Limits
from autograder.sandbox.session import Launcher

LIMITS = Limits()


def wait_until(condition, seconds=5.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.01)


def test_a_kernel_starts_listens_and_ends(bare_launcher):
    with bare_launcher.launch(LIMITS, seed=1) as kernel:
        assert kernel.alive()
        assert kernel.connection["transport"] == "ipc"
        sockets = os.listdir(kernel.connection["ip"].rpartition("/")[0])
        assert sorted(sockets) == [f"k-{port}" for port in range(1, 6)]
        pid = kernel.pid
    wait_until(lambda: not Path(f"/proc/{pid}").exists())


def test_each_kernel_has_its_own_key_and_folder(bare_launcher):
    with bare_launcher.launch(LIMITS, seed=1) as one, bare_launcher.launch(LIMITS, seed=1) as other:
        assert one.connection["key"] != other.connection["key"]
        one.work.write({"mine": b"1"})
        assert other.work.read(1 << 20) == ({}, [])


def test_the_death_of_the_owner_ends_the_kernel(bare_launcher):
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        kernel = bare_launcher.launch(LIMITS, seed=1)
        os.write(theirs, str(kernel.pid).encode())
        signal.pause()
    pid = int(os.read(ours, 20))
    assert Path(f"/proc/{pid}").exists()
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    wait_until(lambda: not Path(f"/proc/{pid}").exists())
    os.close(ours)
    os.close(theirs)


def test_the_death_of_the_launcher_ends_its_kernels():
    launcher = Launcher.start("auto", preload=())
    kernel = launcher.launch(LIMITS, seed=1)
    launcher._process.kill()
    wait_until(lambda: not kernel.alive())
    with pytest.raises(LauncherError, match="ended"):
        launcher.launch(LIMITS, seed=1)
    kernel.close()
    launcher.close()


def test_a_request_that_makes_no_sense_leaves_the_launcher_alive(bare_launcher):
    for request in ({"op": "kernel"}, {"op": "tea"}, {}, {"op": "kernel", "isolation": "none", "limits": {}}):
        with pytest.raises(LauncherError):
            bare_launcher._ask(request)
    with bare_launcher.launch(LIMITS, seed=1) as kernel:
        assert kernel.alive()


def test_isolation_is_not_part_of_a_request(bare_launcher):
    request = {"op": "kernel", "limits": {}, "seed": 1, "threads": 1, "isolation": "none", "mode": "none"}
    with bare_launcher._ask(request) as kernel:
        assert kernel.layers == bare_launcher.layers
