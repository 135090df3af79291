"""The API for graders and instructors: release, give feedback, regrade, watch the queue."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from autograder.service import feedback, marks, queue, releases
from autograder.service.access import Grader, Instructor, Membership, desk_of, problems
from autograder.service.events import note
from autograder.service.models import (
    AssignmentName,
    DueRequest,
    FeedbackModel,
    FeedbackRequest,
    FileModel,
    JobModel,
    ReceiptModel,
    ReleaseModel,
    ReleaseRequest,
    SubmissionId,
)
from autograder.service.overview import find_submission, jobs_of
from autograder.service.receipts import signed_by
from autograder.service.schema import Job

__all__ = ["router", "start_job"]

router = APIRouter(prefix="/api", tags=["staff"])


@router.put("/courses/{course}/assignments/{assignment}/release", responses=problems(409, 413))
def put_release(
    request: Request, member: Instructor, assignment: AssignmentName, body: ReleaseRequest
) -> ReleaseModel:
    """Release an assignment, of files that were sent before."""
    files = [file.file() for file in body.files]
    made = releases.release(
        desk_of(request).stores, member.course.id, assignment, member.person.name, files,
        due=body.due, force=body.force,
    )  # fmt: skip
    return ReleaseModel(
        course=member.course.id,
        assignment=assignment,
        time=made.time,
        due=body.due,
        files=[FileModel.of(file) for file in made.files],
    )


@router.delete("/courses/{course}/assignments/{assignment}/release", status_code=204, responses=problems())
def delete_release(request: Request, member: Instructor, assignment: AssignmentName) -> Response:
    """Take a release back. What was handed in stays."""
    releases.withdraw(desk_of(request).stores, member.course.id, assignment, member.person.name)
    return Response(status_code=204)


@router.put("/courses/{course}/assignments/{assignment}/due", status_code=204, responses=problems())
def put_due(request: Request, member: Instructor, assignment: AssignmentName, body: DueRequest) -> Response:
    """Move the due date. Who is late, and which submission counts, follows."""
    marks.move_due(desk_of(request).stores, member.course, assignment, member.person.name, body.due)
    return Response(status_code=204)


@router.put("/courses/{course}/submissions/{submission}/feedback", responses=problems(409, 413))
def put_feedback(
    request: Request, member: Instructor, submission: SubmissionId, body: FeedbackRequest
) -> FeedbackModel:
    """Release feedback pages to the student of a submission, in place of those that they have."""
    stores = desk_of(request).stores
    with stores.database.read() as session:
        found = find_submission(session, member.course.id, submission)
    files = [file.file() for file in body.files]
    given = feedback.give(
        stores, found, member.person.name, files, score=body.score, max_score=body.max_score
    )
    return FeedbackModel.of(given)


@router.post("/courses/{course}/assignments/{assignment}/regrade", status_code=202, responses=problems())
def post_regrade(
    request: Request, member: Instructor, assignment: AssignmentName, apply: bool = False
) -> JobModel:
    """Grade the class again; without `apply` only to see whose mark would move."""
    return start_job(request, member, assignment, "apply" if apply else "regrade")


@router.post("/courses/{course}/assignments/{assignment}/feedback", status_code=202, responses=problems())
def post_feedback(request: Request, member: Instructor, assignment: AssignmentName) -> JobModel:
    """Make the feedback pages of the class and release them."""
    return start_job(request, member, assignment, "feedback")


@router.get("/courses/{course}/jobs", responses=problems())
def list_jobs(request: Request, member: Grader) -> list[JobModel]:
    """What workers do, have done and will do, the newest first."""
    with desk_of(request).stores.database.read() as session:
        return [_job(job) for job in jobs_of(session, member.course.id)]


@router.post("/courses/{course}/receipts/check", responses=problems())
def check_receipt(request: Request, member: Grader, body: ReceiptModel) -> dict[str, bool]:
    """Whether a receipt that somebody shows is this service's, unchanged."""
    from autograder.service.receipts import Receipt

    sound = signed_by(desk_of(request).stores.secret, Receipt(**body.model_dump()))
    return {"genuine": sound and body.course == member.course.id}


def start_job(request: Request, member: Membership, assignment: str, kind: str) -> JobModel:
    """Queue a job of the staff, and note it."""
    stores = desk_of(request).stores
    with stores.database.write() as session:
        row = releases.find_assignment(session, member.course.id, assignment)
        job = queue.add_staff_job(session, kind, row, member.person.name, stores.now())
        asked = {
            "regrade": "a preview of regrading",
            "apply": "to regrade",
            "feedback": "to release feedback of",
        }
        note(session, stores, member.course.id, member.person.name, f"asked for {asked[kind]} {assignment}")
        return _job(job)


def _job(job: Job) -> JobModel:
    return JobModel(
        id=job.id,
        kind=job.kind,
        assignment=job.assignment.name,
        state=job.state,
        done=job.done,
        total=job.total,
        error=job.error,
        result=job.result,
    )
