"""What a student may see of a report, and when. Staff see reports as they are.

public   checks that were released with the assignment, and nothing of the hidden ones
points   and each question's points
all      and what each hidden check found
"""

from __future__ import annotations

import dataclasses
import threading
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from autograder.report.receipt import CheckResult, QuestionResult, SubmissionResult
from autograder.service.schema import Mark, Submission
from autograder.service.settings import Policy

__all__ = ["Level", "ShownQuestion", "ShownReport", "level_of", "result_of", "shown_report", "whole_report"]

Level = Literal["public", "points", "all"]
REMEMBERED = 1000  # reports; a class of that size is shown without reading any twice
_results: OrderedDict[tuple[int, int, datetime], SubmissionResult] = OrderedDict()
_lock = threading.Lock()
_INTERNAL = ("the grader failed", "not written", "the worker ended")


@dataclass(frozen=True)
class ShownQuestion:
    """Args: score: None where it is not shown, or a person marks. withheld: how many checks are not shown."""

    id: str
    score: float | None
    max_score: float
    manual: bool
    checks: tuple[CheckResult, ...]
    withheld: int


@dataclass(frozen=True)
class ShownReport:
    """Args: score: None where it is not shown or there is none. why: what is shown when, in words."""

    status: str
    level: Level
    why: str
    reason: str | None
    score: float | None
    max_score: float
    manual_max: float
    questions: tuple[ShownQuestion, ...]
    warnings: tuple[str, ...]


def level_of(submission: Submission, policy: Policy, now: datetime) -> tuple[Level, str]:
    """How much its student may see now, and why not more."""
    if submission.feedback:
        if policy.feedback == "all":
            return "all", ""
        return "points", "In this course, hidden checks stay hidden."
    due = submission.assignment.due
    if policy.hidden_results == "deadline":
        if due is not None and now > due:
            return "all", ""
        until = "the due date has passed" if due else "feedback is released"
        return "public", f"Hidden checks are shown when {until}."
    if not submission.disclosed:
        return "public", (
            f"Hidden checks are shown for {policy.hidden_results_per_day} submissions in 24 hours; you had "
            "more. This one counts all the same, and is shown in full when feedback is released."
        )
    if policy.hidden_results == "points":
        return "points", "What hidden checks found is shown when feedback is released."
    return "all", ""


def shown_report(submission: Submission, policy: Policy, now: datetime) -> ShownReport | None:
    """The report as its student may see it; None before it is graded."""
    if submission.mark is None:
        return None
    level, why = level_of(submission, policy, now)
    return _shown(result_of(submission.mark), level, why)


def whole_report(submission: Submission) -> ShownReport | None:
    """The report for staff."""
    if submission.mark is None:
        return None
    result = result_of(submission.mark)
    return dataclasses.replace(_shown(result, "all", ""), reason=result.reason)


def result_of(mark: Mark) -> SubmissionResult:
    """What was kept, read once for all pages that show it."""
    key = mark.submission_id, mark.revision, mark.time
    with _lock:
        if key in _results:
            _results.move_to_end(key)
            return _results[key]
    result = SubmissionResult.from_json(mark.report, f"submission {mark.submission_id}")
    with _lock:
        _results[key] = result
        while len(_results) > REMEMBERED:
            _results.popitem(last=False)
    return result


def _shown(result: SubmissionResult, level: Level, why: str) -> ShownReport:
    questions = tuple(_question(question, level) for question in result.questions)
    return ShownReport(
        status=result.status,
        level=level,
        why=why,
        reason=_for_students(result.reason),
        score=None if level == "public" else result.score,
        max_score=result.max_score,
        manual_max=result.manual_max,
        questions=questions,
        warnings=result.warnings,
    )


def _question(question: QuestionResult, level: Level) -> ShownQuestion:
    checks = question.checks if level == "all" else tuple(check for check in question.checks if check.public)
    return ShownQuestion(
        id=question.id,
        score=None if level == "public" else question.score,
        max_score=question.max_score,
        manual=question.manual,
        checks=checks,
        withheld=len(question.checks) - len(checks),
    )


def _for_students(reason: str | None) -> str | None:
    """Our own failures in detail are for staff."""
    if reason and reason.startswith(_INTERNAL):
        return "The grader had a problem of its own. Your submission is kept, and your teachers can see this."
    return reason
