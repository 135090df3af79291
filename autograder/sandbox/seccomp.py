"""A seccomp filter: the system calls that a notebook never needs and an attack does.

Promise: of sockets there are only AF_UNIX ones; no call makes or enters a namespace, mounts, traces
or reads another process, loads code into Linux, keeps keys, hides a file in memory, sets the clock, or
types on a terminal; a process cannot outlive its supervisor by withdrawing its death signal. Calls that
this table does not know, of later versions of Linux or of 32-bit ones, are refused.
Not promised: anything about paths, which a filter cannot see. So where other processes' sockets and
files are in sight (`outside_visible`), connecting and changing modes and owners is refused as a whole.

Refusals are EPERM, or ENOSYS where the C library knows another way. The filter is classic BPF, see
https://www.kernel.org/doc/html/latest/userspace-api/seccomp_filter.html
"""

from __future__ import annotations

import ctypes
import errno
import struct
from functools import lru_cache

from autograder.sandbox import libc
from autograder.sandbox.syscalls import LAST, NUMBERS

MOUNTING = (
    "mount umount2 pivot_root chroot open_tree open_tree_attr move_mount fsopen fsconfig fsmount fspick "
    "mount_setattr statmount listmount unshare setns"
)
OTHER_PROCESSES = (
    "ptrace process_vm_readv process_vm_writev process_madvise process_mrelease kcmp pidfd_getfd move_pages "
    "migrate_pages perf_event_open"
)
KERNEL_INTERFACES = (
    "bpf userfaultfd io_uring_setup io_uring_enter io_uring_register keyctl add_key request_key kexec_load "
    "kexec_file_load init_module finit_module delete_module create_module get_kernel_syms query_module "
    "open_by_handle_at name_to_handle_at fanotify_init fanotify_mark lookup_dcookie nfsservctl afs_syscall "
    "iopl ioperm modify_ldt uselib _sysctl sysfs syslog personality"
)
MACHINE = (
    "quotactl quotactl_fd acct swapon swapoff reboot settimeofday clock_settime adjtimex clock_adjtime "
    "sethostname setdomainname setgroups vhangup"
)
# Memory that no limit on files or data counts, and that outlives its processes.
UNCOUNTED_MEMORY = "memfd_create memfd_secret shmget shmat semget msgget mq_open mq_unlink"
GROUPS = (MOUNTING, OTHER_PROCESSES, KERNEL_INTERFACES, MACHINE, UNCOUNTED_MEMORY)
REFUSED = tuple(name for group in GROUPS for name in group.split())

# Success is reported and nothing done, as fakeroot does: copying a file with its mode must not fail.
PRETENDED = (
    "chmod fchmod fchmodat fchmodat2 chown fchown lchown fchownat setxattr lsetxattr fsetxattr setxattrat "
    "removexattr lremovexattr fremovexattr removexattrat utime utimes futimesat utimensat"
)
# Which argument is 0 where a call is about ourselves, or (SCHED_OTHER) takes nothing from anybody.
HARMLESS_IF_0 = {
    "setpriority": 1,
    "ioprio_set": 1,
    "sched_setscheduler": 1,
    "sched_setattr": 0,
    "sched_setparam": 0,
}

AF_UNIX = 1
SOCK_DGRAM = 2
CLONE_NEW = 0x7E020000  # mount, cgroup, UTS, IPC, user, PID and network namespaces
TYPING = (0x5412, 0x541C)  # TIOCSTI, TIOCLINUX

AUDIT_ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
X32 = 0x40000000
LOAD, AND, EQUALS, ANY_BIT, GREATER, RETURN = 0x20, 0x54, 0x15, 0x45, 0x25, 0x06
ALLOW, KILL = 0x7FFF0000, 0x80000000
SET_MODE_FILTER = 1
ALL_THREADS = 1


def apply(*, outside_visible: bool) -> None:
    """Filter this process, all its threads and all that they start, for good. Needs no_new_privs.

    Args:
        outside_visible: there is no new root and no network namespace: refuse to reach out by path.
    """
    install(program(libc.machine(), outside_visible=outside_visible))


def install(code: bytes) -> None:
    """Put a filter's instructions in force."""
    count = len(code) // 8
    buffer = ctypes.create_string_buffer(code, len(code))
    header = struct.pack("HxxxxxxP", count, ctypes.addressof(buffer))
    libc.syscall("seccomp", libc.SECCOMP[libc.machine()], SET_MODE_FILTER, ALL_THREADS, header)


@lru_cache
def program(machine: str, *, outside_visible: bool) -> bytes:
    """The filter's instructions. Raises: KeyError for a machine whose calls are not in our table."""
    return b"".join(_program(machine, outside_visible))


def _program(machine: str, outside_visible: bool) -> list[bytes]:
    column = list(AUDIT_ARCH).index(machine)
    code = [_load(4), _if(EQUALS, AUDIT_ARCH[machine], 1, 0), _do(RETURN, KILL), _load(0)]
    code += [_if(ANY_BIT, X32, 0, 1), _refuse(errno.ENOSYS)]
    code += [_if(GREATER, LAST, 0, 1), _refuse(errno.ENOSYS)]

    def on(name: str, *then: bytes) -> list[bytes]:
        number = NUMBERS[name][column]
        # Only the low half of an argument is compared: that is what Linux reads of these ints.
        return [] if number is None else [_if(EQUALS, number, 0, len(then)), *then]

    code += on("clone3", _refuse(errno.ENOSYS))
    code += on("socket", *_unless_unix(stream_only=outside_visible))
    code += on("socketpair", *_unless_unix(stream_only=outside_visible))
    code += on("clone", _load_argument(0), _if(ANY_BIT, CLONE_NEW, 0, 1), _refuse(), _allow())
    code += on("ioctl", _load_argument(1), *_if_any(TYPING), _allow())
    code += on("prctl", _load_argument(0), *_if_any((libc.PR_SET_PDEATHSIG,)), _allow())
    code += on("prlimit64", _load_argument(0), _if(EQUALS, 0, 1, 0), _refuse(), _allow())
    for name in REFUSED:
        code += on(name, _refuse())
    if outside_visible:
        code += on("connect", _refuse(errno.ECONNREFUSED))  # what ZeroMQ bears
        code += on("inotify_add_watch", _refuse())
        for name in PRETENDED.split():
            code += on(name, _refuse(0))
        for name, argument in HARMLESS_IF_0.items():
            code += on(name, _load_argument(argument), _if(EQUALS, 0, 1, 0), _refuse(), _allow())
    return [*code, _allow()]


def _unless_unix(*, stream_only: bool) -> list[bytes]:
    """Datagrams are addressed one by one, without connecting: refuse those where that matters."""
    checks = [_load_argument(0), _if(EQUALS, AF_UNIX, 1, 0), _refuse(errno.EAFNOSUPPORT)]
    if stream_only:
        checks += [_load_argument(1), _do(AND, 0xF), _if(EQUALS, SOCK_DGRAM, 0, 1), _refuse()]
    return [*checks, _allow()]


def _if_any(values: tuple[int, ...]) -> list[bytes]:
    """Refuse if the loaded word is one of `values`."""
    return [step for value in values for step in (_if(EQUALS, value, 0, 1), _refuse())]


def _load(offset: int) -> bytes:
    return _do(LOAD, offset)


def _load_argument(index: int) -> bytes:
    return _load(16 + 8 * index)


def _refuse(number: int = errno.EPERM) -> bytes:
    return _do(RETURN, 0x00050000 | number)


def _allow() -> bytes:
    return _do(RETURN, ALLOW)


def _if(test: int, value: int, skip_if_true: int, skip_if_false: int) -> bytes:
    return struct.pack("HBBI", test, skip_if_true, skip_if_false, value)


def _do(code: int, value: int) -> bytes:
    return struct.pack("HBBI", code, 0, 0, value)
