import os
import sys

import pytest

from autograder.sandbox import visible


def test_the_interpreter_can_be_read():
    shown = visible.readable()
    assert {sys.prefix, sys.base_prefix, "/usr"} <= set(shown)


def test_accounts_and_homes_cannot():
    shown = set(visible.readable())
    assert not shown & {
        "/",
        "/etc",
        "/etc/passwd",
        "/etc/shadow",
        "/home",
        "/root",
        "/var",
        "/run",
        "/proc",
        "/tmp",
    }


def test_more_can_be_named(tmp_path):
    assert str(tmp_path) in visible.readable([tmp_path])
    assert str(tmp_path) not in visible.readable()


def test_the_root_is_never_shown():
    assert "/" not in visible.readable(["/"])


def test_what_a_pth_adds_is_not_shown(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    assert str(tmp_path) not in visible.readable()


def test_devices_bring_what_their_driver_asks():
    shown = visible.readable(gpu=True)
    assert "/sys/devices" in shown or not os.path.exists("/sys/devices")


@pytest.mark.parametrize(
    "name",
    [
        "autograder",
        "reference_impl",
        "reference_impl.py",
        "autograder-0.1.0.dist-info",
        "Autograder-0.1.0.dist-info",
        "reference_impl-1.0.egg-info",
        "reference-impl-1.0.egg-info",
        "autograder.egg-link",
        "_editable_impl_autograder.pth",
        "__editable__.autograder-0.1.0.pth",
        "__editable___autograder_0_1_0_finder.py",
    ],
)
def test_traces_of_our_packages_are_masked(tmp_path, name):
    packages = tmp_path / "lib/python3.11/site-packages"
    packages.mkdir(parents=True)
    (packages / name).touch()
    (packages / "autograder_of_somebody_else").touch()
    (packages / "numpy").touch()
    masked = visible.masked([str(tmp_path)])
    assert {path for path in masked if path.startswith(str(packages))} == {str(packages / name)}


def test_other_interpreters_packages_are_masked_too(tmp_path):
    for packages in ("lib/python3.9/site-packages", "lib64/python3.13/dist-packages"):
        (tmp_path / packages / "reference_impl").mkdir(parents=True)
    masked = visible.masked([str(tmp_path)])
    assert len([path for path in masked if path.startswith(str(tmp_path))]) == 2


def test_our_sources_are_masked():
    assert str(os.path.dirname(os.path.dirname(os.path.dirname(visible.__file__)))) in visible.masked([])


def test_more_can_be_masked(tmp_path):
    assert str(tmp_path) in visible.masked([], [tmp_path])
