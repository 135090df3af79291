"""The receipt of one graded submission, and of a batch: what was given, by which checks, under what.

A receipt is plain data. It goes to `report.json` (written atomically, the cache key of a rerun), to
`autograder grade --json`, to the feedback page and to the class report.
"""

import json
from dataclasses import dataclass, field
from functools import reduce
from pathlib import Path
from typing import Any, Literal, Self

from autograder.checking.result import CheckResult
from autograder.errors import ReceiptError
from autograder.report import json_fields as fields
from autograder.report.atomic import write_atomically
from autograder.report.timing import CellTiming, Seconds

__all__ = [
    "SCHEMA",
    "BatchResult",
    "CellTiming",
    "CheckResult",
    "QuestionResult",
    "Seconds",
    "SubmissionResult",
    "read_receipt",
    "write_atomically",
    "write_receipt",
]

SCHEMA = 2  # raise it when a key is added, removed or changes its meaning: old receipts are then regraded

Json = dict[str, Any]


@dataclass(frozen=True)
class QuestionResult:
    """One nbgrader test cell and the checks that its points are made of.

    Args:
        id: nbgrader's grade id.
        score: automatic points; None where a person must mark (`manual`).
        max_score: what the question is worth, by machine or by person.
        trusted: False when the verdict came from inside the student's process (plain assert cells).
    """

    id: str
    score: float | None
    max_score: float
    manual: bool = False
    checks: tuple[CheckResult, ...] = ()
    trusted: bool = True

    def to_json(self) -> Json:
        return {
            "id": self.id,
            "score": self.score,
            "max_score": self.max_score,
            "manual": self.manual,
            "trusted": self.trusted,
            "checks": [_check_to_json(check) for check in self.checks],
        }

    @classmethod
    def from_json(cls, data: object, where: str = "question") -> Self:
        kinds = {
            "id": fields.text,
            "score": fields.optional(fields.number),
            "max_score": fields.number,
            "manual": fields.boolean,
            "trusted": fields.boolean,
            "checks": fields.items,
        }
        values = fields.take(data, where, kinds)
        values["checks"] = tuple(
            _check_from_json(check, values["id"], f"{where}.checks[{i}]")
            for i, check in enumerate(values["checks"])
        )
        return cls(**values)


@dataclass(frozen=True)
class SubmissionResult:
    """All that is known about one student's submission after grading.

    `status` "failed" means that there is no mark, `score` is None and `reason` says why; a student who
    earned nothing is "graded" with 0. `max_score` counts automatic points, `manual_max` a person's.

    Args:
        checks_sha256: all that the mark depends on besides submission and environment.
        run_sha256: of that what the run of the notebook depends on; without checks and points.
        check_sha256: by a check's id, what its result depends on.
        marked_sha256: the marked notebook as it was written.
        kept: ids of checks whose results stand from an earlier run of the same submission.
    """

    student: str
    assignment: str
    status: Literal["graded", "failed"]
    reason: str | None = None
    score: float | None = None
    max_score: float = 0.0
    manual_max: float = 0.0
    questions: tuple[QuestionResult, ...] = ()
    seconds: Seconds = field(default_factory=Seconds)
    isolation: tuple[str, ...] = ()
    limits: dict[str, Any] = field(default_factory=dict)
    cached: bool = False
    seed: int | None = None
    notebook_sha256: str | None = None
    checks_sha256: str | None = None
    environment_sha256: str | None = None
    run_sha256: str | None = None
    check_sha256: dict[str, str] = field(default_factory=dict)
    marked_sha256: str | None = None
    kept: tuple[str, ...] = ()
    cells: tuple[CellTiming, ...] = ()
    warnings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.status not in ("graded", "failed"):
            raise ValueError(f"status is 'graded' or 'failed'. Received: {self.status!r}")
        if (self.status == "failed") != (self.score is None):
            raise ValueError(
                "a graded submission has a score, a failed one has none. "
                f"Received: status={self.status!r}, score={self.score!r}"
            )
        if (self.status == "failed") != bool(self.reason):
            raise ValueError(
                "a failed submission has a reason, a graded one has none. "
                f"Received: status={self.status!r}, reason={self.reason!r}"
            )

    @classmethod
    def failed(cls, student: str, assignment: str, reason: str, **rest: Any) -> Self:
        """A submission that could not be graded, a missing one included."""
        return cls(student, assignment, "failed", reason=reason, **rest)

    def to_json(self) -> Json:
        return {
            "schema": SCHEMA,
            "student": self.student,
            "assignment": self.assignment,
            "status": self.status,
            "reason": self.reason,
            "score": self.score,
            "max_score": self.max_score,
            "manual_max": self.manual_max,
            "cached": self.cached,
            "questions": [question.to_json() for question in self.questions],
            "seconds": self.seconds.to_json(),
            "isolation": list(self.isolation),
            "limits": self.limits,
            "seed": self.seed,
            "notebook_sha256": self.notebook_sha256,
            "checks_sha256": self.checks_sha256,
            "environment_sha256": self.environment_sha256,
            "run_sha256": self.run_sha256,
            "check_sha256": self.check_sha256,
            "marked_sha256": self.marked_sha256,
            "kept": list(self.kept),
            "cells": [cell.to_json() for cell in self.cells],
            "warnings": list(self.warnings),
        }

    @classmethod
    def from_json(cls, data: object, where: str = "receipt") -> Self:
        """Read what `to_json` wrote.

        Raises: ReceiptError for another schema, a key that is missing, unknown or of the wrong type.
        """
        if isinstance(data, dict) and data.get("schema") != SCHEMA:
            raise ReceiptError(f"{where}: schema {data.get('schema')!r}, expected {SCHEMA}. Grade it again.")
        values = fields.take(data, where, _SUBMISSION_KINDS)
        del values["schema"]
        values["seconds"] = Seconds.from_json(values["seconds"], f"{where}.seconds")
        values["questions"] = tuple(
            QuestionResult.from_json(question, f"{where}.questions[{i}]")
            for i, question in enumerate(values["questions"])
        )
        values["cells"] = tuple(
            CellTiming.from_json(cell, f"{where}.cells[{i}]") for i, cell in enumerate(values["cells"])
        )
        try:
            return cls(**values)
        except ValueError as error:
            raise ReceiptError(f"{where}: {error}") from error


_SUBMISSION_KINDS = {
    "schema": fields.integer,
    "student": fields.text,
    "assignment": fields.text,
    "status": fields.text,
    "reason": fields.optional(fields.text),
    "score": fields.optional(fields.number),
    "max_score": fields.number,
    "manual_max": fields.number,
    "cached": fields.boolean,
    "questions": fields.items,
    "seconds": fields.mapping,
    "isolation": fields.texts,
    "limits": fields.mapping,
    "seed": fields.optional(fields.integer),
    "notebook_sha256": fields.optional(fields.text),
    "checks_sha256": fields.optional(fields.text),
    "environment_sha256": fields.optional(fields.text),
    "run_sha256": fields.optional(fields.text),
    "check_sha256": fields.mapping,
    "marked_sha256": fields.optional(fields.text),
    "kept": fields.texts,
    "cells": fields.items,
    "warnings": fields.texts,
}


@dataclass(frozen=True)
class BatchResult:
    """What `autograder grade` did: every submission that was asked for, in the order of the names."""

    assignment: str
    wall_seconds: float
    submissions: tuple[SubmissionResult, ...]

    @property
    def isolation(self) -> tuple[str, ...]:
        """The layers that held for every submission that ran."""
        ran = [result.isolation for result in self.submissions if result.isolation]
        return reduce(lambda held, more: tuple(x for x in held if x in more), ran) if ran else ()

    @property
    def failures(self) -> tuple[SubmissionResult, ...]:
        return tuple(result for result in self.submissions if result.status == "failed")

    @property
    def exit_status(self) -> int:
        """0 if every submission has a mark, 1 if some could not be graded."""
        return 1 if self.failures else 0

    def to_json(self) -> Json:
        return {
            "assignment": self.assignment,
            "wall_seconds": round(self.wall_seconds, 3),
            "isolation": list(self.isolation),
            "submissions": [result.to_json() for result in self.submissions],
        }


def write_receipt(path: Path | str, result: SubmissionResult) -> Path:
    """Write `report.json` in one step. Raises: ValueError if a number is not finite."""
    return write_atomically(path, json.dumps(result.to_json(), indent=1, allow_nan=False) + "\n")


def read_receipt(path: Path | str) -> SubmissionResult:
    """Read a `report.json`.

    Raises: ReceiptError if it is not one; FileNotFoundError if there is none.
    """
    path = Path(path)
    try:
        data = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise ReceiptError(f"{path}: not JSON ({error}). Grade it again.") from error
    return SubmissionResult.from_json(data, str(path))


def _check_to_json(check: CheckResult) -> Json:
    return {
        "id": check.id,
        "points": check.points,
        "outcome": check.outcome,
        "message": check.message,
        "seconds": round(check.seconds, 4),
        "public": check.public,
    }


def _check_from_json(data: object, question: str, where: str) -> CheckResult:
    kinds = {
        "id": fields.text,
        "points": fields.number,
        "outcome": fields.one_of("passed", "failed", "error", "timeout"),
        "message": fields.text,
        "seconds": fields.number,
        "public": fields.boolean,
    }
    return CheckResult(question=question, **fields.take(data, where, kinds))
