"""The grader's side of the sandbox: a launcher to ask for kernels, and one kernel's life.

with Launcher.start("auto", preload=COURSE_MODULES) as launcher:
    with launcher.launch(Limits(), seed=7) as kernel:
        kernel.work.write({"data.csv": b"…"})
        ...  # a jupyter client on kernel.connection; values over kernel.probe
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from types import TracebackType
from typing import IO

from autograder.errors import IsolationUnavailable, LauncherError
from autograder.sandbox.kernel import PORTS, connection
from autograder.sandbox.launcher_environment import launcher_environment
from autograder.sandbox.limits import Limits
from autograder.sandbox.work_folder import WorkFolder

# What the course's notebooks import, loaded once.
COURSE_MODULES = ("numpy", "pandas", "matplotlib.pyplot", "pytest", "tensorflow", "keras")
# What graders need; they are forks too. The first keeps out what takes a second to import and is not used.
GRADER_MODULES = ("autograder.grading", "nbformat", "nbclient", "nbgrader.preprocessors", "nbgrader.apps")
LAUNCHER = (sys.executable, "-m", "autograder.sandbox.launcher")
START_TIMEOUT_S = 180.0
LAUNCH_TIMEOUT_S = 30.0


class Launcher:
    """A connection to a launcher. `mode` and `layers` say how it confines kernels, once it is up."""

    def __init__(
        self, control: socket.socket, process: subprocess.Popen | None = None, log: IO[bytes] | None = None
    ):
        self._control = control
        self._process = process
        self._log = log
        self._greeting: dict | None = None

    @property
    def mode(self) -> str:
        return self.ready()["mode"]

    @property
    def layers(self) -> tuple[str, ...]:
        return tuple(self.ready()["layers"])

    def ready(self) -> dict:
        """Wait until it is up; returns what it said of itself.

        Raises: LauncherError when it does not come up, IsolationUnavailable when it must not.
        """
        if self._greeting is None:
            try:
                said, _ = _receive(self._control, START_TIMEOUT_S, "the launcher did not come up")
            except LauncherError as error:
                logged = self._logged()
                self.close()
                raise LauncherError(f"{error}. It said: {logged}" if logged else str(error)) from None
            if "error" in said:
                self.close()
                raise IsolationUnavailable(said["error"])
            self._greeting = said
        return self._greeting

    @classmethod
    def start(
        cls,
        isolation: str = "auto",
        *,
        preload: Sequence[str] = COURSE_MODULES,
        devices: Sequence[str] = (),
        course: str | os.PathLike[str] | None = None,
    ) -> Launcher:
        """Start a launcher of our own; it ends when this connection is closed. Does not wait for it.

        Args:
            course: a folder that its workers may import from and its kernels never see.
        """
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        log = tempfile.TemporaryFile()  # noqa: SIM115  closed by `close`
        with theirs:
            command = [*LAUNCHER, "--isolation", isolation]
            command += [f"--course={os.fspath(course)}"] if course else []
            command += [f"--control-fd={theirs.fileno()}", f"--preload={','.join(preload)}"]
            command += [f"--device={device}" for device in devices]
            process = subprocess.Popen(
                command,
                pass_fds=[theirs.fileno()],
                env=launcher_environment(os.environ),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=log,
                cwd="/",  # Python imports from there; where we are may be a student's folder
            )
        return cls(ours, process, log)

    def launch(
        self, limits: Limits, *, seed: int, threads: int = 1, arguments: Sequence[str] = ()
    ) -> SandboxedKernel:
        """Fork a confined kernel.

        Args:
            threads: of TensorFlow. arguments: for IPython.

        Raises: LauncherError when it could not be confined or the launcher is gone.
        """
        request = {"limits": dataclasses.asdict(limits), "seed": seed, "threads": threads}
        return self._ask({"op": "kernel", **request, "arguments": list(arguments)})

    def _ask(self, request: dict) -> SandboxedKernel:
        leash, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        probe, probe_theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            with theirs, probe_theirs:
                self._request(request, [theirs, probe_theirs])
            return SandboxedKernel(leash, probe)
        except BaseException:
            leash.close()
            probe.close()
            raise

    def fork_worker(self, entry: str) -> socket.socket:
        """Fork a trusted worker that runs `entry` ("module:function"); returns the channel to it."""
        channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            with theirs:
                self._request({"op": "worker", "entry": entry}, [theirs])
        except LauncherError:
            channel.close()
            raise
        return channel

    def _request(self, request: dict, sockets: list[socket.socket]) -> None:
        self.ready()
        descriptors = [each.fileno() for each in sockets]
        try:
            socket.send_fds(self._control, [json.dumps(request).encode()], descriptors)
        except OSError as error:
            raise LauncherError(
                f"the launcher of sandboxed kernels has ended ({error}); start again"
            ) from error

    def _logged(self) -> str:
        """The end of what the launcher has written: TensorFlow's chatter, and what went wrong."""
        if self._log is None:
            return ""
        self._log.seek(0)
        return self._log.read()[-2000:].decode(errors="replace").strip()

    def close(self) -> None:
        self._control.close()
        if self._log:
            self._log.close()
        if self._process:
            if self._greeting is None:
                self._process.kill()  # it would notice only after its imports, and has no kernel yet
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def __enter__(self) -> Launcher:
        self.ready()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class SandboxedKernel:
    """One kernel. Closing it, or the death of this process, kills it and everything that it started.

    Attributes:
        connection: Jupyter's connection information.
        probe: stream socket on which the kernel answers requests for values.
        work: its work folder.
        layers, limits_by: what confines it, and by which means each limit is held.
    """

    def __init__(self, leash: socket.socket, probe: socket.socket):
        self._leash = leash
        self.probe = probe
        self._ending: dict | None = None
        self._pidfd = self._ipc_fd = -1
        self.work = WorkFolder(-1, None)
        confined: dict = {}
        while self._pidfd < 0 or not confined:
            said, descriptors = _receive(leash, LAUNCH_TIMEOUT_S, "no kernel came up")
            if "pid" in said:
                self.pid: int = said["pid"]
                (self._pidfd,) = descriptors
            elif "layers" in said:
                confined = said
                work_fd, self._ipc_fd = descriptors
                self.work = WorkFolder(work_fd, said["uid"])
            else:
                self._close_descriptors()
                raise LauncherError(f"the kernel could not be confined: {said.get('error', said)}")
        self.layers = tuple(confined["layers"])
        self.limits_by: dict[str, str] = confined["limits_by"]
        self._wait_for_sockets()
        self.connection = connection(f"/proc/self/fd/{self._ipc_fd}", confined["key"])

    def _wait_for_sockets(self) -> None:
        """Until the kernel listens: a client that connects earlier waits 100 ms before it tries again."""
        deadline = time.monotonic() + LAUNCH_TIMEOUT_S
        while len(os.listdir(self._ipc_fd)) < len(PORTS):
            if not self.alive() or time.monotonic() > deadline:
                said, _ = _receive(self._leash, LAUNCH_TIMEOUT_S, "the kernel did not start")
                self.close()
                raise LauncherError(f"the kernel ended, or hung, while it started: {said}")
            time.sleep(0.002)

    @property
    def exited(self) -> int:
        """A descriptor that becomes readable when the kernel has ended."""
        return self._pidfd

    def alive(self) -> bool:
        return not select.select([self._pidfd], [], [], 0)[0]

    def interrupt(self) -> None:
        self._signal(signal.SIGINT)

    def kill(self) -> None:
        self._signal(signal.SIGKILL)

    def ending(self, timeout_s: float = 5.0) -> dict:
        """How it ended: `{"exit": code}` or `{"signal": number}`, and `reason` where a limit did it."""
        if self._ending is None:
            said, _ = _receive(self._leash, timeout_s, "the kernel did not end")
            self._ending = dict(said.get("ended", {}))
        return self._ending

    def end(self) -> None:
        """Kill the kernel; returns once no process of it is left. Its work folder can still be read."""
        self.kill()
        with contextlib.suppress(LauncherError):
            self.ending()

    def close(self) -> None:
        """Kill the kernel and let go of its work folder."""
        if self._pidfd < 0:
            return
        self.end()
        self.probe.close()
        self._leash.close()
        self._close_descriptors()

    def _signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._pidfd, number)

    def _close_descriptors(self) -> None:
        self.work.close()
        for descriptor in (self._pidfd, self._ipc_fd):
            if descriptor >= 0:
                os.close(descriptor)
        self._pidfd = self._ipc_fd = -1

    def __enter__(self) -> SandboxedKernel:
        return self

    def __exit__(
        self, _type: type | None, _value: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        self.close()


def _receive(channel: socket.socket, timeout_s: float, failed: str) -> tuple[dict, list[int]]:
    if not select.select([channel], [], [], timeout_s)[0]:
        raise LauncherError(f"{failed} within {timeout_s:.0f} s")
    try:
        data, descriptors, _, _ = socket.recv_fds(channel, 64 * 1024, 4)
    except ConnectionError:
        data, descriptors = b"", []
    if not data:
        raise LauncherError(f"{failed}: its process has ended")
    for descriptor in descriptors:
        os.set_inheritable(descriptor, False)
    return json.loads(data), list(descriptors)
