"""The source notebook: authored cells, solutions and graded test cells with nbgrader's metadata.

Every byte of it follows from the authored text, the reference and the check catalogue. Cell ids come from
the grade ids, and of other cells from the grade id before them and their distance to it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from autograder.build.authored import SOLUTION_LINE, AuthoredAssignment, AuthoredCell
from autograder.build.names import defined_names, imports_all, line_of_name, needed_names
from autograder.build.solution import Solution, find_solution
from autograder.build.written import answer_cell_text
from autograder.checking.catalogue import CheckInfo
from autograder.errors import BuildError

NOTEBOOK_METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
CHECKED_LATER = "# Nothing to run here: this is checked after you submit."


@dataclass(frozen=True)
class Cell:
    """A cell of the notebook to be. `line` is that of the authored cell it comes from."""

    cell_type: str
    source: str
    line: int
    grade_id: str = ""
    grade: bool = False
    solution: bool = False
    points: float = 0
    tags: tuple[str, ...] = ()
    solutions: tuple[Solution, ...] = ()


@dataclass(frozen=True)
class SourceNotebook:
    """`points` per question, `written` those that a person marks, `cells` for what else is asked of it."""

    notebook: NotebookNode
    cells: tuple[Cell, ...]
    points: dict[str, float]
    written: tuple[str, ...]


def source_notebook(
    assignment: AuthoredAssignment, checks: Sequence[CheckInfo], checks_path: str, course_root: Path
) -> SourceNotebook:
    """Put the notebook together.

    Args:
        assignment: the authored text.
        checks: the assignment's check catalogue. checks_path: its module, as messages show it.
        course_root: where solutions are looked for first.
    Raises: BuildError with file and line.
    """
    _check_catalogue(assignment, checks, checks_path)
    cells = []
    last_of_question = {cell.id: cell for cell in assignment.cells if cell.role == "question"}
    for authored in assignment.cells:
        cells.append(_cell(authored, assignment, course_root))
        if authored.role == "question" and last_of_question[authored.id] is authored:
            cells.append(_test_cell(authored, checks))
        if authored.role == "checks":
            cells[-1] = _test_cell(authored, checks)
    cells = _number_answers(cells)
    _check_ids(cells, assignment.path)
    _check_names(cells, assignment.path, course_root)
    notebook = nbformat.v4.new_notebook(metadata=NOTEBOOK_METADATA)
    notebook.nbformat_minor = 5
    notebook.cells = [_node(cell, cell_id) for cell, cell_id in zip(cells, _cell_ids(cells), strict=True)]
    points = {cell.grade_id: cell.points for cell in cells if cell.grade}
    written = tuple(cell.grade_id for cell in cells if cell.grade and cell.solution)
    return SourceNotebook(notebook, tuple(cells), points, written)


def _check_catalogue(assignment, checks, checks_path):
    asked = {cell.id: cell.line for cell in assignment.cells if cell.role in ("question", "checks")}
    checked = {check.question for check in checks}
    for question, line in asked.items():
        if question not in checked:
            raise BuildError(
                f"no check belongs to question {question!r}. Write one in {checks_path} with "
                f'`@question("{question}", points=…)`.',
                assignment.path,
                line,
            )
    if unasked := sorted(checked - set(asked)):
        raise BuildError(
            f"{checks_path} gives points for {', '.join(unasked)}, which the text does not ask. "
            f'Add a cell `# %% question="{unasked[0]}"`, or `# %% checks="{unasked[0]}"` for no solution.',
            assignment.path,
        )


def _cell(authored: AuthoredCell, assignment, course_root):
    cell = Cell(authored.cell_type, authored.source, authored.line, tags=authored.tags)
    if authored.role == "question":
        solutions = _solutions(authored, assignment, course_root)
        source = _with_solutions(authored.source, solutions)
        return replace(
            cell, source=source, grade_id=f"{authored.id}-answer", solution=True, solutions=solutions
        )
    if authored.role == "written":
        try:
            source = answer_cell_text(authored.source)
        except ValueError as error:
            raise BuildError(f"written={authored.id!r}: {error}", assignment.path, authored.line) from error
        points = authored.points or 0
        return replace(cell, source=source, grade_id=authored.id, grade=True, solution=True, points=points)
    return replace(cell, grade_id=authored.id)


def _solutions(authored, assignment, course_root):
    found = []
    for name, line in authored.solutions:
        try:
            found.append(find_solution(name, course_root))
        except ValueError as error:
            raise BuildError(str(error), assignment.path, line) from error
    return tuple(found)


def _with_solutions(source, solutions):
    """The cell's text with the `# solution:` lines replaced, two blank lines between definitions."""
    remaining, lines = iter(solutions), []
    for line in source.splitlines():
        if not SOLUTION_LINE.match(line):
            lines.append(line)
            continue
        while lines and not lines[-1]:
            lines.pop()
        is_comment = not lines or lines[-1].startswith("#")
        lines += [*([] if is_comment else ["", ""]), *next(remaining).marked.split("\n")]
    return "\n".join(lines)


def _test_cell(authored, checks):
    own = [check for check in checks if check.question == authored.id]
    call = f'check("{authored.id}")' if any(check.public for check in own) else ""
    above = authored.source.strip() if authored.role == "checks" else ""
    points = sum(check.points for check in own)
    source = "\n".join(part for part in (above, call) if part) or CHECKED_LATER
    return Cell("code", source, authored.line, grade_id=authored.id, grade=True, points=points)


def _number_answers(cells):
    """The second answer cell of a question is `…-answer-2`."""
    seen, numbered = {}, []
    for cell in cells:
        if cell.solution and not cell.grade:
            seen[cell.grade_id] = count = seen.get(cell.grade_id, 0) + 1
            cell = cell if count == 1 else replace(cell, grade_id=f"{cell.grade_id}-{count}")
        numbered.append(cell)
    return numbered


def _check_ids(cells, path):
    lines = {}
    for cell in cells:
        if cell.grade_id in lines:
            raise BuildError(
                f"the id {cell.grade_id!r} is already that of the cell at line {lines[cell.grade_id]}. "
                "Give one of the two another id.",
                path,
                cell.line,
            )
        if cell.grade_id:
            lines[cell.grade_id] = cell.line


def _check_names(cells, path, course_root):
    """Every name that a cell uses is defined in it or before it."""
    known = set()
    for cell in cells:
        if cell.cell_type != "code":
            continue
        if imports_all(cell.source):
            return
        known |= defined_names(cell.source)
        for name in sorted(needed_names(cell.source) - known):
            raise _undefined(name, cell, path, course_root)


def _undefined(name, cell, path, course_root):
    for solution in cell.solutions:
        if name in needed_names(solution.text):
            line = solution.line + line_of_name(solution.text, name) - 1
            shown = solution.path
            if shown.is_relative_to(course_root):
                shown = shown.relative_to(course_root)
            remedy = solution.imports.get(name, "")
            if not remedy or remedy.startswith(f"from {solution.module.split('.')[0]}"):
                remedy = f"a cell whose solution is {name}"
            return BuildError(
                f"{name!r} ({shown}:{line}) is not defined in the notebook up to here. "
                f"Add before this cell: {remedy}.",
                path,
                cell.line,
            )
    return BuildError(f"{name!r} is not defined up to here. Define or import it above.", path, cell.line)


def _cell_ids(cells):
    ids, anchor, distance = [], "top", 0
    for cell in cells:
        anchor, distance = (cell.grade_id, 0) if cell.grade_id else (anchor, distance + 1)
        ids.append(cell.grade_id or f"{anchor}-then-{distance}")
    return ids


def _node(cell, cell_id):
    new = {"code": nbformat.v4.new_code_cell, "markdown": nbformat.v4.new_markdown_cell}
    node = new.get(cell.cell_type, nbformat.v4.new_raw_cell)(cell.source, id=cell_id)
    if cell.tags:
        node.metadata["tags"] = list(cell.tags)
    if cell.grade_id:
        node.metadata["nbgrader"] = {
            "schema_version": 3,
            "grade_id": cell.grade_id,
            "grade": cell.grade,
            "solution": cell.solution,
            "locked": not cell.solution,
            "task": False,
        }
    if cell.grade:
        points = cell.points
        node.metadata["nbgrader"]["points"] = int(points) if points == int(points) else points
    return node
