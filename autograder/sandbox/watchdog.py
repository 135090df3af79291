"""The supervisor's loop: watch one kernel, end it when it must end, and bury all of it.

Promise: when the owner lets go of the leash, the launcher dies, or a limit is passed that nothing else
holds, every process of the kernel is killed and the reason is told; when `supervise` returns, none is
left. What Linux does not limit is looked at every 50 ms, so a fast bomb can overshoot by what it takes
in that time; rlimits bound how far. If the supervisor itself is killed, a PID namespace dies with it;
without one (`landlock`) the kernel does, and its daemons are for the launcher to `bury`.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import time
from typing import TypedDict

from autograder.sandbox import credentials, landlock, libc, new_root, scratch_folder, usage
from autograder.sandbox.cgroup import Cgroup
from autograder.sandbox.confinement import Confinement
from autograder.sandbox.limits import Limits

POLL_S = 0.05
# Where a group counts for us there is only to see whether Linux had to kill for it.
GROUP_POLL_S = 0.25
FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
MEMORY, TASKS, WORK = "memory limit", "task limit", "work folder limit"
OWNER_LEFT, LAUNCHER_LEFT, UNWATCHED = "owner left", "launcher left", "could not be watched"


class Ending(TypedDict, total=False):
    """How a kernel ended.

    `exit` (a status) or `signal` (a number); `reason` where we or a limit did it; `peak_mb` is exact with
    a control group, else an upper bound of what was seen, and None if it ended before anybody looked.
    """

    exit: int
    signal: int
    reason: str | None
    peak_mb: float | None


def supervise(
    pid: int,
    pidfd: int,
    leash: socket.socket,
    limits: Limits,
    confinement: Confinement,
    cgroup: Cgroup | None,
    scratch: str | None,
    uid: int | None,
) -> Ending:
    """Watch the kernel `pid`, a child of this process, to its end, and clean up behind it.

    Args:
        leash: its other end is the owner's. Whatever arrives on it is discarded.
        scratch: the folder on disk that a kernel without a new root works in; removed in the end.
        uid: the kernel's own, if it has one.
    """
    launcher = os.pidfd_open(os.getppid())
    libc.prctl(libc.PR_SET_PDEATHSIG, 0)  # we see the launcher's death, and have things to do then
    watch = _Watch(pid, limits, confinement, cgroup, scratch, uid)
    try:
        reason = _wait(pidfd, leash, launcher, watch)
    finally:
        os.close(launcher)
        watch.close()
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(pidfd, signal.SIGKILL)
        _kill_all(confinement, cgroup, uid)
        status = os.waitid(os.P_PIDFD, pidfd, os.WEXITED)
    assert status
    ending: Ending = {"reason": reason, "peak_mb": watch.peak_mb}
    if cgroup:
        ending["peak_mb"] = cgroup.peak_mb()
        if reason is None and cgroup.oom_kills():
            ending["reason"] = MEMORY
    bury(confinement, cgroup, scratch, uid)
    ending["exit" if status.si_code == os.CLD_EXITED else "signal"] = status.si_status
    return ending


def bury(confinement: Confinement, cgroup: Cgroup | None, scratch: str | None, uid: int | None) -> None:
    """Kill what is left of a kernel, wherever it is, and remove its group and its folder.

    Also for a launcher whose supervisor was killed. An ordinary user's daemons of a kernel without PID
    namespace and without group are then beyond reach.
    """
    visible = confinement.mode != "namespaces"  # what it left lies among the machine's own
    if cgroup:
        cgroup.kill()
    if uid is not None and visible:
        credentials.kill_all_of(uid)
    if cgroup:
        cgroup.remove()
    if scratch:
        scratch_folder.remove(scratch)
    if uid is not None and visible:
        for entry in os.scandir("/dev/shm"):
            with contextlib.suppress(OSError):
                if entry.stat(follow_symlinks=False).st_uid == uid:
                    os.unlink(entry.path)


def _kill_all(confinement: Confinement, cgroup: Cgroup | None, uid: int | None) -> None:
    """Kill all below this supervisor. Where there is a PID namespace they die with its first process."""
    if confinement.mode == "namespaces":
        return
    if cgroup:
        cgroup.kill()
    if uid is not None:
        credentials.kill_all_of(uid)
    elif confinement.mode == "landlock":
        landlock.kill_all_inside()
    else:
        usage.kill_descendants(os.getpid())


def _wait(pidfd: int, leash: socket.socket, launcher: int, watch: _Watch) -> str | None:
    """Until the kernel ends by itself (None), or must end (the reason)."""
    poll = select.poll()
    for descriptor in (pidfd, leash.fileno(), launcher):
        poll.register(descriptor, select.POLLIN)
    pause_s = watch.pause_s
    while True:
        ready = dict(poll.poll(pause_s * 1000))
        if pidfd in ready:
            return None
        if launcher in ready:
            return LAUNCHER_LEFT
        if leash.fileno() in ready and not _still_held(leash):
            return OWNER_LEFT
        started = time.monotonic()
        if reason := watch.look():
            return reason
        pause_s = max(watch.pause_s, time.monotonic() - started)  # half of a processor at most


def _still_held(leash: socket.socket) -> bool:
    try:
        return bool(leash.recv(4096, socket.MSG_DONTWAIT))
    except BlockingIOError:
        return True
    except OSError:
        return False


class _Watch:
    """Looks at a kernel from outside, for the limits that Linux does not hold for us."""

    def __init__(
        self,
        pid: int,
        limits: Limits,
        confinement: Confinement,
        cgroup: Cgroup | None,
        scratch: str | None,
        uid: int | None,
    ):
        self._pid = pid
        self._limits = limits
        self._namespaces = confinement.mode == "namespaces"
        self._cgroup = cgroup
        self._scratch = scratch
        self._uid = uid
        self._proc = None if self._namespaces else os.open("/proc", FOLDER)
        self._folders: list[int] = []
        self.pause_s = GROUP_POLL_S if cgroup and not scratch else POLL_S
        self.peak_mb: float | None = None

    def look(self) -> str | None:
        """The reason why the kernel must end, if there is one."""
        if self._cgroup:
            if self._cgroup.oom_kills():
                return MEMORY
        elif self._proc is not None or self._find_its_root():
            try:
                if reason := self._look_at_processes():
                    return reason
            except OSError:
                return None if self._has_ended() else UNWATCHED
        return self._look_at_scratch() if self._scratch else None

    def close(self) -> None:
        for descriptor in (*self._folders, self._proc):
            if descriptor is not None:
                os.close(descriptor)
        self._folders, self._proc = [], None

    def _look_at_processes(self) -> str | None:
        assert self._proc is not None
        found = usage.all_of(self._proc) if self._namespaces else self._descendants()
        files_mb = usage.mounted_mb(self._folders)
        if not self._namespaces and self._uid is not None:
            files_mb += usage.owned_mb("/dev/shm", self._uid)
        tasks, memory_mb = found.tasks_and_memory_mb(files_mb, self._limits.memory_mb)
        self.peak_mb = round(max(self.peak_mb or 0, memory_mb), 1)
        if memory_mb > self._limits.memory_mb:
            return MEMORY
        return TASKS if tasks > self._limits.tasks else None

    def _look_at_scratch(self) -> str | None:
        assert self._scratch is not None and self._proc is not None
        unlinked_mb = self._descendants().unlinked_mb()
        full = unlinked_mb > self._limits.work_mb
        return WORK if full or scratch_folder.is_full(self._scratch, self._limits.work_mb) else None

    def _descendants(self) -> usage.Processes:
        assert self._proc is not None
        return usage.descendants(self._proc, os.getpid(), self._uid)

    def _find_its_root(self) -> bool:
        """Hold on to the kernel's own `/proc` and folders, once it has made them."""
        opened: list[int] = []
        try:
            root = os.open(f"/proc/{self._pid}/root", FOLDER)
            opened.append(root)
            if os.fstat(root).st_dev == os.stat("/").st_dev or _exists(new_root.OLD.lstrip("/"), root):
                return False
            for path in ("proc", new_root.HOME, new_root.WORK, "tmp", "dev/shm"):
                opened.append(os.open(path.lstrip("/"), FOLDER, dir_fd=root))
            _, self._proc, *self._folders = opened
            opened = [root]
            return True
        except OSError:
            return False
        finally:
            for descriptor in opened:
                os.close(descriptor)

    def _has_ended(self) -> bool:
        return not os.path.exists(f"/proc/{self._pid}/status")


def _exists(path: str, folder: int) -> bool:
    try:
        os.stat(path, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True
