"""A control group for one kernel: memory and tasks, counted over all its processes together.

Promise: where `create` returns one, the processes in it cannot together exceed the limits, files in
their tmpfs folders included, and `kill` reaches all of them, however they were forked. Both versions of
control groups are used, wherever this process may write. Not promised: that it is possible; a container
or an ordinary user often may not, and then `create` returns None.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from autograder.sandbox.limits import MB, Limits

PREFIX = "autograder-"
PATIENCE_S = 2.0


@dataclass(frozen=True)
class Cgroup:
    """One group: a folder for each controller (version 1), or one for both (version 2)."""

    memory: str
    pids: str

    @property
    def folders(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((self.memory, self.pids)))

    def add(self, pid: int) -> None:
        """Put a process (0: this one) into the group, and with it all that it will fork."""
        for folder in self.folders:
            _write(folder, "cgroup.procs", pid)

    def kill(self) -> None:
        """Kill every process in the group; returns when it is empty, or after some patience."""
        with contextlib.suppress(OSError):
            _write(self.memory, "cgroup.kill", 1)
        deadline = time.monotonic() + PATIENCE_S
        while (left := _processes(self.memory)) and time.monotonic() < deadline:
            for pid in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.002)

    def oom_kills(self) -> int:
        """How many of its processes Linux killed because the group had reached its memory limit."""
        for name in ("memory.events", "memory.oom_control"):
            if (count := _field(self.memory, name, "oom_kill")) is not None:
                return count
        return 0

    def refused_tasks(self) -> int:
        """How many forks failed because the group had reached its number of tasks."""
        return _field(self.pids, "pids.events", "max") or 0

    def peak_mb(self) -> float | None:
        """The most memory that it ever used, where Linux keeps that number."""
        for name in ("memory.peak", "memory.max_usage_in_bytes"):
            with contextlib.suppress(OSError, ValueError):
                return round(int(_read(self.memory, name)) / MB, 1)
        return None

    def remove(self) -> None:
        """Remove the group, which must be empty; what is left of it then is for `sweep`."""
        deadline = time.monotonic() + PATIENCE_S
        for folder in self.folders:
            while time.monotonic() < deadline:
                try:
                    os.rmdir(folder)
                except FileNotFoundError:
                    break
                except OSError:
                    time.sleep(0.002)  # the last process is still leaving
                else:
                    break


def create(limits: Limits, name: str) -> Cgroup | None:
    """A group of that name with these limits, or None where this process may not make one.

    Args:
        name: ends in "-PID" of the process that will remove it.
    """
    for memory, pids, settings in _places(limits):
        group = Cgroup(os.path.join(memory, name), os.path.join(pids, name))
        try:
            for folder in group.folders:
                os.mkdir(folder)
            _configure(group, settings)
            return group
        except OSError:
            group.remove()
    return None


def sweep() -> None:
    """Remove the empty groups of processes that have died without removing them."""
    for memory, pids, _ in _places(Limits()):
        for parent in dict.fromkeys((memory, pids)):
            with contextlib.suppress(OSError):
                for name in os.listdir(parent):
                    owner = re.fullmatch(PREFIX + r"(?:.*-)?(\d+)", name)
                    if owner and not os.path.exists(f"/proc/{owner[1]}"):
                        with contextlib.suppress(OSError):
                            os.rmdir(os.path.join(parent, name))


def _places(limits: Limits) -> Iterator[tuple[str, str, Mapping[str, object]]]:
    """Folders for the memory and the pids controller in which to try, with the settings to write."""
    hierarchies = own_groups(_read("/proc/self", "mountinfo"), _read("/proc/self", "cgroup"))
    if v2 := hierarchies.get(""):
        mount, own = v2
        settings = {
            "memory.max": limits.memory_mb * MB,
            "memory.swap.max": 0,
            "memory.oom.group": 1,
            "pids.max": limits.tasks,
        }
        # A group with processes of its own may have no controllers for those below it (the "no internal
        # processes" rule), so a group beside ours is the usual place.
        for parent in dict.fromkeys((own, os.path.dirname(own), os.path.dirname(os.path.dirname(own)))):
            if parent.startswith(mount) and _enable(parent):
                yield parent, parent, settings
    if "memory" in hierarchies and "pids" in hierarchies:
        settings = {
            "memory.limit_in_bytes": limits.memory_mb * MB,
            "memory.memsw.limit_in_bytes": limits.memory_mb * MB,
            "pids.max": limits.tasks,
        }
        yield hierarchies["memory"][1], hierarchies["pids"][1], settings


def _enable(parent: str) -> bool:
    """Give groups below `parent` both controllers, if they have not; False where that is not allowed."""
    with contextlib.suppress(OSError):
        if not {"memory", "pids"} <= set(_read(parent, "cgroup.subtree_control").split()):
            _write(parent, "cgroup.subtree_control", "+memory +pids")
        return True
    return False


def _configure(group: Cgroup, settings: Mapping[str, object]) -> None:
    for name, value in settings.items():
        folder = group.pids if name.startswith("pids.") else group.memory
        # Swap is only limited where Linux accounts for it.
        if os.path.exists(os.path.join(folder, name)) or "sw" not in name:
            _write(folder, name, value)


def own_groups(mountinfo: str, membership: str) -> dict[str, tuple[str, str]]:
    """Where a process's groups lie.

    Args:
        mountinfo, membership: its `/proc/self/mountinfo` and `/proc/self/cgroup`.
    Returns: controller ("" for version 2) to the mount point of its hierarchy and the group's folder.
    """
    mounts: dict[str, tuple[str, str]] = {}
    for line in mountinfo.splitlines():
        left, _, right = line.partition(" - ")
        root, point = left.split()[3:5]
        kind, _, options = right.split()
        if kind == "cgroup2":
            mounts[""] = root, point
        elif kind == "cgroup":
            mounts.update(dict.fromkeys(options.split(","), (root, point)))
    groups = {}
    for line in membership.splitlines():
        _, controllers, path = line.split(":", 2)
        for controller in controllers.split(","):
            if controller in mounts:
                root, point = mounts[controller]
                # In a container the hierarchy is mounted from its own group on, which the path may repeat.
                below = os.path.relpath(path, root) if path.startswith(root) else "."
                groups[controller] = point, os.path.normpath(os.path.join(point, below))
    return groups


def _processes(folder: str) -> list[int]:
    with contextlib.suppress(OSError):
        return [int(line) for line in _read(folder, "cgroup.procs").split() if line != "0"]
    return []


def _field(folder: str, name: str, key: str) -> int | None:
    with contextlib.suppress(OSError):
        for line in _read(folder, name).splitlines():
            if line.split()[:1] == [key]:
                return int(line.split()[1])
    return None


def _read(folder: str, name: str) -> str:
    with open(os.path.join(folder, name)) as file:
        return file.read()


def _write(folder: str, name: str, value: object) -> None:
    # Unbuffered, so that a refusal is raised here and not when the file is closed.
    descriptor = os.open(os.path.join(folder, name), os.O_WRONLY)
    try:
        os.write(descriptor, str(value).encode())
    finally:
        os.close(descriptor)
