"""The pages in a real browser: they change without reloading, show the reader's own time, and break no policy.

`AUTOGRADER_SHOTS=DIR` keeps screenshots, light and dark, on a desk and on a phone.
"""

import os
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright
from served import notebook_bytes

from autograder.report.receipt import CheckResult, QuestionResult, SubmissionResult
from autograder.service import marks, queue

CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
pytestmark = [
    pytest.mark.timeout(400),
    pytest.mark.slow,
    pytest.mark.skipif(not Path(CHROMIUM).exists(), reason="no Chromium: apt-get install chromium"),
]
SIZES = {"desk": {"width": 1200, "height": 900}, "phone": {"width": 390, "height": 844}}
MISTAKE = (
    "the softmax runs over the queries: each row of the weights must sum to 1, and here each column does"
)


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield running
        running.close()


@pytest.fixture
def tab(browser, released, hub):
    """A tab of somebody's browser; what it complains about is an error."""
    complaints, contexts = [], []

    def open_tab(token, path="", **options):
        hub.signed_in = token
        context = browser.new_context(
            timezone_id="Asia/Kolkata", locale="en-GB", **{"viewport": SIZES["desk"], **options}
        )
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda m: complaints.append(m.text) if m.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(released.url + path)
        return page

    yield open_tab
    for context in contexts:
        context.close()
    assert not complaints


def question(name, right, wrong=(), public=True, message=MISTAKE):
    checks = [CheckResult(each, name, 2.0, "passed", "", 0.1, public) for each in right]
    checks += [CheckResult(each, name, 3.0, "failed", message, 0.1, False) for each in wrong]
    return QuestionResult(name, 2.0 * len(right), 2.0 * len(right) + 3.0 * len(wrong), checks=tuple(checks))


def report(student, wrong):
    questions = (
        question("scaled_dot_product_attention", ["weights_sum_to_one", "masked_positions_get_no_weight"],
                 ["weights_follow_the_keys_order"] if wrong else []),
        question("multi_head_attention", ["heads_are_concatenated", "output_has_the_models_width"],
                 ["gradients_reach_every_projection"] if wrong > 1 else [], message="no gradient reaches w_k: is it used?"),
    )  # fmt: skip
    full = 14.0
    score = full - 3.0 * min(wrong, 2)
    return SubmissionResult(student, "ps", "graded", score=score, max_score=full, manual_max=5.0, questions=questions,
                            warnings=("a cell was pasted twice: the first one counts",) if wrong else ())  # fmt: skip


def grade_next(served, wrong=0, failed=None):
    while (job := queue.take(served.stores, "w", ["one"])) and job.kind != "grade":
        queue.finish(served.stores, job)
    if job is None:
        return None
    result = SubmissionResult.failed(job.student, "ps", failed) if failed else report(job.student, wrong)
    marks.finish_grading(served.stores, served.courses.get("one"), job, result, "w")
    return job.submission_id


def test_a_report_appears_without_a_reload(tab, released, hub):
    answer = released.submit(hub.ada).json()
    page = tab(hub.ada, "courses/one/assignments/ps")
    page.evaluate("window.notReloaded = true")
    assert page.get_by_text("waiting, next").is_visible()
    assert (
        page.locator("time")
        .first.inner_text()
        .startswith(
            datetime.fromisoformat(answer["time"])
            .astimezone(UTC)
            .__add__(timedelta(hours=5, minutes=30))
            .strftime("%-d ")
        )
    )
    assert page.locator(".zone").inner_text() in ("Asia/Kolkata", "Asia/Calcutta")
    grade_next(released, wrong=1)
    page.get_by_text("graded", exact=True).wait_for(timeout=20_000)
    assert page.evaluate("window.notReloaded") is True
    page.get_by_role("link", name="Report").click()
    assert page.get_by_text("the softmax runs over the queries").is_visible()


def test_an_instructor_previews_a_regrade_and_the_page_follows(tab, released, hub):
    released.submit(hub.ada)
    grade_next(released, wrong=2)
    page = tab(hub.ida, "courses/one/assignments/ps")
    page.get_by_role("button", name="Preview a regrade").click()
    page.wait_for_url("**/jobs/*")
    assert page.get_by_text("waiting", exact=True).is_visible()
    while (job := queue.take(released.stores, "w", ["one"])) and job.kind != "regrade":
        queue.finish(released.stores, job)
    moves = [{"student": "ada", "before": {"score": 8.0, "max_score": 14.0, "status": "graded", "reason": None},
              "after": {"score": 11.0, "max_score": 14.0, "status": "graded", "reason": None},
              "parts": [{"id": "gradients_reach_every_projection", "question": "multi_head_attention", "before": 0.0, "after": 3.0}]}]  # fmt: skip
    queue.finish(
        released.stores, job, result={"assignment": "ps", "applied": False, "total": 1, "moves": moves}
    )
    button = page.get_by_role("button", name="Write the new marks")
    button.wait_for(timeout=20_000)
    shots(page, "regrade")
    page.on("dialog", lambda dialog: dialog.accept())
    button.click()
    page.get_by_text("ps: regrade", exact=True).wait_for()


def test_a_due_date_is_set_in_local_time(tab, released, hub):
    page = tab(hub.ida, "courses/one/assignments/ps")
    page.get_by_label("Due").fill("2027-03-04T17:30")
    page.get_by_role("button", name="Set").click()
    page.wait_for_load_state()
    [assignment] = released.get("api/courses/one/assignments", hub.ada).json()
    assert assignment["due"].startswith("2027-03-04T12:00")
    assert page.get_by_label("Due").input_value() == "2027-03-04T17:30"


def test_pages_are_sound_on_a_phone_and_in_the_dark(tab, released, hub):
    due = (datetime.now(UTC) + timedelta(days=2, hours=3)).isoformat()
    released.request("PUT", "api/courses/one/assignments/ps/due", hub.ida, json={"due": due})
    ada = [released.submit(hub.ada).json()["id"] for _ in range(2)]
    tokens = [hub.add(f"student{number:02}", "nbgrader-one") for number in range(18)]
    for number, token in enumerate(tokens):
        released.submit(token, {"ps.ipynb": notebook_bytes(f"# {number}"), "data/notes.txt": b"x"})
        grade_next(
            released,
            wrong=number % 3,
            failed="ps.ipynb is not JSON: line 1, column 2" if number == 7 else None,
        )
    while grade_next(released, wrong=1):
        pass
    released.submit(hub.ada)
    views = {
        "student-course": (hub.ada, "courses/one"), "student-assignment": (hub.ada, "courses/one/assignments/ps"),
        "student-report": (hub.ada, f"courses/one/submissions/{ada[1]}"), "staff-course": (hub.tina, "courses/one"),
        "staff-assignment": (hub.ida, "courses/one/assignments/ps"), "staff-report": (hub.tina, f"courses/one/submissions/{ada[1]}"),
        "class-report": (hub.tina, "courses/one/assignments/ps/class"),
    }  # fmt: skip
    for name, (token, path) in views.items():
        for size, viewport in SIZES.items():
            for scheme in ("light", "dark"):
                page = tab(token, path, viewport=viewport, color_scheme=scheme)
                wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
                assert wide <= 0, f"{name} on a {size} scrolls sideways by {wide} px"
                assert page.locator("h1").count() == 1
                assert (
                    all(page.locator("button").evaluate_all("all => all.map(b => b.offsetHeight >= 36)"))
                    or name == "class-report"
                )
                shots(page, f"{name}-{size}-{scheme}")
                page.close()


def shots(page, name):
    if folder := os.environ.get("AUTOGRADER_SHOTS"):
        page.screenshot(path=f"{folder}/{name}.png", full_page=True)
