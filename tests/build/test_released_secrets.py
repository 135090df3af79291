"""Nothing of solutions, mark schemes and hidden checks gets out."""

from pathlib import Path

import nbformat
import pytest
from built_files import contents

from autograder.build import build
from autograder.build.authored import read_assignment
from autograder.build.solution import find_solution
from autograder.errors import BuildError

PROJECT = Path(__file__).parents[2]


def test_nothing_of_solutions_schemes_and_hidden_checks_is_released(course):
    build(course)
    secrets = [
        "running_sum_of_everything",
        "number_of_steps",
        "tiny_reference",
        "BEGIN SOLUTION",
        "rounding",
        "MARK SCHEME",
        "loses_no_digits",
        "digits are lost",
        "SECRET_TOLERANCE",
        "test_counts",
    ]
    in_source = b"".join(contents(course, "source", "checks").values())
    assert all(secret.encode() in in_source for secret in secrets)
    for path, content in contents(course, "release").items():
        assert not [secret for secret in secrets if secret.encode() in content], path


@pytest.mark.parametrize(
    ("file", "text", "secret"),
    [
        ("source/p01_tiny.py", "\n# %% [markdown]\n# See tiny_reference.\n", "tiny_reference"),
        ("source/p01_tiny/hints.txt", "test_loses_no_digits", "test_loses_no_digits"),
        ("source/p01_tiny/lib/a.py", "### BEGIN SOLUTION", "BEGIN SOLUTION"),
    ],
)
def test_a_release_that_would_tell_is_refused_and_not_written(course, file, text, secret):
    (course / file).parent.mkdir(parents=True, exist_ok=True)
    with (course / file).open("a") as opened:
        opened.write(text)
    with pytest.raises(BuildError, match=f"release/p01_tiny/.*: the release would contain {secret!r}"):
        build(course)
    assert not (course / "release").exists()


@pytest.mark.parametrize("name", sorted(path.stem for path in (PROJECT / "source").glob("*.py")))
def test_no_line_of_a_solution_of_the_project_is_released(name):
    assignment = read_assignment(PROJECT / "source" / f"{name}.py", name)
    solutions = [find_solution(dotted, PROJECT) for cell in assignment.cells for dotted, _ in cell.solutions]
    secrets = {line for solution in solutions for line in solution.hidden if len(line) > 20}
    secrets -= {"with tf.GradientTape() as tape:"}  # everybody's line
    assert secrets or name == "p00_setup"
    for path, content in contents(PROJECT, f"release/{name}").items():
        text = content.decode("utf-8", "replace")
        if path.endswith(".ipynb"):
            text = "\n".join(cell.source for cell in nbformat.reads(text, as_version=4).cells)
        assert secrets.isdisjoint(line.strip() for line in text.splitlines()), path
