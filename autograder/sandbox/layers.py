"""What a supervisor and a kernel do to themselves, layer by layer, before any untrusted code runs.

Promise: `enter` either returns with every layer of its mode in force, or raises; nothing is left out
silently. A limit that only the supervisor can hold is named "watchdog" in `limits_by`.
Not promised: that a hole in Linux itself stays without effect. Several layers stop most attacks, so that
one hole is not enough.
"""

from __future__ import annotations

import contextlib
import os
import select
import tempfile
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from autograder.errors import IsolationUnavailable
from autograder.sandbox import credentials, landlock, libc, new_root, scratch_folder, seccomp
from autograder.sandbox.cgroup import Cgroup
from autograder.sandbox.limits import Limits

if TYPE_CHECKING:
    from autograder.sandbox.confinement import Confinement

NEW_NAMESPACES = (
    libc.CLONE_NEWNS | libc.CLONE_NEWNET | libc.CLONE_NEWIPC | libc.CLONE_NEWUTS | libc.CLONE_NEWCGROUP
)
# World-readable parts of /proc that libraries ask; of the rest, only what is about ourselves.
PROC_FILES = (
    "cpuinfo",
    "meminfo",
    "stat",
    "loadavg",
    "uptime",
    "version",
    "filesystems",
    "sys/kernel",
    "sys/vm",
)

# A fork bomb must leave the watchdog time to look.
LESS_URGENT = 5

FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC

_supervisor: int | None = None


@dataclass(frozen=True)
class Entered:
    """What `enter` did.

    Args:
        layers: of "namespaces", "landlock", "seccomp", "uid".
        limits_by: limit to what holds it: "cgroup", "rlimit", "tmpfs", "watchdog", or several.
        work, ipc, home: paths as the kernel sees them.
        work_fd, ipc_fd: descriptors of those folders, for whoever has no other way to them.
    """

    layers: tuple[str, ...]
    limits_by: dict[str, str]
    work: str
    work_fd: int
    ipc: str
    ipc_fd: int
    home: str


class _Paths(NamedTuple):
    """The folders that a kernel may write, in the order of `scratch_folder.FOLDERS`."""

    home: str
    work: str
    ipc: str
    tmp: str


def enter_supervisor(confinement: Confinement) -> None:
    """Prepare this process to be the parent of one kernel: the next fork is confined to its own PIDs."""
    global _supervisor
    if confinement.mode == "namespaces":
        with _layer("PID namespace"):
            if os.geteuid() == 0:
                libc.unshare(libc.CLONE_NEWPID)
            else:
                credentials.enter_user_namespace(libc.CLONE_NEWPID)
    else:
        libc.prctl(libc.PR_SET_CHILD_SUBREAPER, 1)
        if confinement.mode == "landlock" and credentials.reserve_uids() is None:
            with _layer("signals"):  # the kernel will be the same user as we are
                libc.prctl(libc.PR_SET_NO_NEW_PRIVS, 1)
                landlock.keep_signals_inside()
    _supervisor = os.pidfd_open(os.getpid())


def enter(
    confinement: Confinement,
    limits: Limits,
    uid: int | None,
    cgroup: Cgroup | None,
    keep_fds: Collection[int],
    *,
    scratch: str | None = None,
    omit: Collection[str] = (),
) -> Entered:
    """Confine this process for good. It must have one thread, and has been forked by the supervisor.

    Args:
        uid: of its own, when running as root.
        cgroup: the group that this process is already in, if there is one.
        keep_fds: descriptors that stay open. 0, 1 and 2 are /dev/null unless they are among them.
        scratch: an empty folder for a kernel without a new root.
        omit: layers to leave out, for tests that show what each is for.
    Raises: IsolationUnavailable naming the layer; the process must then end.
    """
    if (threads := len(os.listdir("/proc/self/task"))) != 1:
        # Capabilities and Landlock's rules belong to threads: another one would keep what it has.
        raise IsolationUnavailable(f"a process with {threads} threads cannot be confined")
    with contextlib.suppress(PermissionError):  # we may lead a session already
        os.setsid()
    if confinement.mode == "namespaces":
        paths = _enter_namespaces(confinement, limits, uid, omit)
    elif scratch is not None:
        paths = _enter_scratch(scratch, uid)
    else:
        raise IsolationUnavailable(f"a kernel in mode {confinement.mode!r} needs a scratch folder")
    if "descriptors" not in omit:
        _close_descriptors(keep_fds)
    if "environment" not in omit:
        credentials.replace_environment(credentials.kernel_environment(paths.home, paths.tmp))
    tempfile.tempdir = None
    layers = _drop(confinement, limits, uid, cgroup, paths, omit)
    return Entered(
        layers=layers,
        limits_by=_limits_by(confinement, cgroup, uid),
        work=paths.work,
        work_fd=os.open(paths.work, FOLDER),
        ipc=paths.ipc,
        ipc_fd=os.open(paths.ipc, FOLDER),
        home=paths.home,
    )


def _enter_namespaces(
    confinement: Confinement, limits: Limits, uid: int | None, omit: Collection[str]
) -> _Paths:
    owner = os.geteuid() if uid is None else uid
    flags = NEW_NAMESPACES & ~libc.CLONE_NEWNET if "network" in omit else NEW_NAMESPACES
    with _layer("mount, network, IPC and UTS namespaces"):
        libc.unshare(flags)
        libc.set_hostname("sandbox")
    with _layer("new root"):
        new_root.enter(confinement.readable, confinement.masked, confinement.devices, limits, owner)
    return _Paths(new_root.HOME, new_root.WORK, new_root.IPC, "/tmp")


def _enter_scratch(scratch: str, uid: int | None) -> _Paths:
    scratch_folder.prepare(scratch, uid)
    paths = _Paths(*(os.path.join(scratch, name) for name in scratch_folder.FOLDERS))
    os.chdir(paths.work)
    return paths


def _drop(
    confinement: Confinement,
    limits: Limits,
    uid: int | None,
    cgroup: Cgroup | None,
    paths: _Paths,
    omit: Collection[str],
) -> tuple[str, ...]:
    """Give up everything that is not needed any more; the order matters, each step takes from the next."""
    confined = confinement.mode != "none"
    layers = ["namespaces"] if confinement.mode == "namespaces" else []
    if uid is not None:
        with _layer("uid"):
            credentials.drop_bounding_set()
            credentials.become(uid)
    if confinement.mode == "namespaces" and "user namespace" not in omit:
        # A second fence: what a hole in Linux gave to this user would be power over nothing. It also makes
        # RLIMIT_NPROC count this kernel alone; a uid of its own does that too, so there it is extra.
        with _layer("user namespace"):
            if credentials.enter_user_namespace(required=uid is None):
                credentials.limit_user_namespace()
    own = uid is not None or confinement.mode == "namespaces"
    if cgroup is None:
        os.nice(LESS_URGENT)
    limits.apply_rlimits(cgroup=cgroup is not None, uid_is_own=own, gpu=bool(confinement.devices))
    if confined and "capabilities" not in omit:
        with _layer("capabilities"):
            credentials.drop_privileges()
    if confined and "landlock" not in omit and (landlock.abi() or confinement.mode == "landlock"):
        with _layer("landlock"):
            _restrict_files(confinement, paths, own_uid=uid is not None)
            layers.append("landlock")
    _die_with_supervisor()
    if confined and "seccomp" not in omit:
        with _layer("seccomp"):
            seccomp.apply(outside_visible=confinement.mode == "landlock")
            layers.append("seccomp")
    return (*layers, "uid") if uid is not None else tuple(layers)


def _restrict_files(confinement: Confinement, paths: _Paths, *, own_uid: bool) -> None:
    writable = [paths.home, paths.work, paths.tmp]
    devices = [*new_root.DEVICES, *confinement.devices]
    if confinement.mode == "namespaces":
        rules = [("/", landlock.READ)]
    else:
        rules = [*landlock.readable_rules(confinement.readable, confinement.masked)]
        rules += [(f"/proc/{name}", landlock.READ) for name in (os.getpid(), *PROC_FILES)]
    if confinement.mode == "namespaces" or own_uid:
        # What others have in these is not in sight, or protected by an owner who is not ours.
        writable.append("/dev/shm")
        devices += ["/dev/ptmx", "/dev/pts"]
    rules += [(path, landlock.WRITE) for path in writable]
    rules += [(path, landlock.USE_DEVICE) for path in devices]
    landlock.restrict([*rules, (paths.ipc, landlock.BIND_SOCKETS)])


def _die_with_supervisor() -> None:
    libc.die_with_parent()
    if _supervisor is not None:
        try:
            if select.select([_supervisor], [], [], 0)[0]:
                os._exit(1)  # it died before we could ask to be told
        finally:
            os.close(_supervisor)


def _close_descriptors(keep_fds: Collection[int]) -> None:
    watched = () if _supervisor is None else (_supervisor,)
    libc.close_other_descriptors({*keep_fds, *watched})
    while (null := os.open("/dev/null", os.O_RDWR)) < 3:
        os.set_inheritable(null, True)
    os.close(null)


def _limits_by(confinement: Confinement, cgroup: Cgroup | None, uid: int | None) -> dict[str, str]:
    namespaces = confinement.mode == "namespaces"
    own_count = namespaces or uid is not None
    return {
        "memory": "cgroup" if cgroup else "rlimit and watchdog",
        "tasks": "cgroup" if cgroup else "rlimit" if own_count else "watchdog",
        "file": "rlimit",
        "work": "tmpfs" if namespaces else "watchdog",
    }


@contextlib.contextmanager
def _layer(name: str) -> Iterator[None]:
    """Name the layer that failed."""
    try:
        yield
    except (OSError, KeyError) as error:
        raise IsolationUnavailable(f"{name}: {error}") from error
