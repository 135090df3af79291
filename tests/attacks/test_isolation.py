"""Each promise of the sandbox, attacked: it fails inside, and the same attack succeeds without the sandbox.

The attacks are in isolation_attacks.py. A control that fails means that the attack tests nothing.
"""

import inspect

import isolation_attacks
import pytest
from jailer import MODES, USERS


def names(text):
    return tuple(text.split())


# Attacks that root can carry out on an unprotected machine and an ordinary user cannot.
AS_ROOT = names("""
    write_kernel_settings open_a_disk make_a_device have_capabilities become_root be_root
    read_memory_of_the_launcher trace_another_process read_memory_by_call take_a_descriptor_from_another_process
    make_a_user_namespace make_a_user_namespace_by_clone mount_something mount_by_the_new_calls change_the_root
""")
AS_ANYBODY = names("""
    read_a_file_outside list_a_folder_outside read_through_a_link read_through_the_root_of_another_process
    read_the_configuration_of_the_machine see_other_processes see_another_process_by_number
    read_the_environment_of_the_launcher
    write_a_file_outside write_what_is_readable remove_what_is_readable truncate_what_is_readable
    change_the_mode_of_what_is_readable
    signal_another_process signal_the_launcher signal_the_supervisor slow_another_process_down
    change_limits_of_another_process
    connect_over_tcp send_over_udp ask_a_name_server listen_on_tcp use_other_kinds_of_sockets
    connect_to_an_abstract_socket connect_to_a_pathname_socket send_to_a_pathname_socket
    send_from_a_pair_of_sockets
    gain_from_a_setuid_program hide_a_file_in_memory share_memory_by_system_v outlive_the_supervisor_by_request
    put_a_link_among_the_sockets see_this_project
""")
# Linux itself may be set up to refuse these to everybody.
IF_THE_MACHINE_ALLOWS = names("keep_a_key use_io_uring handle_page_faults type_on_a_terminal")
# Landlock cannot see these.
ONLY_WITH_NAMESPACES = names("list_mounts_of_the_host signal_everybody")
IN_BOTH = (*AS_ROOT, *AS_ANYBODY, *IF_THE_MACHINE_ALLOWS)
# Promises kept in every mode, "none" included; what they are worth shows when their layer is left out.
HYGIENE = {"read_the_environment_of_our_own": "environment", "use_inherited_descriptors": "descriptors"}
ALWAYS = (*HYGIENE, "dump_core")
# Used by a test of its own.
ELSEWHERE = ("wait_behind_a_link",)
ALL = (*IN_BOTH, *ONLY_WITH_NAMESPACES, *ALWAYS)


@pytest.mark.parametrize("attack", (*IN_BOTH, *ALWAYS))
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("user", USERS)
def test_attack_fails(jailer, user, mode, attack):
    assert not jailer.run_all(user, mode, ALL)[attack]["gained"]


@pytest.mark.parametrize("attack", ONLY_WITH_NAMESPACES)
@pytest.mark.parametrize("user", USERS)
def test_attack_fails_in_namespaces(jailer, user, attack):
    assert not jailer.run_all(user, "namespaces", ALL)[attack]["gained"]


@pytest.mark.parametrize(
    ("user", "attack"),
    [("root", attack) for attack in AS_ROOT]
    + [(user, attack) for user in USERS for attack in (*AS_ANYBODY, *ONLY_WITH_NAMESPACES)],
)
def test_attack_succeeds_without_a_sandbox(jailer, user, attack):
    if attack == "gain_from_a_setuid_program" and not jailer.setuid:
        pytest.skip("only root can make a program that gives root's rights")
    said = jailer.run_all(user, "none", ALL)[attack]
    assert said["gained"], said["raised"]


@pytest.mark.parametrize("attack", IF_THE_MACHINE_ALLOWS)
def test_attack_succeeds_without_a_sandbox_if_the_machine_allows(jailer, attack):
    if not jailer.run_all("root", "none", ALL)[attack]["gained"]:
        pytest.skip("this machine refuses it to everybody")


@pytest.mark.parametrize(
    ("mode", "omit", "attack"),
    [
        ("namespaces", ("seccomp",), "hide_a_file_in_memory"),
        ("namespaces", ("seccomp",), "share_memory_by_system_v"),
        ("namespaces", ("seccomp",), "outlive_the_supervisor_by_request"),
        ("namespaces", ("seccomp", "network"), "send_over_udp"),
        ("namespaces", ("seccomp", "network", "landlock"), "connect_over_tcp"),
        ("namespaces", ("network", "landlock"), "connect_to_an_abstract_socket"),
        ("namespaces", ("landlock",), "put_a_link_among_the_sockets"),
        ("namespaces", ("capabilities", "landlock", "seccomp"), "have_capabilities"),
        ("landlock", ("landlock",), "read_a_file_outside"),
        ("landlock", ("landlock",), "see_this_project"),
        ("landlock", ("landlock",), "see_another_process_by_number"),
        ("landlock", ("landlock",), "put_a_link_among_the_sockets"),
        ("landlock", ("seccomp",), "connect_to_a_pathname_socket"),
        ("landlock", ("seccomp",), "send_from_a_pair_of_sockets"),
        ("landlock", ("seccomp",), "send_over_udp"),
        ("none", ("environment",), "read_the_environment_of_our_own"),
        ("none", ("descriptors",), "use_inherited_descriptors"),
    ],
)
@pytest.mark.parametrize("user", USERS)
def test_attack_succeeds_without_its_layer(jailer, user, mode, omit, attack):
    said = jailer.run(user, mode, attack, omit=omit)[0]
    assert said["gained"], said["raised"]


# What stands on one layer alone; all else has a second one behind it.
ALONE = {
    "landlock": {"put_a_link_among_the_sockets"},
    "network": set(),
    "seccomp": {
        "use_other_kinds_of_sockets",
        "hide_a_file_in_memory",
        "share_memory_by_system_v",
        "outlive_the_supervisor_by_request",
        *IF_THE_MACHINE_ALLOWS,
    },
}


@pytest.mark.parametrize("layer", ALONE)
@pytest.mark.parametrize("user", USERS)
def test_most_attacks_fail_even_without_one_layer(jailer, user, layer):
    said = jailer.run_all(user, "namespaces", ALL, (layer,))
    assert {attack for attack in ALL if said[attack]["gained"]} <= ALONE[layer]


@pytest.mark.parametrize("user", USERS)
def test_a_link_among_the_sockets_leads_nobody_astray(jailer, user):
    """The grader connects to the kernel's sockets by path. Where a link can be made it is not followed."""
    order = {"omit": ("landlock",), "then": "connect to the link"}
    assert jailer.run(user, "namespaces", "wait_behind_a_link", **order)[0]["connected"] == "ELOOP"
    assert jailer.run(user, "landlock", "wait_behind_a_link", **order)[0]["connected"] == "yes"


def test_what_a_uid_does_for_root_the_filter_does_for_an_ordinary_user(jailer):
    """In landlock mode, and without a uid of its own, this user's processes are in the kernel's reach."""
    attack = "slow_another_process_down"
    assert jailer.run("ordinary", "landlock", attack, omit=("seccomp",))[0]["gained"]
    assert not jailer.run("root", "landlock", attack, omit=("seccomp",))[0]["gained"]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("user", USERS)
def test_layers_are_reported(jailer, user, mode):
    said = jailer.run_all(user, mode, ALL)["be_root"]["layers"]
    expected = {"seccomp"} | ({"uid"} if user == "root" else set())
    assert expected <= set(said)
    assert mode in said


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("user", USERS)
def test_confining_takes_milliseconds(jailer, user, mode):
    spent = [said["enter_ms"] for said in jailer.run_all(user, mode, ALL).values()]
    assert min(spent) < 20


def test_every_attack_is_used():
    from test_burial import USED as BURIAL
    from test_limits_hold import USED as LIMITS

    ours = {name: each for name, each in vars(isolation_attacks).items() if inspect.isfunction(each)}
    assert {name for name in ours if not name.startswith("_")} - {"say"} == {
        *ALL,
        *ELSEWHERE,
        *BURIAL,
        *LIMITS,
    }
