"""What a confined fork does: it becomes an ordinary IPython kernel that also answers the probe.

Everything from here on is untrusted: it runs in the process of the submission. It listens on `ipc`
sockets (an empty network namespace has no other) and answers the grader's requests for values on a
descriptor of its own, on the main thread, between cells.
"""

from __future__ import annotations

import importlib
import json
import logging
import os
import random
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autograder.sandbox import probe
from autograder.sandbox.confinement import Entered
from autograder.sandbox.limits import Limits

SOCKET_STEM = "k"
PORTS = {"shell_port": 1, "iopub_port": 2, "stdin_port": 3, "control_port": 4, "hb_port": 5}


def connection(ipc_folder: str, key: str) -> dict:
    """Jupyter's connection information for the kernel whose sockets lie in `ipc_folder`."""
    return {
        **PORTS,
        "transport": "ipc",
        "ip": f"{ipc_folder}/{SOCKET_STEM}",
        "key": key,
        "signature_scheme": "hmac-sha256",
        "kernel_name": "python3",
    }


@dataclass(frozen=True)
class KernelOrder:
    """What a request says about a kernel; nothing in it loosens the confinement.

    Args:
        serial: counts the launcher's kernels.
        threads: of TensorFlow. arguments: for IPython.
    """

    serial: int
    limits: Limits
    seed: int
    threads: int
    arguments: tuple[str, ...] = ()


def prepare(entered: Entered, order: KernelOrder, key: str, probe_fd: int) -> Callable[[], None]:
    """Make the kernel, listening. Returns what runs it; no code of the submission has run before that."""
    _forget_the_launcher()
    os.environ["NBGRADER_EXECUTION"] = "autograde"  # notebooks of nbgrader's users ask for it
    _seed(order.seed, order.threads)
    os.chdir(entered.work)

    kernelapp: Any = importlib.import_module("ipykernel.kernelapp")

    _stop_floods(order.limits.flood_bytes)
    kernelapp.IOPubThread = _ipc_iopub_thread(f"{entered.home}/.subprocess-output")
    connection_file = Path(entered.home, ".connection.json")
    connection_file.write_text(json.dumps(connection(entered.ipc, key)))
    app = kernelapp.IPKernelApp.instance(connection_file=str(connection_file), log_level=logging.CRITICAL)
    app.config.HistoryManager.enabled = False
    app.initialize(list(order.arguments))
    _show_figures(app.shell)
    leave = _Leave()
    app.shell.user_ns.update(exit=leave, quit=leave)
    probe.install(app.shell.user_ns, probe_fd)
    return app.start


def _ipc_iopub_thread(path: str) -> type:
    """ipykernel's output thread, but forked subprocesses reach it without TCP, which is denied."""
    import zmq
    from ipykernel.iostream import IOPubThread
    from zmq.eventloop.zmqstream import ZMQStream

    class IpcIOPubThread(IOPubThread):
        def _setup_pipe_in(self) -> None:
            self._pipe_uuid = os.urandom(16)
            pipe: Any = self.socket.context.socket(zmq.PULL)  # pyright: ignore[reportOptionalMemberAccess]
            pipe.linger = 0
            pipe.bind(f"ipc://{path}")
            self._pipe_in = ZMQStream(pipe, self.io_loop)
            self._pipe_in.on_recv(self._handle_pipe_msg)

        def _setup_pipe_out(self) -> tuple:
            context = zmq.Context()
            pipe = context.socket(zmq.PUSH)
            pipe.linger = 3000
            pipe.connect(f"ipc://{path}")
            return context, pipe

    return IpcIOPubThread


def _show_figures(shell: Any) -> None:
    """What importing the inline backend does where there is a shell already; ours was imported ahead."""
    inline = sys.modules.get("matplotlib_inline.backend_inline")
    if inline is not None:
        inline.configure_inline_support(shell, "inline")
        sys.modules["matplotlib"].interactive(True)  # a figure that a cell leaves open is shown at its end


class OutputFlood(Exception):
    """A cell printed more than any notebook can show."""


def _stop_floods(max_bytes: int) -> None:
    """Fail a cell that prints without end. A courtesy: the grader caps what it takes in by itself."""
    from ipykernel import iostream

    write = iostream.OutStream.write
    printed = {"cell": None, "bytes": 0}

    def counted_write(self: iostream.OutStream, string: str) -> int | None:
        cell = (self.parent_header or {}).get("msg_id")
        if cell != printed["cell"]:
            printed.update(cell=cell, bytes=0)
        printed["bytes"] += len(string)
        if printed["bytes"] > max_bytes:
            raise OutputFlood(f"this cell prints more than {max_bytes >> 20} MiB")
        return write(self, string)

    iostream.OutStream.write = counted_write
    iostream.OutStream.flush_interval = 0.05  # many messages of a sensible size, not a few huge ones


class _Leave:
    """`exit()` ends the cell, as in a script; the kernel stays, so what ran before still counts."""

    def __call__(self, code: object = None) -> None:
        raise SystemExit(code)

    def __repr__(self) -> str:
        return "exit() ends this cell"


def _forget_the_launcher() -> None:
    """Leave nothing of ours within reach of an import; what is on disk is not visible from here anyway."""
    sys.argv = ["ipykernel"]
    sys.path[:] = [entry for entry in sys.path if entry and Path(entry).exists()]
    for name in [name for name in sys.modules if name.partition(".")[0] in ("autograder", "reference_impl")]:
        del sys.modules[name]


def _seed(seed: int, threads: int) -> None:
    random.seed(seed)
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed(seed % 2**32)
    tensorflow = sys.modules.get("tensorflow")
    if tensorflow is None:
        return
    tensorflow.config.threading.set_intra_op_parallelism_threads(threads)
    tensorflow.config.threading.set_inter_op_parallelism_threads(threads)
    tensorflow.random.set_seed(seed)
    tensorflow.config.experimental.enable_op_determinism()
