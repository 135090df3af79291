"""A class in figures: marks, questions, checks and what they said, from the receipts of its submissions."""

import re
import statistics
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from autograder.checking.result import CheckResult
from autograder.report.plain_text import plain
from autograder.report.receipt import QuestionResult, SubmissionResult

__all__ = ["CheckSummary", "ClassSummary", "MessageGroup", "QuestionSummary", "summarize"]

_NUMBER = re.compile(r"[-+]?\d[\d.,]*(?:e[-+]?\d+)?", re.IGNORECASE)
MAX_MESSAGE = 600

Marks = Mapping[str, Mapping[str, float]]


@dataclass(frozen=True)
class MessageGroup:
    """Students to whom a check said the same but for the numbers; `message` is what the first one read."""

    message: str
    outcome: str
    students: tuple[str, ...]


@dataclass(frozen=True)
class CheckSummary:
    """One check over the class; `unsure` counts those where it could not be carried out or had no answer."""

    id: str
    question: str
    points: float
    public: bool
    passed: int
    failed: int
    unsure: int
    messages: tuple[MessageGroup, ...]

    @property
    def total(self) -> int:
        return self.passed + self.failed + self.unsure

    @property
    def pass_rate(self) -> float:
        return self.passed / self.total if self.total else 0.0


@dataclass(frozen=True)
class QuestionSummary:
    """One question over the class; `scores` has one entry for each submission that has a mark for it."""

    id: str
    max_score: float
    manual: bool
    trusted: bool
    scores: tuple[float, ...]
    checks: tuple[CheckSummary, ...]

    @property
    def mean(self) -> float | None:
        return statistics.fmean(self.scores) if self.scores else None

    @property
    def mean_share(self) -> float:
        """Mean as a share of the points, 0 to 1."""
        return (self.mean or 0.0) / self.max_score if self.max_score else 0.0

    @property
    def full_marks(self) -> int:
        return sum(score >= self.max_score - 1e-9 for score in self.scores)

    @property
    def no_points(self) -> int:
        return sum(score <= 1e-9 < self.max_score for score in self.scores)


@dataclass(frozen=True)
class ClassSummary:
    """All submissions of an assignment, by name."""

    assignment: str
    submissions: tuple[SubmissionResult, ...]
    questions: tuple[QuestionSummary, ...]
    in_force: Marks

    def total(self, result: SubmissionResult) -> float | None:
        """All points, a person's too; None while a question has no mark."""
        if result.status == "failed":
            return None
        given = self.in_force.get(result.student, {})
        scores = [given.get(question.id, question.score) for question in result.questions]
        return None if None in scores else sum(score for score in scores if score is not None)

    def unmarked(self, question: QuestionSummary) -> int:
        """How many graded submissions still wait for a person's mark for it."""
        return len(self.graded) - len(question.scores) if question.manual else 0

    @cached_property
    def graded(self) -> tuple[SubmissionResult, ...]:
        return tuple(result for result in self.submissions if result.status == "graded")

    @cached_property
    def failed(self) -> tuple[SubmissionResult, ...]:
        return tuple(result for result in self.submissions if result.status == "failed")

    @cached_property
    def scores(self) -> tuple[float, ...]:
        return tuple(sorted(result.score for result in self.graded if result.score is not None))

    @property
    def max_score(self) -> float:
        return max((result.max_score for result in self.graded), default=0.0)

    @property
    def manual_max(self) -> float:
        return max((result.manual_max for result in self.graded), default=0.0)

    @cached_property
    def checks(self) -> tuple[CheckSummary, ...]:
        """All checks, those that fewest pass first."""
        checks = [check for question in self.questions for check in question.checks]
        return tuple(sorted(checks, key=lambda check: (check.pass_rate, -check.points)))

    @cached_property
    def layers(self) -> tuple[tuple[str, int], ...]:
        """Isolation layers and for how many of the submissions that ran each held."""
        counts = Counter(layer for result in self.graded for layer in result.isolation)
        return tuple(counts.items())

    def quantile(self, share: float) -> float | None:
        """The mark that `share` of the class does not exceed, interpolated; 0.5 is the median."""
        if not self.scores:
            return None
        place = share * (len(self.scores) - 1)
        low = int(place)
        high = min(low + 1, len(self.scores) - 1)
        return self.scores[low] + (place - low) * (self.scores[high] - self.scores[low])

    @property
    def mean(self) -> float | None:
        return statistics.fmean(self.scores) if self.scores else None


def summarize(
    assignment: str, submissions: Iterable[SubmissionResult], in_force: Marks | None = None
) -> ClassSummary:
    """The class in figures. Questions and checks keep the order of the assignment.

    Args:
        in_force: the gradebook's marks, student to question to points: those of people are there alone.
    """
    in_force = in_force or {}
    ordered = tuple(sorted(submissions, key=lambda result: result.student))
    graded = [result for result in ordered if result.status == "graded"]
    by_question: dict[str, list[tuple[str, QuestionResult]]] = {}
    for result in graded:
        for question in result.questions:
            by_question.setdefault(question.id, []).append((result.student, question))
    questions = tuple(_question(found, in_force) for found in by_question.values())
    return ClassSummary(assignment, ordered, questions, in_force)


def _question(found: Sequence[tuple[str, QuestionResult]], in_force: Marks) -> QuestionSummary:
    by_check: dict[str, list[tuple[str, CheckResult]]] = {}
    for student, question in found:
        for check in question.checks:
            by_check.setdefault(check.id, []).append((student, check))
    first = found[0][1]
    scores = [in_force.get(student, {}).get(question.id, question.score) for student, question in found]
    return QuestionSummary(
        id=first.id,
        max_score=max(question.max_score for _, question in found),
        manual=first.manual,
        trusted=all(question.trusted for _, question in found),
        scores=tuple(score for score in scores if score is not None),
        checks=tuple(_check(results) for results in by_check.values()),
    )


def _check(results: Sequence[tuple[str, CheckResult]]) -> CheckSummary:
    outcomes = Counter(check.outcome for _, check in results)
    groups: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for student, check in results:
        if check.outcome != "passed":
            message = plain(check.message, MAX_MESSAGE)
            groups.setdefault((check.outcome, _NUMBER.sub("#", message)), []).append((student, message))
    messages = [
        MessageGroup(members[0][1], outcome, tuple(student for student, _ in members))
        for (outcome, _), members in groups.items()
    ]
    first = results[0][1]
    return CheckSummary(
        id=first.id,
        question=first.question,
        points=first.points,
        public=first.public,
        passed=outcomes["passed"],
        failed=outcomes["failed"],
        unsure=outcomes["error"] + outcomes["timeout"],
        messages=tuple(sorted(messages, key=lambda group: -len(group.students))),
    )
