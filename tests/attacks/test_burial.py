"""Nothing of a kernel outlives it, however it or whoever watches it ends.

Every process of a kernel holds a pipe to the test: when its other end closes, all of them are gone.
"""

import os
import select
import signal
import time

import pytest
from jailer import MODES, USERS

USED = ("leave_a_daemon", "stay_with_a_daemon", "stay", "explode")
SOON_S = 2.0

in_every_mode = pytest.mark.parametrize(("user", "mode"), [(user, mode) for user in USERS for mode in MODES])


@in_every_mode
def test_daemons_die_with_the_kernel(jailer, user, mode):
    said = jailer.run(user, mode, "leave_a_daemon")[0]
    assert said["gained"]
    assert said["all_gone_s"] < SOON_S


def test_daemons_live_where_nobody_buries_them(jailer):
    """The control: these daemons do outlive their kernel if left alone."""
    said = jailer.run("ordinary", "none", "leave_a_daemon", then="bury nothing", patience_s=0.7)[0]
    assert said["gained"]
    assert "all_gone_s" not in said


@pytest.mark.parametrize("attack", ["stay_with_a_daemon", "explode"])
@in_every_mode
def test_all_die_when_the_owner_leaves(jailer, user, mode, attack):
    said = jailer.run(user, mode, attack, then="close leash", limits={"tasks": 60}, no_cgroup=True)[0]
    assert said["all_gone_s"] < SOON_S
    assert said["ending"]["reason"] == "owner left"


@pytest.mark.parametrize("user", USERS)
def test_all_die_when_the_supervisor_is_killed(jailer, user):
    said = jailer.run(user, "namespaces", "stay_with_a_daemon", then="kill supervisor")[0]
    assert said["all_gone_s"] < SOON_S


@pytest.mark.parametrize("user", USERS)
def test_without_pid_namespace_the_kernel_dies_with_the_supervisor(jailer, user):
    said = jailer.run(user, "landlock", "stay", then="kill supervisor")[0]
    assert said["all_gone_s"] < SOON_S


def test_the_launcher_can_bury_by_uid(jailer):
    said = jailer.run("root", "landlock", "stay_with_a_daemon", then="kill supervisor", no_cgroup=True)[0]
    assert said["all_gone_s"] < SOON_S


# Not root under landlock: there the launcher's burial finds the kernel by its uid.
@pytest.mark.parametrize(
    ("user", "mode"), [("root", "namespaces"), ("ordinary", "namespaces"), ("ordinary", "landlock")]
)
def test_a_death_signal_that_may_be_withdrawn_is_withdrawn(jailer, user, mode):
    """The control: without the filter a kernel stays alive, since it may say that it wants no signal."""
    order = {"then": "kill supervisor", "omit": ("seccomp",), "patience_s": 1.0}
    assert "all_gone_s" not in jailer.run(user, mode, "stay", **order)[0]


@in_every_mode
def test_all_die_when_the_launcher_is_killed(jailer, user, mode):
    ours, theirs = os.pipe()
    jailer.run_and_kill_launcher(user, mode, "stay_with_a_daemon", hold=theirs)
    os.close(theirs)
    started = time.monotonic()
    assert select.select([ours], [], [], SOON_S)[0], "something still holds the pipe"
    assert os.read(ours, 1) == b""
    os.close(ours)
    assert time.monotonic() - started < SOON_S


@in_every_mode
def test_how_a_kernel_ended_is_told(jailer, user, mode):
    assert jailer.run(user, mode, "be_root")[0]["ending"]["exit"] == 0
    said = jailer.run(user, mode, "stay", then="close leash")[0]
    assert said["ending"]["signal"] == signal.SIGKILL
