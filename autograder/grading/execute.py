"""Running a notebook's cells on a sandboxed kernel.

Everything that the kernel says is capped while it arrives (bytes of a message, messages in flight, bytes
kept of a cell) and never trusted to have the right form. A cell that fails, hangs, floods or kills its
kernel costs that cell alone: after a dead kernel the cells that had worked are run again on a new one.

nbclient turns messages into outputs; the loop around it is ours, because it must outlive kernels, give
up on floods, and leave no fixed waits in the way (nbclient's start and shutdown polls cost 0.3 s).
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
import zmq
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.session import Session
from nbclient import NotebookClient
from nbformat import NotebookNode

from autograder.checking.submission_facts import CellFacts
from autograder.errors import LauncherError
from autograder.sandbox.limits import Limits
from autograder.sandbox.session import SandboxedKernel

PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
MAX_MESSAGE_BYTES = 16 << 20  # of each of its frames
MAX_MESSAGES_QUEUED = 8
INTERRUPT_GRACE_S = 3.0
IDLE_GRACE_S = 2.0  # a kernel that floods may lose its own word that it is idle
REPLAY_STOPPED_S = 5.0  # a cell that had to be stopped gets so long when it is repeated on a new kernel
READY_TIMEOUT_S = 30.0
# A message may have any number of frames, and ZeroMQ shows none before it has the last.
MAX_GROWTH_MB = 256
GROWTH_POLL_S = 0.1
MAX_RELAUNCHES = 2
MAX_OUTPUT_CELLS = 64  # a notebook keeps as much output as so many cells may have; a report shows less
# What nbclient makes outputs of. It acts on the messages of widgets, too, which are not for a grader.
OUTPUT_MESSAGES = frozenset(
    (
        "stream",
        "display_data",
        "execute_result",
        "error",
        "clear_output",
        "update_display_data",
        "execute_input",
    )
)


class KernelLost(Exception):
    """The kernel died or answers no more; the message says why, for the report."""


@dataclass
class CellRun:
    """What became of one code cell."""

    index: int
    error: str | None = None
    seconds: float = 0.0
    ran: bool = False
    stopped: bool = False
    killed_kernel: bool = False


@dataclass
class NotebookRun:
    """A notebook and the kernel that its cells run on, replaced when it dies.

    Args:
        open_kernel: makes a fresh sandboxed kernel with the submission's files in its work folder.
        skip: indexes of cells that are not run (locked check cells, whose verdict nobody would believe).
    """

    nb: NotebookNode
    open_kernel: Callable[[], SandboxedKernel]
    limits: Limits
    skip: frozenset[int] = frozenset()
    kernel: SandboxedKernel | None = None
    warnings: list[str] = field(default_factory=list)
    layers: tuple[str, ...] = ()  # what confined the kernels
    limits_by: dict[str, str] = field(default_factory=dict)
    launch_s: float = 0.0
    execute_s: float = 0.0
    relaunches: int = 0
    _runs: dict[int, CellRun] = field(default_factory=dict)
    _kept: int = 0  # bytes of output, of all cells
    _client: CellClient | None = None

    def run(self) -> None:
        """Run every code cell once, in order, within the notebook's time."""
        started = time.monotonic()
        deadline = started + self.limits.notebook_s
        self._ensure_kernel(deadline)
        for index, cell in enumerate(self.nb.cells):
            if cell.cell_type != "code" or index in self.skip:
                continue
            cell.outputs = []
            cell.execution_count = None
            run = self._runs[index] = CellRun(index)
            if not cell.source.strip():
                run.ran = True
                continue
            self._run_cell(cell, run, deadline)
        self.execute_s += time.monotonic() - started - self.launch_s

    def _run_cell(self, cell: NotebookNode, run: CellRun, deadline: float) -> None:
        began = time.monotonic()
        if began >= deadline:
            run.error = f"not run: the notebook had used its {self.limits.notebook_s:.0f} s"
            cell.outputs.append(_error_output(run.error))
            return
        try:
            client = self._ensure_kernel(deadline)
            allowed = max(0.1, min(self.limits.cell_s, deadline - time.monotonic()))
            room = min(self.limits.output_bytes, MAX_OUTPUT_CELLS * self.limits.output_bytes - self._kept)
            try:
                run.error, run.stopped = client.execute(cell, allowed, run.index, room)
            finally:
                self._kept += client.kept_bytes
            run.ran = run.error is None
        except KernelLost as lost:
            run.error, run.killed_kernel = str(lost), True
            self.warnings.append(f"cell {run.index + 1}: {lost}")
            self.drop_kernel()
        if run.error and not any(output.output_type == "error" for output in cell.outputs):
            cell.outputs.append(_error_output(run.error))
        run.seconds = time.monotonic() - began

    def _ensure_kernel(self, deadline: float) -> CellClient:
        """The present kernel, or a new one on which every cell that had worked has run again."""
        if self._client:
            return self._client
        if self.relaunches > MAX_RELAUNCHES:
            raise KernelLost(f"not run: {MAX_RELAUNCHES + 1} kernels had died before")
        began = time.monotonic()
        self.kernel = self.open_kernel()
        self.layers, self.limits_by = self.kernel.layers, self.kernel.limits_by
        self._client = CellClient(self.kernel, self.nb, self.limits)
        if not self.relaunches:
            self.launch_s = self.launch_s or time.monotonic() - began
        self.relaunches += 1
        for run in list(self._runs.values()):
            if not run.seconds or run.killed_kernel:
                continue
            replayed = nbformat.v4.new_code_cell(self.nb.cells[run.index].source)
            allowed = min(self.limits.cell_s, deadline - time.monotonic())
            if allowed <= 0:
                raise KernelLost("there was no time left to run the cells again on a new kernel")
            if run.stopped:
                allowed = min(allowed, REPLAY_STOPPED_S)
            self._client.execute(replayed, allowed, run.index, 0)
        return self._client

    def revive(self, seconds: float) -> SandboxedKernel:
        """For the checks: the kernel, or a new one where it was dropped.

        Raises: KernelLost when the new one dies while the cells are repeated.
        """
        self.relaunches = 0
        self._ensure_kernel(time.monotonic() + seconds)
        assert self.kernel
        return self.kernel

    def drop_kernel(self) -> None:
        if self._client:
            self._client.close()
        if self.kernel:
            self.kernel.close()
        self._client = self.kernel = None

    def facts(self) -> tuple[CellFacts, ...]:
        """What the contract checks may know of the cells."""
        return tuple(self._cell_facts(index, cell) for index, cell in enumerate(self.nb.cells))

    def _cell_facts(self, index: int, cell: NotebookNode) -> CellFacts:
        run = self._runs.get(index, CellRun(index))
        printed = "".join(
            output.text
            for output in cell.get("outputs", [])
            if output.output_type == "stream" and output.name == "stdout"
        )
        return CellFacts(
            index=index,
            source=cell.source,
            cell_type=cell.cell_type,
            ran=run.ran,
            error=run.error,
            seconds=run.seconds,
            stdout=printed,
            grade_id=cell.metadata.get("nbgrader", {}).get("grade_id"),
        )


class CellClient:
    """A Jupyter client of one kernel that runs cells one by one, against a deadline."""

    _context = zmq.Context()
    _context.MAXMSGSIZE = MAX_MESSAGE_BYTES
    _context.RCVHWM = MAX_MESSAGES_QUEUED
    _context.LINGER = 0

    def __init__(self, kernel: SandboxedKernel, nb: NotebookNode, limits: Limits):
        self._kernel = kernel
        self._limits = limits
        self._outputs = NotebookClient(nb, record_timing=False)
        self._outputs.reset_execution_trackers()
        self._kc = BlockingKernelClient(context=self._context)
        self._kc.session = Session(key=kernel.connection["key"].encode(), signature_scheme="hmac-sha256")
        self._kc.load_connection_info(kernel.connection)  # pyright: ignore[reportArgumentType]
        self._shell = self._kc.shell_channel.socket
        self._iopub = self._kc.iopub_channel.socket
        self._poller = zmq.Poller()
        for channel in (self._shell, self._iopub):
            self._poller.register(channel, zmq.POLLIN)
        # libzmq hangs up on a message above MAXMSGSIZE; the kernel's other messages are then lost too.
        self._hang_ups = self._iopub.get_monitor_socket(zmq.EVENT_DISCONNECTED)
        self._poller.register(self._hang_ups, zmq.POLLIN)
        self._poller.register(kernel.exited, zmq.POLLIN)
        self._watch: _CellWatch | None = None
        self._wait_until_ready()

    def execute(self, cell: NotebookNode, timeout_s: float, index: int, room: int) -> tuple[str | None, bool]:
        """Run one cell and fill its outputs in.

        Args:
            index: of the cell in its notebook. room: bytes of output that are kept.
        Returns: why it failed, in a line (None if it did not), and whether it had to be stopped.
        Raises: KernelLost when the kernel died, or could not be interrupted.
        """
        self._outputs.clear_before_next_output = False
        message_id = self._kc.execute(cell.source, store_history=True, allow_stdin=False, stop_on_error=False)
        self._watch = watch = _CellWatch(message_id, cell, index, self._outputs, self._limits, room)
        self._pump(watch, time.monotonic() + timeout_s)
        if watch.done:
            return watch.failure(), False
        why = watch.stopped or f"stopped after {timeout_s:.0f} s, the time that a cell has"
        self._kernel.interrupt()
        watch.stopped = None
        watch.muted = True
        self._pump(watch, time.monotonic() + INTERRUPT_GRACE_S)
        if not watch.done:
            self._kernel.kill()
            raise KernelLost(f"{why}; it could not be interrupted, so its kernel was ended")
        return why, True

    @property
    def kept_bytes(self) -> int:
        """Of the last cell's outputs."""
        return self._watch.kept_bytes if self._watch else 0

    def close(self) -> None:
        self._iopub.disable_monitor()
        self._hang_ups.close()
        self._kc.stop_channels()

    def _pump(self, watch: _CellWatch, deadline: float) -> None:
        """Take messages until the cell is done or must be stopped.

        Raises: KernelLost when the kernel died, or sends a message that does not end.
        """
        before_mb = _resident_mb()
        while not (watch.done or watch.stopped):
            if watch.idle_is_lost():
                return
            left = deadline - time.monotonic()
            if left <= 0:
                return
            ready = dict(self._poller.poll(int(min(left, GROWTH_POLL_S) * 1000) + 1))
            if not ready and _resident_mb() - before_mb > MAX_GROWTH_MB:
                self._kernel.kill()
                raise KernelLost(f"stopped: it sent a message of more than {MAX_GROWTH_MB} MiB")
            if self._iopub in ready:
                watch.on_iopub(*self._take(self._iopub))
            if self._shell in ready:
                watch.on_shell(*self._take(self._shell))
            if self._kernel.exited in ready and not {self._iopub, self._shell} & ready.keys():
                raise KernelLost(describe_ending(self._kernel))
            if self._hang_ups in ready:
                self._hang_ups.recv_multipart()
                watch.stopped = f"stopped: it sent a message of more than {MAX_MESSAGE_BYTES >> 20} MiB"

    def _take(self, channel: zmq.Socket) -> tuple[dict | None, int]:
        """One message, None if it is not one of Jupyter's, and its size in bytes."""
        frames = channel.recv_multipart(copy=True)
        size = sum(map(len, frames))
        try:
            _, parts = self._kc.session.feed_identities(frames)
            message = self._kc.session.deserialize(parts)
            forms = (message["content"], dict), (message["parent_header"], dict), (message["msg_type"], str)
            if all(isinstance(part, form) for part, form in forms):
                return message, size
        except Exception:  # whatever the libraries make of what a kernel can send
            return None, size  # its size still counts towards the flood limit
        return None, size

    def _wait_until_ready(self) -> None:
        """Until the kernel answers and its broadcasts reach us (a subscription takes a moment)."""
        deadline = time.monotonic() + READY_TIMEOUT_S
        heard: set[zmq.Socket] = set()
        while len(heard) < 2:
            if time.monotonic() > deadline:
                raise LauncherError(f"the kernel did not answer within {READY_TIMEOUT_S:.0f} s of its start")
            self._kc.kernel_info()
            until = time.monotonic() + 0.2
            while len(heard) < 2 and (left := until - time.monotonic()) > 0:
                ready = dict(self._poller.poll(int(left * 1000) + 1))
                if self._kernel.exited in ready:
                    raise LauncherError(f"the kernel ended while it started: {describe_ending(self._kernel)}")
                for channel in ready:
                    self._take(channel)
                    heard.add(channel)


class _CellWatch:
    """The messages that belong to one cell, turned into outputs, counted."""

    def __init__(
        self,
        message_id: str,
        cell: NotebookNode,
        index: int,
        outputs: NotebookClient,
        limits: Limits,
        room: int,
    ):
        self._id = message_id
        self._cell = cell
        self._index = index
        self._client = outputs
        self._keep_bytes = room
        self._flood_bytes = 2 * limits.flood_bytes  # the kernel's own cap, where it stands, comes first
        self._bytes = 0
        self._room = room
        self._cut = False
        self._idle = False
        self._reply: dict | None = None
        self._replied = 0.0
        self.muted = False
        self.stopped: str | None = None

    @property
    def kept_bytes(self) -> int:
        return self._keep_bytes - self._room

    @property
    def done(self) -> bool:
        return self._idle and self._reply is not None

    def idle_is_lost(self) -> bool:
        """The reply came, but not the word that nothing follows it; from now on it counts as said."""
        if self._reply is not None and time.monotonic() - self._replied > IDLE_GRACE_S:
            self._idle = True
        return self.done

    def failure(self) -> str | None:
        reply = self._reply or {}
        if reply.get("status") == "ok":
            return None
        name, value = str(reply.get("ename", "error"))[:200], str(reply.get("evalue", ""))[:500]
        return f"{name}: {value}" if value else name

    def on_shell(self, message: dict | None, _size: int) -> None:
        if (
            message
            and message["parent_header"].get("msg_id") == self._id
            and message["msg_type"] == "execute_reply"
        ):
            self._reply, self._replied = message["content"], time.monotonic()

    def on_iopub(self, message: dict | None, size: int) -> None:
        self._bytes += size
        if self._bytes > self._flood_bytes and not self.muted:
            self.stopped = f"stopped: it sent more than {self._flood_bytes >> 20} MiB of output"
        if not message or message["parent_header"].get("msg_id") != self._id:
            return
        if message["msg_type"] == "status":
            self._idle = self._idle or message["content"].get("execution_state") == "idle"
        elif message["msg_type"] not in OUTPUT_MESSAGES or (self.muted and message["msg_type"] != "error"):
            return
        elif self._room >= size:
            self._room -= size
            self._keep(message)
        elif not self._cut:
            self._cut = True
            self._keep_what_fits(message)

    def _keep(self, message: dict) -> None:
        before, count = list(self._cell.outputs), self._cell.execution_count
        try:
            if message["msg_type"] == "update_display_data":
                data, metadata = (message["content"][name] for name in ("data", "metadata"))
                _validate(nbformat.v4.new_output("display_data", data=data, metadata=metadata))
            self._client.process_message(message, self._cell, self._index)
            if self._cell.outputs:
                _validate(self._cell.outputs[-1])
            if type(self._cell.execution_count) is not int:
                self._cell.execution_count = count
        except Exception:
            # Whatever a kernel can send that is no output: it is not kept. The cell's fate is the reply's.
            self._cell.outputs[:], self._cell.execution_count = before, count

    def _keep_what_fits(self, message: dict) -> None:
        content = message["content"]
        if self._room > 0 and message["msg_type"] == "stream" and isinstance(content.get("text"), str):
            self._keep({**message, "content": {**content, "text": content["text"][: self._room]}})
            self._room = 0
        note = f"\n[output cut: a cell keeps {self._keep_bytes} bytes]\n"
        self._cell.outputs.append(nbformat.v4.new_output("stream", name="stderr", text=note))


def _resident_mb() -> float:
    """Memory that this process has."""
    with Path("/proc/self/statm").open() as file:
        return int(file.read().split()[1]) * PAGE_BYTES / 2**20


def _validate(output: NotebookNode) -> None:
    nbformat.validate(output, ref="output", version=4)


def describe_ending(kernel: SandboxedKernel) -> str:
    """Why a kernel is no longer there, in words for its owner."""
    try:
        ending = kernel.ending()
    except LauncherError:
        return "the kernel died"
    if ending.get("reason"):
        return f"the kernel was ended: {ending['reason']}"
    if "signal" in ending:
        return f"the kernel died of signal {ending['signal']}"
    return f"the kernel ended itself (exit status {ending.get('exit')})"


def _error_output(message: str) -> NotebookNode:
    return nbformat.v4.new_output("error", ename="Stopped", evalue=message, traceback=[message])
