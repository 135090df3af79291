"""The device nodes of the GPU that a worker was given.

One worker process has one GPU, as with dask-cuda: what a kernel may open is settled when its launcher starts.
Slurm and Kubernetes name the GPU in CUDA_VISIBLE_DEVICES, by index or by UUID.
Sources: NVIDIA driver README, chapter "procfs interface" (`Device Minor`, `GPU UUID`); CUDA C++ programming
guide, "CUDA environment variables".
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from autograder.errors import LauncherError

__all__ = ["RESOURCE", "device_nodes"]

RESOURCE = "GPU"  # as in `dask worker --resources GPU=1`
CONTROL = ("nvidiactl", "nvidia-uvm", "nvidia-uvm-tools")


def device_nodes(
    environment: Mapping[str, str], *, dev: Path = Path("/dev"), proc: Path = Path("/proc/driver/nvidia/gpus")
) -> tuple[str, ...]:
    """The nodes of the first GPU that CUDA_VISIBLE_DEVICES names (of the first one, if it is not set).

    Raises: LauncherError if there is no such GPU.
    """
    named = environment.get("CUDA_VISIBLE_DEVICES", "0").split(",")[0].strip()
    minor = named if named.isdigit() else _minor_of_uuid(named, proc)
    node = dev / f"nvidia{minor}"
    if minor is None or not node.exists():
        raise LauncherError(
            f"this worker has no GPU: CUDA_VISIBLE_DEVICES names {named!r}, and there is no {node}. "
            "Start one worker for each GPU, with CUDA_VISIBLE_DEVICES set to it."
        )
    return (str(node), *(str(dev / name) for name in CONTROL if (dev / name).exists()))


def _minor_of_uuid(uuid: str, proc: Path) -> str | None:
    for information in sorted(proc.glob("*/information")):
        fields = dict(line.split(":", 1) for line in information.read_text().splitlines() if ":" in line)
        if uuid and fields.get("GPU UUID", "").strip().startswith(uuid):
            return fields.get("Device Minor", "").strip() or None
    return None
