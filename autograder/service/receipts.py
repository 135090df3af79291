"""Receipts: a chain of hashes over all that a course took in, each link signed.

A receipt's hash covers the one before it, so nothing can be changed, left out, put in or moved in time
without all later receipts becoming other ones, of which students hold copies. The signature shows that a
receipt is ours even where the database was lost.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from autograder.service.schema import Submission

__all__ = ["Receipt", "broken_links", "issue", "receipt_of", "short", "signed_by"]


@dataclass(frozen=True)
class Receipt:
    """What a student gets. `time` is the server's, `id` covers all other fields but the signature."""

    course: str
    assignment: str
    student: str
    number: int
    time: datetime
    manifest_sha256: str
    previous: str
    id: str
    signature: str


def issue(secret: bytes, course: str, assignment: str, student: str, number: int, time: datetime,
          manifest_sha256: str, previous: str) -> Receipt:  # fmt: skip
    """The receipt that follows `previous` in the course's chain."""
    id = _hash(course, assignment, student, number, time, manifest_sha256, previous)
    signature = hmac.digest(secret, id.encode(), "sha256").hex()
    return Receipt(course, assignment, student, number, time, manifest_sha256, previous, id, signature)


def signed_by(secret: bytes, receipt: Receipt) -> bool:
    """Whether the receipt is one that `issue` made with this secret, unchanged."""
    id = _hash(receipt.course, receipt.assignment, receipt.student, receipt.number, receipt.time,
               receipt.manifest_sha256, receipt.previous)  # fmt: skip
    expected = hmac.digest(secret, id.encode(), "sha256").hex()
    return id == receipt.id and hmac.compare_digest(expected, receipt.signature)


def receipt_of(submission: Submission) -> Receipt:
    return Receipt(
        course=submission.assignment.course_id,
        assignment=submission.assignment.name,
        student=submission.student,
        number=submission.number,
        time=submission.time,
        manifest_sha256=submission.manifest_sha256,
        previous=submission.previous,
        id=submission.receipt,
        signature=submission.signature,
    )


def broken_links(secret: bytes, submissions: Iterable[Submission], head: str) -> list[str]:
    """What is wrong with a course's chain, given its submissions in the order they came; nothing if sound."""
    problems, previous = [], ""
    for submission in submissions:
        receipt = receipt_of(submission)
        if receipt.previous != previous:
            problems.append(f"{short(receipt.id)}: does not follow {short(previous) or 'the beginning'}")
        if not signed_by(secret, receipt):
            problems.append(f"{short(receipt.id)}: is not what was signed")
        previous = receipt.id
    if previous != head:
        problems.append(f"the newest receipt is {short(previous) or 'none'}, and should be {short(head)}")
    return problems


def short(id: str) -> str:
    """For people: `3F2A-91C0-77DE`."""
    return "-".join(id[start : start + 4].upper() for start in range(0, 12, 4)) if id else ""


def _hash(course: str, assignment: str, student: str, number: int, time: datetime, manifest_sha256: str,
          previous: str) -> str:  # fmt: skip
    said = [course, assignment, student, number, time.isoformat(), manifest_sha256, previous]
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()
