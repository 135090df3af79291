"""Feedback pages: kept like submissions, seen by the student whose work they are about, and by staff."""

from __future__ import annotations

from collections.abc import Sequence

from autograder.exchange.manifest import File, manifest_problem
from autograder.service.events import note
from autograder.service.refusals import Invalid
from autograder.service.schema import Feedback, FeedbackFile, Submission
from autograder.service.stores import Stores
from autograder.service.uploads import check_sent, lock_blobs

__all__ = ["give"]


def give(
    stores: Stores,
    submission: Submission,
    by: str,
    files: Sequence[File],
    *,
    score: float | None,
    max_score: float | None,
) -> Feedback:
    """Release pages to a student, in place of those that they had.

    Args:
        score, max_score: as the gradebook has them, a person's points and penalties included.
    """
    if why := manifest_problem(files):
        raise Invalid(why)
    if strange := [file.path for file in files if not file.path.endswith(".html") or "/" in file.path]:
        raise Invalid(f"feedback is made of pages, called NAME.html: {strange[0]!r}")
    course = submission.assignment.course_id
    with lock_blobs(stores) as session:
        check_sent(session, course, by, files)
        if old := session.get(Feedback, submission.id):
            session.delete(old)
            session.flush()
        given = Feedback(
            submission_id=submission.id,
            time=stores.now(),
            by=by,
            score=score,
            max_score=max_score,
            files=[FeedbackFile(path=file.path, sha256=file.sha256, size=file.size) for file in files],
        )
        session.add(given)
        who = f"{submission.student}, {submission.assignment.name}, submission {submission.number}"
        note(session, stores, course, by, f"released feedback to {who}")
    return given
