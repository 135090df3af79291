"""What a student reads under a test cell: each check, whether it holds, its points, and what is wrong.

`question_outputs` is what goes into the cell: the score that nbgrader reads, then the table that people
read. Everything that came from a student's process is cleaned, capped and escaped.
"""

import math
from dataclasses import dataclass
from html import escape
from typing import Literal

from nbformat import NotebookNode
from nbformat.v4 import new_output

from autograder.checking.result import CheckResult
from autograder.report.numbers import number, seconds
from autograder.report.pages import template
from autograder.report.plain_text import check_name, plain
from autograder.report.receipt import QuestionResult

__all__ = [
    "FeedbackPolicy",
    "check_name",
    "feedback_html",
    "feedback_text",
    "question_outputs",
    "scored_output",
]

FeedbackPolicy = Literal["all", "public", "points"]

MAX_MESSAGE = 1_200
MAX_ROWS = 200
SLOW_S = 1.0  # a check that took longer shows its time
RESULTS = {
    "passed": ("✓", "holds"),
    "failed": ("✗", "does not hold"),
    "error": ("!", "could not be run"),
    "timeout": ("!", "no answer in time"),
}


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    name: str
    outcome: str
    points: str
    message: str
    seconds: str

    @property
    def symbol(self) -> str:
        return RESULTS[self.outcome][0]

    @property
    def result(self) -> str:
        return RESULTS[self.outcome][1]


def question_outputs(question: QuestionResult, feedback: FeedbackPolicy = "all") -> list[NotebookNode]:
    """The outputs of an automatically graded test cell: its score, then the table of its checks.

    Args:
        feedback: "all" shows every check, "public" the checks that students have, "points" none.
    Raises: ValueError if the question has no score, or one that nbgrader would read as full marks.
    """
    if question.score is None:
        raise ValueError(f"question {question.id!r} has no score: a person marks it")
    score = scored_output(question.score, question.max_score, _summary(question, feedback))
    page = feedback_html(question, feedback)
    if not page:
        return [score]
    data = {"text/html": page, "text/plain": feedback_text(question, feedback)}
    return [score, new_output("display_data", data=data)]


def scored_output(score: float, max_score: float, title: str = "") -> NotebookNode:
    """The `execute_result` that nbgrader's `determine_grade` takes the mark of a test cell from.

    It has to come before every other output of the cell. nbgrader gives full marks for a value that is
    negative or not a number, so such a value is refused here.

    Args:
        title: what people see in place of the bare number.
    Raises: ValueError unless 0 <= score <= max_score.
    """
    if not (math.isfinite(score) and 0 <= score <= max_score):
        raise ValueError(f"a score is between 0 and {max_score}. Received: {score}")
    data = {"text/plain": repr(float(score))}
    if title:
        data["text/html"] = f"<strong>{escape(title)}</strong>"
    return new_output("execute_result", data=data, execution_count=None)


def feedback_html(question: QuestionResult, feedback: FeedbackPolicy = "all") -> str:
    """The notes and the table as an HTML fragment: inline styles, no script, nothing from outside.

    Empty where there is nothing to say beyond the score.
    """
    notes, rows = _notes(question, feedback), _rows(question, feedback)
    return template("cell_feedback.html").render(notes=notes, rows=rows) if notes or rows else ""


def feedback_text(question: QuestionResult, feedback: FeedbackPolicy = "all") -> str:
    """Score, notes and table as plain text, for a terminal and for mail."""
    lines = [_summary(question, feedback), *_notes(question, feedback)]
    for row in _rows(question, feedback):
        lines.append(f"{row.symbol} {row.name} ({row.points}): {row.result}")
        lines += [f"    {line}" for line in row.message.splitlines()]
    return "\n".join(lines)


def _summary(question: QuestionResult, feedback: FeedbackPolicy) -> str:
    points = f"Score {number(question.score)} of {number(question.max_score)}"
    if feedback == "points" or not question.trusted or not question.checks:
        return points
    passed = sum(check.outcome == "passed" for check in question.checks)
    return f"{points}. Checks that hold: {passed} of {len(question.checks)}."


def _notes(question: QuestionResult, feedback: FeedbackPolicy) -> list[str]:
    notes = []
    if not question.trusted:
        notes.append("This mark is the result of the test cell as it ran inside the notebook.")
    elif (
        question.score is not None and question.score < sum(check.earned for check in question.checks) - 1e-9
    ):
        notes.append("These points count once another question of the assignment has earned points.")
    if any(check.outcome in ("error", "timeout") for check in question.checks):
        notes.append("Not every check could be carried out. Ask your instructors if you cannot see why.")
    shown = _shown(question, feedback)
    if feedback == "public" and (hidden := [check for check in question.checks if check not in shown]):
        earned, points = sum(check.earned for check in hidden), sum(check.points for check in hidden)
        notes.append(f"Hidden checks: {len(hidden)}, {number(earned)} of {number(points)} points.")
    return notes


def _shown(question: QuestionResult, feedback: FeedbackPolicy) -> list[CheckResult]:
    if feedback == "points":
        return []
    return [check for check in question.checks if feedback == "all" or check.public]


def _earned(question: QuestionResult, check: CheckResult) -> float | None:
    """A test cell that ran in the notebook is one check, and may give a part of its points."""
    return check.earned if question.trusted or len(question.checks) > 1 else question.score


def _rows(question: QuestionResult, feedback: FeedbackPolicy) -> list[Row]:
    return [
        Row(
            name=check_name(check.id),
            outcome=check.outcome,
            points=f"{number(_earned(question, check))} of {number(check.points)}",
            message="" if check.outcome == "passed" else plain(check.message, MAX_MESSAGE),
            seconds=seconds(check.seconds) if check.seconds >= SLOW_S else "",
        )
        for check in _shown(question, feedback)[:MAX_ROWS]
    ]
