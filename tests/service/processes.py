"""Service and worker as programs of their own, as the hub and a machine start them."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import requests
from served import PREFIX


class Program:
    """The service as a program; it may be killed and started again, on the same port and store."""

    def __init__(self, hub, root: Path, folder: Path):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}{PREFIX}"
        self.root, self.folder = root, folder
        folder.mkdir(parents=True, exist_ok=True)
        self.environment = {
            **os.environ,
            "AUTOGRADER_SERVICE_DATABASE": f"sqlite:///{folder / 'service.db'}",
            "AUTOGRADER_SERVICE_STORE": f"file://{folder / 'blobs'}",
            "AUTOGRADER_SERVICE_SECRET": "a secret of this test alone",
            "JUPYTERHUB_API_TOKEN": "the-service's-own",
            "JUPYTERHUB_API_URL": f"{hub.url}/hub/api",
            "JUPYTERHUB_SERVICE_URL": f"http://127.0.0.1:{port}",
            "JUPYTERHUB_SERVICE_PREFIX": PREFIX,
            "JUPYTERHUB_SERVICE_NAME": "autograder",
            "JUPYTERHUB_CLIENT_ID": "service-autograder",
            "JUPYTERHUB_HOST": hub.url,
        }
        hub.service = f"http://127.0.0.1:{port}"
        self.process: subprocess.Popen | None = None

    def start(self, wait_s: float = 120) -> None:
        self.process = self._run("autograder.service", "service.log")
        deadline = time.monotonic() + wait_s
        while time.monotonic() < deadline:
            assert self.process.poll() is None, (self.folder / "service.log").read_text()[-2000:]
            with contextlib.suppress(requests.RequestException):
                if requests.get(f"{self.url}health", timeout=5).ok:
                    return
            time.sleep(0.05)
        raise AssertionError("the service did not come up")

    def worker(self, *options: str) -> subprocess.Popen:
        return self._run("autograder.service.worker", "worker.log", *options)

    def kill(self) -> None:
        """As `kill -9` does: nothing is flushed, nothing is finished."""
        if self.process:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
            self.process = None

    def stop(self) -> None:
        if self.process:
            self.process.terminate()
            self.process.wait(30)
            self.process = None

    def _run(self, module: str, log: str, *options: str) -> subprocess.Popen:
        with (self.folder / log).open("ab") as output:
            return subprocess.Popen(
                [sys.executable, "-m", module, "--course", str(self.root), *options],
                env=self.environment, stdout=output, stderr=output,
            )  # fmt: skip
