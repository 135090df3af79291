"""The warm process that kernels and graders are forked from.

Importing TensorFlow takes seconds, forking a process that has imported it takes milliseconds. The
launcher imports what notebooks need, never runs an operation (a TensorFlow runtime does not survive a
fork), and then forks one child for each request that arrives on a control socket:

* `kernel`: a supervisor and, below it, a confined kernel. How kernels are confined is decided when the
  launcher starts. It is not part of a request, so whoever reaches the socket cannot ask for less.
* `worker`: a trusted process (a grader) that runs `module:function(channel, control)` and may ask for
  kernels itself.

The launcher holds no secret, and a fork closes every descriptor that it was not given. Who may ask is
settled by who holds the socket: it is inherited (a socketpair), or it lies at a 0600 path and its
peer's uid is checked.

Messages on control sockets are single SOCK_SEQPACKET datagrams of JSON with descriptors attached.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import importlib
import io
import json
import os
import selectors
import signal
import socket
import struct
import sys
import time
import traceback
from collections.abc import Callable, Collection
from pathlib import Path
from typing import NoReturn

from autograder.errors import IsolationUnavailable
from autograder.sandbox import confinement, libc, supervisor
from autograder.sandbox.confinement import Confinement
from autograder.sandbox.kernel import KernelOrder
from autograder.sandbox.limits import Limits

MAX_REQUEST_BYTES = 64 * 1024
KERNEL_MODULES = (
    "ipykernel.kernelapp",
    "ipykernel.debugger",
    "ipykernel.ipkernel",
    "matplotlib_inline.backend_inline",
)


class ForkServer:
    """Answers requests on control sockets by forking; single-threaded from start to end."""

    def __init__(self, confinement: Confinement, idle_s: float | None = None):
        self._confinement = confinement
        self._idle_s = idle_s
        self._selector = selectors.DefaultSelector()
        self._serial = 0
        self._children: set[int] = set()
        self._last_used = time.monotonic()

    def add_control(self, control: socket.socket) -> None:
        """Serve this connection, beginning with a greeting that says how kernels are confined."""
        layers = list(self._confinement.layers)
        control.send(json.dumps({"mode": self._confinement.mode, "layers": layers}).encode())
        self._selector.register(control, selectors.EVENT_READ, self._answer)

    def add_listener(self, listener: socket.socket) -> None:
        self._selector.register(listener, selectors.EVENT_READ, self._accept)

    def run(self) -> None:
        """Serve until every socket is closed or, where `idle_s` is given, for so long without work."""
        while self._selector.get_map():
            for key, _ in self._selector.select(timeout=0.5):
                key.data(key.fileobj)
            self._reap()
            if self._children:
                self._last_used = time.monotonic()
            elif self._idle_s is not None and time.monotonic() - self._last_used > self._idle_s:
                return

    def _accept(self, listener: socket.socket) -> None:
        control, _ = listener.accept()
        peer = control.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        _, uid, _ = struct.unpack("3i", peer)
        if uid == os.geteuid():
            self.add_control(control)
        else:
            control.close()

    def _answer(self, control: socket.socket) -> None:
        try:
            data, descriptors, flags, _ = socket.recv_fds(control, MAX_REQUEST_BYTES, 4)
        except ConnectionError:
            data, descriptors, flags = b"", [], 0
        if not data:
            self._selector.unregister(control)
            control.close()
            return
        self._last_used = time.monotonic()
        try:
            if flags & socket.MSG_TRUNC:
                raise ValueError(f"a request has at most {MAX_REQUEST_BYTES} bytes")
            self._serve(json.loads(data), descriptors)
        except (ValueError, KeyError, TypeError, OSError) as error:
            # Whoever asked sees its descriptors closed; the reason stands in the launcher's log.
            print(f"launcher: refused a request: {error!r}", file=sys.stderr, flush=True)
        finally:
            for descriptor in descriptors:
                os.close(descriptor)

    def _serve(self, request: dict, descriptors: list[int]) -> None:
        if request["op"] == "kernel":
            leash, probe = descriptors
            self._serial += 1
            order = KernelOrder(
                serial=self._serial,
                limits=Limits(**request["limits"]),
                seed=int(request["seed"]),
                threads=int(request["threads"]),
                arguments=tuple(map(str, request.get("arguments", ()))),
            )
            self._fork(lambda: supervisor.run(order, self._confinement, leash, probe), keep=descriptors)
        elif request["op"] == "worker":
            (channel,) = descriptors
            self._fork_worker(request["entry"], channel)
        else:
            raise ValueError(f"unknown request {request['op']!r}")

    def _fork_worker(self, entry: str, channel: int) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)

        def work() -> None:
            libc.die_with_parent()
            module, _, function = entry.partition(":")
            getattr(importlib.import_module(module), function)(channel, theirs)

        self.add_control(ours)
        self._fork(work, keep=[channel, theirs.fileno()])
        theirs.close()

    def _fork(self, run: Callable[[], None], keep: Collection[int]) -> None:
        pid = os.fork()
        if pid:
            self._children.add(pid)
            return
        run_in_child(run, keep)

    def _reap(self) -> None:
        while self._children:
            pid, _ = os.waitpid(-1, os.WNOHANG)
            if not pid:
                return
            self._children.discard(pid)


def run_in_child(run: Callable[[], None], keep: Collection[int]) -> NoReturn:
    """What a fork does with its life: nothing of the launcher's but memory, then `run`, then the end."""
    status = 70
    try:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD):
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        libc.close_other_descriptors({0, 1, 2, *keep})
        run()
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.flush()
        os._exit(status)


def import_ahead(modules: Collection[str]) -> None:
    """Import what forks share. A module that this environment lacks is left to the notebook that wants it."""
    for name in modules:
        try:
            importlib.import_module(name)
        except ImportError as error:
            print(f"launcher: {name} is not imported ahead: {error}", file=sys.stderr, flush=True)
    if "matplotlib.pyplot" in sys.modules:
        _draw_once()
    # Objects made so far are out of the collector's sight: its marks would unshare their pages.
    gc.collect()
    gc.freeze()


def _draw_once() -> None:
    """Draw a figure, so that forks find fonts, image formats and the parser of formulas already loaded."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure()
    FigureCanvasAgg(figure)
    figure.subplots().set(title="$x$", xlabel="x", ylabel="y")
    figure.savefig(io.BytesIO(), format="png", bbox_inches="tight")


def _listen(path: Path) -> socket.socket:
    """A 0600 socket that takes connections from the moment its path exists."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    unready = path.with_suffix(f".{os.getpid()}")
    before = os.umask(0o177)
    try:
        listener.bind(str(unready))
    finally:
        os.umask(before)
    listener.listen()
    unready.rename(path)
    return listener


def _say_refused(control: socket.socket | None, listener: socket.socket | None, error: Exception) -> None:
    """Tell whoever started us why there will be no kernels."""
    if listener:
        listener.settimeout(5)
        control, _ = listener.accept()
    assert control
    control.send(json.dumps({"error": str(error)}).encode())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--isolation", default="auto")
    parser.add_argument("--preload", default="", help="modules to import ahead, separated by commas")
    parser.add_argument("--device", action="append", default=[], help="device nodes that kernels may open")
    parser.add_argument("--course", help="workers may import from this folder, kernels never see it")
    parser.add_argument("--idle-s", type=float, default=None)
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--control-fd", type=int)
    where.add_argument("--socket", type=Path)
    options = parser.parse_args()

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for whoever started us; we end with our sockets
    listener = _listen(options.socket) if options.socket else None
    control = None if listener else socket.socket(fileno=options.control_fd)
    try:
        course = [options.course] if options.course else []
        sys.path += course  # behind everything else: it shadows nothing
        chosen = confinement.choose(options.isolation, devices=tuple(options.device), hidden=course)
        import_ahead([*KERNEL_MODULES, *filter(None, options.preload.split(","))])
        server = ForkServer(chosen, options.idle_s)
        if listener:
            server.add_listener(listener)
        if control:
            libc.die_with_parent()
            server.add_control(control)
        server.run()
    except IsolationUnavailable as error:
        _say_refused(control, listener, error)
    finally:
        if options.socket:
            options.socket.unlink(missing_ok=True)


if __name__ == "__main__":
    main()
