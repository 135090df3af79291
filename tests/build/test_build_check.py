"""`build --check`: it notices whatever is stale, says what, and writes nothing."""

from pathlib import Path

import numpy as np
import pytest
from built_files import BUILT, NAME, built_files, change, contents

from autograder.build import build
from autograder.errors import BuildStale

PROJECT = Path(__file__).parents[2]


def stale(course):
    with pytest.raises(BuildStale) as caught:
        build(course, check=True)
    return caught.value.files


def test_check_accepts_what_a_build_made(course):
    build(course)
    (course / "source" / NAME / "public_checks" / "__pycache__").mkdir()
    (course / "source" / NAME / "public_checks" / "__pycache__" / "x.pyc").write_text("")
    assert [built.changed for built in build(course, check=True)] == [()]


def test_check_writes_nothing(course):
    everything = contents(course, "")
    assert set(BUILT) <= {file.removesuffix(" (missing)") for file in stale(course)}
    assert contents(course, "") == everything
    build(course)
    gradebook = (course / "gradebook.db").read_bytes()
    change(course / "source" / f"{NAME}.py", 'locked="done"', 'locked="the_end"')
    stale(course)
    assert (course / "gradebook.db").read_bytes() == gradebook


@pytest.mark.parametrize(
    ("file", "before", "after", "files"),
    [
        ("source/p01_tiny.py", "# # Tiny", "# # Small", BUILT),
        ("source/p01_tiny.py", "not associative", "not commutative", BUILT[:1]),
        ("tiny_reference/sums.py", "math.fsum(values)", "math.fsum(tuple(values))", BUILT[:1]),
        ("tiny_reference/sums.py", "The sum of all", "The total of all", BUILT),
        ("checks/p01_tiny.py", "points=1.5", "points=2", BUILT),
        ("nbgrader_config.py", '"raise NotImplementedError"', '"..."', BUILT[1:]),
        (
            "checks/p01_tiny.py",
            "the sum is wrong",
            "the sum is not right",
            [f"{step}/{NAME}/public_checks/checks.py" for step in ("source", "release")],
        ),
    ],
)
def test_check_names_what_a_change_makes_stale(course, file, before, after, files):
    build(course)
    change(course / file, before, after)
    assert stale(course) == [f"{file} (out of date)" for file in files]


def test_answers_that_differ_in_rounding_only_stay_as_they_are_committed(course):
    build(course)
    for step in ("source", "release"):
        file = course / step / NAME / "public_checks" / "answers.npz"
        with np.load(file) as archive:
            rounded = {name: np.nextafter(archive[name], 9) for name in archive.files}
        np.savez(file, **rounded)
    before = built_files(course)
    build(course, check=True)
    build(course)
    assert built_files(course) == before


def test_check_notices_missing_and_added_files(course):
    build(course)
    (course / "release" / NAME / "notes.txt").write_text("not built")
    (course / "release" / NAME / f"{NAME}.ipynb").unlink()
    assert stale(course) == [
        f"release/{NAME}/notes.txt (not made by the build)",
        f"release/{NAME}/{NAME}.ipynb (missing)",
    ]


def test_the_projects_assignments_are_up_to_date():
    build(PROJECT, check=True)
