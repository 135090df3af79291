"""The trusted parent of one kernel: it forks the kernel, watches its limits and buries it.

It talks to whoever asked for the kernel over the `leash`, a SOCK_SEQPACKET socket that the kernel does
not have. Three messages go out: the kernel's pid (with a pidfd), what confines it (with descriptors of
its work folder and of the folder of its sockets), and how it ended. Nothing is read from the leash;
when its other end is closed, the kernel dies and everything below it.
"""

from __future__ import annotations

import json
import os
import secrets
import socket
import tempfile

from autograder.sandbox import cgroup, confinement, credentials, kernel, libc, watchdog
from autograder.sandbox.confinement import Confinement
from autograder.sandbox.kernel import KernelOrder


def run(order: KernelOrder, confined: Confinement, leash_fd: int, probe_fd: int) -> None:
    libc.die_with_parent()
    leash = socket.socket(fileno=leash_fd)
    own_uid = confined.mode != "none" and os.geteuid() == 0
    uid = credentials.kernel_uid(order.serial) if own_uid else None
    group = cgroup.create(order.limits, f"autograder-{os.getpid()}") if confined.mode != "none" else None
    scratch = None if confined.mode == "namespaces" else tempfile.mkdtemp(prefix="autograder-")
    confinement.enter_supervisor(confined)
    wait_r, wait_w = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(wait_w)
        _become_kernel(order, confined, leash, probe_fd, uid, group, scratch, wait_r)
    os.close(wait_r)
    os.close(probe_fd)
    if group:
        group.add(pid)
    pidfd = os.pidfd_open(pid)
    os.close(wait_w)
    _tell(leash, {"pid": pid}, pidfd)
    ending = watchdog.supervise(pid, pidfd, leash, order.limits, confined, group, scratch, uid)
    _tell(leash, {"ended": ending})


def _tell(leash: socket.socket, message: dict, *descriptors: int) -> None:
    try:
        socket.send_fds(leash, [json.dumps(message).encode()], list(descriptors))
    except (BrokenPipeError, ConnectionResetError):
        return  # the owner has left; the watchdog ends the kernel for that


def _become_kernel(order, confined, leash, probe_fd, uid, group, scratch, wait_r):
    """In the fork: wait until the limits count, confine, report, and run the kernel. Never returns."""
    try:
        os.read(wait_r, 1)
        os.close(wait_r)
        entered = confinement.enter(
            confined, order.limits, uid, group, keep_fds={leash.fileno(), probe_fd}, scratch=scratch
        )
        key = secrets.token_hex(16)
        said = {
            "layers": list(entered.layers),
            "limits_by": entered.limits_by,
            "ipc": entered.ipc,
            "work": entered.work,
            "uid": uid,
            "key": key,
        }
        _tell(leash, said, entered.work_fd, entered.ipc_fd)
        for descriptor in (entered.work_fd, entered.ipc_fd):
            os.close(descriptor)
        start = kernel.prepare(entered, order, key, probe_fd)
    except BaseException as error:
        _tell(leash, {"error": f"{type(error).__name__}: {error}"})
        os._exit(71)
    leash.close()
    start()
    os._exit(0)
