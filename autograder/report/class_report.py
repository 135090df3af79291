"""`autograder report`: one page about a class, and its marks as tables.

The page is one file without scripts or styles from elsewhere. It opens with what needs a person: whom the
machine could not grade, and what it was not sure of.
"""

import base64
import hashlib
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote

from markupsafe import Markup

from autograder.errors import ReceiptError
from autograder.report.atomic import write_atomically
from autograder.report.durations import cell_durations, check_durations
from autograder.report.histogram import histogram
from autograder.report.pages import source, template
from autograder.report.plain_text import one_line
from autograder.report.receipt import SubmissionResult, read_receipt
from autograder.report.summary import ClassSummary, summarize
from autograder.report.tables import checks_csv, marks_csv

__all__ = ["ReportedCourse", "class_page", "read_receipts", "write_class_report"]

MAX_NAMES = 40  # of the students under a message
MAX_MESSAGES = 8  # of a check
SLOWEST = 8
_UNITS = {"s": "s", "mb": "MB", "kb": "KB", "gb": "GB"}


class ReportedCourse(Protocol):
    """What of a course the report needs; `grading.course.Course` has it."""

    def reports_folder(self, assignment: str) -> Path: ...

    def report_file(self, assignment: str, student: str) -> Path: ...

    def folder(self, step: str, assignment: str, student: str = ".") -> Path: ...

    def notebook_name(self, assignment: str) -> str: ...

    def marks_in_force(self, assignment: str) -> Mapping[str, Mapping[str, float]]: ...


@dataclass(frozen=True)
class Cell:
    """One question of one student."""

    score: float | None
    max_score: float

    @property
    def shade(self) -> str:
        if self.score is None or not self.max_score:
            return ""
        return "full" if self.score >= self.max_score - 1e-9 else "some" if self.score > 1e-9 else "none"


@dataclass(frozen=True)
class Row:
    """One student."""

    result: SubmissionResult
    cells: tuple[Cell, ...]
    total: float | None

    @property
    def share(self) -> float:
        return (self.result.score or 0.0) / self.result.max_score if self.result.max_score else 0.0


def write_class_report(course: ReportedCourse, assignment: str, out: Path | None = None) -> Path:
    """Write index.html, marks.csv and checks.csv from the receipts of an assignment and the gradebook.

    Args:
        out: the folder; the course's `reports/<assignment>/` otherwise.
    Returns: the path of the page.
    Raises: ReceiptError if there are no receipts; ConfigError for an unknown assignment; GradebookError.
    """
    notebook = course.notebook_name(assignment)
    receipts = read_receipts(course.reports_folder(assignment), assignment)
    if not receipts:
        raise ReceiptError(
            f"no receipts in {course.reports_folder(assignment)}: run `autograder grade {assignment}` first"
        )
    summary = summarize(assignment, receipts, course.marks_in_force(assignment))
    out = (out or course.reports_folder(assignment)).absolute()

    def feedback_page(student: str) -> Path:
        return course.folder("feedback", assignment, student) / f"{notebook}.html"

    page = class_page(
        summary,
        feedback_link=lambda student: _relative(feedback_page(student), out),
        receipt_link=lambda student: _relative(course.report_file(assignment, student), out),
        feedback_exists=any(feedback_page(result.student).exists() for result in summary.graded),
    )
    write_atomically(out / "marks.csv", marks_csv(summary))
    write_atomically(out / "checks.csv", checks_csv(summary))
    return write_atomically(out / "index.html", page)


def read_receipts(folder: Path, assignment: str) -> list[SubmissionResult]:
    """The receipts `<folder>/<student>/report.json`; one that cannot be read is a failure with a reason."""
    results = []
    for path in sorted(folder.glob("*/report.json")):
        try:
            results.append(read_receipt(path))
        except ReceiptError as error:
            reason = f"its receipt cannot be read: {str(error).removeprefix(f'{path}: ')}"
            results.append(SubmissionResult.failed(path.parent.name, assignment, reason))
    return results


def class_page(
    summary: ClassSummary,
    *,
    feedback_link: Callable[[str], str],
    receipt_link: Callable[[str], str],
    feedback_exists: bool = True,
    written: datetime | None = None,
) -> str:
    """The page as HTML.

    Args:
        feedback_link, receipt_link: where a student's pages are, relative to this one.
        written: the time that the page shows; now otherwise.
    """
    script = source("class_report.js")
    return template("class_report.html").render(
        c=summary,
        h=_histogram(summary),
        rows=[_row(result, summary) for result in summary.submissions],
        feedback_link=feedback_link,
        receipt_link=receipt_link,
        feedback_exists=feedback_exists,
        written=f"{written or datetime.now():%-d %B %Y, %H:%M}",
        style=Markup(source("class_report.css")),  # noqa: S704  our own files
        script=Markup(script),  # noqa: S704
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        max_names=MAX_NAMES,
        max_messages=MAX_MESSAGES,
        **_attention(summary),
        **_grading(summary),
    )


def _attention(summary: ClassSummary) -> dict[str, Any]:
    """What a person has to look at."""
    return {
        "unconfined": [result.student for result in summary.graded if not result.isolation],
        "unsure": [check for check in summary.checks if check.unsure],
        "manual": [question for question in summary.questions if question.manual],
        "untrusted": [question for question in summary.questions if not question.trusted],
        "warned": [result for result in summary.submissions if result.warnings],
    }


def _grading(summary: ClassSummary) -> dict[str, Any]:
    """By which means, and where the time went."""
    graded = summary.graded
    return {
        "limits_used": _distinct(_limits_text(result.limits) for result in graded if result.limits),
        "checks_used": _distinct(result.checks_sha256 for result in graded),
        "environments_used": _distinct(result.environment_sha256 for result in graded),
        "slowest": sorted(graded, key=lambda result: -result.seconds.total)[:SLOWEST],
        "cell_durations": cell_durations(graded)[:SLOWEST],
        "check_durations": check_durations(graded)[:SLOWEST],
    }


def _histogram(summary: ClassSummary) -> object:
    median = summary.quantile(0.5)
    return None if median is None else histogram(summary.scores, summary.max_score, median)


def _row(result: SubmissionResult, summary: ClassSummary) -> Row:
    own = {question.id: question for question in result.questions}
    given = summary.in_force.get(result.student, {})
    cells = [
        Cell(given.get(question.id, own[question.id].score), own[question.id].max_score)
        if question.id in own
        else Cell(None, 0.0)
        for question in summary.questions
    ]
    return Row(result, tuple(cells), summary.total(result))


def _distinct(values: Iterable[str | None]) -> list[str]:
    return list(dict.fromkeys(value for value in values if value))


def _limits_text(limits: dict[str, Any]) -> str:
    """`cell 60 s; held by: memory by cgroup` from `{"cell_s": 60, "held_by": {"memory": "cgroup"}}`."""
    parts = []
    for name, value in limits.items():
        words, _, unit = name.rpartition("_")
        if isinstance(value, dict):
            means = ", ".join(f"{key.replace('_', ' ')} by {one_line(means)}" for key, means in value.items())
            parts.append(f"{name.replace('_', ' ')}: {means or 'nothing'}")
        elif unit in _UNITS:
            parts.append(f"{words.replace('_', ' ')} {one_line(value)} {_UNITS[unit]}")
        else:
            parts.append(f"{name.replace('_', ' ')} {one_line(value)}")
    return "; ".join(parts)


def _relative(target: Path, folder: Path) -> str:
    """A link from a page in `folder`; names of students may hold anything that a file name may."""
    return quote(os.path.relpath(target, folder), safe="/", errors="surrogateescape")
