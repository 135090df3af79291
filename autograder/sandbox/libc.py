"""The Linux calls that the sandbox needs and Python 3.11 does not offer, one thin function each.

A call that fails raises OSError with the name of the call in its text. Nothing is retried, and nothing
is decided here: what the calls are for stands in the modules that make them.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import platform
import signal
from collections.abc import Collection, Iterator

CLONE_NEWNS = 0x00020000
CLONE_NEWCGROUP = 0x02000000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000

MS_NOSUID, MS_NODEV, MS_NOEXEC = 2, 4, 8
MS_NOSYMFOLLOW = 256
MS_BIND, MS_REC, MS_PRIVATE = 4096, 16384, 1 << 18
MNT_DETACH = 2

MOUNT_ATTR_RDONLY, MOUNT_ATTR_NOSUID, MOUNT_ATTR_NODEV, MOUNT_ATTR_NOEXEC = 1, 2, 4, 8

PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4
PR_CAPBSET_DROP = 24
PR_SET_SECUREBITS = 28
PR_SET_CHILD_SUBREAPER = 36
PR_SET_NO_NEW_PRIVS = 38
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_CLEAR_ALL = 4

# Numbers of the calls that the C library does not wrap. All others of these two agree from 424 on.
PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}
SECCOMP = {"x86_64": 317, "aarch64": 277}
CLOSE_RANGE, MOUNT_SETATTR = 436, 442
LANDLOCK_CREATE_RULESET, LANDLOCK_ADD_RULE, LANDLOCK_RESTRICT_SELF = 444, 445, 446

AT_FDCWD = -100
AT_RECURSIVE = 0x8000

_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long


def machine() -> str:
    return platform.machine()


def syscall(name: str, number: int, *arguments: int | bytes | ctypes.Array | ctypes.Structure | None) -> int:
    """A raw system call; integers are passed as 64-bit words, structures and arrays by address."""
    words = [ctypes.c_long(word) if isinstance(word, int) else _address(word) for word in arguments]
    return _checked(_libc.syscall(ctypes.c_long(number), *words), name)


def unshare(flags: int) -> None:
    _checked(_libc.unshare(ctypes.c_int(flags)), f"unshare({flags:#x})")


def mount(source: str | None, target: str, kind: str | None, flags: int, data: str | None = None) -> None:
    arguments = [None if each is None else os.fsencode(each) for each in (source, target, kind)]
    result = _libc.mount(*arguments, ctypes.c_ulong(flags), None if data is None else data.encode())
    _checked(result, f"mount({kind or 'bind'} {source or ''} on {target})")


def set_mount_attributes(target: str, attributes: int, *, recursive: bool) -> None:
    """Add MOUNT_ATTR_ flags to the mount at `target`, and to all below it. Linux 5.12."""
    wanted = (ctypes.c_uint64 * 4)(attributes, 0, 0, 0)
    flags = AT_RECURSIVE if recursive else 0
    path = os.fsencode(target)
    name = f"mount_setattr({target})"
    syscall(name, MOUNT_SETATTR, AT_FDCWD, path, flags, wanted, ctypes.sizeof(wanted))


def pivot_root(new: str, old: str) -> None:
    syscall("pivot_root", PIVOT_ROOT[machine()], os.fsencode(new), os.fsencode(old))


def detach(target: str) -> None:
    _checked(_libc.umount2(os.fsencode(target), ctypes.c_int(MNT_DETACH)), f"umount2({target})")


def prctl(option: int, *arguments: int) -> int:
    padded = [ctypes.c_ulong(word) for word in (*arguments, 0, 0, 0, 0)[:4]]
    return _checked(_libc.prctl(ctypes.c_int(option), *padded), f"prctl({option})")


def set_hostname(name: str) -> None:
    encoded = name.encode()
    _checked(_libc.sethostname(encoded, ctypes.c_size_t(len(encoded))), "sethostname")


def set_no_capabilities() -> None:
    """Empty the permitted, effective and inheritable sets of this thread."""
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    _checked(_libc.capset(header, (ctypes.c_uint32 * 6)()), "capset")


@contextlib.contextmanager
def file_user(uid: int) -> Iterator[None]:
    """Open files, of other processes too, with the rights of `uid` and its group. Needs CAP_SETUID."""
    gid = _libc.setfsgid(ctypes.c_uint(uid))
    own = _libc.setfsuid(ctypes.c_uint(uid))
    try:
        yield
    finally:
        _libc.setfsuid(ctypes.c_uint(own))
        _libc.setfsgid(ctypes.c_uint(gid))


def die_with_parent() -> None:
    """Be killed when the thread that forked this process ends, even by SIGKILL.

    A later change of user or capabilities undoes it: call it after those.
    """
    prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def close_other_descriptors(keep: Collection[int]) -> None:
    """Close every descriptor of this process but `keep`."""
    lowest = 0
    for descriptor in sorted({each for each in keep if each >= 0}):
        _close_range(lowest, descriptor - 1)
        lowest = descriptor + 1
    _close_range(lowest, 2**32 - 1)


def _close_range(first: int, last: int) -> None:
    if first <= last:
        syscall("close_range", CLOSE_RANGE, first, last, 0)


def _address(word: bytes | ctypes.Array | ctypes.Structure | None) -> object:
    return word if word is None or isinstance(word, bytes) else ctypes.byref(word)


def _checked(result: int, name: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")
    return result
