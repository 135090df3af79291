"""The queue on both databases: each job done, by one worker at a time, and kept once."""

import dataclasses
import threading
from datetime import timedelta

import pytest
from served import Served, listed, notebook_bytes
from sqlalchemy import select

from autograder.report.receipt import SubmissionResult
from autograder.service import marks, queue
from autograder.service.schema import Job, Mark, Submission
from autograder.service.stores import utc_now

pytestmark = pytest.mark.timeout(120)


class Clock:
    def __init__(self):
        self.ahead = timedelta()

    def __call__(self):
        return utc_now() + self.ahead


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def timed(any_stores, clock):
    return dataclasses.replace(any_stores, now=clock)


@pytest.fixture
def service(hub, timed, root):
    with Served(hub, timed, root) as running:
        assert running.release(hub.ida).status_code == 200
        yield running


def course_of(service):
    return service.courses.get("one")


def result(score=3.0, student="ada"):
    return SubmissionResult(student, "ps", "graded", score=score, max_score=3.0)


def test_a_submission_is_queued_with_its_receipt_and_knows_its_place(service, hub):
    first, second = service.submit(hub.ada).json(), service.submit(hub.bob).json()
    assert (first["state"], first["position"]) == ("queued", 0)
    assert (second["state"], second["position"]) == ("queued", 1)


def test_one_job_has_one_worker(service, hub, timed):
    service.submit(hub.ada)
    taken = queue.take(timed, "w1", ["one"])
    assert taken.attempts == 1
    assert queue.take(timed, "w2", ["one"]) is None


def test_many_workers_share_the_queue_without_taking_a_job_twice(service, hub, timed):
    students = [hub.add(f"s{number}", "nbgrader-one") for number in range(12)]
    for token in students:
        service.submit(token)
    taken, lock = [], threading.Lock()

    def work(name):
        while job := queue.take(timed, name, ["one"]):
            with lock:
                taken.append(job.id)

    threads = [threading.Thread(target=work, args=(f"w{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(taken) == len(set(taken)) == 12


def test_jobs_of_other_courses_are_left_alone(service, hub, timed):
    service.submit(hub.ada)
    assert queue.take(timed, "w1", ["two"]) is None


def test_the_job_of_a_dead_worker_is_taken_over_and_its_late_answer_is_not_kept(service, hub, timed, clock):
    service.submit(hub.ada)
    dead = queue.take(timed, "dead", ["one"])
    clock.ahead += queue.LEASE * 1.1
    other = queue.take(timed, "other", ["one"])
    assert (other.id, other.attempts) == (dead.id, 2)
    marks.finish_grading(timed, course_of(service), other, result(3.0), "other")
    with pytest.raises(queue.LeaseLost):
        marks.finish_grading(timed, course_of(service), dead, result(0.0), "dead")
    with timed.database.read() as session:
        [mark] = session.scalars(select(Mark))
    assert (mark.score, mark.revision) == (3.0, 1)


def test_a_lease_that_is_extended_is_kept(service, hub, timed, clock):
    service.submit(hub.ada)
    job = queue.take(timed, "w1", ["one"])
    for _ in range(3):
        clock.ahead += queue.LEASE * 0.7
        queue.extend(timed, job)
    assert queue.take(timed, "w2", ["one"]) is None


def test_a_job_that_kills_its_workers_waits_for_a_person(service, hub, timed, clock):
    id = service.submit(hub.ada).json()["id"]
    for _ in range(queue.MAX_ATTEMPTS):
        assert queue.take(timed, "w", ["one"])
        clock.ahead += queue.LEASE * 1.1
    assert queue.take(timed, "w", ["one"]) is None
    seen = service.get(f"api/courses/one/submissions/{id}", hub.tina).json()
    assert seen["state"] == "failed"


def test_an_older_submission_gives_way_to_others(service, hub, timed):
    service.submit(hub.ada)
    service.submit(hub.ada)
    service.submit(hub.bob)
    order = []
    while job := queue.take(timed, "w", ["one"]):
        order.append((job.student, job.submission_id))
    assert order == [("ada", 2), ("bob", 3), ("ada", 1)]


def test_one_writer_of_a_gradebook_at_a_time(service, hub, timed):
    for token in (hub.ada, hub.bob):
        service.submit(token)
    jobs = [queue.take(timed, "w1", ["one"]) for _ in range(2)]
    for student, job in zip(("ada", "bob"), jobs, strict=True):
        marks.finish_grading(timed, course_of(service), job, result(student=student), "w1")
    first = queue.take(timed, "w1", ["one"])
    assert first.kind == "record"
    assert queue.take(timed, "w1", ["one"]) is None
    queue.finish(timed, first)
    assert queue.take(timed, "w1", ["one"]).kind == "record"


def test_the_worker_that_graded_records_first_and_others_in_its_stead(service, hub, timed, clock):
    service.submit(hub.ada)
    job = queue.take(timed, "w1", ["one"])
    marks.finish_grading(timed, course_of(service), job, result(), "w1")
    assert queue.take(timed, "w2", ["one"]) is None
    clock.ahead += queue.RESERVED * 1.1
    assert queue.take(timed, "w2", ["one"]).kind == "record"


def test_submissions_stay_immutable_in_this_database(service, hub, timed):
    import sqlalchemy.exc
    from sqlalchemy import text

    service.submit(hub.ada)
    for sql in ("UPDATE submissions SET student = 'bob'", "DELETE FROM submission_files"):
        with (
            pytest.raises(sqlalchemy.exc.DBAPIError, match="never changed"),
            timed.database.write() as session,
        ):
            session.execute(text(sql))


def test_many_hand_in_at_once_and_the_chain_has_no_gap(service, hub, timed):
    from autograder.service.receipts import broken_links
    from autograder.service.schema import Course

    tokens = [hub.add(f"s{number}", "nbgrader-one") for number in range(10)]
    content = notebook_bytes()
    answers = []

    def hand_in(token):
        service.send(token, content)
        for _ in range(2):
            answers.append(service.submit_listed(token, listed({"ps.ipynb": content})).status_code)

    threads = [threading.Thread(target=hand_in, args=(token,)) for token in tokens]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [201] * 20
    with timed.database.read() as session:
        submissions = list(session.scalars(select(Submission).order_by(Submission.id)))
        assert len(submissions) == 20
        assert broken_links(timed.secret, submissions, session.get(Course, "one").head) == []
        assert len(list(session.scalars(select(Job)))) == 20
