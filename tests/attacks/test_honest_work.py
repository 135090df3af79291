"""What honest notebooks do works in the sandbox; what does not is listed, so that it can be told."""

import inspect

import honest_work
import pytest
from jailer import MODES, USERS

WORK = tuple(
    name
    for name, each in vars(honest_work).items()
    if inspect.isfunction(each) and each.__module__ == "honest_work" and name != "double"
)
# Landlock alone hides no account, no socket and no mode of a file, so these are refused as a whole.
NOT_IN_LANDLOCK = {"know_its_name", "use_a_manager_process", "connect_to_its_own_sockets", "run_what_it_made"}
# Where the kernel is the same user as everything else, so are terminals and shared memory.
NOT_IN_LANDLOCK_AS_ORDINARY = {
    *NOT_IN_LANDLOCK,
    "run_on_a_terminal",
    "use_processes",
    "use_a_queue_between_processes",
    "share_memory",
}


@pytest.fixture(scope="module")
def done(jailer):
    results = {}

    def run(user, mode):
        if (user, mode) not in results:
            said = jailer.run(user, mode, *WORK, module="honest_work")
            results[user, mode] = {each["attack"]: each for each in said}
        return results[user, mode]

    return run


@pytest.mark.parametrize("work", WORK)
@pytest.mark.parametrize("user", USERS)
def test_work_is_done_in_namespaces(done, user, work):
    said = done(user, "namespaces")[work]
    assert said["gained"], said["raised"]


@pytest.mark.parametrize("user", USERS)
def test_work_is_done_under_landlock(done, user):
    said = done(user, "landlock")
    failed = {work for work in WORK if not said[work]["gained"]}
    assert failed == (NOT_IN_LANDLOCK if user == "root" else NOT_IN_LANDLOCK_AS_ORDINARY)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("user", USERS)
def test_no_work_ends_the_kernel(done, user, mode):
    assert {each["ending"]["exit"] for each in done(user, mode).values()} == {0}
