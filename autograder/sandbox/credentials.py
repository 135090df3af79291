"""Who the kernel is: a user of its own, without privileges, and an environment of its own.

Promise: after `become` and `drop_privileges` the process has no capability, gains none by running a
setuid file, and (under root) shares its uid with no other kernel. Its environment is the dict below.
Not promised: that the memory inherited from the launcher holds nothing else. A launcher is started
with an environment that holds no secret; wiping the old one here is a second line.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import signal
import socket
import sys

from autograder.sandbox import libc

USER = "student"
# systemd's table of uids leaves 0x70000000-0x7FFFFFFF unassigned: https://systemd.io/UIDS-GIDS
FIRST_UID, LAST_UID = 0x70000000, 0x7FFFFFFE
# Where only 65,536 uids are mapped (a rootless container): above people, below systemd's dynamic users.
FIRST_CONTAINER_UID, LAST_CONTAINER_UID = 30_000, 59_999
UIDS_PER_LAUNCHER = 1000
# Everything but "keep capabilities", each locked: root has no special rights and there is no way back.
SECUREBITS_LOCKED = 0xEF
USER_LIMITS = {
    **{f"{kind}_namespaces": 0 for kind in ("user", "mnt", "pid", "net", "ipc", "uts", "cgroup", "time")},
    "inotify_instances": 8,
    "inotify_watches": 4096,
    "fanotify_groups": 0,
}

_first_uid: int | None = None
_reservation: socket.socket | None = None


def reserve_uids() -> int | None:
    """The first of the uids that belong to this launcher's kernels, or None where we may not change uid.

    Called once, in the launcher: what it forks inherits the answer. The reservation is an abstract
    socket, so it ends with the launcher however that ends.
    """
    global _first_uid, _reservation
    if _first_uid is None and os.geteuid() == 0 and (span := _mapped_uids()):
        blocks = (span[1] - span[0] + 1) // UIDS_PER_LAUNCHER
        # Containers beside each other share uids but neither sockets nor pids: begin where others do not.
        begin = os.getpid() + os.stat("/proc/self/ns/net").st_ino
        for step in range(blocks):
            block = (begin + step) % blocks
            _reservation = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            try:
                _reservation.bind(f"\0autograder-uids-{block}")
            except OSError:
                _reservation.close()
                continue
            _first_uid = span[0] + block * UIDS_PER_LAUNCHER
            break
    return _first_uid


def kernel_uid(serial: int) -> int | None:
    """The uid of the launcher's kernel number `serial`, shared with no live kernel of any launcher.

    Returns: None where this process is not root, or is root of a namespace without other uids.
    """
    first = reserve_uids()
    return None if first is None else first + serial % UIDS_PER_LAUNCHER


def become(uid: int) -> None:
    """Be `uid` and nobody else, for good; `/proc/self` is ours again."""
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)
    libc.prctl(libc.PR_SET_DUMPABLE, 1)


def enter_user_namespace(extra_flags: int = 0, *, required: bool = True) -> bool:
    """Enter a user namespace in which this user is the only one, under the number that it has outside.

    Args:
        extra_flags: more namespaces, which belong to it.
    Returns: False if the machine forbids it and it is not `required`.
    Raises: OSError if it is, or if half of it was allowed.
    """
    uid, gid = os.geteuid(), os.getegid()
    try:
        libc.unshare(libc.CLONE_NEWUSER | extra_flags)
    except OSError:
        if required:
            raise
        return False
    for name, text in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1")):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(text)
    return True


def limit_user_namespace() -> None:
    """Nobody in our user namespace makes namespaces, or uses up what this user's other programs share.

    Needs its capabilities, and a `/proc` of our own.
    """
    for name, most in USER_LIMITS.items():
        with contextlib.suppress(FileNotFoundError), open(f"/proc/sys/user/max_{name}", "w") as file:
            file.write(str(most))


def drop_bounding_set() -> None:
    """No program run from here on can gain a capability. Needs CAP_SETPCAP: call it before `become`."""
    for capability in range(64):
        try:
            libc.prctl(libc.PR_CAPBSET_DROP, capability)
        except OSError as error:
            if error.errno == 22:  # past the last one that this Linux knows
                return
            raise


def drop_privileges() -> None:
    """Give up every capability, and the ways to get one."""
    libc.prctl(libc.PR_SET_NO_NEW_PRIVS, 1)
    with contextlib.suppress(PermissionError):  # without CAP_SETPCAP there is nothing to lock away
        drop_bounding_set()
        libc.prctl(libc.PR_SET_SECUREBITS, SECUREBITS_LOCKED)
    libc.prctl(libc.PR_CAP_AMBIENT, libc.PR_CAP_AMBIENT_CLEAR_ALL)
    libc.set_no_capabilities()


def kernel_environment(home: str, tmp: str = "/tmp") -> dict[str, str]:
    """The whole environment of a kernel; nothing of the launcher's passes."""
    return {
        "PATH": os.pathsep.join([os.path.join(sys.prefix, "bin"), "/usr/local/bin", "/usr/bin", "/bin"]),
        "HOME": home,
        "USER": USER,
        "LOGNAME": USER,
        "SHELL": "/bin/sh",
        "LANG": "C.UTF-8",
        "TMPDIR": tmp,
        "MPLCONFIGDIR": os.path.join(tmp, "matplotlib"),
        "IPYTHONDIR": os.path.join(home, ".ipython"),
        "XDG_CACHE_HOME": os.path.join(home, ".cache"),
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "KERAS_BACKEND": "tensorflow",
        "HF_HUB_OFFLINE": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONNOUSERSITE": "1",
    }


def replace_environment(environment: dict[str, str]) -> None:
    """Make `environment` the only one: the old strings are wiped from where /proc/self/environ shows them."""
    os.environ.clear()
    if posix := sys.modules.get("posix"):
        posix.environ.clear()
    with contextlib.suppress(OSError, ValueError):
        start, end = _initial_environment()
        ctypes.memset(start, 0, end - start)
    os.environ.update(environment)


def kill_all_of(uid: int) -> None:
    """Kill every process of `uid`, however it hides. Needs root; the uid must be a kernel's own."""
    pid = os.fork()
    if pid == 0:
        try:
            os.setresuid(uid, uid, uid)
            os.kill(-1, signal.SIGKILL)
        finally:
            os._exit(0)
    os.waitpid(pid, 0)


def _mapped_uids() -> tuple[int, int] | None:
    """First and last uid that kernels may use: mapped into this user namespace, and nobody's."""
    with open("/proc/self/uid_map") as file:
        ranges = [tuple(map(int, line.split())) for line in file]
    for first, last in ((FIRST_UID, LAST_UID), (FIRST_CONTAINER_UID, LAST_CONTAINER_UID)):
        if any(inside <= first and last < inside + length for inside, _, length in ranges):
            return first, last
    return None


def _initial_environment() -> tuple[int, int]:
    """Addresses between which Linux put the environment when this program was started."""
    with open("/proc/self/stat") as file:
        fields = re.split(r"\) ", file.read(), maxsplit=1)[1].split()
    # env_start and env_end are fields 50 and 51 of proc(5), the first after the name being the third.
    start, end = int(fields[47]), int(fields[48])
    if not 0 < start < end < start + (1 << 22):
        raise ValueError("no initial environment")
    return start, end
