"""This project's packages, hidden checks among them, cannot be read, however they were installed."""

import shutil
import subprocess

import pytest
from jailer import MODES, USERS, copy_sources, interpreter

METADATA = "Metadata-Version: 2.1\nName: autograder\nVersion: 0.1.0\n"


@pytest.fixture(scope="module", params=["installed", "editable", "linked"])
def python(request, jailer):
    """An interpreter of a virtual environment that has this project."""
    name = request.param
    folder = jailer.folder / f"venv-{name}"
    subprocess.run([interpreter("ordinary"), "-m", "venv", "--without-pip", folder], check=True)
    (packages,) = folder.glob("lib/python3*/site-packages")
    sources = packages if name == "installed" else jailer.folder / f"sources-{name}"
    copy_sources(sources / "autograder")
    (sources / "reference_impl").mkdir()
    (sources / "reference_impl" / "__init__.py").touch()
    (sources / "reference_impl" / "attention.py").write_text("SOLUTION = 42\n")
    (sources / "autograder" / "checks").mkdir()
    (sources / "autograder" / "checks" / "__init__.py").write_text("HIDDEN = 1\n")
    metadata = packages / "autograder-0.1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(METADATA)
    if name == "editable":
        (packages / "_editable_impl_autograder.pth").write_text(f"{sources}\n")
    elif name == "linked":
        link = packages / "linked"
        link.symlink_to(sources)
        (packages / "course.pth").write_text(f"{link}\n")
    for script in jailer.folder.glob("*.py"):
        shutil.copy(script, packages)
    subprocess.run(["chmod", "-R", "a+rX", folder, sources], check=True)
    return folder / "bin" / "python"


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("user", USERS)
def test_this_project_is_out_of_sight(jailer, python, user, mode):
    assert jailer.run(user, mode, "see_this_project", python=python, path=False)[0]["gained"] == []


@pytest.mark.parametrize("user", USERS)
def test_it_is_in_sight_without_a_sandbox(jailer, python, user):
    seen = jailer.run(user, "none", "see_this_project", python=python, path=False)[0]["gained"]
    assert "autograder.checks" in seen
    assert "reference_impl.attention" in seen


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("user", USERS)
def test_a_hidden_course_is_out_of_sight_below_what_is_readable(jailer, user, mode):
    """A course may lie in a folder that kernels need, such as that of the interpreter."""
    course = jailer.folder / "prefix" / "course"
    if not course.exists():
        course.mkdir(parents=True)
        (course / "solutions.txt").write_text("42")
        (course.parent / "library.txt").write_text("needed")
        subprocess.run(["chmod", "-R", "a+rX", course.parent], check=True)
    shown = {"readable": [str(course.parent)], "secret": str(course / "solutions.txt")}
    assert jailer.run(user, mode, "read_a_file_outside", **shown)[0]["gained"] == "42"
    hidden = {**shown, "hidden": [str(course)]}
    assert not jailer.run(user, mode, "read_a_file_outside", **hidden)[0]["gained"]
    beside = {**hidden, "secret": str(course.parent / "library.txt")}
    assert jailer.run(user, mode, "read_a_file_outside", **beside)[0]["gained"] == "needed"
