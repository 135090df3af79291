"""What goes over the wire, in and out, as pydantic models: the OpenAPI description comes from here."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import Path
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from autograder.exchange.manifest import File
from autograder.service.disclosure import ShownReport
from autograder.service.receipts import Receipt
from autograder.service.schema import Feedback

CourseId = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}$", description="The course's id")]
AssignmentName = Annotated[
    str, Path(pattern=r"^[A-Za-z0-9_-][A-Za-z0-9 ._-]{0,99}$", description="The assignment's name")
]
SubmissionId = Annotated[int, Path(ge=1, le=2**31 - 1)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
MAX_FILES = 5000


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class FileModel(Strict):
    """One file of a folder; its content is sent to, or comes from, its hash or path."""

    path: Annotated[str, Field(min_length=1, max_length=500)]
    sha256: Sha256
    size: Annotated[int, Field(ge=0, le=2**40, strict=True)]

    def file(self) -> File:
        return File(self.path, self.sha256, self.size)

    @classmethod
    def of(cls, row: Any) -> FileModel:
        return cls(path=row.path, sha256=row.sha256, size=row.size)


Files = Annotated[list[FileModel], Field(min_length=1, max_length=MAX_FILES)]


class SubmitRequest(Strict):
    """`key` is the client's own for this act: sent again, it gives the same receipt."""

    key: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{8,64}$")]
    files: Files


class ReleaseRequest(Strict):
    """`due` with its offset from UTC, or null for none."""

    files: Files
    due: AwareDatetime | None = None
    force: bool = False


class FeedbackRequest(Strict):
    """Feedback pages (.html) for the student; the mark is the gradebook's, a person's points included."""

    files: Files
    score: Annotated[float, Field(allow_inf_nan=False)] | None = None
    max_score: Annotated[float, Field(allow_inf_nan=False)] | None = None


class DueRequest(Strict):
    due: AwareDatetime | None


class ReceiptModel(BaseModel):
    """`id` covers all fields before it, and `previous` the receipt before; `signature` is the service's."""

    course: str
    assignment: str
    student: str
    number: int
    time: datetime
    manifest_sha256: str
    previous: str
    id: str
    signature: str

    @classmethod
    def of(cls, receipt: Receipt) -> ReceiptModel:
        return cls(**vars(receipt))


class CheckModel(BaseModel):
    id: str
    points: float
    outcome: str
    message: str
    public: bool


class QuestionModel(BaseModel):
    """`withheld`: so many checks are not shown, or not yet."""

    id: str
    score: float | None
    max_score: float
    manual: bool
    checks: list[CheckModel]
    withheld: int


class ReportModel(BaseModel):
    status: Literal["graded", "failed"]
    level: Literal["public", "points", "all"]
    why: str
    reason: str | None
    score: float | None
    max_score: float
    manual_max: float
    questions: list[QuestionModel]
    warnings: list[str]

    @classmethod
    def of(cls, report: ShownReport) -> ReportModel:
        return cls.model_validate(report, from_attributes=True)


class FeedbackModel(BaseModel):
    time: datetime
    score: float | None
    max_score: float | None
    files: list[FileModel]

    @classmethod
    def of(cls, feedback: Feedback) -> FeedbackModel:
        return cls(
            time=feedback.time,
            score=feedback.score,
            max_score=feedback.max_score,
            files=[FileModel.of(file) for file in feedback.files],
        )


class SubmissionModel(BaseModel):
    """`position`: how many jobs are before this one in the queue. `counts`: None where that is not shown."""

    id: int
    course: str
    assignment: str
    student: str
    number: int
    time: datetime
    late: bool
    size: int
    state: Literal["queued", "grading", "graded", "failed"]
    position: int | None
    counts: bool | None
    receipt: ReceiptModel
    files: list[FileModel]
    report: ReportModel | None
    feedback: FeedbackModel | None


class AssignmentModel(BaseModel):
    course: str
    name: str
    released: bool
    due: datetime | None
    notebooks: list[str]
    submissions: int


class ReleaseModel(BaseModel):
    course: str
    assignment: str
    time: datetime
    due: datetime | None
    files: list[FileModel]


class LimitsModel(BaseModel):
    """What is taken in."""

    max_file_bytes: int
    max_submission_bytes: int
    max_files: int
    file_types: list[str]


class CourseModel(BaseModel):
    id: str
    role: Literal["student", "grader", "instructor"]
    limits: LimitsModel


class JobModel(BaseModel):
    id: int
    kind: str
    assignment: str
    state: str
    done: int
    total: int
    error: str | None
    result: dict[str, Any] | None


class BlobModel(BaseModel):
    sha256: str
    size: int


class Problem(BaseModel):
    """`detail` says what is wrong and what to do. `missing`: hashes that are still to be sent."""

    detail: str
    missing: list[str] | None = None
    errors: list[dict[str, Any]] | None = None


class Health(BaseModel):
    status: Literal["ok", "failing"]
    problems: list[str]
    version: str
