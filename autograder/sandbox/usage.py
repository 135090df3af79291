"""What a kernel's processes and folders use, measured from outside when no control group counts it.

Memory that processes share with each other or with the launcher is counted once, in proportion. That is
slow to read, so it is read only when the quick upper bound is over the limit.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
from collections.abc import Iterable
from dataclasses import dataclass

from autograder.sandbox import libc
from autograder.sandbox.limits import MB

MOST_ROUNDS = 20
_STATUS = re.compile(r"^(RssAnon|RssShmem|Threads):\s+(\d+)", re.MULTILINE)
_ROLLUP = re.compile(r"^(Pss_Anon|Pss_Shmem):\s+(\d+)", re.MULTILINE)


@dataclass(frozen=True)
class Processes:
    """Some processes, as one `/proc` shows them.

    Args:
        proc: its descriptor. uid: whose processes they are, where not ours.
    """

    proc: int
    pids: tuple[int, ...]
    uid: int | None = None

    def tasks_and_memory_mb(self, files_mb: float, limit_mb: float) -> tuple[int, float]:
        """Threads, and memory; exact where it is over `limit_mb`, else an upper bound.

        Args:
            files_mb: in their memory-backed folders. What of it they have mapped is not counted twice.
        """
        quick = [self._numbers(pid, "status", _STATUS) for pid in self.pids]
        tasks = sum(each.get("Threads", 0) for each in quick)
        memory = _total_mb(quick, "RssAnon", "RssShmem", files_mb)
        if memory > limit_mb:
            exact = [self._share(pid, bound) for pid, bound in zip(self.pids, quick, strict=True)]
            memory = _total_mb(exact, "Pss_Anon", "Pss_Shmem", files_mb)
        return tasks, memory

    def unlinked_mb(self) -> float:
        """Size of the files that they hold open and no folder shows."""
        sizes: dict[tuple[int, int], int] = {}
        for pid in self.pids:
            with contextlib.suppress(OSError):
                folder = os.open(f"{pid}/fd", os.O_RDONLY | os.O_DIRECTORY, dir_fd=self.proc)
                try:
                    for name in os.listdir(folder):
                        with contextlib.suppress(OSError):
                            status = os.stat(name, dir_fd=folder)
                            if status.st_nlink == 0:
                                sizes[status.st_dev, status.st_ino] = status.st_blocks * 512
                finally:
                    os.close(folder)
        return sum(sizes.values()) / MB

    def _share(self, pid: int, bound: dict[str, int]) -> dict[str, int]:
        """A process's share of memory; all that it uses, where it hides the share."""
        # Root of a container often lacks the capability to look into other users' processes.
        as_owner = contextlib.nullcontext() if self.uid is None else libc.file_user(self.uid)
        try:
            with as_owner:
                return self._numbers(pid, "smaps_rollup", _ROLLUP)
        except PermissionError:
            return {"Pss_Anon": bound.get("RssAnon", 0), "Pss_Shmem": bound.get("RssShmem", 0)}

    def _numbers(self, pid: int, name: str, pattern: re.Pattern) -> dict[str, int]:
        """Fields in kB; {} for a process that has ended.

        Raises: PermissionError for one that may not be looked at.
        """
        try:
            descriptor = os.open(f"{pid}/{name}", os.O_RDONLY, dir_fd=self.proc)
            with open(descriptor) as file:
                return {key: int(value) for key, value in pattern.findall(file.read())}
        except (FileNotFoundError, ProcessLookupError):
            return {}


def all_of(proc: int) -> Processes:
    """Every process that this `/proc` shows."""
    return Processes(proc, tuple(int(name) for name in os.listdir(proc) if name.isdigit()))


def descendants(proc: int, ancestor: int, uid: int | None = None) -> Processes:
    """All processes below `ancestor`, which must be the reaper of its orphans; not those that are dead."""
    children: dict[int, list[int]] = {}
    for pid in all_of(proc).pids:
        with contextlib.suppress(OSError, ValueError):
            descriptor = os.open(f"{pid}/stat", os.O_RDONLY, dir_fd=proc)
            with open(descriptor) as file:
                state, parent = file.read().rpartition(")")[2].split()[:2]
            if state != "Z":
                children.setdefault(int(parent), []).append(pid)
    found, todo = [], list(children.get(ancestor, ()))
    while todo:
        pid = todo.pop()
        found.append(pid)
        todo += children.get(pid, ())
    return Processes(proc, tuple(found), uid)


def mounted_mb(folders: Iterable[int]) -> float:
    """What memory-backed file systems hold, given a descriptor in each."""
    used = 0
    for folder in folders:
        status = os.fstatvfs(folder)
        used += (status.f_blocks - status.f_bfree) * status.f_frsize
    return used / MB


def owned_mb(folder: str, uid: int) -> float:
    """What `uid` has in a memory-backed folder that it shares with others."""
    used = 0
    for entry in os.scandir(folder):
        with contextlib.suppress(OSError):
            status = entry.stat(follow_symlinks=False)
            used += status.st_blocks * 512 * (status.st_uid == uid)
    return used / MB


def kill_descendants(ancestor: int) -> None:
    """Kill all below `ancestor`, as far as they do not fork faster than we look."""
    proc = os.open("/proc", os.O_RDONLY | os.O_DIRECTORY)
    try:
        for _ in range(MOST_ROUNDS):
            stopped: set[int] = set()
            # A stopped process does not fork: once there are no new ones, there will be none.
            while new := set(descendants(proc, ancestor).pids) - stopped:
                _send(signal.SIGSTOP, new)
                stopped |= new
            if not stopped:
                return
            _send(signal.SIGKILL, stopped)
    finally:
        os.close(proc)


def _send(number: int, pids: Iterable[int]) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)


def _total_mb(numbers: Iterable[dict[str, int]], private: str, shared: str, files_mb: float) -> float:
    total = {private: 0, shared: 0}
    for each in numbers:
        for key in total:
            total[key] += each.get(key, 0)
    return total[private] / 1024 + max(total[shared] / 1024, files_mb)
