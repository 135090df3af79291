"""Runs attacks in a real confinement: a launcher, a supervisor and a kernel, but no Jupyter and no pytest.

    python -m jail '{"mode": "namespaces", "attacks": ["read_a_file_outside"], …}'

prints one JSON line for each attack: what it gained, the layers, how the kernel ended. Only the standard
library is imported, so it runs under any interpreter and as any user that can reach one.
"""

import contextlib
import errno
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback

import honest_work
import isolation_attacks

from autograder.sandbox import cgroup, confinement, credentials, scratch_folder, watchdog
from autograder.sandbox.limits import Limits

PLANTED = "hunter2-of-the-launcher"


class World:
    """What lies outside the sandbox, all of it open to everyone: only the sandbox protects it."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="outside-")
        os.chmod(self.folder, 0o777)
        self.secret = self._file("secret.txt", PLANTED)
        self.readable = tempfile.mkdtemp(prefix="readable-")
        os.chmod(self.readable, 0o777)
        self._file(f"{self.readable}/data.txt", "data")
        self.setuid = os.environ.get("SETUID_ID") or self._setuid_program()
        victim = f"import ctypes, time; ctypes.CDLL(None).prctl(1, 9); time.sleep(60) # {PLANTED}"
        self.victim = subprocess.Popen(
            [sys.executable, "-S", "-c", victim],
            env={"PLANTED": PLANTED},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._sockets = []
        self.stream = self._listen(socket.AF_UNIX, socket.SOCK_STREAM, os.path.join(self.folder, "stream"))
        self.datagram = self._listen(socket.AF_UNIX, socket.SOCK_DGRAM, os.path.join(self.folder, "datagram"))
        self.abstract = self._listen(socket.AF_UNIX, socket.SOCK_STREAM, f"\0outside-{os.getpid()}")
        self.tcp = self._listen(socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0))
        self.udp = self._listen(socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", 0))
        self.facts = {  # what the attacker is told
            "folder": self.folder,
            "secret": self.secret,
            "readable": self.readable,
            "setuid": self.setuid,
            "victim": self.victim.pid,
            "launcher": os.getpid(),
            "stream": self.stream,
            "datagram": self.datagram,
            "abstract": self.abstract,
            "tcp": self.tcp,
            "udp": self.udp,
            "planted": PLANTED,
        }

    def end(self):
        self.victim.kill()
        self.victim.wait()
        subprocess.run(["rm", "-rf", self.folder, self.readable], check=True)

    def _file(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w") as file:
            file.write(text)
        os.chmod(path, 0o666)
        return path

    def _setuid_program(self):
        """A program that says its effective uid, and runs as root's where root made it."""
        path = self._file(f"{self.readable}/id", "")
        with open("/usr/bin/id", "rb") as source, open(path, "wb") as copy:
            copy.write(source.read())
        os.chmod(path, 0o4755)
        return path

    def _listen(self, family, kind, address):
        listener = socket.socket(family, kind)
        listener.bind(address)
        if kind != socket.SOCK_DGRAM:
            listener.listen(8)
        self._sockets.append(listener)
        name = listener.getsockname()
        if family == socket.AF_INET:
            return name[1]
        if isinstance(name, bytes):
            return name.decode()
        os.chmod(name, 0o777)
        return name


def attack(name, order, world, confined, serial):
    """One kernel, one attack. Returns what is printed."""
    read, write = os.pipe()
    ours, leash = socket.socketpair()
    supervisor = os.fork()
    if supervisor == 0:
        ours.close()
        _supervise(name, order, world, confined, serial, leash, write)
    leash.close()
    os.close(write)
    said = _collect(read, order, confined, serial, supervisor, ours)
    ours.close()
    if order.get("then") != "kill supervisor":
        os.waitpid(supervisor, 0)
    os.close(read)
    if "all_gone_s" not in said:  # a control: nobody did what this is about
        with contextlib.suppress(ProcessLookupError):
            os.killpg(said["kernel"], signal.SIGKILL)
    if said.get("scratch"):
        scratch_folder.remove(said["scratch"])
    return {"attack": name, **said}


def _supervise(name, order, world, confined, serial, leash, write):
    try:
        limits = Limits(**order.get("limits", {}))
        uid = credentials.kernel_uid(serial) if confined.mode != "none" else None
        group = None if order.get("no_cgroup") else cgroup.create(limits, f"autograder-test-{os.getpid()}")
        scratch = None if confined.mode == "namespaces" else tempfile.mkdtemp(prefix="autograder-")
        confinement.enter_supervisor(confined)
        go, ready = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(ready)
            os.read(go, 1)
            _be_the_kernel(name, order, world, confined, limits, uid, group, scratch, write)
        if group:
            group.add(pid)
        os.write(
            write, json.dumps({"supervisor": os.getpid(), "kernel": pid, "scratch": scratch}).encode() + b"\n"
        )
        os.close(ready)
        if order.get("then") == "bury nothing":
            os.waitpid(pid, 0)
            os._exit(0)
        ending = watchdog.supervise(pid, os.pidfd_open(pid), leash, limits, confined, group, scratch, uid)
        os.write(write, json.dumps({"ending": ending}).encode() + b"\n")
    except BaseException:
        os.write(write, json.dumps({"error": traceback.format_exc()}).encode() + b"\n")
    finally:
        os._exit(0)


def _be_the_kernel(name, order, world, confined, limits, uid, group, scratch, write):
    try:
        started = time.perf_counter()
        entered = confinement.enter(
            confined,
            limits,
            uid,
            group,
            {write, order.get("hold", write)},
            scratch=scratch,
            omit=order.get("omit", ()),
        )
        spent_ms = 1000 * (time.perf_counter() - started)
        facts = {
            **world,
            "secret": order.get("secret", world["secret"]),
            "write": write,
            "ipc": entered.ipc,
            "work": entered.work,
        }
        said = {"layers": entered.layers, "limits_by": entered.limits_by, "enter_ms": round(spent_ms, 1)}
        said |= {"fds": [entered.work_fd, entered.ipc_fd], "ipc": entered.ipc}
        os.write(write, json.dumps(said).encode() + b"\n")
        for descriptor in said["fds"]:
            os.close(descriptor)
        try:
            module = honest_work if order.get("module") == "honest_work" else isolation_attacks
            gained, raised = getattr(module, name)(facts), None
        except BaseException as error:
            gained, raised = None, f"{type(error).__name__}: {error}"
        os.write(write, json.dumps({"gained": gained, "raised": raised}, default=str).encode() + b"\n")
    except BaseException:
        os.write(write, json.dumps({"error": traceback.format_exc()}).encode() + b"\n")
    finally:
        os._exit(0)


def _collect(read, order, confined, serial, supervisor, ours):
    """All that was said until the last process that holds the pipe has gone, and how long that took."""
    said, data, acted, started = {}, b"", None, time.monotonic()
    deadline = started + order.get("patience_s", 20)
    while time.monotonic() < deadline:
        if not select.select([read], [], [], 0.05)[0]:
            continue
        piece = os.read(read, 65536)
        if not piece:
            said["all_gone_s"] = round(time.monotonic() - (acted or started), 3)
            break
        data += piece
        *lines, data = data.split(b"\n")
        for line in lines:
            said.update(json.loads(line))
            if "acting" in json.loads(line):  # the attack is in place: now the test's own move
                acted = time.monotonic()
                if order.get("then") == "kill supervisor":
                    os.kill(supervisor, signal.SIGKILL)
                    os.waitpid(supervisor, 0)
                    if confined.mode == "landlock":
                        watchdog.bury(confined, None, said["scratch"], credentials.kernel_uid(serial))
                elif order.get("then") == "connect to the link":
                    said["connected"] = _connect(f"/proc/{said['kernel']}/root{said['ipc']}/k-1")
                elif order.get("then") == "close leash":
                    ours.shutdown(socket.SHUT_RDWR)
                elif order.get("then") == "kill launcher":
                    # The kernel's owner is somebody else, who lives on.
                    silent = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.DEVNULL)
                    subprocess.Popen(["sleep", "4"], pass_fds=[ours.fileno()], **silent)
                    os.kill(os.getpid(), signal.SIGKILL)
    return said


def _connect(path):
    with socket.socket(socket.AF_UNIX) as caller:
        try:
            caller.connect(path)
        except OSError as error:
            return errno.errorcode[error.errno]
        return "yes"


def main():
    order = json.loads(sys.argv[1])
    world = World()
    try:
        readable = [world.readable, os.path.dirname(world.setuid), *order.get("readable", ())]
        confined = confinement.choose(order["mode"], readable=readable, hidden=order.get("hidden", ()))
        for serial, name in enumerate(order["attacks"]):
            print(json.dumps(attack(name, order, world.facts, confined, serial)), flush=True)
    finally:
        world.end()


if __name__ == "__main__":
    main()
