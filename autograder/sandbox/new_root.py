"""A root folder made for one kernel: a small tmpfs that shows what is readable and nothing else.

Promise: a path that is not below `readable`, or is below `masked`, does not exist for the kernel; what
exists is read-only but for its home, work folder, sockets, `/tmp` and `/dev/shm`, whose sizes are
capped and which never touch the host's disk. `/proc` shows the kernel's own processes. Not promised: a
limit on what readable files say. Needs CAP_SYS_ADMIN over the mount namespace, Linux 5.12.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from autograder.sandbox import credentials, libc
from autograder.sandbox.limits import Limits

HOME = f"/home/{credentials.USER}"
WORK = f"{HOME}/work"
IPC = "/run/ipc"
OLD = "/.old"
NOTHING = "/.nothing"
HOME_MB = 256
TMP_MB = 512
SHM_MB = 512
READ_ONLY = libc.MOUNT_ATTR_RDONLY | libc.MOUNT_ATTR_NOSUID | libc.MOUNT_ATTR_NODEV
PRIVATE = libc.MS_NOSUID | libc.MS_NODEV
DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")
DEVICE_LINKS = {
    "fd": "/proc/self/fd",
    "stdin": "/proc/self/fd/0",
    "stdout": "/proc/self/fd/1",
    "stderr": "/proc/self/fd/2",
    "ptmx": "pts/ptmx",
}


@dataclass(frozen=True)
class Step:
    """One thing to make in the new root: `kind` is "link", "show" or "mask"."""

    path: str
    kind: str
    target: str = ""  # of a link


def enter(
    readable: tuple[str, ...], masked: tuple[str, ...], devices: Iterable[str], limits: Limits, uid: int
) -> None:
    """Make the new root and be in it, in a mount namespace that is already ours.

    Args:
        uid: owner of the folders that the kernel may write.
    """
    steps = layout(readable, masked)
    libc.mount(None, "/", None, libc.MS_REC | libc.MS_PRIVATE)
    # Any folder would do to stand on: pivot_root moves the tmpfs from there to the root.
    libc.mount("new_root", "/proc", "tmpfs", PRIVATE, "mode=0755,size=4m,nr_inodes=4k")
    os.chdir("/proc")
    os.mkdir(OLD.lstrip("/"))
    libc.pivot_root(".", OLD.lstrip("/"))
    os.chdir("/")
    os.close(os.open(NOTHING, os.O_CREAT | os.O_WRONLY, 0o444))
    _make_writable(limits, uid)  # first, since something readable may lie below /tmp
    masks = [step.path for step in steps if _make(step) and step.kind == "mask"]
    _make_proc()
    _make_dev(devices)
    _make_etc(uid)
    libc.detach(OLD)
    os.rmdir(OLD)
    for path in ("/", *masks):
        libc.set_mount_attributes(path, READ_ONLY, recursive=False)
    os.chdir(WORK)


@lru_cache(maxsize=4)
def layout(readable: tuple[str, ...], masked: tuple[str, ...]) -> tuple[Step, ...]:
    """What to make, parents before what lies in them. The links on the way to a path are kept as links."""
    steps: dict[str, Step] = {}
    hidden = {os.path.realpath(path) for path in masked}
    for path in readable:
        for step in _walk(path):
            steps.setdefault(step.path, step)
    shown = {step.path for step in steps.values() if step.kind == "show"}
    for path in hidden:
        if path in shown or _nearest(path, shown):
            steps[path] = Step(path, "mask")
    return tuple(
        step for step in sorted(steps.values(), key=_depth_first) if _matters(step, shown - hidden, hidden)
    )


def _walk(path: str) -> Iterator[Step]:
    """The links that lead to `path`, and at last the real path itself."""
    done, todo, links = "/", [part for part in path.split("/") if part], 0
    while todo:
        part = todo.pop(0)
        if part == "..":
            done = os.path.dirname(done)
            continue
        here = os.path.join(done, part)
        if os.path.islink(here) and links < 40:
            links += 1
            target = os.readlink(here)
            yield Step(here, "link", target)
            todo = [piece for piece in target.split("/") if piece not in ("", ".")] + todo
            done = "/" if target.startswith("/") else done
        else:
            done = here
    if os.path.exists(done) and done != "/":
        yield Step(done, "show")


def _matters(step: Step, shown: set[str], hidden: set[str]) -> bool:
    """False for what its nearest parent in the layout shows anyway."""
    parent = _nearest(step.path, shown | hidden)
    return step.kind == "mask" or parent is None or parent in hidden


def _nearest(path: str, among: set[str]) -> str | None:
    while path != "/":
        path = os.path.dirname(path)
        if path in among:
            return path
    return None


def _depth_first(step: Step) -> list[str]:
    return step.path.split("/")


def _make(step: Step) -> bool:
    """Make one step; False if its source has gone since the layout was made."""
    if step.kind == "link":
        os.makedirs(os.path.dirname(step.path), exist_ok=True)
        os.symlink(step.target, step.path)
        return True
    source = OLD + step.path
    try:
        is_folder = stat.S_ISDIR(os.stat(source).st_mode)
    except OSError:
        return False
    if step.kind == "show":
        _bind(source, step.path, is_folder, READ_ONLY)
    elif is_folder:
        os.makedirs(step.path, exist_ok=True)
        libc.mount("masked", step.path, "tmpfs", PRIVATE | libc.MS_NOEXEC, "mode=0755,size=64k,nr_inodes=256")
    else:
        _bind(NOTHING, step.path, False, READ_ONLY)
        return False
    return True


def _bind(source: str, target: str, is_folder: bool, attributes: int) -> None:
    if is_folder:
        os.makedirs(target, exist_ok=True)
    elif not os.path.lexists(target):
        os.makedirs(os.path.dirname(target), exist_ok=True)
        os.close(os.open(target, os.O_CREAT | os.O_WRONLY, 0o644))
    libc.mount(source, target, None, libc.MS_BIND | libc.MS_REC)
    libc.set_mount_attributes(target, attributes, recursive=True)


def _make_proc() -> None:
    os.mkdir("/proc")
    libc.mount("proc", "/proc", "proc", PRIVATE | libc.MS_NOEXEC)


def _make_dev(devices: Iterable[str]) -> None:
    os.mkdir("/dev/pts")
    for device in (*DEVICES, *devices):
        if os.path.exists(OLD + device):
            _bind(
                OLD + device,
                device,
                os.path.isdir(OLD + device),
                libc.MOUNT_ATTR_NOSUID | libc.MOUNT_ATTR_NOEXEC,
            )
    for name, target in DEVICE_LINKS.items():
        os.symlink(target, f"/dev/{name}")
    data = "newinstance,ptmxmode=0666,mode=0600,max=64"
    libc.mount("devpts", "/dev/pts", "devpts", libc.MS_NOSUID | libc.MS_NOEXEC, data)


def _make_etc(uid: int) -> None:
    """The machine's list of accounts is nobody's business: it has one here, the kernel's."""
    os.makedirs("/etc", exist_ok=True)
    user, gid = credentials.USER, os.getgid() if uid == os.getuid() else uid
    files = {
        "passwd": f"root:x:0:0::/:/bin/false\n{user}:x:{uid}:{gid}::{HOME}:/bin/sh\n",
        "group": f"root:x:0:\n{user}:x:{gid}:\n",
        "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
        "hosts": "127.0.0.1 localhost sandbox\n",
        "hostname": "sandbox\n",
    }
    for name, text in files.items():
        with open(f"/etc/{name}", "w") as file:
            file.write(text)


def _make_writable(limits: Limits, uid: int) -> None:
    gid = os.getgid() if uid == os.getuid() else uid
    own = f"uid={uid},gid={gid}"
    for path in ("/tmp", "/var", "/dev/shm", HOME, IPC):
        os.makedirs(path)
    os.symlink("/tmp", "/var/tmp")
    libc.mount("home", HOME, "tmpfs", PRIVATE, f"mode=0700,{own},size={HOME_MB}m,nr_inodes=32k")
    os.mkdir(WORK)
    libc.mount("work", WORK, "tmpfs", PRIVATE, f"mode=0700,{own},size={limits.work_mb}m,nr_inodes=64k")
    libc.mount("tmp", "/tmp", "tmpfs", PRIVATE, f"mode=0700,{own},size={TMP_MB}m,nr_inodes=64k")
    shm_flags = PRIVATE | libc.MS_NOEXEC
    libc.mount("shm", "/dev/shm", "tmpfs", shm_flags, f"mode=0700,{own},size={SHM_MB}m,nr_inodes=4k")
    # The grader connects to sockets in here by path: a link must not lead it to another.
    ipc_flags = PRIVATE | libc.MS_NOEXEC | libc.MS_NOSYMFOLLOW
    libc.mount("ipc", IPC, "tmpfs", ipc_flags, f"mode=0700,{own},size=64k,nr_inodes=32")
