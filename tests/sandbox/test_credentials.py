import os
import subprocess
import sys

import pytest
from forked import in_child

from autograder.sandbox import credentials

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root has uids to give")


def test_the_environment_is_made_from_nothing(monkeypatch):
    monkeypatch.setenv("SECRET", "hunter2")
    environment = credentials.kernel_environment("/home/student")
    assert set(environment) == {
        "PATH",
        "HOME",
        "USER",
        "LOGNAME",
        "SHELL",
        "LANG",
        "TMPDIR",
        "MPLCONFIGDIR",
        "IPYTHONDIR",
        "XDG_CACHE_HOME",
        "TF_CPP_MIN_LOG_LEVEL",
        "KERAS_BACKEND",
        "HF_HUB_OFFLINE",
        "PYTHONDONTWRITEBYTECODE",
        "PYTHONNOUSERSITE",
    }
    assert environment["HOME"] == "/home/student"


def test_the_old_environment_is_wiped():
    """Also from where Linux put it when this program was started, which /proc/self/environ shows."""
    script = """
import os, sys
from autograder.sandbox import credentials
before = open("/proc/self/environ").read()
credentials.replace_environment({"HOME": "/new"})
print("hunter2" in before, "hunter2" in open("/proc/self/environ").read(), dict(os.environ), os.getenv("SECRET"), flush=True)
os.system("echo $SECRET $HOME")
"""
    environment = {"SECRET": "hunter2", "PYTHONPATH": os.pathsep.join(sys.path)}
    said = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True)
    assert said.stdout.splitlines() == ["True False {'HOME': '/new'} None", "/new"], said.stderr


@as_root
def test_launchers_share_no_uids():
    script = """
from autograder.sandbox import credentials
print(*(credentials.kernel_uid(serial) for serial in range(3)), flush=True)
input()
"""
    launchers = [
        subprocess.Popen([sys.executable, "-c", script], stdin=-1, stdout=-1, text=True) for _ in range(3)
    ]
    given = [set(each.stdout.readline().split()) for each in launchers]
    for each in launchers:
        each.communicate("\n")
    assert len(set.union(*given)) == 9


@as_root
def test_uids_are_nobodys():
    uid = in_child(credentials.kernel_uid, 5)
    assert uid > 65535 or 30_000 <= uid < 60_000
    assert uid != in_child(credentials.kernel_uid, 6)


def test_an_ordinary_user_has_no_uids_to_give():
    def ask():
        if os.geteuid() == 0:
            os.setresuid(54321, 54321, 54321)
        return credentials.kernel_uid(1)

    assert in_child(ask) is None


@as_root
def test_becoming_somebody_is_for_good():
    def become():
        credentials.drop_bounding_set()
        credentials.become(54321)
        credentials.drop_privileges()
        said = [os.getresuid(), os.getresgid(), os.getgroups()]
        with open("/proc/self/status") as file:
            said.append([line.split()[1] for line in file if line.startswith(("Cap", "NoNewPrivs"))])
        for undo in (lambda: os.setresuid(0, 0, 0), lambda: os.setgroups([0])):
            try:
                undo()
                said.append("undone")
            except PermissionError:
                pass
        return said

    none = ["0" * 16] * 5
    assert in_child(become) == [[54321] * 3, [54321] * 3, [], [*none, "1"]]


@as_root
def test_all_of_a_uid_are_killed_and_nobody_else():
    doomed = [subprocess.Popen(["sleep", "30"], user=54322) for _ in range(3)]
    bystander = subprocess.Popen(["sleep", "30"], user=54323)
    credentials.kill_all_of(54322)
    assert [each.wait(5) for each in doomed] == [-9] * 3
    assert bystander.poll() is None
    bystander.kill()
    bystander.wait()
