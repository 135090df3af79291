"""Killed with -9 at any moment, the service loses nothing that it gave a receipt for."""

import hashlib
import random
import threading
import time
import uuid

import pytest
import requests
from processes import Program
from served import listed, notebook_bytes
from sqlalchemy import select

from autograder.service.blobs import Blobs
from autograder.service.database import Database
from autograder.service.receipts import broken_links
from autograder.service.schema import Course, Job, Submission

pytestmark = [pytest.mark.timeout(580), pytest.mark.slow]
STUDENTS, KILLS = 6, 4


def retried(send, until):
    """The answer of a request that is sent again while nobody answers."""
    while not until.is_set():
        try:
            answer = send()
            if answer.status_code < 500:
                return answer
        except requests.RequestException:
            time.sleep(0.02)
    return None


def test_killed_again_and_again_it_keeps_what_it_receipted(hub, root, tmp_path):
    program = Program(hub, root, tmp_path / "service")
    tokens = [hub.add(f"s{number}", "nbgrader-one") for number in range(STUDENTS)]
    receipts, lock, over = [], threading.Lock(), threading.Event()

    def api(token, method, path, **arguments):
        headers = {"Authorization": f"token {token}"}
        return requests.request(
            method, f"{program.url}api/courses/one/{path}", headers=headers, timeout=10, **arguments
        )

    def hand_in_for_ever(number, token):
        turn = 0
        while not over.is_set():
            turn += 1
            content = notebook_bytes(f"# {number} {turn} " + "x" * 20_000)
            sha256 = hashlib.sha256(content).hexdigest()
            body = {"key": uuid.uuid4().hex, "files": listed({"ps.ipynb": content})}
            retried(lambda s=sha256, c=content: api(token, "PUT", f"blobs/{s}", data=c), over)
            answer = retried(lambda b=body: api(token, "POST", "assignments/ps/submissions", json=b), over)
            if answer is not None and answer.ok:
                with lock:
                    receipts.append((answer.json()["receipt"]["id"], content))

    program.start()
    content = notebook_bytes()
    sha256 = hashlib.sha256(content).hexdigest()
    assert api(hub.ida, "PUT", f"blobs/{sha256}", data=content).ok
    assert api(hub.ida, "PUT", "assignments/ps/release", json={"files": listed({"ps.ipynb": content})}).ok
    threads = [threading.Thread(target=hand_in_for_ever, args=pair) for pair in enumerate(tokens)]
    for thread in threads:
        thread.start()
    chance = random.Random(7)
    for _ in range(KILLS):
        before = len(receipts)
        while len(receipts) < before + 10:
            time.sleep(0.01)
        time.sleep(chance.uniform(0, 0.2))
        program.kill()
        program.start()
    over.set()
    for thread in threads:
        thread.join()
    program.kill()

    database = Database(f"sqlite:///{tmp_path / 'service' / 'service.db'}")
    blobs = Blobs(f"file://{tmp_path / 'service' / 'blobs'}")
    assert len(receipts) >= 10 * KILLS
    with database.read() as session:
        kept = {each.receipt: each for each in session.scalars(select(Submission))}
        queued = set(session.scalars(select(Job.submission_id).where(Job.kind == "grade")))
        for receipt, content in receipts:
            submission = kept[receipt]
            assert blobs.read(submission.files[0].sha256) == content
            assert submission.id in queued
        in_order = list(session.scalars(select(Submission).order_by(Submission.id)))
        secret = hashlib.sha256(b"a secret of this test alone").digest()
        assert broken_links(secret, in_order, session.get(Course, "one").head) == []
        assert len({(each.student, each.key) for each in in_order}) == len(in_order)
    database.close()
