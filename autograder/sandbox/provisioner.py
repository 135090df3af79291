"""Sandboxed kernels for whatever starts kernels by name: nbclient, papermill, a Jupyter server.

A kernelspec asks for it in its `kernel.json`; limits are those of `autograder.sandbox.limits.Limits`:

    "metadata": {"kernel_provisioner": {
        "provisioner_name": "autograder-sandbox",
        "config": {"isolation": "auto", "limits": {"memory_mb": 2048}}}}

The kernel is a fork of the shared launcher's Python, so the spec's `argv` is not run. It works in a copy of
the folder that it is started in; when it is shut down, regular files that it wrote are copied back.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
from typing import Any

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.provisioning.provisioner_base import KernelProvisionerBase
from traitlets import Dict, Unicode

from autograder.sandbox import on_demand
from autograder.sandbox.limits import Limits
from autograder.sandbox.session import Launcher, SandboxedKernel
from autograder.sandbox.work_folder import FOLDER, WorkFolder


class SandboxProvisioner(KernelProvisionerBase):
    """Starts a kernel in the sandbox; see `KernelProvisionerBase` for who calls what when."""

    isolation = Unicode("auto", config=True, help="auto, namespaces, landlock or none")
    limits = Dict(config=True, help="what to set of autograder.sandbox.limits.Limits")

    _launcher: Launcher | None = None
    _kernel: SandboxedKernel | None = None
    _cwd = ""

    @property
    def has_process(self) -> bool:
        return self._kernel is not None

    async def pre_launch(self, **kwargs: Any) -> dict[str, Any]:
        self._cwd = str(kwargs.get("cwd") or os.getcwd())
        # The fork is of this very Python: there is no command.
        return await super().pre_launch(**kwargs, cmd=[])

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        self._kernel = await asyncio.to_thread(self._launch)
        self.connection_info: Any = dict(self._kernel.connection)
        self.connection_info["key"] = self.connection_info["key"].encode()
        return self.connection_info

    def _launch(self) -> SandboxedKernel:
        limits = Limits(**self.limits)
        self._launcher = self._launcher or on_demand.connect(self.isolation)
        kernel = self._launcher.launch(limits, seed=secrets.randbits(32))
        try:
            folder = _open_folder(self._cwd)
            files, _ = folder.read(limits.work_mb << 20)
            folder.close()
            kernel.work.write(files)
        except BaseException:
            kernel.close()
            raise
        return kernel

    async def poll(self) -> int | None:
        """None while the kernel runs, else its exit status (minus the signal that ended it)."""
        if self._kernel is None:
            return 0
        if self._kernel.alive():
            return None
        ending = await asyncio.to_thread(self._kernel.ending)
        return ending.get("exit", -ending.get("signal", 0))

    async def wait(self) -> int | None:
        while await self.poll() is None:
            await asyncio.sleep(0.02)
        return await self.poll()

    async def send_signal(self, signum: int) -> None:
        if self._kernel is None:
            return
        if signum == signal.SIGINT:
            self._kernel.interrupt()
        elif signum:
            self._kernel.kill()

    async def kill(self, restart: bool = False) -> None:
        await self.send_signal(signal.SIGKILL)

    async def terminate(self, restart: bool = False) -> None:
        await self.send_signal(signal.SIGTERM)

    async def cleanup(self, restart: bool = False) -> None:
        if self._kernel:
            await asyncio.to_thread(self._copy_back, self._kernel)
            self._kernel = None
        if self._launcher and not restart:
            self._launcher.close()
            self._launcher = None

    def _copy_back(self, kernel: SandboxedKernel) -> None:
        kernel.end()
        files, _ = kernel.work.read(int(self.limits.get("work_mb", Limits().work_mb)) << 20)
        folder = _open_folder(self._cwd)
        folder.replace(files)
        folder.close()
        kernel.close()


def _open_folder(path: str) -> WorkFolder:
    return WorkFolder(os.open(path, FOLDER), None)
