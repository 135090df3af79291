"""What is made in a new root, as a plan; that it holds is shown in tests/attacks."""

import pytest

from autograder.sandbox import new_root
from autograder.sandbox.new_root import Step


@pytest.fixture
def machine(tmp_path):
    """A machine's files: usr, a link lib to it, and an interpreter in a course's folder."""
    for folder in ("usr/lib/python3/site-packages/autograder", "course/.venv/lib", "data"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "usr/lib/python3/site-packages/course.pth").touch()
    (tmp_path / "lib").symlink_to("usr/lib")
    (tmp_path / "opt").symlink_to(tmp_path / "data")
    return tmp_path


def planned(machine, readable, masked=()):
    steps = new_root.layout(
        tuple(str(machine / path) for path in readable), tuple(str(machine / path) for path in masked)
    )
    return [(step.kind, step.path.removeprefix(f"{machine}/")) for step in steps]


def test_a_link_is_kept_and_what_it_leads_to_is_shown(machine):
    assert planned(machine, ["lib"]) == [("link", "lib"), ("show", "usr/lib")]


def test_an_absolute_link_leads_to_the_same_place(machine):
    assert planned(machine, ["opt"]) == [("show", "data"), ("link", "opt")]
    (step,) = [step for step in new_root.layout((str(machine / "opt"),), ()) if step.kind == "link"]
    assert step == Step(str(machine / "opt"), "link", str(machine / "data"))


def test_what_a_shown_folder_holds_is_not_shown_twice(machine):
    assert planned(machine, ["usr", "usr/lib", "lib"]) == [("link", "lib"), ("show", "usr")]


def test_what_is_masked_comes_after_what_shows_it(machine):
    masked = ["usr/lib/python3/site-packages/autograder", "usr/lib/python3/site-packages/course.pth"]
    assert planned(machine, ["usr"], masked) == [("show", "usr"), *(("mask", path) for path in masked)]


def test_masking_follows_links(machine):
    masked = ["lib/python3/site-packages/autograder"]
    assert planned(machine, ["usr"], masked) == [
        ("show", "usr"),
        ("mask", "usr/lib/python3/site-packages/autograder"),
    ]


def test_what_is_not_shown_needs_no_mask(machine):
    assert planned(machine, ["usr"], ["course"]) == [("show", "usr")]


def test_an_interpreter_below_a_hidden_course_is_shown(machine):
    assert planned(machine, ["course/.venv"], ["course"]) == [("show", "course/.venv")]


def test_an_interpreter_below_a_masked_course_is_shown_again(machine):
    assert planned(machine, [".", "course/.venv"], ["course"])[-2:] == [
        ("mask", "course"),
        ("show", "course/.venv"),
    ]


def test_what_does_not_exist_is_left_out(machine):
    assert planned(machine, ["usr", "nowhere"]) == [("show", "usr")]


def test_a_link_in_a_circle_ends(machine):
    (machine / "round").symlink_to("round")
    assert ("show", "round") not in planned(machine, ["round"])
