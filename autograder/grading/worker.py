"""Warm grader processes, forked from the launcher, behind `concurrent.futures.Executor`.

A worker is trusted. It receives a function and its arguments, pickled, over a socket that only the
batch holds, and answers with the result or the exception. Any other `Executor` may stand in its place:
a task carries all that it needs, and finds a launcher with `worker.launcher()`.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import resource
import signal
import socket
import threading
import traceback
import warnings
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from autograder.errors import AutograderError, LauncherError
from autograder.sandbox.session import START_TIMEOUT_S, Launcher

ENTRY = f"{__name__}:serve"
# Of one grader, besides what it inherits: a submission's files, what its notebook wrote, the reference.
MEMORY_MB = 8192
_launcher: Launcher | None = None


class WorkerDied(AutograderError):
    """A grader process ended or hung while it held a task."""


def launcher() -> Launcher:
    """The launcher that tasks in this process get their kernels from."""
    if _launcher is None:
        raise LauncherError("this process has no launcher: run the task in a worker")
    return _launcher


def serve(channel_fd: int, control: socket.socket) -> None:
    """A worker's life: take a task, answer, until the batch hangs up."""
    global _launcher
    _launcher = Launcher(control)
    _limit_memory()
    warnings.simplefilter("ignore")  # of libraries, about the inputs of checks: nobody reads them here
    channel = Connection(channel_fd)
    channel.send(os.getpid())
    while True:
        try:
            task = channel.recv_bytes()
        except EOFError:
            return
        try:
            function, arguments = pickle.loads(task)  # noqa: S301  of the batch's making
            answer = (True, function(*arguments))
        except Exception as error:
            error.add_note(traceback.format_exc())
            answer = (False, error)
        channel.send(answer)


def _limit_memory() -> None:
    """What a submission makes this process allocate ends in a MemoryError here, not on the whole machine."""
    with Path("/proc/self/status").open() as file:
        (inherited_kb,) = (int(line.split()[1]) for line in file if line.startswith("VmData:"))
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    soft = (inherited_kb << 10) + (MEMORY_MB << 20)
    resource.setrlimit(resource.RLIMIT_DATA, (soft if hard < 0 else min(soft, hard), hard))


@dataclass(frozen=True)
class _Worker:
    pid: int
    channel: Connection

    def end(self) -> None:
        """Hang up; what is stuck in a task is killed."""
        self.channel.close()
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)


class WorkerPool(Executor):
    """`workers` warm processes; a task whose worker dies is tried once more on a new one.

    Args:
        task_timeout_s: after so long a worker counts as hung and is replaced. The limits of kernels and
            checks end a task long before.
    """

    def __init__(self, launcher: Launcher, workers: int, task_timeout_s: float = 3600.0):
        self._launcher = launcher
        self._timeout_s = task_timeout_s
        self._tasks: deque[tuple[Future, Callable, tuple]] = deque()
        self._changed = threading.Condition()
        self._closed = False
        self._forking = threading.Lock()
        self._threads = [threading.Thread(target=self._drive, daemon=True) for _ in range(workers)]
        for thread in self._threads:
            thread.start()

    def submit(self, fn: Callable, /, *args: Any) -> Future:
        future: Future = Future()
        with self._changed:
            if self._closed:
                raise RuntimeError("the pool is shut down")
            self._tasks.append((future, fn, args))
            self._changed.notify()
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        with self._changed:
            self._closed = True
            if cancel_futures:
                for future, *_ in self._tasks:
                    future.cancel()
                self._tasks.clear()
            self._changed.notify_all()
        if wait:
            for thread in self._threads:
                thread.join()

    def _drive(self) -> None:
        """One thread a worker: hand it tasks, one at a time."""
        worker: _Worker | None = None
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._tasks or self._closed)
                if not self._tasks:
                    break
                future, function, arguments = self._tasks.popleft()
            if future.set_running_or_notify_cancel():
                worker = self._settle(future, (function, arguments), worker)
        if worker:
            worker.end()

    def _settle(self, future: Future, task: tuple, worker: _Worker | None) -> _Worker | None:
        """Give the future its result; returns the worker that is alive afterwards."""
        died: Exception | None = None
        for _ in range(2):
            try:
                worker = worker or self._new_worker()
                worked, answer = self._exchange(worker, task)
            except (EOFError, OSError, WorkerDied) as error:
                died = error
                if worker:
                    worker.end()
                worker = None
                continue
            except LauncherError as error:
                future.set_exception(error)
                return None
            if worked:
                future.set_result(answer)
            else:
                future.set_exception(answer)
            return worker
        future.set_exception(WorkerDied(f"the grader process died with this task, twice ({died!r})"))
        return None

    def _new_worker(self) -> _Worker:
        with self._forking:
            channel = Connection(self._launcher.fork_worker(ENTRY).detach())
        if not wait([channel], START_TIMEOUT_S):
            raise LauncherError("no grader process came up")
        return _Worker(channel.recv(), channel)

    def _exchange(self, worker: _Worker, task: tuple) -> tuple[bool, Any]:
        worker.channel.send(task)
        if not wait([worker.channel], self._timeout_s):
            raise WorkerDied(f"no answer within {self._timeout_s:.0f} s")
        answer = worker.channel.recv_bytes()
        try:
            return pickle.loads(answer)  # noqa: S301  of a process that we have forked
        except Exception as error:  # exceptions that cannot be built again from their arguments
            return False, WorkerDied(f"an answer that cannot be read: {type(error).__name__}: {error}")
