"""Pages: signed in through the hub, each sees their own, forms only from our pages, nothing of a student's runs."""

import re

import pytest
import requests
from served import PREFIX, listed, notebook_bytes

from autograder.report.receipt import CheckResult, QuestionResult, SubmissionResult
from autograder.service import marks, queue

pytestmark = pytest.mark.timeout(120)


class Browser:
    """A browser without scripts, signed in as whoever a token belongs to."""

    def __init__(self, served, hub, token):
        self.served, self.session = served, requests.Session()
        hub.signed_in = token
        self.home = self.get("")

    def get(self, path, **arguments):
        return self.session.get(self.served.url + path, timeout=30, **arguments)

    def post(self, path, **arguments):
        return self.session.post(self.served.url + path, timeout=30, allow_redirects=False, **arguments)

    def token_on(self, path):
        return re.search(r'name="form_token" value="([0-9a-f]{64})"', self.get(path).text)[1]


@pytest.fixture
def browse(released, hub):
    return lambda token: Browser(released, hub, token)


def graded(served, hub, token, message="negative numbers double too", files=None):
    """A submission that was graded without a kernel: one public check held, one hidden one did not."""
    answer = served.submit(token, files).json()
    job = queue.take(served.stores, "w", ["one"])
    checks = (
        CheckResult("doubles_small_numbers", "double", 1.0, "passed", "", 0.1, True),
        CheckResult("doubles_negative_numbers", "double", 2.0, "failed", message, 0.1, False),
    )
    question = QuestionResult("double", 1.0, 3.0, checks=checks)
    result = SubmissionResult(
        answer["student"], "ps", "graded", score=1.0, max_score=3.0, manual_max=4.0, questions=(question,)
    )
    marks.finish_grading(served.stores, served.courses.get("one"), job, result, "w")
    queue.finish(served.stores, queue.take(served.stores, "w", ["one"]))
    return answer["id"]


def test_a_browser_is_sent_to_the_hub_and_comes_back_to_where_it_wanted(browse, released, hub):
    browser = browse(hub.ada)
    assert browser.home.url.endswith("/courses/one")
    assert "ps" in browser.home.text
    there = browser.get("courses/one/assignments/ps")
    assert there.status_code == 200
    assert "You have not handed this in yet" in there.text


def test_a_login_that_was_begun_elsewhere_is_refused(released, hub):
    hub.signed_in = hub.ada
    session = requests.Session()
    begun = session.get(released.url, allow_redirects=False)
    assert begun.status_code == 302
    assert "code_challenge=" in begun.headers["Location"]
    answer = session.get(released.url + "oauth_callback?code=x&state=forged")
    assert answer.status_code == 400
    assert requests.get(released.url + "oauth_callback?code=x&state=").status_code == 400


def test_the_cookie_is_out_of_reach_and_holds_for_our_pages_alone(browse, released, hub):
    browser = browse(hub.ada)
    [cookie] = [each for each in browser.session.cookies if each.name == "service-autograder"]
    assert cookie.path == PREFIX.rstrip("/")
    assert cookie.has_nonstandard_attr("HttpOnly")
    assert cookie.get_nonstandard_attr("SameSite") == "lax"
    assert browser.get("api/courses").status_code == 401
    forged = cookie.value[:-1] + ("0" if cookie.value[-1] != "0" else "1")
    answer = requests.get(released.url, cookies={cookie.name: forged}, allow_redirects=False)
    assert answer.status_code == 302


def test_the_hubs_token_is_on_no_page_and_in_no_address(browse, released, hub):
    id = graded(released, hub, hub.ada)
    browser = browse(hub.ada)
    for path in ("", "courses/one", "courses/one/assignments/ps", f"courses/one/submissions/{id}"):
        answer = browser.get(path)
        assert hub.ada not in answer.text
        assert all(hub.ada not in hop.url for hop in [*answer.history, answer])


def test_a_student_reads_their_report_and_nobody_elses(browse, released, hub):
    id = graded(released, hub, hub.ada)
    mine = browse(hub.ada).get(f"courses/one/submissions/{id}")
    assert "negative numbers double too" in mine.text
    other = browse(hub.bob)
    for path in ("", "/receipt.json", "/files/ps.ipynb", "/feedback/ps.html"):
        assert other.get(f"courses/one/submissions/{id}{path}").status_code == 404
    assert "negative" not in other.get("courses/one/assignments/ps").text


def test_staff_see_the_class_who_failed_and_who_is_missing(browse, released, hub):
    id = graded(released, hub, hub.ada)
    page = browse(hub.tina).get("courses/one/assignments/ps").text
    assert f"submissions/{id}" in page
    assert "Not handed in (1)" in page
    assert "bob" in page
    assert "negative numbers double too" in page
    assert "Release feedback" not in page  # a TA's button it is not
    assert "Release feedback" in browse(hub.ida).get("courses/one/assignments/ps").text
    assert browse(hub.tina).get("courses/one/assignments/ps/class").status_code == 200
    assert browse(hub.tina).get("courses/one").status_code == 200


def test_forms_work_from_our_pages_and_from_nowhere_else(browse, released, hub):
    graded(released, hub, hub.ada)
    ida = browse(hub.ida)
    regrade = "courses/one/assignments/ps/regrade"
    token = ida.token_on("courses/one/assignments/ps")
    assert ida.post(regrade).status_code == 403
    assert ida.post(regrade, data={"form_token": "0" * 64}).status_code == 403
    for headers in (
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
    ):
        assert ida.post(regrade, data={"form_token": token}, headers=headers).status_code == 403
    tina = browse(hub.tina)
    assert tina.post(regrade, data={"form_token": token}).status_code == 403
    assert released.get("api/courses/one/jobs", hub.tina).json()[0]["kind"] != "regrade"
    done = ida.post(regrade, data={"form_token": token}, headers={"Sec-Fetch-Site": "same-origin"})
    assert done.status_code == 303
    assert released.get("api/courses/one/jobs", hub.tina).json()[0]["kind"] == "regrade"
    assert "regrade preview" in ida.get(done.headers["Location"].removeprefix(PREFIX)).text


def test_students_cannot_push_the_staffs_buttons(browse, released, hub):
    id = graded(released, hub, hub.ada)
    ada = browse(hub.ada)
    form = {"form_token": "0" * 64}
    for path in (
        "assignments/ps/regrade",
        "assignments/ps/apply",
        "assignments/ps/feedback",
        "assignments/ps/due",
        f"submissions/{id}/again",
    ):
        assert ada.post(f"courses/one/{path}", data=form).status_code == 403
    for path in ("assignments/ps/class", "jobs/1"):
        assert ada.get(f"courses/one/{path}").status_code == 403


def test_the_due_date_is_set_in_the_readers_zone(browse, released, hub):
    ida = browse(hub.ida)
    form = {
        "form_token": ida.token_on("courses/one/assignments/ps"),
        "due": "2027-01-02T12:00",
        "offset": "-60",
    }
    assert ida.post("courses/one/assignments/ps/due", data=form).status_code == 303
    [assignment] = released.get("api/courses/one/assignments", hub.ada).json()
    assert assignment["due"].startswith("2027-01-02T11:00")
    form["due"] = "tomorrow"
    assert ida.post("courses/one/assignments/ps/due", data=form).status_code == 422


EVIL = "<script>alert(1)</script><img src=x onerror=alert(1)>"


def test_nothing_of_a_students_runs_in_a_page(browse, released, hub):
    files = {"ps.ipynb": notebook_bytes(), "<img src=x onerror=alert(1)>.py": b"x", "\"'onload=x.py": b"x"}
    id = graded(released, hub, hub.ada, message=EVIL, files=files)
    for token in (hub.ada, hub.tina):
        browser = browse(token)
        for path in ("courses/one/assignments/ps", f"courses/one/submissions/{id}"):
            answer = browser.get(path)
            assert "<img src=x" not in answer.text
            assert "<script>alert" not in answer.text
            assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
            assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]


def test_files_of_a_student_are_saved_and_not_opened(browse, released, hub):
    id = graded(released, hub, hub.ada, files={"ps.ipynb": notebook_bytes(), "page.svg": EVIL.encode()})
    answer = browse(hub.tina).get(f"courses/one/submissions/{id}/files/page.svg")
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["Content-Disposition"] == "attachment"
    assert "sandbox" in answer.headers["Content-Security-Policy"]


def test_a_feedback_page_shows_and_does_nothing(browse, released, hub):
    id = graded(released, hub, hub.ada)
    content = EVIL.encode()
    released.send(hub.ida, content)
    body = {"files": listed({"ps.html": content}), "score": 5.0, "max_score": 7.0}
    assert released.request("PUT", f"api/courses/one/submissions/{id}/feedback", hub.ida, json=body).ok
    answer = browse(hub.ada).get(f"courses/one/submissions/{id}/feedback/ps.html")
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("sandbox;")
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert "5 <small>of 7" in browse(hub.ada).get(f"courses/one/submissions/{id}").text


def test_a_page_that_has_not_changed_is_not_sent_again(browse, released, hub):
    ada = browse(hub.ada)
    graded(released, hub, hub.ada)
    first = ada.get("courses/one/assignments/ps")
    again = ada.get("courses/one/assignments/ps", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    released.submit(hub.ada)
    changed = ada.get("courses/one/assignments/ps", headers={"If-None-Match": first.headers["ETag"]})
    assert changed.status_code == 200


def test_when_the_hub_is_away_pages_say_so(browse, released, hub):
    ada = browse(hub.ada)
    hub.down = True
    released.app.state.desk.hub.auth.cache.clear()
    answer = ada.get("courses/one")
    assert answer.status_code == 503
    assert "try again in a minute" in answer.text
    assert released.get("api/courses", hub.ada).status_code == 503
    assert released.request("GET", "health").status_code == 200
