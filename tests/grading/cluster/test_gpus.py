"""Which device nodes a worker's kernels are shown."""

import pytest

from autograder.errors import LauncherError
from autograder.grading.cluster.gpus import device_nodes


@pytest.fixture
def machine(tmp_path):
    """Two GPUs, as the driver shows them; the second has the UUID GPU-b."""
    dev, proc = tmp_path / "dev", tmp_path / "proc"
    dev.mkdir()
    for name in ("nvidia0", "nvidia1", "nvidiactl", "nvidia-uvm"):
        (dev / name).touch()
    for minor, uuid in enumerate(("GPU-a1", "GPU-b2")):
        folder = proc / f"0000:0{minor}:00.0"
        folder.mkdir(parents=True)
        (folder / "information").write_text(
            f"Model: \t\t H100\nGPU UUID: \t {uuid}\nDevice Minor: \t {minor}\n"
        )
    return {"dev": dev, "proc": proc}


@pytest.mark.parametrize(
    ("visible", "node"), [("1", "nvidia1"), ("GPU-b2", "nvidia1"), ("GPU-b", "nvidia1"), ("0,1", "nvidia0")]
)
def test_one_gpu_and_what_the_driver_needs(machine, visible, node):
    dev = machine["dev"]
    nodes = device_nodes({"CUDA_VISIBLE_DEVICES": visible}, **machine)
    assert nodes == tuple(str(dev / name) for name in (node, "nvidiactl", "nvidia-uvm"))


@pytest.mark.parametrize("visible", ["7", "", "GPU-zz", "NoDevFiles"])
def test_no_gpu_is_an_error_and_never_another_ones(machine, visible):
    with pytest.raises(LauncherError, match="this worker has no GPU"):
        device_nodes({"CUDA_VISIBLE_DEVICES": visible}, **machine)
