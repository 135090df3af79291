"""Landlock: what this process and its children may do with files, sockets and signals, for good.

Promise, as far as this Linux's Landlock goes (its ABI): files outside the rules can be neither read,
written nor run (1), moved (2) or truncated (3); no TCP port is bound or connected to (4); no device but
the given ones takes an ioctl (5); abstract sockets and signals do not reach processes outside (6).
Not promised: UDP, pathname sockets, stat, chmod, chown and times, which Landlock does not know.
A listing of names in a folder of packages shows masked names too; what they hold cannot be read.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import stat
from collections.abc import Iterable, Iterator
from functools import lru_cache

from autograder.sandbox import libc

EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
REFER, TRUNCATE, IOCTL_DEV = 1 << 13, 1 << 14, 1 << 15
MAKE_SOCKET, MAKE_CHARACTER_DEVICE, MAKE_BLOCK_DEVICE, REMOVE_FILE = 1 << 9, 1 << 6, 1 << 11, 1 << 5
READ = EXECUTE | READ_FILE | READ_DIR
WRITE = ((IOCTL_DEV << 1) - 1) & ~(MAKE_CHARACTER_DEVICE | MAKE_BLOCK_DEVICE)
USE_DEVICE = READ_FILE | WRITE_FILE | READ_DIR | IOCTL_DEV | TRUNCATE
# For a folder of sockets that others connect to by path: no links in there that would lead them astray.
BIND_SOCKETS = READ_DIR | READ_FILE | WRITE_FILE | MAKE_SOCKET | REMOVE_FILE
ON_FILES = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV
# Every right on files that an ABI knows; index 0 is unused.
FILE_RIGHTS = (0, REFER - 1, TRUNCATE - 1, IOCTL_DEV - 1, IOCTL_DEV - 1, (IOCTL_DEV << 1) - 1)
# What an ABI added, in the words of somebody who reads a diagnosis.
SINCE = {
    2: "moving files between folders",
    3: "protection from truncating files",
    4: "TCP rules",
    5: "rules on devices",
    6: "protection of abstract sockets and from signals",
}
TCP = 0b11
SCOPE_SOCKETS, SCOPE_SIGNALS = 0b01, 0b10
QUIET = 0b101  # no audit records of what a submission tried: they would be its way to fill a disk
VERSION = 1
PATH_BENEATH = 1

_signals_are_kept_inside = False


class _Ruleset(ctypes.Structure):
    _fields_ = (("fs", ctypes.c_uint64), ("net", ctypes.c_uint64), ("scoped", ctypes.c_uint64))


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32))


def abi() -> int:
    """Landlock's ABI on this machine; 0 where it is missing or switched off."""
    try:
        return libc.syscall("landlock_create_ruleset", libc.LANDLOCK_CREATE_RULESET, None, 0, VERSION)
    except OSError:
        return 0


def restrict(rules: Iterable[tuple[str, int]]) -> int:
    """Allow this process what the rules say and nothing else.

    Args:
        rules: paths, and the rights on them and below.
    Returns: the ABI that holds.
    Raises: OSError where Landlock is missing. Needs no_new_privs.
    """
    version = abi()
    rights = FILE_RIGHTS[min(version, len(FILE_RIGHTS) - 1)]
    scoped = SCOPE_SOCKETS | SCOPE_SIGNALS if version >= 6 else 0
    attributes = _Ruleset(rights, TCP if version >= 4 else 0, scoped)
    size = 8 if version < 4 else 16 if version < 6 else 24
    ruleset = libc.syscall("landlock_create_ruleset", libc.LANDLOCK_CREATE_RULESET, attributes, size, 0)
    try:
        for path, allowed in rules:
            _allow(ruleset, path, allowed & rights)
        flags = QUIET if version >= 7 else 0
        libc.syscall("landlock_restrict_self", libc.LANDLOCK_RESTRICT_SELF, ruleset, flags)
    finally:
        os.close(ruleset)
    return version


def keep_signals_inside() -> None:
    """From now on signals of this process, of its user too, reach only processes that it will fork.

    A supervisor that does this before it forks its kernel can kill all of it with `kill_all_inside`,
    though they are processes of the same user; the kernel's own, inner rules do not let it strike back.
    Raises: OSError before ABI 6. Needs no_new_privs.
    """
    global _signals_are_kept_inside
    # Moving between folders is refused by every ruleset that does not allow it.
    ruleset = _Ruleset(REFER, 0, SCOPE_SIGNALS)
    name = "landlock_create_ruleset (signals)"
    descriptor = libc.syscall(name, libc.LANDLOCK_CREATE_RULESET, ruleset, ctypes.sizeof(ruleset), 0)
    try:
        _allow(descriptor, "/", REFER)
        libc.syscall("landlock_restrict_self", libc.LANDLOCK_RESTRICT_SELF, descriptor, 0)
    finally:
        os.close(descriptor)
    _signals_are_kept_inside = True


def kill_all_inside() -> None:
    """Kill, in one call that no fork can outrun, every process below this one.

    Raises: RuntimeError where `keep_signals_inside` did not come first: it would kill all of this user's.
    """
    if not _signals_are_kept_inside:
        raise RuntimeError("signals of this process are not kept inside")
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(-1, signal.SIGKILL)


@lru_cache(maxsize=4)
def readable_rules(readable: tuple[str, ...], masked: tuple[str, ...]) -> tuple[tuple[str, int], ...]:
    """Paths and what is allowed below them.

    A rule covers all below its path, so a folder with something masked is allowed entry by entry. To
    look these up takes a while: a launcher does so once, for all its forks.
    """
    hidden = {os.path.realpath(path) for path in masked}
    return tuple(
        rule for path in {os.path.realpath(path) for path in readable} for rule in _around(path, hidden)
    )


def _around(path: str, masked: set[str]) -> Iterator[tuple[str, int]]:
    if path in masked:
        return
    below = path.rstrip("/") + "/"
    if not any(hidden.startswith(below) for hidden in masked):
        yield path, READ
        return
    yield path, READ_DIR
    for entry in os.scandir(path):
        if not entry.is_symlink():
            yield from _around(entry.path, masked)


def _allow(ruleset: int, path: str, allowed: int) -> None:
    try:
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except (FileNotFoundError, PermissionError):
        return  # not there, or not ours to read: no rule, so no access
    try:
        if not stat.S_ISDIR(os.fstat(descriptor).st_mode):
            allowed &= ON_FILES
        rule = _PathBeneath(allowed, descriptor)
        libc.syscall("landlock_add_rule", libc.LANDLOCK_ADD_RULE, ruleset, PATH_BENEATH, rule, 0)
    finally:
        os.close(descriptor)
