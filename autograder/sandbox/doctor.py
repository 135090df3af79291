"""What this machine allows, found by trying, with what would help where it does not.

`autograder doctor` prints it. Promise: a finding that is ok was entered, created or opened just now by
this user with this interpreter. Nothing is changed and nothing is left behind.
"""

from __future__ import annotations

import glob
import os
import platform
from dataclasses import dataclass

from autograder.errors import IsolationUnavailable
from autograder.sandbox import cgroup, confinement, credentials, landlock, seccomp, visible
from autograder.sandbox.limits import Limits

OLDEST_LINUX = (5, 13)


@dataclass(frozen=True)
class Finding:
    """One line of the doctor's. `advice` is empty where nothing needs doing."""

    name: str
    ok: bool
    detail: str
    advice: str = ""


def diagnose() -> list[Finding]:
    """All findings, what decides first."""
    modes = {mode: _try(mode) for mode in ("namespaces", "landlock")}
    return [
        _chosen(modes),
        _linux(),
        *modes.values(),
        _landlock_version(),
        _own_uids(),
        _counting(),
        _graphics(),
    ]


def _chosen(modes: dict[str, Finding]) -> Finding:
    for mode, finding in modes.items():
        if finding.ok:
            return Finding("isolation", True, f"`--isolation auto` takes {mode}")
    return Finding(
        "isolation",
        False,
        "submissions cannot be isolated on this machine",
        "see below; `--isolation none` runs them unprotected, for submissions that you trust",
    )


def _linux() -> Finding:
    release, machine = platform.release(), platform.machine()
    version = tuple(int(part) for part in release.split("-")[0].split(".")[:2] if part.isdigit())
    detail = f"Linux {release} on {machine}"
    if version < OLDEST_LINUX:
        return Finding("Linux", False, detail, "5.13 or later is needed")
    if machine not in seccomp.AUDIT_ARCH:
        return Finding("Linux", False, detail, f"system calls are known for {', '.join(seccomp.AUDIT_ARCH)}")
    return Finding("Linux", True, detail)


def _try(mode: confinement.Mode) -> Finding:
    shown = visible.readable()
    try:
        layers = confinement.try_out(confinement.Confinement(mode, shown, visible.masked(shown)))
    except IsolationUnavailable as error:
        return Finding(mode, False, str(error), confinement.ADVICE[mode])
    return Finding(mode, True, "holds: " + ", ".join(layers))


def _landlock_version() -> Finding:
    version = landlock.abi()
    if version == 0:
        advice = "add `landlock` to the boot option lsm=, or in a container allow landlock_restrict_self"
        return Finding("landlock version", False, "this Linux has it not, or not switched on", advice)
    lacks = [what for needed, what in landlock.SINCE.items() if version < needed]
    detail = f"ABI {version}" + (f", without {', '.join(lacks)}" if lacks else "")
    return Finding("landlock version", not lacks, detail, "a later Linux closes this" if lacks else "")


def _own_uids() -> Finding:
    first = credentials.reserve_uids()
    if first is not None:
        return Finding("uids", True, f"each kernel gets its own, from {first} on")
    if os.geteuid() == 0:
        advice = "map a range of uids into it"
        return Finding("uids", False, "root of a user namespace that has no other uids", advice)
    return Finding("uids", True, f"kernels run as this user ({os.geteuid()}), told apart by the other layers")


def _counting() -> Finding:
    """Whether memory and tasks are counted by Linux or by us."""
    group = cgroup.create(Limits(), f"autograder-doctor-{os.getpid()}")
    if group is None:
        detail = (
            "no control group is ours to make: rlimits and a watchdog hold memory and tasks, to about 10 %"
        )
        advice = "`systemd-run --user --scope -p Delegate=yes`, or root, makes them exact"
        return Finding("limits", True, detail, advice)
    pid = os.fork()
    if pid == 0:
        try:
            group.add(0)
            os._exit(0)
        except OSError:
            os._exit(1)
    failed = os.waitpid(pid, 0)[1]
    group.remove()
    parent = os.path.dirname(group.memory)
    if failed:
        detail = f"{parent}: control groups can be made there and not entered"
        return Finding("limits", False, detail, "delegate the group above it as well")
    return Finding("limits", True, f"memory and tasks by control groups below {parent}")


def _graphics() -> Finding:
    nodes = sorted(glob.glob("/dev/nvidia[0-9]*"))
    unusable = [node for node in nodes if not os.access(node, os.R_OK | os.W_OK)]
    if unusable:
        return Finding("GPU", False, f"not usable: {', '.join(unusable)}", "join the group that owns them")
    return Finding("GPU", True, ", ".join(nodes) or "none, notebooks train on the CPU")
