"""The filter, run by an interpreter of our own for both machines, and by Linux on this one."""

import ctypes
import errno
import os
import re
import struct
from pathlib import Path

import pytest

from autograder.sandbox import libc, seccomp
from autograder.sandbox.syscalls import NUMBERS

MACHINES = tuple(seccomp.AUDIT_ARCH)
ALLOWED, KILLED = "allowed", "killed"
HEADERS = {
    "x86_64": Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h"),
    "aarch64": Path("/usr/include/asm-generic/unistd.h"),
}
# By hand from the headers, so as not to depend on our own table: read, write, openat, mmap, futex, execve,
# clone (a thread's and a process's), exit_group, getrandom, sendmsg, bind.
ORDINARY = {
    "x86_64": (0, 1, 257, 9, 202, 59, 231, 318, 46, 49),
    "aarch64": (63, 64, 56, 222, 98, 221, 94, 278, 211, 200),
}
# With these, arguments that are all -1 would not fail.
UNGUARDED = ("vhangup", "setgroups", "personality", "syslog", "msgget")


def decide(program, number, *arguments, architecture=None):
    """What Linux would do: interpret the classic BPF of seccomp(2) over `struct seccomp_data`."""
    machine, code = program
    words = [argument & (2**64 - 1) for argument in arguments]
    words += [0] * (6 - len(words))
    data = struct.pack("iIQ6Q", number, architecture or seccomp.AUDIT_ARCH[machine], 0, *words)
    steps = [struct.unpack_from("HBBI", code, at) for at in range(0, len(code), 8)]
    accumulator, at = 0, 0
    while True:
        operation, if_true, if_false, value = steps[at]
        at += 1
        if operation == 0x20:
            (accumulator,) = struct.unpack_from("I", data, value)
        elif operation == 0x54:
            accumulator &= value
        elif operation == 0x06:
            return {0x7FFF0000: ALLOWED, 0x80000000: KILLED}.get(value, value & 0xFFFF)
        else:
            test = {0x15: accumulator == value, 0x25: accumulator > value, 0x45: bool(accumulator & value)}
            at += if_true if test[operation] else if_false


@pytest.fixture(params=MACHINES)
def machine(request):
    return request.param


@pytest.fixture(params=[True, False], ids=["outside visible", "new root"])
def outside_visible(request):
    return request.param


@pytest.fixture
def program(machine, outside_visible):
    return machine, seccomp.program(machine, outside_visible=outside_visible)


def number(machine, name):
    return NUMBERS[name][MACHINES.index(machine)]


def test_what_no_notebook_needs_is_refused(program, machine):
    present = [name for name in seccomp.REFUSED if number(machine, name) is not None]
    assert len(present) > 60
    assert {decide(program, number(machine, name)) for name in present} == {errno.EPERM}


def test_ordinary_calls_are_allowed(program, machine):
    assert {decide(program, each, 1, 1, 1) for each in ORDINARY[machine]} == {ALLOWED}


@pytest.mark.parametrize("later", [470, 1000, 0x3FFFFFFF])
def test_calls_of_later_versions_do_not_exist(program, later):
    assert decide(program, later) == errno.ENOSYS


def test_clone3_does_not_exist(program):
    """The C library then uses clone, whose flags a filter can read."""
    assert decide(program, 435) == errno.ENOSYS


def test_calls_of_32_bit_programs_kill(program):
    assert decide(program, 0, architecture=0x40000003) == KILLED


def test_x32_calls_do_not_exist(program):
    assert decide(program, 0x40000000 | 165) == errno.ENOSYS


@pytest.mark.parametrize("call", ["socket", "socketpair"])
def test_only_unix_sockets_can_be_made(program, machine, call):
    families = {family: decide(program, number(machine, call), family, 1) for family in range(50)}
    assert families.pop(1) == ALLOWED
    assert set(families.values()) == {errno.EAFNOSUPPORT}


@pytest.mark.parametrize("flags", [0, 0o4000, 0o2000000])
def test_datagrams_are_refused_where_paths_lead_outside(program, machine, outside_visible, flags):
    expected = errno.EPERM if outside_visible else ALLOWED
    assert decide(program, number(machine, "socketpair"), 1, 2 | flags) == expected


@pytest.mark.parametrize("namespace", [17, 25, 26, 27, 28, 29, 30])
def test_clone_makes_no_namespace(program, machine, namespace):
    assert decide(program, number(machine, "clone"), 1 << namespace | 17) == errno.EPERM


@pytest.mark.parametrize("flags", [17, 0x3D0F00, 0x4111])
def test_clone_makes_processes_and_threads(program, machine, flags):
    assert decide(program, number(machine, "clone"), flags) == ALLOWED


@pytest.mark.parametrize("request_code", [0x5412, 0x541C, 0x5412 | 1 << 32])
def test_nothing_types_on_a_terminal(program, machine, request_code):
    """Linux reads the lower half of the request: bits above it are no way around."""
    assert decide(program, number(machine, "ioctl"), 0, request_code) == errno.EPERM
    assert decide(program, number(machine, "ioctl"), 0, 0x5413) == ALLOWED


def test_the_death_signal_stays(program, machine):
    assert decide(program, number(machine, "prctl"), 1) == errno.EPERM
    assert decide(program, number(machine, "prctl"), 15) == ALLOWED


def test_only_its_own_limits_change(program, machine):
    assert decide(program, number(machine, "prlimit64"), 0) == ALLOWED
    assert decide(program, number(machine, "prlimit64"), 42) == errno.EPERM


def test_connecting_is_refused_where_paths_lead_outside(program, machine, outside_visible):
    assert decide(program, number(machine, "connect")) == (errno.ECONNREFUSED if outside_visible else ALLOWED)


def test_modes_are_pretended_to_change_where_files_are_not_ours(program, machine, outside_visible):
    assert decide(program, number(machine, "fchmodat")) == (0 if outside_visible else ALLOWED)


def test_numbers_agree_with_the_headers(machine):
    if not HEADERS[machine].exists():
        pytest.skip("the headers of Linux are not installed")
    pattern = r"#define __NR(?:3264)?_(\w+)\s+(\d+)"
    said = {name: int(value) for name, value in re.findall(pattern, HEADERS[machine].read_text())}
    ours = {name: number(machine, name) for name in NUMBERS}
    common = said.keys() & ours.keys()
    assert len(common) > 90
    assert {name: ours[name] for name in common} == {name: said[name] for name in common}
    assert not {name for name in ours if ours[name] is None} & said.keys()


def test_linux_agrees():
    """Every refused call is made for real, with arguments that would fail in another way."""
    machine = libc.machine()
    if machine not in MACHINES:
        pytest.skip(f"the filter is not made for {machine}")
    asked = [name for name in seccomp.REFUSED if number(machine, name) is not None]
    before, after = _errors(machine, asked, filtered=False), _errors(machine, asked, filtered=True)
    assert set(after) == {errno.EPERM}
    assert sum(error != errno.EPERM for error in before) > len(asked) / 3


def _errors(machine, names, *, filtered):
    """The error of each call, in a child."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        system = ctypes.CDLL(None, use_errno=True)
        if filtered:
            libc.prctl(libc.PR_SET_NO_NEW_PRIVS, 1)
            seccomp.apply(outside_visible=False)
        errors = []
        for name in names:
            wrong = [ctypes.c_long(-1)] * 6
            harmless = filtered or name not in UNGUARDED
            ctypes.set_errno(0)
            if harmless:
                system.syscall(ctypes.c_long(number(machine, name)), *wrong)
            errors.append(ctypes.get_errno())
        os.write(write, bytes(min(error, 255) for error in errors))
        os._exit(0)
    os.close(write)
    os.waitpid(pid, 0)
    with open(read, "rb") as said:
        return list(said.read())
