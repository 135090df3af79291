import os
import subprocess

import pytest
from forked import in_child

from autograder.sandbox import landlock, libc

needs_landlock = pytest.mark.skipif(not landlock.abi(), reason="this machine's Linux has no Landlock")


@pytest.fixture
def packages(tmp_path):
    for name in ("numpy", "autograder", "nested/autograder", "nested/scipy"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "code.py").write_text("x = 1")
    (tmp_path / "link").symlink_to("autograder")
    return tmp_path


def outcome(path):
    try:
        with open(path) as file:
            return file.read()
    except OSError as error:
        return type(error).__name__


def test_a_folder_without_masks_is_one_rule(packages):
    assert landlock.readable_rules((str(packages),), ()) == ((str(packages), landlock.READ),)


def test_a_folder_with_masks_is_allowed_entry_by_entry(packages):
    masked = (str(packages / "autograder"), str(packages / "nested/autograder"))
    assert set(landlock.readable_rules((str(packages),), masked)) == {
        (str(packages), landlock.READ_DIR),
        (str(packages / "numpy"), landlock.READ),
        (str(packages / "nested"), landlock.READ_DIR),
        (str(packages / "nested/scipy"), landlock.READ),
    }


@needs_landlock
def test_rules_hold(packages):
    masked = (str(packages / "autograder"),)

    def read():
        libc.prctl(libc.PR_SET_NO_NEW_PRIVS, 1)
        rules = landlock.readable_rules((str(packages),), masked)
        landlock.restrict([*rules, (str(packages / "nested"), landlock.WRITE)])
        said = [outcome(packages / name / "code.py") for name in ("numpy", "autograder", "link")]
        for folder in ("numpy", "nested"):
            try:
                (packages / folder / "new").write_text("new")
                said.append("written")
            except OSError as error:
                said.append(type(error).__name__)
        return [*said, sorted(os.listdir(packages))]

    refused = "PermissionError"
    names = ["autograder", "link", "nested", "numpy"]
    assert in_child(read) == ["x = 1", refused, refused, refused, "written", names]


@needs_landlock
def test_a_folder_of_sockets_takes_sockets_only(tmp_path):
    def make():
        import socket

        libc.prctl(libc.PR_SET_NO_NEW_PRIVS, 1)
        landlock.restrict([(str(tmp_path), landlock.BIND_SOCKETS)])
        said = []
        for what in (
            lambda: socket.socket(socket.AF_UNIX).bind(str(tmp_path / "socket")),
            lambda: os.symlink("/elsewhere", tmp_path / "link"),
            lambda: (tmp_path / "file").write_text("x"),
        ):
            try:
                what()
                said.append(True)
            except PermissionError:
                said.append(False)
        return said

    assert in_child(make) == [True, False, False]


def test_killing_all_needs_signals_kept_inside():
    """It would kill every process of this user's."""

    def kill():
        try:
            landlock.kill_all_inside()
        except RuntimeError as error:
            return str(error)

    assert in_child(kill) == "signals of this process are not kept inside"


@pytest.mark.skipif(landlock.abi() < 6, reason="Landlock keeps signals inside from ABI 6 on")
def test_killing_all_reaches_what_is_inside_and_nothing_else():
    bystander = subprocess.Popen(["sleep", "20"])

    def kill():
        libc.prctl(libc.PR_SET_NO_NEW_PRIVS, 1)
        landlock.keep_signals_inside()
        doomed = [subprocess.Popen(["sleep", "20"], start_new_session=True) for _ in range(3)]
        landlock.kill_all_inside()
        return [each.wait(5) for each in doomed]

    assert in_child(kill) == [-9] * 3
    assert bystander.poll() is None
    bystander.kill()
    bystander.wait()
