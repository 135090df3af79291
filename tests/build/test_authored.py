"""Reading the authored text: cells, roles, lines, and what is refused where."""

import re

import pytest

from autograder.build.authored import read_assignment
from autograder.errors import BuildError

TEXT = """\
# ---
# jupyter:
#   kernelspec: {name: other, display_name: Other}
# ---

# %% [markdown]
# # Title

# %% locked="setup" tags=["hide-input"]
# %matplotlib inline
import math

# %% question="area"

# A hint.
# solution: tiny_reference.shapes.area
# solution: tiny_reference.shapes.volume

# %% [markdown] written="why" points=2.5
# Why?

# %% checks="submission_contract"

# %% A title
x = 1
"""


def read(tmp_path, text):
    file = tmp_path / "p01_tiny.py"
    file.write_text(text)
    return read_assignment(file, "source/p01_tiny.py")


def test_every_cell_has_its_role_and_lines(tmp_path):
    assignment = read(tmp_path, TEXT)
    assert assignment.name == "p01_tiny"
    assert [(cell.cell_type, cell.role, cell.id, cell.line) for cell in assignment.cells] == [
        ("markdown", "plain", "", 6),
        ("code", "locked", "setup", 9),
        ("code", "question", "area", 13),
        ("markdown", "written", "why", 19),
        ("code", "checks", "submission_contract", 22),
        ("code", "plain", "", 24),
    ]
    title, setup, question, written, _, _ = assignment.cells
    assert title.source == "# Title"
    assert setup.tags == ("hide-input",)
    assert setup.source == "%matplotlib inline\nimport math"
    assert question.solutions == [
        ("tiny_reference.shapes.area", 16),
        ("tiny_reference.shapes.volume", 17),
    ]
    assert written.points == 2.5


def test_text_before_the_first_cell_mark_is_a_cell(tmp_path):
    assert [cell.line for cell in read(tmp_path, "x = 1\n\n# %%\ny = 2\n").cells] == [1, 3]


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ('x = 1\n\n# %% qestion="area"\n', 3, "unknown key ['qestion']"),
        ('# %% question="area" locked="setup"\n', 1, "a cell has one of question and locked"),
        ('# %% question="the area"\n# solution: a.b\n', 1, "an id is 1 to 50 letters"),
        (f'# %% locked="{"a" * 51}"\n', 1, "an id is 1 to 50 letters"),
        ("# %% locked=true\n", 1, "an id is 1 to 50 letters"),
        ('# %% question="area"\n# no solution\n', 1, "question 'area' has no solution"),
        ("# %%\nx = 1\n# solution: a.b\n", 1, "a `# solution:` line outside a question"),
        ('# %% [markdown] question="area"\n# solution: a.b\n', 1, "stands on a markdown cell"),
        ('# %% written="why" points=5\n', 1, "stands on a code cell"),
        ('# %% [markdown] written="why"\n# Why?\n', 1, "needs points above 0"),
        ('# %% [markdown] written="why" points="5"\n# Why?\n', 1, "needs points above 0"),
        ('# %% question="area" points=5\n# solution: a.b\n', 1, "only a written question has `points`"),
        ("# %%\n\nx = 1\ny = = 2\n", 4, "not valid Python: invalid syntax: y = = 2"),
        ("x = 1\ny = = 2\n\n# %%\n", 2, "not valid Python: invalid syntax: y = = 2"),
        (
            "# ---\n# jupyter:\n#   kernelspec: {name: other}\n# ---\nx = 1\n",
            None,
            "'display_name' is a required",
        ),
        ('# %%\nx = """\n# %% inside\n"""\n', None, "one of the lines stands inside a string"),
    ],
)
def test_what_is_wrong_is_said_with_file_and_line(tmp_path, text, line, message):
    with pytest.raises(BuildError, match=re.escape(message)) as caught:
        read(tmp_path, text)
    assert (caught.value.path, caught.value.line) == ("source/p01_tiny.py", line)
    assert str(caught.value).startswith(f"source/p01_tiny.py:{line}: " if line else "source/p01_tiny.py: ")
