"""Bombs: each stops where its limit says, with the reason told, and goes on where the limit is higher."""

import pytest
from jailer import MODES, USERS

SMALL = {"memory_mb": 120, "tasks": 60, "file_mb": 16, "work_mb": 24}
LARGE = {"memory_mb": 2000, "tasks": 1000, "file_mb": 200, "work_mb": 200}
MEMORY_BOMBS = ("fill_memory", "fill_memory_in_children", "fill_shared_memory")
USED = (
    *MEMORY_BOMBS,
    "start_tasks",
    "write_a_large_file",
    "fill_the_work_folder",
    "fill_the_folder_of_sockets",
    "fill_temporary_folders",
    "make_many_files",
)

everywhere = [pytest.mark.parametrize("mode", MODES), pytest.mark.parametrize("user", USERS)]


def in_every_mode(test):
    for mark in everywhere:
        test = mark(test)
    return test


@pytest.mark.parametrize("counted_by", ["cgroup", "us"])
@pytest.mark.parametrize("bomb", MEMORY_BOMBS)
@in_every_mode
def test_memory_is_limited(jailer, user, mode, bomb, counted_by):
    said = jailer.run(user, mode, bomb, limits=SMALL, no_cgroup=counted_by == "us")[0]
    if counted_by == "cgroup" and said["limits_by"]["memory"] != "cgroup":
        pytest.skip(f"this machine lets {user} make no control group")
    told = said["ending"]["reason"] == "memory limit" and said["ending"]["signal"] == 9
    refused = said.get("raised") == "MemoryError: "
    assert told or refused
    if counted_by == "cgroup":
        assert said["ending"]["peak_mb"] <= SMALL["memory_mb"]


@pytest.mark.parametrize("bomb", MEMORY_BOMBS)
@in_every_mode
def test_memory_below_the_limit_is_left_alone(jailer, user, mode, bomb):
    said = jailer.run(user, mode, bomb, limits=LARGE)[0]
    assert (said["gained"], said["ending"]["reason"]) == (240, None)


@in_every_mode
def test_shared_memory_of_forks_counts_once(jailer, user, mode):
    """Sixty forks of one process are far from sixty times its memory."""
    said = jailer.run(user, mode, "start_tasks", limits={**SMALL, "tasks": 90}, no_cgroup=True)[0]
    assert said["ending"]["reason"] != "memory limit"


@pytest.mark.parametrize("counted_by", ["cgroup", "us"])
@in_every_mode
def test_tasks_are_limited(jailer, user, mode, counted_by):
    said = jailer.run(user, mode, "start_tasks", limits={**LARGE, "tasks": 60}, no_cgroup=counted_by == "us")[
        0
    ]
    assert said["ending"]["reason"] == "task limit" or said["gained"] < 60


@in_every_mode
def test_tasks_below_the_limit_are_left_alone(jailer, user, mode):
    said = jailer.run(user, mode, "start_tasks", limits=LARGE)[0]
    assert (said["gained"], said["ending"]["reason"]) == (120, None)


@in_every_mode
def test_a_file_is_limited(jailer, user, mode):
    assert "File too large" in jailer.run(user, mode, "write_a_large_file", limits=SMALL)[0]["raised"]
    assert jailer.run(user, mode, "write_a_large_file", limits=LARGE)[0]["gained"] == 64


@in_every_mode
def test_the_work_folder_is_limited(jailer, user, mode):
    said = jailer.run(user, mode, "fill_the_work_folder", limits=SMALL)[0]
    if mode == "namespaces":
        assert said["gained"] == SMALL["work_mb"]
    else:
        assert said["ending"]["reason"] == "work folder limit"
    assert jailer.run(user, mode, "fill_the_work_folder", limits=LARGE)[0]["gained"] == 96


@pytest.mark.parametrize(
    ("mode", "omit"), [("namespaces", ()), ("namespaces", ("landlock",)), ("landlock", ())]
)
@pytest.mark.parametrize("user", USERS)
def test_the_folder_of_sockets_is_no_place_for_files(jailer, user, mode, omit):
    filled, many = jailer.run(user, mode, "fill_the_folder_of_sockets", "make_many_files", omit=omit)
    assert filled["gained"] == 0
    assert many["gained"] < 32


@pytest.mark.parametrize("user", USERS)
def test_temporary_folders_count_as_memory(jailer, user):
    said = jailer.run(user, "namespaces", "fill_temporary_folders", limits=SMALL, no_cgroup=True)[0]
    assert said["ending"]["reason"] == "memory limit"
    said = jailer.run(user, "namespaces", "fill_temporary_folders", limits=LARGE)[0]
    assert said["gained"] == 240


def test_limits_say_what_holds_them(jailer):
    said = jailer.run("ordinary", "namespaces", "be_root", no_cgroup=True)[0]["limits_by"]
    assert said == {"memory": "rlimit and watchdog", "tasks": "rlimit", "file": "rlimit", "work": "tmpfs"}
