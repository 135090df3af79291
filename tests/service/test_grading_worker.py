"""Grading on arrival: from the queue through the sandbox into the gradebook, and what students see of it."""

from datetime import UTC, datetime, timedelta

import pytest
from nbgrader.api import Gradebook
from served import HALF, RIGHT, WRONG, Served, make_course, notebook_bytes

from autograder.service.courses import Courses
from autograder.service.schema import Job
from autograder.service.worker.engine import Engine
from autograder.service.worker.loop import Worker

pytestmark = [
    pytest.mark.timeout(300),
    pytest.mark.filterwarnings("ignore:unclosed database:ResourceWarning"),  # of nbgrader's Gradebook
    # the launcher that programs share outlives the one that started it:
    pytest.mark.filterwarnings("ignore:subprocess \\d+ is still running:ResourceWarning"),
]


@pytest.fixture(scope="module")
def engine():
    """Kernels without TensorFlow, which these notebooks do not use."""
    engine = Engine(preload=())
    yield engine
    engine.close()


@pytest.fixture
def course(hub, stores, engine, tmp_path):
    """A served course that was released, and a worker; options are its autograder.toml and its due date."""
    running = []

    def start(toml: str = "", due: str | None = None):
        root = make_course(tmp_path / "one", toml=toml)
        served = Served(hub, stores, root)
        running.append(served)
        served.__enter__()
        assert served.release(hub.ida, due=due).status_code == 200
        served.worker = Worker(stores, Courses([root]), engine)
        served.root = root
        return served

    yield start
    for served in running:
        served.__exit__()


def work(served):
    """Let the worker do all there is."""
    kinds = []
    while served.worker.step():
        kinds.append(1)
    return len(kinds)


def hand_in(served, token, answer=RIGHT):
    answer = served.submit(token, {"ps.ipynb": notebook_bytes(answer)})
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


def seen(served, token, id):
    return served.get(f"api/courses/one/submissions/{id}", token).json()


def in_gradebook(served, student="ada"):
    with Gradebook(f"sqlite:///{served.root}/gradebook.db") as gradebook:
        return gradebook.find_submission("ps", student).score


def failed_jobs(served):
    with served.stores.database.read() as session:
        return [(job.kind, job.error) for job in session.query(Job) if job.state == "failed"]


def test_a_submission_is_graded_reported_and_in_the_gradebook(course, hub):
    served = course()
    id = hand_in(served, hub.ada, HALF)
    assert seen(served, hub.ada, id)["report"] is None
    assert work(served) == 2
    assert not failed_jobs(served)
    report = seen(served, hub.ada, id)
    assert (report["state"], report["counts"]) == ("graded", True)
    assert (report["report"]["score"], report["report"]["max_score"]) == (1.0, 3.0)
    [question] = [each for each in report["report"]["questions"] if each["id"] == "double"]
    outcomes = {check["id"]: (check["outcome"], check["message"]) for check in question["checks"]}
    [(outcome, message)] = [value for name, value in outcomes.items() if "negative" in name]
    assert outcome == "failed"
    assert "negative numbers double too" in message
    assert in_gradebook(served) == 1.0
    assert (served.root / "submitted/ada/ps/ps.ipynb").read_bytes() == notebook_bytes(HALF)
    assert (served.root / "reports/ada").exists() or (served.root / "reports/ps/ada/report.json").exists()


def test_the_last_in_time_counts(course, hub):
    due = datetime.now(UTC) + timedelta(hours=1)
    served = course(due=due.isoformat())
    first, second = hand_in(served, hub.ada, RIGHT), hand_in(served, hub.ada, WRONG)
    work(served)
    assert (seen(served, hub.ada, first)["counts"], seen(served, hub.ada, second)["counts"]) == (False, True)
    assert in_gradebook(served) == 0.0
    moved = (
        datetime.fromisoformat(seen(served, hub.ada, first)["time"]) + timedelta(microseconds=1)
    ).isoformat()
    served.request("PUT", "api/courses/one/assignments/ps/due", hub.ida, json={"due": moved})
    work(served)
    assert not failed_jobs(served)
    assert (seen(served, hub.ada, first)["counts"], seen(served, hub.ada, second)["counts"]) == (True, False)
    assert in_gradebook(served) == 3.0
    with Gradebook(f"sqlite:///{served.root}/gradebook.db") as gradebook:
        assert gradebook.find_assignment("ps").duedate.isoformat() == moved.replace("+00:00", "")


def test_the_best_counts_where_the_course_says_so(course, hub):
    served = course("[service]\nfinal = 'best'\n")
    hand_in(served, hub.ada, RIGHT)
    work(served)
    hand_in(served, hub.ada, WRONG)
    work(served)
    assert in_gradebook(served) == 3.0


def test_what_is_no_notebook_is_kept_for_a_person_and_ends_nothing(course, hub):
    served = course()
    bad = served.submit(hub.ada, {"ps.ipynb": b"{not json"}).json()["id"]
    other = served.submit(hub.bob, {"other.ipynb": notebook_bytes()}).json()["id"]
    good = hand_in(served, hub.add("cy", "nbgrader-one"))
    work(served)
    assert not failed_jobs(served)
    for id, said in ((bad, "JSON"), (other, "ps.ipynb is missing")):
        report = seen(served, hub.tina, id)
        assert (report["state"], report["report"]["score"]) == ("failed", None)
        assert said in report["report"]["reason"]
    assert seen(served, hub.tina, good)["state"] == "graded"
    with Gradebook(f"sqlite:///{served.root}/gradebook.db") as gradebook:
        assert gradebook.find_submission("ps", "ada").needs_manual_grade


def test_hidden_results_are_shown_for_some_submissions_a_day(course, hub):
    served = course("[service]\nhidden_results_per_day = 1\n")
    first, second = hand_in(served, hub.ada, HALF), hand_in(served, hub.ada, HALF)
    work(served)
    assert seen(served, hub.ada, first)["report"]["level"] == "all"
    report = seen(served, hub.ada, second)["report"]
    assert (report["level"], report["score"]) == ("public", None)
    assert "negative" not in str(report)
    assert seen(served, hub.tina, second)["report"]["score"] == 1.0


def test_only_points_where_the_course_says_so(course, hub):
    served = course("[service]\nhidden_results = 'points'\n")
    id = hand_in(served, hub.ada, HALF)
    work(served)
    report = seen(served, hub.ada, id)["report"]
    assert (report["level"], report["score"]) == ("points", 1.0)
    assert "negative" not in str(report)
    [question] = [each for each in report["questions"] if each["id"] == "double"]
    assert question["withheld"] == 1


def test_nothing_of_the_hidden_ones_until_the_deadline(course, hub):
    due = datetime.now(UTC) + timedelta(hours=1)
    served = course("[service]\nhidden_results = 'deadline'\n", due=due.isoformat())
    id = hand_in(served, hub.ada, HALF)
    work(served)
    assert seen(served, hub.ada, id)["report"]["score"] is None
    past = (datetime.now(UTC) - timedelta(seconds=1)).isoformat()
    served.request("PUT", "api/courses/one/assignments/ps/due", hub.ida, json={"due": past})
    assert seen(served, hub.ada, id)["report"]["score"] == 1.0


def test_a_worker_that_died_after_the_mark_leaves_the_gradebook_to_another(course, hub, engine, stores):
    """The mark is in the database, and its writer is gone: another grades again from the store and records."""
    served = course()
    hand_in(served, hub.ada, HALF)
    served.worker.step()
    with stores.database.write() as session:
        for job in session.query(Job).filter_by(kind="record"):
            job.reserved_until = None
            job.reserved_for = None
    other = Worker(stores, Courses([served.root]), engine)
    while other.step():
        pass
    assert in_gradebook(served) == 1.0


def test_regrading_is_previewed_and_then_applied(course, hub):
    served = course()
    id = hand_in(served, hub.ada, HALF)
    work(served)
    checks = served.root / "checks" / "ps.py"
    checks.write_text(
        checks.read_text().replace("points=2", "points=1").replace("points=1, public", "points=2, public")
    )
    regrade = "api/courses/one/assignments/ps/regrade"
    assert served.request("POST", regrade, hub.tina).status_code == 403
    assert served.request("POST", regrade, hub.ida).status_code == 202
    work(served)
    assert not failed_jobs(served)
    [preview] = [
        job for job in served.get("api/courses/one/jobs", hub.tina).json() if job["kind"] == "regrade"
    ]
    [move] = preview["result"]["moves"]
    assert (move["before"]["score"], move["after"]["score"]) == (1.0, 2.0)
    assert seen(served, hub.tina, id)["report"]["score"] == 1.0
    assert in_gradebook(served) == 1.0
    served.request("POST", f"{regrade}?apply=true", hub.ida)
    work(served)
    assert not failed_jobs(served)
    assert seen(served, hub.tina, id)["report"]["score"] == 2.0
    assert in_gradebook(served) == 2.0


def test_feedback_is_made_and_released_to_each(course, hub):
    served = course()
    id = hand_in(served, hub.ada, HALF)
    work(served)
    with Gradebook(f"sqlite:///{served.root}/gradebook.db") as gradebook:
        grade = gradebook.find_grade("why", "ps", "ps", "ada")
        grade.manual_score = 4.0
        gradebook.db.commit()
    assert served.request("POST", "api/courses/one/assignments/ps/feedback", hub.ida).status_code == 202
    work(served)
    assert not failed_jobs(served)
    feedback = seen(served, hub.ada, id)["feedback"]
    assert (feedback["score"], feedback["max_score"]) == (5.0, 7.0)
    page = served.get(f"api/courses/one/submissions/{id}/feedback/ps.html", hub.ada)
    assert b"negative numbers double too" in page.content
    assert "sandbox" in page.headers["Content-Security-Policy"]
