"""The authored assignment: jupytext percent text, read into cells that know what they are and their line.

    # %% [markdown]                         prose
    # %%                                    plain code
    # %% question="soft_lookup"             code to be written by the student; one or more lines
    #                                       `# solution: package.module.name`, the rest stays as it is
    # %% checks="submission_contract"       graded without a cell of the student's own
    # %% locked="setup"                     given, restored before grading
    # %% [markdown] written="why" points=5  answered in words, marked by a person

`tags=["…"]` is passed on. Any other key is an error, so that a misspelt one cannot turn a graded cell
into a plain one.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import jupytext

from autograder.build.names import check_syntax
from autograder.errors import BuildError

Role = Literal["plain", "question", "checks", "locked", "written"]
ROLES: tuple[Role, ...] = ("question", "checks", "locked", "written")
SOLUTION_LINE = re.compile(r"^# solution:\s*(\S*)\s*$")
HEADER_LINE = re.compile(r"^#\s*%%")
# nbgrader's pattern for grade ids; the length leaves room for `-answer-99` in a 64 character cell id
GRADE_ID = re.compile(r"^[a-zA-Z0-9_\-]{1,50}$")
# what jupytext adds of its own accord
JUPYTEXT_KEYS = {"lines_to_next_cell", "lines_to_end_of_cell_marker", "cell_marker", "title", "cell_depth"}


@dataclass(frozen=True)
class AuthoredCell:
    """One cell of the text. `line` is that of its `# %%`, `body_line` that of its source, from 1."""

    cell_type: str
    source: str
    line: int
    body_line: int
    role: Role = "plain"
    id: str = ""
    points: float | None = None
    tags: tuple[str, ...] = ()

    @property
    def solutions(self) -> list[tuple[str, int]]:
        """The dotted names on `# solution:` lines, each with its line in the file."""
        lines = enumerate(self.source.splitlines(), self.body_line)
        return [(m[1], number) for number, line in lines if (m := SOLUTION_LINE.match(line))]


@dataclass(frozen=True)
class AuthoredAssignment:
    """`source/<name>.py`; `path` as messages show it."""

    name: str
    path: str
    cells: tuple[AuthoredCell, ...]


def read_assignment(file: Path, shown: str) -> AuthoredAssignment:
    """Read and check one authored text.

    Args:
        file: the text.
        shown: its path for messages.
    Raises: BuildError with file and line.
    """
    text = file.read_text(encoding="utf-8")
    try:
        cells = jupytext.reads(text, fmt="py:percent").cells
    except Exception as error:  # of YAML, of the notebook schema, of its own: the header is wrong
        reason = str(error).strip().split("\n")[0]
        raise BuildError(f"jupytext cannot read the text: {reason}", shown) from error
    lines = _header_lines(text, cells, shown)
    authored = []
    for cell, line in zip(cells, lines, strict=True):
        try:
            authored.append(_authored_cell(cell, line, text.splitlines()))
        except ValueError as error:
            raise BuildError(str(error), shown, line) from error
    for cell in authored:
        _check_syntax(cell, shown)
    return AuthoredAssignment(file.stem, shown, tuple(authored))


def _header_lines(text, cells, shown):
    """The line of each cell's `# %%`, from 1; 1 for text before the first."""
    numbers = [number for number, line in enumerate(text.splitlines(), 1) if HEADER_LINE.match(line)]
    if len(cells) == len(numbers) + 1:
        numbers.insert(0, 1)
    if len(cells) != len(numbers):
        raise BuildError(
            f"{len(numbers)} lines start with `# %%` but the text has {len(cells)} cells: one of the lines "
            "stands inside a string. Indent it, or put a blank in between.",
            shown,
        )
    return numbers


def _authored_cell(cell, line, text_lines):
    metadata = {key: value for key, value in cell.metadata.items() if key not in JUPYTEXT_KEYS}
    roles: list[Role] = [role for role in ROLES if role in metadata]
    if unknown := set(metadata) - {*ROLES, "points", "tags"}:
        raise ValueError(f"unknown key {sorted(unknown)} of a cell. Known: {', '.join(ROLES)}, points, tags.")
    if len(roles) > 1:
        raise ValueError(f"a cell has one of {' and '.join(roles)}, not both. Make two cells.")
    role: Role = roles[0] if roles else "plain"
    grade_id, points = metadata.get(role, ""), metadata.get("points")
    _check_role(role, grade_id, points, cell)
    body_line = line + 1 if HEADER_LINE.match(text_lines[line - 1]) else line
    while body_line <= len(text_lines) and not text_lines[body_line - 1].strip():
        body_line += 1
    tags = tuple(metadata.get("tags", ()))
    source = cell.source.strip("\n")
    return AuthoredCell(cell.cell_type, source, line, body_line, role, grade_id, points, tags)


def _check_role(role, grade_id, points, cell):
    if role != "plain" and not (isinstance(grade_id, str) and GRADE_ID.match(grade_id)):
        raise ValueError(f"{role}={grade_id!r}: an id is 1 to 50 letters, digits, `_` or `-`, in quotes.")
    if role in ("question", "checks") and cell.cell_type != "code":
        raise ValueError(f"{role}={grade_id!r} stands on a {cell.cell_type} cell. Use `# %% {role}=…`.")
    if role == "written" and cell.cell_type != "markdown":
        raise ValueError(f"written={grade_id!r} stands on a code cell. Use `# %% [markdown] written=…`.")
    if role == "written" and not (isinstance(points, (int, float)) and points > 0):
        raise ValueError(f"written={grade_id!r} needs points above 0, as in `points=5`. Received: {points!r}")
    if role != "written" and points is not None:
        raise ValueError("only a written question has `points`; those of the others are their checks'.")
    named = any(SOLUTION_LINE.match(line) for line in cell.source.splitlines())
    if role == "question" and not named and "BEGIN SOLUTION" not in cell.source:
        raise ValueError(
            f"question {grade_id!r} has no solution. Add a line `# solution: reference_impl.module.name`."
        )
    if role != "question" and named:
        raise ValueError('a `# solution:` line outside a question. Write `# %% question="…"` above it.')


def _check_syntax(cell, shown):
    if cell.cell_type != "code":
        return
    try:
        check_syntax(cell.source)
    except SyntaxError as error:
        line = cell.body_line + (error.lineno or 1) - 1
        code = (error.text or "").strip()
        raise BuildError(f"not valid Python: {error.msg}: {code}", shown, line) from error
