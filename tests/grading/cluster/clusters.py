"""Dask clusters of real processes: a scheduler and workers that share no folder with each other."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

READY_S = 300


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _private_environment(**more: str) -> dict[str, str]:
    """A process of a cluster knows nothing of the repository or the course: no working folder, no PYTHONPATH."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "HOME") if name in os.environ}
    return kept | {"TF_CPP_MIN_LOG_LEVEL": "3", **more}


@dataclass
class Process:
    """One process with a folder of its own and its log."""

    process: subprocess.Popen
    log: Path

    @property
    def pid(self) -> int:
        return self.process.pid

    def said(self) -> str:
        return self.log.read_text(errors="replace")

    def kill(self) -> None:
        """As an out-of-memory killer or a pulled plug does it."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.kill()


@dataclass
class Cluster:
    """A scheduler's address, and workers that can be added and killed."""

    folder: Path
    address: str
    prefix: tuple[str, ...] = ()  # what a worker is started with: `ip netns exec NAME`
    environment: dict[str, str] = field(default_factory=dict)
    processes: list[Process] = field(default_factory=list)

    def worker(self, *options: str, prefix: Sequence[str] | None = None, **environment: str) -> Process:
        """Start one; it has joined when `wait_for_workers` says so."""
        before = self.prefix if prefix is None else tuple(prefix)
        command = [*before, *dask("worker"), self.address, "--nthreads", "1", "--no-nanny", "--no-dashboard"]
        command += ["--death-timeout", "60"]
        return self._start([*command, "--memory-limit", "0", *options], **environment)

    def _start(self, command: Sequence[str], **environment: str) -> Process:
        home = Path(tempfile.mkdtemp(dir=self.folder))
        log = home / "log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [*command, *(["--local-directory", str(home)] if "worker" in command else [])],
                cwd=home,
                env=_private_environment(**{**self.environment, **environment}),
                stdout=output,
                stderr=output,
                stdin=subprocess.DEVNULL,
            )
        self.processes.append(Process(process, log))
        return self.processes[-1]

    def stop(self) -> None:
        for process in reversed(self.processes):
            process.stop()


def dask(command: str) -> list[str]:
    """Dask's command line of this environment."""
    return [str(Path(sys.executable).with_name("dask")), command]


@contextlib.contextmanager
def running(
    folder: Path,
    *,
    workers: int = 0,
    host: str = "127.0.0.1",
    scheduler_options: Sequence[str] = (),
    protocol: str = "tcp",
    prefix: Sequence[str] = (),
    **environment: str,
) -> Iterator[Cluster]:
    """A scheduler, and so many workers on their way up."""
    port = free_port()
    cluster = Cluster(folder, f"{protocol}://{host}:{port}", environment=environment)
    command = [*prefix, *dask("scheduler"), "--host", cluster.address.rpartition(":")[0], "--port", str(port)]
    try:
        scheduler = cluster._start([*command, "--no-dashboard", *scheduler_options])
        wait_until(lambda: "Scheduler at" in scheduler.said() or _died(scheduler))
        for _ in range(workers):
            cluster.worker()
        yield cluster
    finally:
        cluster.stop()


def _died(process: Process) -> bool:
    if process.process.poll() is not None:
        raise AssertionError(f"it ended: {process.said()[-2000:]}")
    return False


def wait_until(condition, seconds: float = READY_S, what: str = "") -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what or condition}"
        time.sleep(0.05)
