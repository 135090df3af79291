"""How a launcher's kernels are confined: decided once, when it starts, by trying it out for real.

    choose()                       in the launcher
      └─ enter_supervisor()        in each supervisor, before it forks its kernel
           └─ enter()              in the kernel, before any untrusted code runs

| mode       | made of                                                                              |
|------------|--------------------------------------------------------------------------------------|
| namespaces | user, mount, PID, network, IPC, UTS namespaces; a new root; no capabilities; as root |
|            | a uid of its own; Landlock where Linux has it; seccomp                               |
| landlock   | Landlock, seccomp, no capabilities; as root a uid of its own                         |
| none       | rlimits, a clean environment, closed descriptors: no protection, and never chosen    |

Promise: a mode is chosen only if a child has entered it on this machine, with this interpreter.
Not promised by `landlock`: what Landlock cannot see. Names, sizes and times of the machine's files are
visible, and so are the names of masked ones. Since sockets are in sight, connecting to any is refused,
the kernel's own included; where there is no second uid, pseudo-terminals and /dev/shm are as well, and
with them locks and pools of `multiprocessing`.
"""

from __future__ import annotations

import json
import os
import select
import signal
import sys
import sysconfig
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

from autograder.errors import IsolationUnavailable
from autograder.sandbox import cgroup, credentials, landlock, new_root, scratch_folder, visible
from autograder.sandbox.layers import Entered, enter, enter_supervisor
from autograder.sandbox.limits import Limits

__all__ = ["Confinement", "Entered", "choose", "enter", "enter_supervisor"]

Mode = Literal["namespaces", "landlock", "none"]
Isolation = Literal["auto", "namespaces", "landlock", "none"]
TRIAL_TIMEOUT_S = 20.0
SCOPED_SIGNALS = 6  # the first of Landlock's ABIs that keeps signals from processes of the same user
ADVICE = {
    "namespaces": "allow unprivileged user namespaces (sysctl user.max_user_namespaces, and "
    "kernel.apparmor_restrict_unprivileged_userns=0 or an AppArmor profile with `userns`), run as root, "
    "or in a container add CAP_SYS_ADMIN with an unmasked /proc; Linux 5.13 or later",
    "landlock": "Linux 5.13 or later with `landlock` in the boot option lsm=, and as an ordinary user "
    "Linux 6.12; Python must lie where every user can read it, not below /root",
}


@dataclass(frozen=True)
class Confinement:
    """Fixed when a launcher starts; never part of a request.

    Args:
        readable: bound read-only; nothing else of the machine's files is there.
        masked: never visible, though they lie below `readable`.
        devices: nodes below /dev that the kernel may open, besides null, zero, full and random.
        layers: what a trial run found to hold.
    """

    mode: Mode
    readable: tuple[str, ...] = ()
    masked: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()
    layers: tuple[str, ...] = ()


def choose(
    isolation: Isolation,
    devices: Iterable[str] = (),
    *,
    readable: Iterable[str] = (),
    hidden: Iterable[str] = (),
) -> Confinement:
    """The confinement of this launcher's kernels.

    Args:
        isolation: "auto" takes namespaces, else landlock; "none" is taken only when asked for.
        devices: nodes of the GPUs that kernels may use.
        readable: more folders that notebooks need. hidden: more that they must not see.
    Raises: IsolationUnavailable saying which layer failed, why, and what to do.
    """
    modes: tuple[Mode, ...] = ("namespaces", "landlock") if isolation == "auto" else (isolation,)
    if isolation not in ("auto", *ADVICE, "none"):
        raise IsolationUnavailable(
            f"isolation must be auto, namespaces, landlock or none. Received: {isolation!r}"
        )
    if modes == ("none",):
        return Confinement("none", devices=tuple(devices))
    credentials.reserve_uids()
    cgroup.sweep()
    failures = []
    for mode in modes:
        shown = visible.readable(readable, gpu=bool(tuple(devices)))
        confinement = Confinement(mode, shown, visible.masked(shown, hidden), tuple(devices))
        try:
            return replace(confinement, layers=try_out(confinement))
        except IsolationUnavailable as error:
            failures.append(f"{mode} isolation is not available: {error}. What helps: {ADVICE[mode]}.")
    raise IsolationUnavailable("\n".join(failures))


def try_out(confinement: Confinement) -> tuple[str, ...]:
    """Enter it in a child, as a kernel would. Returns: the layers that held.

    Raises: IsolationUnavailable with what the child met.
    """
    same_user = credentials.reserve_uids() is None
    if confinement.mode == "landlock" and same_user and landlock.abi() < SCOPED_SIGNALS:
        raise IsolationUnavailable(f"ABI {landlock.abi()} keeps no signals from this user's processes")
    # Looked up here once, inherited by every fork.
    if confinement.mode == "namespaces":
        new_root.layout(confinement.readable, confinement.masked)
    else:
        landlock.readable_rules(confinement.readable, confinement.masked)
    scratch = None if confinement.mode == "namespaces" else tempfile.mkdtemp(prefix="autograder-")
    python = (os.__file__, sysconfig.get_path("purelib"), sys.executable)
    read, write = os.pipe()
    try:
        pid = os.fork()
        if pid == 0:
            _in_child(write, lambda: _supervise_trial(confinement, scratch, python, write))
        os.close(write)
        said = _read_all(read, TRIAL_TIMEOUT_S)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    finally:
        os.close(read)
        if scratch:
            scratch_folder.remove(scratch)
    report = json.loads(said or b"{}")
    if "layers" not in report:
        raise IsolationUnavailable(report.get("error", "the trial ended without a word"))
    return tuple(report["layers"])


def _supervise_trial(
    confinement: Confinement, scratch: str | None, python: tuple[str, ...], write: int
) -> None:
    uid = credentials.kernel_uid(credentials.UIDS_PER_LAUNCHER - 1)
    enter_supervisor(confinement)
    pid = os.fork()
    if pid == 0:
        _in_child(write, lambda: _report(confinement, scratch, uid, python, write))
    os.waitpid(pid, 0)


def _report(
    confinement: Confinement, scratch: str | None, uid: int | None, python: tuple[str, ...], write: int
) -> None:
    entered = enter(confinement, Limits(), uid, None, keep_fds={write}, scratch=scratch)
    for path in python:
        if not os.access(path, os.R_OK):
            raise IsolationUnavailable(f"the kernel's user (uid {os.getuid()}) cannot read Python at {path}")
    with open("/proc/self/status") as file:
        status = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
    if (int(status["CapEff"], 16), status["NoNewPrivs"], status["Seccomp"]) != (0, "1", "2"):
        raise IsolationUnavailable(f"layers were entered and do not show: {status}")
    os.write(write, json.dumps({"layers": entered.layers}).encode())


def _in_child(write: int, run) -> None:
    """Run and end this fork; what goes wrong is told on the pipe."""
    try:
        run()
    except BaseException as error:
        os.write(write, json.dumps({"error": str(error) or repr(error)}).encode())
    finally:
        os._exit(0)


def _read_all(descriptor: int, timeout_s: float) -> bytes:
    """What is written until all writers are gone, or for so long."""
    data = b""
    while select.select([descriptor], [], [], timeout_s)[0]:
        if not (piece := os.read(descriptor, 65536)):
            break
        data += piece
    return data
