"""marks.csv and checks.csv: what a spreadsheet or a learning-management system takes in.

A spreadsheet runs a cell that begins like a formula. Names and messages come from students, so such a text
gets an apostrophe in front, which spreadsheets show as text.
"""

import csv
import io
import re
from collections.abc import Iterable

from autograder.report.plain_text import one_line
from autograder.report.summary import ClassSummary

__all__ = ["checks_csv", "harmless", "marks_csv"]

_FORMULA = re.compile(r"(^|[;\t|])(\s*)([=+\-@＝＋－＠])")


def harmless(text: object, limit: int = 2_000) -> str:
    """Text on one line that no spreadsheet takes for a formula, also where `;` separates the cells."""
    return _FORMULA.sub(r"\1\2'\3", one_line(text, limit))


def marks_csv(summary: ClassSummary) -> str:
    """One line a submission: status, marks, points of each question (empty: no mark yet).

    `score` are the automatic points of the receipt; `total` and the questions are as in the gradebook.
    """
    questions = [question.id for question in summary.questions]
    head = [
        "student",
        "status",
        "score",
        "max_score",
        "manual_max",
        "total",
        *questions,
        "seconds",
        "reason",
        "warnings",
    ]
    rows = []
    for result in summary.submissions:
        scores = {question.id: question.score for question in result.questions}
        if result.status == "graded":
            scores |= summary.in_force.get(result.student, {})
        rows.append(
            [
                harmless(result.student),
                result.status,
                _points(result.score),
                _points(result.max_score),
                _points(result.manual_max),
                _points(summary.total(result)),
                *(_points(scores.get(question)) for question in questions),
                f"{result.seconds.total:.2f}",
                harmless(result.reason or ""),
                len(result.warnings),
            ]
        )
    return _csv(head, rows)


def checks_csv(summary: ClassSummary) -> str:
    """One line for each check of each submission."""
    head = ["student", "question", "check", "public", "points", "earned", "outcome", "message"]
    rows = [
        [
            harmless(result.student),
            harmless(question.id),
            harmless(check.id),
            "yes" if check.public else "no",
            _points(check.points),
            _points(check.earned),
            check.outcome,
            "" if check.outcome == "passed" else harmless(check.message),
        ]
        for result in summary.submissions
        for question in result.questions
        for check in question.checks
    ]
    return _csv(head, rows)


def _points(value: float | None) -> str:
    return "" if value is None else f"{value:.10g}"


def _csv(head: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(head)
    writer.writerows(rows)
    return out.getvalue()
