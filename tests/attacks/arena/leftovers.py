"""What is there before a batch and after it: processes, sockets, shared memory, control groups, files."""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import os
import re
import time
from dataclasses import dataclass
from pathlib import Path

PR_SET_CHILD_SUBREAPER = 36
LOCK = "'.autograder/registration.lock'"  # empty; under it graders take turns
ALLOWED = {"autograded", "reports", "gradebook.db"}  # of the course's folder: what grading writes


@dataclass(frozen=True)
class Snapshot:
    processes: frozenset[str]
    sockets: frozenset[str]
    shared_memory: frozenset[str]
    groups: frozenset[str]
    temporary: frozenset[str]
    course: frozenset[tuple[str, str]]  # path and content of everything that grading must not touch

    @classmethod
    def take(cls, root: Path, temporary: Path, patience_s: float = 0.0) -> Snapshot:
        """Args:
        patience_s: how long processes that have been killed may take to be gone.
        """
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)  # what outlives its parents becomes our child
        deadline = time.monotonic() + patience_s
        while (left := _children()) and time.monotonic() < deadline:
            _reap()
            time.sleep(0.05)
        return cls(
            processes=frozenset(left),
            sockets=frozenset(_sockets_of(temporary.parent)),
            shared_memory=frozenset(_shared_memory()),
            groups=frozenset(_groups()),
            temporary=frozenset(os.listdir(temporary)),
            course=frozenset(_contents(root)),
        )

    def compared_with(self, after: Snapshot) -> dict[str, list]:
        """What is new, by kind; of the course's folder what has changed or gone, too."""
        names = ("processes", "sockets", "shared_memory", "groups", "temporary")
        found = {name: sorted(getattr(after, name) - getattr(self, name)) for name in names}
        found["course"] = sorted(self.course ^ after.course)
        return {name: new for name, new in found.items() if new}


def _reap() -> None:
    """What has ended and was left to us, as to the first process of a machine."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _children() -> list[str]:
    """Processes below this one, dead ones that nobody has waited for included."""
    found, todo = [], [os.getpid()]
    while todo:
        parent = todo.pop()
        for path in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                pid, rest = path.parent.name, path.read_text().rpartition(")")[2].split()
                if int(rest[1]) == parent:
                    command = (
                        path.with_name("cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
                    )
                    found.append(f"{pid} {rest[0]} {command}")
                    todo.append(int(pid))
    return found


def _shared_memory() -> list[str]:
    """What is a kernel's or, where those have no uid of their own, ours."""
    found = []
    for entry in os.scandir("/dev/shm"):
        with contextlib.suppress(FileNotFoundError):
            owner = entry.stat(follow_symlinks=False).st_uid
            if owner >= 0x70000000 or owner == os.geteuid() != 0:
                found.append(entry.name)
    return found


def _sockets_of(folder: Path) -> list[str]:
    """Those with a name below `folder`; abstract ones end with their processes."""
    lines = Path("/proc/net/unix").read_text(errors="replace").splitlines()[1:]
    names = [fields[7] for fields in (line.split(maxsplit=7) for line in lines) if len(fields) > 7]
    return [name for name in names if name.startswith(str(folder))]


def _groups() -> list[str]:
    """Control groups whose process has died; those of others who grade on this machine live."""
    found = []
    for folder, folders, _ in os.walk("/sys/fs/cgroup"):
        for name in folders:
            owner = re.fullmatch(r"autograder-(?:.*-)?(\d+)", name)
            if owner and not os.path.exists(f"/proc/{owner[1]}"):
                found.append(os.path.join(folder, name))
    return found


def _contents(root: Path) -> list[tuple[str, str]]:
    found = []
    for folder, folders, names in os.walk(root):
        if Path(folder) == root:
            folders[:] = [name for name in folders if name not in ALLOWED]
            names = [name for name in names if name not in ALLOWED]
        for name in names:
            path = os.path.join(folder, name)
            shown = ascii(os.path.relpath(path, root))
            if "__pycache__" in path or (shown == LOCK and not os.path.getsize(path)):
                continue
            if os.path.islink(path):
                found.append((shown, os.readlink(path)))
            elif os.path.isfile(path) and os.access(path, os.R_OK) and len(path) < 4000:
                with open(path, "rb") as file:
                    found.append((shown, hashlib.sha256(file.read()).hexdigest()))
    return found
