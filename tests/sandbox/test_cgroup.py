import os
import time

import pytest

from autograder.sandbox import cgroup
from autograder.sandbox.limits import Limits

V2 = "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw"
V1 = """\
31 23 0:27 / /sys/fs/cgroup/memory rw shared:9 - cgroup cgroup rw,memory
32 23 0:28 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct
33 23 0:29 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids
"""


@pytest.fixture
def group():
    made = cgroup.create(Limits(memory_mb=64, tasks=20), f"autograder-test-{os.getpid()}")
    if made is None:
        pytest.skip("this machine lets us make no control group")
    yield made
    made.kill()
    made.remove()


def test_a_service_of_systemd():
    groups = cgroup.own_groups(V2, "0::/user.slice/user-1000.slice/session-2.scope\n")
    own = "/sys/fs/cgroup/user.slice/user-1000.slice/session-2.scope"
    assert groups == {"": ("/sys/fs/cgroup", own)}


def test_version_1_has_a_hierarchy_for_each_controller():
    groups = cgroup.own_groups(V1, "9:memory:/jobs/7\n8:pids:/\n7:cpu,cpuacct:/jobs/7\n0::/\n")
    assert groups["memory"] == ("/sys/fs/cgroup/memory", "/sys/fs/cgroup/memory/jobs/7")
    assert groups["pids"] == ("/sys/fs/cgroup/pids", "/sys/fs/cgroup/pids")
    assert groups["cpuacct"] == ("/sys/fs/cgroup/cpu,cpuacct", "/sys/fs/cgroup/cpu,cpuacct/jobs/7")


def test_a_container_sees_its_own_group_as_the_root():
    mounts = "30 23 0:26 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory"
    assert cgroup.own_groups(mounts, "9:memory:/docker/abc\n")["memory"][1] == "/sys/fs/cgroup/memory"
    assert cgroup.own_groups(mounts, "9:memory:/docker/abc/x\n")["memory"][1] == "/sys/fs/cgroup/memory/x"
    assert cgroup.own_groups(mounts, "9:memory:/\n")["memory"][1] == "/sys/fs/cgroup/memory"


def test_a_process_and_its_children_are_in_the_group(group):
    pid = fork_into(group)
    assert group.oom_kills() == 0
    assert group.peak_mb() is None or group.peak_mb() < 64
    group.kill()
    assert os.waitpid(pid, 0)[1] == 9


def test_the_group_goes_when_it_is_empty(group):
    pid = fork_into(group)
    group.kill()
    os.waitpid(pid, 0)
    group.remove()
    assert not any(os.path.exists(folder) for folder in group.folders)


def test_forks_over_the_limit_are_refused_and_counted(group):
    pid = os.fork()
    if pid == 0:
        group.add(0)
        refused = False
        for _ in range(30):
            try:
                if os.fork() == 0:
                    time.sleep(20)
            except BlockingIOError:
                refused = True
        os._exit(int(refused))
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 1
    assert group.refused_tasks() > 0


def test_memory_over_the_limit_kills_and_is_counted(group):
    pid = os.fork()
    if pid == 0:
        group.add(0)
        bytearray(200 << 20)[::4096] = b"x" * (200 << 8)
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 9
    assert group.oom_kills() == 1


def test_groups_of_the_dead_are_swept(group):
    parent = os.path.dirname(group.memory)
    stale = os.path.join(parent, "autograder-stale-99999999")
    os.mkdir(stale)
    cgroup.sweep()
    assert not os.path.exists(stale)
    assert os.path.exists(group.memory)


def fork_into(group):
    """A process in the group that sleeps."""
    go, ready = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.read(go, 1)
        time.sleep(20)
        os._exit(0)
    group.add(pid)
    os.close(ready)
    os.close(go)
    return pid
