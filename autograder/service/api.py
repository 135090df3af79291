"""The API for students' clients: fetch, hand in, see what became of it. Staff may call all of it too."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from autograder.service import disclosure, intake, uploads
from autograder.service.access import Caller, Member, Membership, desk_of, problems
from autograder.service.identity import role_in
from autograder.service.marks import by_student, counted, submissions_of
from autograder.service.models import (
    AssignmentModel,
    AssignmentName,
    BlobModel,
    CourseModel,
    FeedbackModel,
    FileModel,
    LimitsModel,
    ReceiptModel,
    ReleaseModel,
    ReportModel,
    SubmissionId,
    SubmissionModel,
    SubmitRequest,
)
from autograder.service.overview import Whereabouts, find_submission, whereabouts
from autograder.service.receipts import receipt_of
from autograder.service.refusals import Forbidden, Invalid, NotFound
from autograder.service.releases import assignments_of, current_release, find_assignment
from autograder.service.schema import Submission
from autograder.service.settings import CourseSettings

__all__ = ["FilePath", "named", "own_submission", "router", "sent_as"]

router = APIRouter(prefix="/api", tags=["course"])
Student = Annotated[
    str | None, Query(pattern=r"^[^\x00-\x1f\x7f]{1,128}$", description="Of this student only")
]
Sha256Path = Annotated[str, Path(pattern=r"^[0-9a-f]{64}$")]
FilePath = Annotated[str, Path(min_length=1, max_length=500)]
SAFE_TO_OPEN = {"Content-Security-Policy": "sandbox; default-src 'none'", "X-Content-Type-Options": "nosniff"}


@router.get("/courses", responses=problems())
def list_courses(request: Request, person: Caller) -> list[CourseModel]:
    """The courses that the caller is in."""
    found = []
    for course in desk_of(request).courses.all():
        if role := role_in(person, course):
            limits = _limits(course.settings)
            found.append(CourseModel(id=course.id, role=role.name.lower(), limits=limits))  # pyright: ignore[reportArgumentType]
    return found


@router.get("/courses/{course}/assignments", responses=problems())
def list_assignments(request: Request, member: Member) -> list[AssignmentModel]:
    """Released assignments, with how often the caller has handed each in; for staff all of both."""
    found = []
    with desk_of(request).stores.database.read() as session:
        for assignment in assignments_of(session, member.course.id):
            if assignment.release_id is None and not member.is_staff:
                continue
            count = select(func.count(Submission.id)).where(Submission.assignment_id == assignment.id)
            if not member.is_staff:
                count = count.where(Submission.student == member.person.name)
            files = current_release(session, assignment).files if assignment.release_id else []
            found.append(
                AssignmentModel(
                    course=member.course.id,
                    name=assignment.name,
                    released=assignment.release_id is not None,
                    due=assignment.due,
                    notebooks=[file.path for file in files if file.path.endswith(".ipynb")],
                    submissions=session.scalar(count) or 0,
                )
            )
    return found


@router.get("/courses/{course}/assignments/{assignment}/release", responses=problems())
def get_release(request: Request, member: Member, assignment: AssignmentName) -> ReleaseModel:
    """What there is to fetch."""
    with desk_of(request).stores.database.read() as session:
        row = find_assignment(session, member.course.id, assignment)
        current = current_release(session, row)
        return ReleaseModel(
            course=member.course.id,
            assignment=assignment,
            time=current.time,
            due=row.due,
            files=[FileModel.of(file) for file in current.files],
        )


@router.get(
    "/courses/{course}/assignments/{assignment}/release/files/{path:path}",
    responses=problems() | {200: {"content": {"application/octet-stream": {}}}},
    response_class=Response,
)
def get_released_file(
    request: Request, member: Member, assignment: AssignmentName, path: FilePath
) -> Response:
    """A file of the release."""
    stores = desk_of(request).stores
    with stores.database.read() as session:
        files = current_release(session, find_assignment(session, member.course.id, assignment)).files
    return sent_as(stores.blobs.read(named(path, files)), "application/octet-stream")


@router.put(
    "/courses/{course}/blobs/{sha256}",
    responses=problems(413, 507) | {201: {"model": BlobModel, "description": "new from the caller"}},
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
        }
    },
)
async def put_blob(request: Request, response: Response, member: Member, sha256: Sha256Path) -> BlobModel:
    """Send the content of a file, before the submission that lists it. Sending it again changes nothing."""
    settings = member.course.settings
    limit = settings.max_file_mb << 20
    if _declared_length(request) > limit:
        raise uploads.TooLarge(f"a file may have {settings.max_file_mb} MB here")
    stores = desk_of(request).stores
    with uploads.Incoming(limit) as incoming:
        async for chunk in request.stream():
            await run_in_threadpool(incoming.write, chunk)
        new = await run_in_threadpool(
            uploads.keep, stores, member.course.id, member.person.name, sha256, incoming,
            settings.student_quota_mb << 20,
        )  # fmt: skip
        response.status_code = 201 if new else 200
        return BlobModel(sha256=sha256, size=incoming.size)


@router.post(
    "/courses/{course}/assignments/{assignment}/submissions",
    responses=problems(409, 410, 413, 429) | {201: {"model": SubmissionModel, "description": "taken in"}},
)
def submit(
    request: Request, response: Response, member: Member, assignment: AssignmentName, body: SubmitRequest
) -> SubmissionModel:
    """Hand in files that were sent before. With the answer comes the receipt: from then on it is kept."""
    if member.person.is_service:
        raise Forbidden("a service hands nothing in: sign in as a person")
    desk = desk_of(request)
    files = [file.file() for file in body.files]
    made, new = intake.submit(desk.stores, member.course, assignment, member.person.name, body.key, files)
    response.status_code = 201 if new else 200
    return _submissions(request, member, assignment, member.person.name, only=made.id)[0]


@router.get("/courses/{course}/assignments/{assignment}/submissions", responses=problems())
def list_submissions(
    request: Request, member: Member, assignment: AssignmentName, student: Student = None
) -> list[SubmissionModel]:
    """The caller's submissions, the oldest first; for staff everyone's, or one student's."""
    if not member.is_staff:
        if student not in (None, member.person.name):
            raise Forbidden("students see their own submissions")
        student = member.person.name
    return _submissions(request, member, assignment, student)


@router.get("/courses/{course}/submissions/{submission}", responses=problems())
def get_submission(request: Request, member: Member, submission: SubmissionId) -> SubmissionModel:
    """One submission: where it is in the queue, or its report as far as the caller may see it."""
    with desk_of(request).stores.database.read() as session:
        found = own_submission(session, member, submission)
        name, student, id = found.assignment.name, found.student, found.id
    return _submissions(request, member, name, student, only=id)[0]


@router.get(
    "/courses/{course}/submissions/{submission}/files/{path:path}",
    responses=problems() | {200: {"content": {"application/octet-stream": {}}}},
    response_class=Response,
)
def get_submitted_file(
    request: Request, member: Member, submission: SubmissionId, path: FilePath
) -> Response:
    """A file as it was handed in."""
    stores = desk_of(request).stores
    with stores.database.read() as session:
        files = own_submission(session, member, submission).files
    return sent_as(stores.blobs.read(named(path, files)), "application/octet-stream")


@router.get(
    "/courses/{course}/submissions/{submission}/feedback/{path:path}",
    responses=problems() | {200: {"content": {"text/html": {}}}},
    response_class=Response,
)
def get_feedback(request: Request, member: Member, submission: SubmissionId, path: FilePath) -> Response:
    """A feedback page that was released to its student."""
    stores = desk_of(request).stores
    with stores.database.read() as session:
        feedback = own_submission(session, member, submission).feedback
        files = feedback.files if feedback else []
    return sent_as(stores.blobs.read(named(path, files)), "application/octet-stream")


def own_submission(session: Session, member: Membership, id: int) -> Submission:
    """The submission, if the member may see it; another's looks as if it did not exist."""
    found = find_submission(session, member.course.id, id)
    if not member.is_staff and found.student != member.person.name:
        raise NotFound(f"the course {member.course.id} has no submission {id}")
    return found


def sent_as(content: bytes, media_type: str, **headers: str) -> Response:
    """A file of somebody's: nothing in it runs in a browser on our pages' behalf."""
    return Response(content, media_type=media_type, headers=SAFE_TO_OPEN | headers)


def _submissions(
    request: Request, member: Membership, assignment: str, student: str | None, only: int | None = None
) -> list[SubmissionModel]:
    stores = desk_of(request).stores
    policy = member.course.settings.policy_of(assignment)
    with stores.database.read() as session:
        row = find_assignment(session, member.course.id, assignment)
        found = submissions_of(session, row, student)
        standing = {name: counted(own, policy) for name, own in by_student(found).items()}
        found = [submission for submission in found if only in (None, submission.id)]
        places = whereabouts(session, found)
        models = []
        for submission in found:
            counts = standing[submission.student]
            shows = member.is_staff or policy.final == "last" or submission.feedback is not None
            report = (
                disclosure.whole_report(submission)
                if member.is_staff
                else disclosure.shown_report(submission, policy, stores.now())
            )
            models.append(
                _model(
                    submission,
                    places[submission.id],
                    report,
                    counts is not None and counts.id == submission.id if shows else None,
                )
            )
    return models


def _model(
    submission: Submission, place: Whereabouts, report: disclosure.ShownReport | None, counts: bool | None
) -> SubmissionModel:
    return SubmissionModel(
        id=submission.id,
        course=submission.assignment.course_id,
        assignment=submission.assignment.name,
        student=submission.student,
        number=submission.number,
        time=submission.time,
        late=submission.late,
        size=submission.size,
        state=place.state,
        position=place.position,
        counts=counts,
        receipt=ReceiptModel.of(receipt_of(submission)),
        files=[FileModel.of(file) for file in submission.files],
        report=ReportModel.of(report) if report else None,
        feedback=FeedbackModel.of(submission.feedback) if submission.feedback else None,
    )


def named(path: str, files: Iterable[Any]) -> str:
    """The hash of the file of that path. Raises: NotFound."""
    for file in files:
        if file.path == path:
            return file.sha256
    raise NotFound(f"there is no file {path!r}")


def _declared_length(request: Request) -> int:
    said = request.headers.get("content-length", "0")
    if not (said.isascii() and said.isdigit()):
        raise Invalid("Content-Length is not a number")
    return int(said)


def _limits(settings: CourseSettings) -> LimitsModel:
    return LimitsModel(
        max_file_bytes=settings.max_file_mb << 20,
        max_submission_bytes=settings.max_submission_mb << 20,
        max_files=settings.max_files,
        file_types=list(settings.file_types),
    )
