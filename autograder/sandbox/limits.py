"""What one submission may use, and the part of it that the kernel's own process enforces.

Time, output and the size of the work folder are held by others (session, watchdog, tmpfs); the limits
here are rlimits. Promise: no process of the submission exceeds them, and they cannot be raised. Not
promised by rlimits alone: the memory of several processes together (the watchdog adds it up), and the
number of tasks of uid 0, for which Linux does not count.
"""

from __future__ import annotations

import contextlib
import os
import resource
from dataclasses import dataclass

MB = 1 << 20
OPEN_FILES = 2048
# Address space that is reserved and never touched: TensorFlow's own (2.3 GB where it is not yet
# loaded), and 64 MB of malloc arena with 8 MB of stack for each of its threads.
RESERVED_MB = 4096
RESERVED_PER_CPU_MB = 160
# Data limits count whole thread stacks, of which a thread touches little.
STACKS_PER_CPU_MB = 32
BOMB_FACTOR = 4


FLOOD_FACTOR = 16


@dataclass(frozen=True)
class Limits:
    """Defaults of one submission; an instructor sets others per assignment.

    Args:
        cell_s, notebook_s, check_s: wall-clock seconds of a cell, of all cells, of one check.
        memory_mb: all processes of the submission together.
        tasks: processes and threads together.
        output_bytes: of one cell.
        file_mb: one file. work_mb: the work folder.
    """

    cell_s: float = 60.0
    notebook_s: float = 300.0
    check_s: float = 30.0
    memory_mb: int = 4096
    tasks: int = 256
    output_bytes: int = 1 << 20
    file_mb: int = 256
    work_mb: int = 1024

    @property
    def flood_bytes(self) -> int:
        """A cell that prints so much is stopped; `output_bytes` of it are kept."""
        return FLOOD_FACTOR * self.output_bytes

    def apply_rlimits(self, *, cgroup: bool, uid_is_own: bool, gpu: bool = False) -> None:
        """Limit this process and all that it will start.

        Args:
            cgroup: a control group counts memory, so that rlimits need not.
            uid_is_own: nobody else's processes count towards this user's tasks.
            gpu: CUDA reserves more address space than any limit would leave.
        """
        # 1 and not 0: a core_pattern that is a program runs outside, as root, for any other value.
        _set(resource.RLIMIT_CORE, 1)
        _set(resource.RLIMIT_FSIZE, self.file_mb * MB)
        _set(resource.RLIMIT_NOFILE, OPEN_FILES)
        _set(resource.RLIMIT_MSGQUEUE, 0)
        _set(resource.RLIMIT_RTPRIO, 0)
        _set(resource.RLIMIT_NICE, 0)
        if uid_is_own:
            _set(resource.RLIMIT_NPROC, self.tasks)
        elif os.getuid() != 0:
            # Everything that this user runs counts, other kernels too. So this is only to slow a fork
            # bomb down until the watchdog sees it.
            _set(resource.RLIMIT_NPROC, _tasks_of(os.getuid()) + BOMB_FACTOR * self.tasks)
        if not cgroup:
            cpus = os.cpu_count() or 1
            _set(resource.RLIMIT_DATA, (self.memory_mb + STACKS_PER_CPU_MB * cpus) * MB)
            if not gpu:
                reserved = RESERVED_MB + RESERVED_PER_CPU_MB * cpus
                _set(resource.RLIMIT_AS, _address_space() + (self.memory_mb + reserved) * MB)


def _set(which: int, value: int) -> None:
    """Lower a limit for good; one that is already tighter stays."""
    _, hard = resource.getrlimit(which)
    if hard != resource.RLIM_INFINITY:
        value = min(value, hard)
    resource.setrlimit(which, (value, value))


def _tasks_of(uid: int) -> int:
    """Threads and processes of a user, as far as we see them."""
    count = 0
    for name in os.listdir("/proc"):
        with contextlib.suppress(OSError):
            if name.isdigit() and os.stat(f"/proc/{name}").st_uid == uid:
                count += os.stat(f"/proc/{name}/task").st_nlink - 2
    return count


def _address_space() -> int:
    """Bytes that this process has mapped already, by inheritance from the launcher."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[0]) * resource.getpagesize()
