"""Whatever starts kernels by name gets a sandboxed one."""

import json
import shutil
import tempfile

import nbformat
import pytest
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook

from autograder.sandbox import on_demand


@pytest.fixture
def kernelspec(tmp_path, monkeypatch):
    """A kernelspec `sandboxed`, and a shared launcher of this test's own without TensorFlow."""
    spec = {
        "argv": ["never", "run"],
        "display_name": "sandboxed",
        "language": "python",
        "metadata": {"kernel_provisioner": {"provisioner_name": "autograder-sandbox", "config": {}}},
    }
    folder = tmp_path / "share" / "kernels" / "sandboxed"
    folder.mkdir(parents=True)
    (folder / "kernel.json").write_text(json.dumps(spec))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "share"))
    runtime = tempfile.mkdtemp()  # a socket's path has at most 107 bytes
    monkeypatch.setenv("XDG_RUNTIME_DIR", runtime)
    original = on_demand.connect
    monkeypatch.setattr(on_demand, "connect", lambda isolation: original(isolation, preload=(), idle_s=1))
    yield
    shutil.rmtree(runtime)


def test_nbclient_runs_a_notebook_in_the_sandbox(kernelspec, tmp_path):
    outside = tmp_path / "secret.txt"
    outside.write_text("hidden")
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / "data.txt").write_text("given")
    cells = [
        "print(open('data.txt').read())",
        f"import os; print(os.path.exists({str(outside)!r}), os.getcwd())",
        "open('result.txt', 'w').write('made'); open('data.txt', 'w').write('changed')",
    ]
    nb = new_notebook(cells=[new_code_cell(source) for source in cells])
    client = NotebookClient(nb, kernel_name="sandboxed", resources={"metadata": {"path": str(folder)}})
    client.execute()
    assert nb.cells[0].outputs[0].text == "given\n"
    assert nb.cells[1].outputs[0].text.startswith("False /home/student")
    assert (folder / "result.txt").read_text() == "made"
    assert (folder / "data.txt").read_text() == "changed"
    nbformat.validate(nb)


def test_an_unknown_limit_is_an_error(kernelspec, tmp_path):
    spec = tmp_path / "share" / "kernels" / "sandboxed" / "kernel.json"
    data = json.loads(spec.read_text())
    data["metadata"]["kernel_provisioner"]["config"] = {"limits": {"memory": 5}}
    spec.write_text(json.dumps(data))
    nb = new_notebook(cells=[new_code_cell("1")])
    with pytest.raises(TypeError, match="memory"):
        NotebookClient(nb, kernel_name="sandboxed", resources={"metadata": {"path": str(tmp_path)}}).execute()
