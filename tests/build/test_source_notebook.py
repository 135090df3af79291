"""The source notebook: metadata, ids, test cells, and the names that solutions need."""

import re

import nbformat
import pytest

from autograder.build.authored import read_assignment
from autograder.build.notebook import CHECKED_LATER, source_notebook
from autograder.checking.catalogue import CheckInfo
from autograder.errors import BuildError

REFERENCE = '''
import math

import numpy as np

from tiny_reference.other import scaled


def total(values):
    """The sum."""
    return math.fsum(values)


def mean(values):
    """The mean."""
    return total(values) / len(values)


def scaled_mean(values):
    """The mean, scaled."""
    return scaled(np.mean(values))
'''

TEXT = """\
# %% [markdown]
# # Tiny

# %%
import math
from public_checks import check

# %% question="sums"
# Hint: `math.fsum`.
# solution: tiny_reference.sums.total

# %% [markdown]
# Half way.

# %% question="sums"
# solution: tiny_reference.sums.mean
#
# %% [markdown] written="why" points=5
# Why?

# %% checks="submission_contract"

# %% locked="done" tags=["a"]
print("Done")
"""


def Check(question, points=1.0, public=False):
    return CheckInfo("a_check", question, points, public, "a check", only_with_other_points=False)


CHECKS = (Check("sums", 2), Check("sums", 2.5, public=True), Check("submission_contract", 10.0))


@pytest.fixture
def put_together(tmp_path):
    def assemble(text=TEXT, checks=CHECKS):
        (tmp_path / "tiny_reference").mkdir(exist_ok=True)
        (tmp_path / "tiny_reference" / "sums.py").write_text(REFERENCE)
        (tmp_path / "p01_tiny.py").write_text(text)
        assignment = read_assignment(tmp_path / "p01_tiny.py", "source/p01_tiny.py")
        return source_notebook(assignment, checks, "checks/p01_tiny.py", tmp_path)

    return assemble


def test_cells_come_in_order_with_ids_from_grade_ids(put_together):
    assert [cell.id for cell in put_together().notebook.cells] == [
        "top-then-1",
        "top-then-2",
        "sums-answer",
        "sums-answer-then-1",
        "sums-answer-2",
        "sums",
        "why",
        "submission_contract",
        "done",
    ]


def test_the_metadata_is_nbgraders(put_together):
    cells = {cell.id: cell for cell in put_together().notebook.cells}
    common = {"schema_version": 3, "task": False}
    assert "nbgrader" not in cells["top-then-1"].metadata
    assert cells["sums-answer"].metadata.nbgrader == {
        **common, "grade_id": "sums-answer", "grade": False, "solution": True, "locked": False,
    }  # fmt: skip
    assert cells["sums"].metadata.nbgrader == {
        **common, "grade_id": "sums", "grade": True, "solution": False, "locked": True, "points": 4.5,
    }  # fmt: skip
    assert cells["why"].metadata.nbgrader == {
        **common, "grade_id": "why", "grade": True, "solution": True, "locked": False, "points": 5,
    }  # fmt: skip
    assert cells["done"].metadata == {
        "tags": ["a"],
        "nbgrader": {**common, "grade_id": "done", "grade": False, "solution": False, "locked": True},
    }
    assert type(cells["submission_contract"].metadata.nbgrader["points"]) is int


def test_test_cells_call_the_public_checks_where_there_are_any(put_together):
    text = TEXT.replace('"submission_contract"\n', '"submission_contract"\n# The last look.\n')
    cells = {cell.id: cell.source for cell in put_together(text).notebook.cells}
    assert cells["sums"] == 'check("sums")'
    assert cells["submission_contract"] == "# The last look."


def test_a_test_cell_without_public_checks_says_so(put_together):
    checks = [Check("sums"), CHECKS[-1]]
    cells = {cell.id: cell.source for cell in put_together(checks=checks).notebook.cells}
    assert cells["sums"] == CHECKED_LATER
    checks = [Check("sums"), Check("submission_contract", public=True)]
    cells = {cell.id: cell.source for cell in put_together(checks=checks).notebook.cells}
    assert cells["submission_contract"] == 'check("submission_contract")'


def test_hints_stay_above_the_solution(put_together):
    cells = {cell.id: cell.source for cell in put_together().notebook.cells}
    assert cells["sums-answer"].startswith("# Hint: `math.fsum`.\ndef total(values):")


def test_solutions_of_one_cell_stand_two_lines_apart(put_together):
    text = TEXT.replace("sums.total\n", "sums.total\n# solution: tiny_reference.sums.mean\n")
    text = text[: text.index("# %% [markdown]\n# Half way")]
    cells = {cell.id: cell.source for cell in put_together(text, CHECKS[:2]).notebook.cells}
    assert "    ### END SOLUTION\n\n\ndef mean(values):" in cells["sums-answer"]


def test_the_notebook_is_valid_and_has_fixed_metadata(put_together):
    notebook = put_together().notebook
    nbformat.validate(notebook)
    assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
    assert notebook.metadata.kernelspec.name == "python3"
    assert put_together().notebook == notebook


def test_points_are_told_apart_from_those_given_by_hand(put_together):
    source = put_together()
    assert source.points == {"sums": 4.5, "why": 5, "submission_contract": 10}
    assert source.written == ("why",)


def refused(put_together, line, message, **changes):
    with pytest.raises(BuildError, match=re.escape(message)) as caught:
        put_together(**changes)
    assert (caught.value.path, caught.value.line) == ("source/p01_tiny.py", line)


def test_a_question_without_checks_is_refused(put_together):
    message = "no check belongs to question 'sums'. Write one in checks/p01_tiny.py"
    refused(put_together, 15, message, checks=CHECKS[2:])


def test_checks_without_a_question_are_refused(put_together):
    message = "checks/p01_tiny.py gives points for softmax, which the text does not ask"
    refused(put_together, None, message, checks=(*CHECKS, Check("softmax")))


def test_an_unknown_solution_is_refused(put_together):
    refused(put_together, 10, "no function or class 'totl'", text=TEXT.replace("sums.total", "sums.totl"))


@pytest.mark.parametrize("taken", ["sums", "sums-answer", "why"])
def test_an_id_that_is_taken_is_refused(put_together, taken):
    text = TEXT.replace('locked="done"', f'locked="{taken}"')
    refused(put_together, 23, f"the id {taken!r} is already that of the cell at line", text=text)


def test_a_name_that_only_the_reference_imports_is_refused_with_the_import(put_together):
    message = "'math' (tiny_reference/sums.py:11) is not defined in the notebook up to here. "
    text = TEXT.replace("import math", "x = 1")
    refused(put_together, 8, message + "Add before this cell: import math", text=text)


def test_a_helper_of_the_reference_must_be_a_solution_too(put_together):
    text = TEXT.replace("sums.mean", "sums.scaled_mean").replace(
        "import math", "import math\nimport numpy as np"
    )
    message = "'scaled' (tiny_reference/sums.py:21) is not defined in the notebook up to here. "
    message += "Add before this cell: a cell whose solution is scaled."
    refused(put_together, 16, message, text=text)


def test_a_name_defined_only_later_is_refused(put_together):
    text = TEXT.replace("import math", "x = 1") + "\n# %%\nimport math\n"
    refused(put_together, 8, "'math'", text=text)


def test_a_test_cell_needs_check(put_together):
    text = TEXT.replace("from public_checks import check\n", "\n")
    refused(put_together, 15, "'check' is not defined up to here", text=text)


def test_a_star_import_ends_the_search_for_names(put_together):
    text = TEXT.replace("import math", "from math import *")
    assert put_together(text).points
