"""What is chosen on which machine. That it holds is shown in tests/attacks."""

import os
import shutil
import subprocess
import sys

import pytest
from forked import in_child

from autograder.errors import IsolationUnavailable
from autograder.sandbox import confinement, landlock, layers
from autograder.sandbox.limits import Limits

CHOOSE = """
import sys
from autograder.errors import IsolationUnavailable
from autograder.sandbox import confinement, libc, seccomp
{before}
try:
    chosen = confinement.choose(sys.argv[1])
    print(chosen.mode, *chosen.layers)
except IsolationUnavailable as error:
    print("refused:", error)
"""
# A filter that forbids namespaces, as containers have one.
IN_A_CONTAINER = """
import struct
unshare = {"x86_64": 272, "aarch64": 97}[libc.machine()]
steps = [(0x20, 0, 0, 0), (0x15, 0, 1, unshare), (0x06, 0, 0, 0x50001), (0x06, 0, 0, 0x7FFF0000)]
libc.prctl(libc.PR_SET_NO_NEW_PRIVS, 1)
seccomp.install(b"".join(struct.pack("HBBI", *step) for step in steps))
"""
needs_landlock = pytest.mark.skipif(landlock.abi() < 6, reason="this machine's Landlock does not do for all")


@pytest.fixture(scope="module")
def python(tmp_path_factory):
    """A Python that every user can run, and our package where every user can read it."""
    candidates = ["/usr/bin/python3.13", "/usr/bin/python3.12", "/usr/bin/python3.11"]
    found = next((path for path in candidates if os.path.exists(path)), None)
    if found is None:
        pytest.skip("no Python 3.11 or later that every user can run")
    folder = tmp_path_factory.mktemp("sources")
    shutil.copytree(os.path.dirname(layers.__file__), folder / "autograder" / "sandbox")
    for name in ("__init__.py", "errors.py"):
        shutil.copy(os.path.join(os.path.dirname(layers.__file__), "..", name), folder / "autograder")
    subprocess.run(["chmod", "-R", "a+rX", folder], check=True)
    for parent in folder.parents[:2]:
        os.chmod(parent, 0o755)
    return found, str(folder)


def choose(python, isolation, before="", **how):
    command, path = python
    said = subprocess.run(
        [command, "-B", "-c", CHOOSE.format(before=before), isolation],
        env={"PYTHONPATH": path},
        cwd="/",
        capture_output=True,
        text=True,
        **how,
    )
    assert said.stdout, said.stderr
    return said.stdout.strip()


def test_nothing_is_chosen_only_when_asked_for():
    assert confinement.choose("none").mode == "none"
    assert confinement.choose("none").layers == ()


def test_an_unknown_isolation_is_refused():
    with pytest.raises(IsolationUnavailable, match="Received: 'docker'"):
        confinement.choose("docker")


def test_the_best_that_the_machine_allows_is_chosen(python):
    said = choose(python, "auto")
    assert said == choose(python, said.split()[0])


@needs_landlock
def test_a_container_without_namespaces_gets_landlock(python):
    ordinary = {"user": 54321, "group": 54321, "extra_groups": []} if os.geteuid() == 0 else {}
    said = choose(python, "auto", IN_A_CONTAINER, **ordinary)
    assert said == "landlock landlock seccomp"


def test_a_refusal_says_what_failed_and_what_helps(python):
    said = choose(python, "namespaces", IN_A_CONTAINER)
    assert said.startswith("refused: namespaces isolation is not available: ")
    assert "PID namespace" in said or "user namespace" in said
    assert "Operation not permitted" in said
    assert "What helps: " in said


@needs_landlock
@pytest.mark.skipif(os.geteuid() != 0, reason="only root's kernels have another uid")
def test_an_interpreter_that_the_kernels_user_cannot_read_is_noticed(python, tmp_path):
    venv = tmp_path / "venv"
    subprocess.run([python[0], "-m", "venv", "--without-pip", venv], check=True)
    tmp_path.chmod(0o700)
    said = choose((str(venv / "bin" / "python"), python[1]), "landlock")
    assert "cannot read Python at" in said


@pytest.mark.skipif(os.geteuid() != 0, reason="asks for less than root")
@needs_landlock
def test_root_without_its_capabilities_gets_landlock_with_uids(python):
    """As in a container that runs as root."""
    drop = ["setpriv", "--bounding-set", "-sys_admin,-sys_ptrace", "--inh-caps", "-all"]
    said = subprocess.run(
        [*drop, python[0], "-B", "-c", CHOOSE.format(before=""), "auto"],
        env={"PYTHONPATH": python[1], "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        cwd="/",
    )
    assert said.stdout.split() == ["landlock", "landlock", "seccomp", "uid"], said.stderr


def test_a_kernel_without_a_root_needs_a_folder():
    def enter():
        with pytest.raises(IsolationUnavailable) as caught:
            layers.enter(confinement.Confinement("landlock"), Limits(), None, None, {0, 1, 2})
        return str(caught.value)

    assert "scratch" in in_child(enter)  # a fork has one thread, which is looked at first


def test_a_process_with_threads_is_refused():
    script = """
import threading, time
from autograder.sandbox import confinement, layers
from autograder.sandbox.limits import Limits
threading.Thread(target=time.sleep, args=(5,), daemon=True).start()
try:
    layers.enter(confinement.Confinement("none"), Limits(), None, None, {0, 1, 2}, scratch="/nowhere")
except Exception as error:
    print(error)
"""
    environment = {"PYTHONPATH": os.pathsep.join(sys.path)}
    said = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True)
    assert said.stdout == "a process with 2 threads cannot be confined\n", said.stderr
