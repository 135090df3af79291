import mmap
import os
import resource

import pytest
from forked import in_child

from autograder.sandbox.limits import MB, Limits

HELD = ("CORE", "FSIZE", "NOFILE", "MSGQUEUE", "NPROC", "DATA", "AS")


def held(**how):
    Limits(memory_mb=300, tasks=50, file_mb=7).apply_rlimits(**how)
    return {name: resource.getrlimit(getattr(resource, f"RLIMIT_{name}")) for name in HELD}


def test_limits_cannot_be_raised_again():
    limits = in_child(lambda: held(cgroup=False, uid_is_own=True))
    assert [name for name, (soft, hard) in limits.items() if soft != hard] == []


def test_values():
    limits = in_child(lambda: held(cgroup=False, uid_is_own=True))
    assert limits["FSIZE"] == [7 * MB] * 2
    assert limits["NPROC"] == [50] * 2
    assert limits["CORE"] == [1] * 2
    assert 300 * MB <= limits["DATA"][0] < limits["AS"][0]


def test_a_cgroup_counts_memory_instead():
    before = resource.getrlimit(resource.RLIMIT_DATA)
    limits = in_child(lambda: held(cgroup=True, uid_is_own=True))
    assert limits["DATA"] == list(before)


def test_a_gpu_needs_its_address_space():
    before = resource.getrlimit(resource.RLIMIT_AS)
    limits = in_child(lambda: held(cgroup=False, uid_is_own=True, gpu=True))
    assert limits["AS"] == list(before)


def test_a_tighter_limit_stays():
    def tighten():
        resource.setrlimit(resource.RLIMIT_NOFILE, (100, 100))
        return held(cgroup=False, uid_is_own=True)["NOFILE"]

    assert in_child(tighten) == [100, 100]


def test_other_processes_of_the_user_count_and_are_allowed_for():
    """A limit of 50 tasks for a user with 60 would refuse everything."""

    def as_a_user_with_processes():
        if os.geteuid() == 0:
            os.setresuid(54324, 54324, 54324)
        for _ in range(60):
            if os.fork() == 0:
                os.execvp("sleep", ["sleep", "1"])
        limits = held(cgroup=False, uid_is_own=False)["NPROC"]
        pid = os.fork()
        if pid == 0:
            os._exit(0)
        return limits[0]

    assert 60 + 50 < in_child(as_a_user_with_processes) < 10_000


@pytest.mark.parametrize("megabytes", [100, 2000])
def test_memory_over_the_limit_is_refused(megabytes):
    def allocate():
        Limits(memory_mb=1000).apply_rlimits(cgroup=False, uid_is_own=True)
        try:
            mmap.mmap(-1, megabytes * MB, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS).close()
        except (OSError, MemoryError):
            return "refused"
        return "given"

    assert in_child(allocate) == ("refused" if megabytes == 2000 else "given")
