"""Pages for a student: their courses, submissions, receipts and reports; staff read reports here too."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response
from sqlalchemy.orm import Session

from autograder.service import disclosure
from autograder.service.access import desk_of
from autograder.service.api import FilePath, named, own_submission, sent_as
from autograder.service.identity import role_in
from autograder.service.login import Guest, MemberPage, Page
from autograder.service.marks import counted, submissions_of
from autograder.service.models import AssignmentName, ReceiptModel, SubmissionId
from autograder.service.overview import Whereabouts, whereabouts
from autograder.service.receipts import receipt_of, short
from autograder.service.releases import assignments_of, find_assignment
from autograder.service.schema import Assignment, Submission
from autograder.service.staff_pages import assignment_for_staff, course_for_staff
from autograder.service.templating import page, static

__all__ = ["router"]

SOON_S, LATER_S = 2, 20
router = APIRouter(include_in_schema=False)
# A feedback page is nbgrader's HTML around what a student's code put out: it may show, and do nothing.
FEEDBACK_CSP = "sandbox; default-src 'none'; img-src data:; style-src 'unsafe-inline'; font-src data:"


@router.get("/static/{name}")
def get_static(name: str) -> Response:
    kinds = {"style.css": "text/css", "live.js": "text/javascript"}
    if name not in kinds:
        return Response(status_code=404)
    return Response(static(name), media_type=kinds[name], headers={"Cache-Control": "max-age=300"})


@router.get("/")
def courses_page(request: Request, visitor: Guest) -> Response:
    """Where somebody is a member; straight to the course if it is one."""
    ranks = [(course, role_in(visitor.person, course)) for course in desk_of(request).courses.all()]
    found = [(course, role.name.lower()) for course, role in ranks if role]
    if len(found) == 1:
        return RedirectResponse(f"{request.app.state.base}/courses/{found[0][0].id}", status_code=303)
    return page(request, "courses.html", every=0, person=visitor.person, role=None, courses=found)


@router.get("/courses/{course}")
async def course_page(request: Request, visitor: MemberPage) -> Response:
    if visitor.is_staff:
        return await course_for_staff(request, visitor)
    return _course_for_student(request, visitor)


@router.get("/courses/{course}/assignments/{assignment}")
async def assignment_page(request: Request, visitor: MemberPage, assignment: AssignmentName) -> Response:
    if visitor.is_staff:
        return await assignment_for_staff(request, visitor, assignment)
    return _assignment_for_student(request, visitor, assignment)


@router.get("/courses/{course}/submissions/{submission}")
def report_page(request: Request, visitor: MemberPage, submission: SubmissionId) -> Response:
    stores = desk_of(request).stores
    with stores.database.read() as session:
        found = own_submission(session, visitor, submission)
        place = whereabouts(session, [found])[found.id]
        policy = visitor.course.settings.policy_of(found.assignment.name)
        if visitor.is_staff:
            report = disclosure.whole_report(found)
        else:
            report = disclosure.shown_report(found, policy, stores.now())
        return page(
            request,
            "report.html",
            every=SOON_S if place.state in ("queued", "grading") else LATER_S,
            submission=found,
            assignment=found.assignment,
            place=place,
            report=report,
            feedback=found.feedback,
            receipt=receipt_of(found),
            here=f"{request.app.state.base}/courses/{visitor.course.id}/submissions/{found.id}",
            **visitor.shown(),
        )


@router.get("/courses/{course}/submissions/{submission}/receipt.json")
def receipt_file(request: Request, visitor: MemberPage, submission: SubmissionId) -> Response:
    with desk_of(request).stores.database.read() as session:
        receipt = ReceiptModel.of(receipt_of(own_submission(session, visitor, submission)))
    name = f"receipt-{receipt.assignment}-{receipt.number}.json".replace(" ", "_")
    content = json.dumps(receipt.model_dump(mode="json"), indent=1).encode()
    return sent_as(content, "application/json", **{"Content-Disposition": f'attachment; filename="{name}"'})


@router.get("/courses/{course}/submissions/{submission}/files/{path:path}")
def submitted_file(
    request: Request, visitor: MemberPage, submission: SubmissionId, path: FilePath
) -> Response:
    stores = desk_of(request).stores
    with stores.database.read() as session:
        sha256 = named(path, own_submission(session, visitor, submission).files)
    return sent_as(
        stores.blobs.read(sha256), "application/octet-stream", **{"Content-Disposition": "attachment"}
    )


@router.get("/courses/{course}/submissions/{submission}/feedback/{path:path}")
def feedback_page(
    request: Request, visitor: MemberPage, submission: SubmissionId, path: FilePath
) -> Response:
    stores = desk_of(request).stores
    with stores.database.read() as session:
        feedback = own_submission(session, visitor, submission).feedback
        sha256 = named(path, feedback.files if feedback else [])
    policy = {"Content-Security-Policy": FEEDBACK_CSP}
    return sent_as(stores.blobs.read(sha256), "text/html; charset=utf-8", **policy)


@dataclass(frozen=True)
class AssignmentRow:
    """One assignment of a student's course. `score` is what they may see of the one that counts."""

    assignment: Assignment
    count: int
    newest: Submission | None
    place: Whereabouts | None
    has_feedback: bool
    score: float | None
    max_score: float | None


@dataclass(frozen=True)
class SubmissionRow:
    submission: Submission
    place: Whereabouts
    counts: bool
    report: disclosure.ShownReport | None
    pages: list[Any]
    receipt: str


def _course_for_student(request: Request, visitor: Page) -> Response:
    stores = desk_of(request).stores
    with stores.database.read() as session:
        rows = [
            _assignment_row(session, visitor, assignment, stores.now())
            for assignment in assignments_of(session, visitor.course.id)
        ]
        rows = [row for row in rows if row.assignment.release_id or row.count]
        busy = any(row.place and row.place.state in ("queued", "grading") for row in rows)
        return page(
            request,
            "student_course.html",
            every=SOON_S if busy else LATER_S,
            rows=rows,
            now=stores.now(),
            **visitor.shown(),
        )


def _assignment_row(session: Session, visitor: Page, assignment: Assignment, now: Any) -> AssignmentRow:
    policy = visitor.course.settings.policy_of(assignment.name)
    own = submissions_of(session, assignment, visitor.person.name)
    if not own:
        return AssignmentRow(assignment, 0, None, None, False, None, None)
    # Which of several is the best is for later, when feedback tells.
    released = [one for one in own if one.feedback]
    standing = counted(own, policy) if policy.final == "last" or released else own[-1]
    report = disclosure.shown_report(standing, policy, now) if standing else None
    final = standing.feedback if standing else None
    return AssignmentRow(
        assignment=assignment,
        count=len(own),
        newest=own[-1],
        place=whereabouts(session, own[-1:])[own[-1].id],
        has_feedback=bool(released),
        score=final.score if final and final.score is not None else report.score if report else None,
        max_score=final.max_score
        if final and final.score is not None
        else report.max_score
        if report
        else None,
    )


def _assignment_for_student(request: Request, visitor: Page, name: str) -> Response:
    stores = desk_of(request).stores
    policy = visitor.course.settings.policy_of(name)
    with stores.database.read() as session:
        assignment = find_assignment(session, visitor.course.id, name)
        own = submissions_of(session, assignment, visitor.person.name)
        places = whereabouts(session, own)
        standing = counted(own, policy)
        rows = [
            SubmissionRow(
                submission=one,
                place=places[one.id],
                counts=standing is not None
                and standing.id == one.id
                and (policy.final == "last" or one.feedback is not None),
                report=disclosure.shown_report(one, policy, stores.now()),
                pages=one.feedback.files if one.feedback else [],
                receipt=short(one.receipt),
            )
            for one in reversed(own)
        ]
        busy = any(row.place.state in ("queued", "grading") for row in rows)
        return page(
            request,
            "student_assignment.html",
            every=SOON_S if busy else LATER_S,
            assignment=assignment,
            rows=rows,
            rule=policy.rule,
            now=stores.now(),
            **visitor.shown(),
        )
