"""The class of the demo: who hands in what.

Submissions are made from the released notebook and the solutions in the source notebook, with named
mistakes put in. A mistake that no longer fits the solution's text is an error, not a correct submission.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, writes

from autograder.demo import answers, hostile
from autograder.errors import BuildError

SOLUTION_MARKS = ("### BEGIN SOLUTION", "### END SOLUTION")


@dataclass(frozen=True)
class SampleStudent:
    """One student of the demo class.

    Args:
        name: nbgrader's student id.
        about: what the submission is an example of.
        answered: questions answered; None for all.
        mistakes: cell (grade id) to (text of the solution, wrong text) pairs.
        styles: cell (grade id) to an answer of another style in place of the reference's.
        first, middle, last: cells of the student's own, at the top, after the attention question, at the end.
        raw: bytes handed in instead of a notebook.
    """

    name: str
    about: str
    answered: tuple[str, ...] | None = None
    mistakes: Mapping[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    styles: Mapping[str, str] = field(default_factory=dict)
    first: str = ""
    middle: str = ""
    last: str = ""
    raw: bytes | None = None


ATTENTION = "scaled_dot_product_attention-answer"
NO_SCALE = (("query = query / query.shape[-1] ** 0.5", "query = query * 1.0"),)
QUERY_AXIS = (("ops.softmax(scores, axis=-1)", "ops.softmax(scores, axis=-2)"),)
MASK_INVERTED = (("ops.where(attention_mask, scores, lowest)", "ops.where(attention_mask, lowest, scores)"),)
NO_TRANSPOSE = (
    ("ops.reshape(x, (batch, length, num_heads, d_model // num_heads))", "x"),
    ("ops.transpose(x, (0, 2, 1, 3))  # (B, h, T, D / h)", "ops.reshape(x, (batch, num_heads, length, -1))"),
)
NOT_CAUSAL = (
    ('ops.tril(ops.ones((length, length), dtype="bool"))', 'ops.ones((length, length), dtype="bool")'),
)
ONE_MATRIX = (("return 4 * matrix", "return matrix"),)

CLASS = (
    SampleStudent("ada", "correct, as the reference"),
    SampleStudent("emmy", "correct, with einsum and explicit exponentials", styles=answers.EINSUM),
    SampleStudent("grace", "correct, in plain TensorFlow", styles=answers.TENSORFLOW),
    SampleStudent(
        "katherine",
        "half done: the first two parts",
        answered=("hard_lookup-answer", "soft_lookup-answer", ATTENTION),
    ),
    SampleStudent("alan", "forgot the scale", mistakes={ATTENTION: NO_SCALE}),
    SampleStudent("barbara", "softmax over the queries", mistakes={ATTENTION: QUERY_AXIS}),
    SampleStudent("edsger", "mask inverted", mistakes={ATTENTION: MASK_INVERTED}),
    SampleStudent("donald", "heads by reshape alone", mistakes={"split_heads-answer": NO_TRANSPOSE}),
    SampleStudent(
        "margaret",
        "causal attention looks ahead, parameters counted once",
        mistakes={"self_attention_layers-answer-3": NOT_CAUSAL, "count_parameters-answer": ONE_MATRIX},
    ),
    SampleStudent("niklaus", "handed the release in as it was", answered=()),
    SampleStudent("tony", "crashes halfway, and uses an absolute path", middle='open("/home/tony/data.csv")'),
    SampleStudent("linus", "an infinite loop", middle="while True:\n    pass"),
    SampleStudent("guido", "calls exit() in the middle", middle="exit()"),
    SampleStudent("dennis", "the kernel kills itself", middle="import os\n\nos._exit(0)"),
    SampleStudent("mallory", "hostile: forges the verdict", answered=(), middle=hostile.FORGE_VERDICT),
    SampleStudent("eve", "hostile: reads what is hidden", answered=(), middle=hostile.READ_SECRETS),
    SampleStudent("trudy", "hostile: fork bomb and endless output", answered=(), last=hostile.DESTROY),
    SampleStudent("bjarne", "the file is damaged", raw=b'{"cells": [{"cell_type": "code", "sour'),
)


def submission(student: SampleStudent, released: NotebookNode, source: NotebookNode) -> bytes:
    """The notebook file that a student hands in.

    Args:
        released, source: the notebooks of the assignment, as released and with solutions.
    Raises: BuildError when a mistake does not fit the solution any more.
    """
    if student.raw is not None:
        return student.raw
    solutions = {_grade_id(cell): cell.source for cell in source.cells if _is_solution(cell)}
    nb = copy.deepcopy(released)
    for cell in nb.cells:
        grade_id = _grade_id(cell)
        if not _is_solution(cell) or (student.answered is not None and grade_id not in student.answered):
            continue
        cell.source = student.styles.get(grade_id) or _without_marks(solutions[grade_id])
        for right, wrong in student.mistakes.get(grade_id, ()):
            if right not in cell.source:
                raise BuildError(
                    f"demo: {student.name}'s mistake does not fit {grade_id}: {right!r} is not in it"
                )
            cell.source = cell.source.replace(right, wrong)
    _insert(nb, 0, student.first)
    _insert(nb, _position_after(nb, ATTENTION), student.middle)
    _insert(nb, len(nb.cells), student.last)
    return writes(nb).encode()


def _insert(nb: NotebookNode, position: int, source: str) -> None:
    if source:
        nb.cells.insert(position, new_code_cell(source, id=f"own-{position}"))


def _position_after(nb: NotebookNode, grade_id: str) -> int:
    return next(index for index, cell in enumerate(nb.cells) if _grade_id(cell) == grade_id) + 2


def _grade_id(cell: NotebookNode) -> str:
    return cell.metadata.get("nbgrader", {}).get("grade_id", "")


def _is_solution(cell: NotebookNode) -> bool:
    return bool(cell.metadata.get("nbgrader", {}).get("solution"))


def _without_marks(text: str) -> str:
    return "\n".join(line for line in text.splitlines() if line.strip() not in SOLUTION_MARKS)
