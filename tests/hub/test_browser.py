"""The whole loop in a browser, as people do it: release, fetch, answer, check, submit, report, comment, feedback.

The tests of this module are one story and run in order. Screenshots, light and dark, go to
AUTOGRADER_SCREENSHOTS where that names a folder, for a person to look at.
"""

import os
import re
import time
from pathlib import Path

import pytest

from tests.hub.conftest import require_program

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]
CHROMIUM = "/usr/bin/chromium"
STUDENT, TA, INSTRUCTOR = "agt-ada", "agt-grace", "agt-emmy"
PAGES = "/services/autograder/courses/deep_learning"
FORMGRADER = "/services/deep_learning/formgrader"
WRITTEN, BY_HAND = "written_attention", 4.0
COMMENT = "Variance d, so divide by its root: well argued."
ANSWER = """\
def hard_lookup(query, keys, values):
return values[int(np.argmax(np.asarray(keys) @ np.asarray(query)))]"""
NOT_WHOLE = ("comment", "feedback")  # pages of the whole notebook
WAIT_MS = 90_000


@pytest.fixture(scope="module")
def browser():
    require_program(CHROMIUM, "chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield running
        running.close()


@pytest.fixture(scope="module")
def people(browser, local_hub):
    """A browser window for each person, logged in; errors of its pages are collected."""
    windows = {}

    def window(name):
        if name not in windows:
            context = browser.new_context(viewport={"width": 1280, "height": 900}, base_url=local_hub.url)
            page = context.new_page()
            page.set_default_timeout(WAIT_MS)
            page.goto("/hub/login?next=/hub/home")
            page.fill("#username_input", name)
            page.fill("#password_input", local_hub.passwords[name])
            page.click("#login_submit")
            page.wait_for_url("**/hub/home")
            windows[name] = page
        return windows[name]

    yield window
    for page in windows.values():
        page.context.close()


def look(page, name):
    """Pictures of a page in both schemes."""
    folder = os.environ.get("AUTOGRADER_SCREENSHOTS")
    if folder:
        Path(folder).mkdir(parents=True, exist_ok=True)
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            page.wait_for_timeout(300)
            page.screenshot(path=f"{folder}/{name}-{scheme}.png", full_page=name not in NOT_WHOLE)
        page.emulate_media(color_scheme="light")


def until(page, url, text, *, tries=60):
    """Open a page again and again until it shows a text; for pages that do not change by themselves."""
    for _ in range(tries):
        page.goto(url)
        if page.get_by_text(text).count():
            return
        time.sleep(2)
    pytest.fail(f"{url} never showed {text!r}: {page.inner_text('body')[:800]}")


def cell_with(page, text):
    """The cell of the open notebook that holds a text, scrolled to."""
    found = page.locator(".jp-Notebook .jp-Cell", has_text=re.compile(re.escape(text))).first
    found.scroll_into_view_if_needed()
    return found


def open_assignment_list(page):
    page.goto(f"/user/{STUDENT}/lab?reset")
    page.locator(".jp-Launcher").wait_for()
    page.get_by_role("menuitem", name="Nbgrader").click()
    page.get_by_text("Assignment List").click()


def test_the_instructor_releases_in_formgrader(people):
    page = people(INSTRUCTOR)
    page.goto(FORMGRADER)
    row = page.locator("tr", has=page.locator("td.name", has_text="p01_attention"))
    row.wait_for()
    look(page, "formgrader")
    row.locator("td.release a").click()
    page.get_by_text("Successfully released").first.wait_for()


def test_formgrader_is_linked_from_the_hubs_menu(people):
    page = people(INSTRUCTOR)
    page.goto("/hub/home")
    page.get_by_role("button", name="Services").or_(page.get_by_text("Services")).first.click()
    look(page, "hub-home")
    page.get_by_role("link", name="deep_learning").click()
    page.locator("td.name", has_text="p01_attention").wait_for()


def test_the_student_opens_jupyterlab_and_fetches(people):
    page = people(STUDENT)
    page.goto("/hub/spawn")
    page.wait_for_url("**/lab**")
    open_assignment_list(page)
    page.get_by_role("button", name="Fetch").first.click()
    page.locator("#fetched_assignments_list").get_by_text("p01_attention").first.wait_for()
    look(page, "assignment-list")
    menu = page.get_by_role("menuitem", name="Nbgrader")
    menu.click()
    shown = page.locator(".lm-Menu-itemLabel").all_inner_texts()
    page.keyboard.press("Escape")
    assert "Formgrader" not in shown and "Create Assignment" not in shown


def test_the_student_answers_and_a_public_check_passes(people):
    page = people(STUDENT)
    name = "p01_attention/p01_attention.ipynb"
    page.goto(f"/user/{STUDENT}/lab/tree/{name}?reset")
    page.locator(".jp-Notebook").wait_for()
    answer = cell_with(page, "def hard_lookup")
    editor = answer.locator(".cm-content")
    editor.click()
    page.keyboard.press("Control+a")
    page.keyboard.insert_text(ANSWER.replace("\nreturn", "\n    return"))
    page.keyboard.press("Control+Enter")
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_text("Run All Above Selected Cell").click()
    page.keyboard.press("Escape")
    check = cell_with(page, 'check("hard_lookup")')
    check.locator(".cm-content").click()
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_text("Run Selected Cell", exact=False).first.click()
    output = check.locator(".jp-OutputArea-output")
    output.first.wait_for(timeout=240_000)
    look(page, "check")
    assert "passed" in output.first.inner_text() or "✓" in output.first.inner_text(), (
        output.first.inner_text()
    )
    page.keyboard.press("Control+s")
    page.wait_for_timeout(2000)


def test_the_student_submits_and_the_report_appears_by_itself(people):
    page = people(STUDENT)
    open_assignment_list(page)
    page.locator("#fetched_assignments_list").get_by_role("button", name="Submit").first.click()
    page.locator("#submitted_assignments_list").get_by_text("p01_attention").first.wait_for()
    look(page, "submitted")
    until(page, f"{PAGES}/assignments/p01_attention", "Submission 1")
    look(page, "queue")
    page.get_by_role("link", name="Report").first.wait_for(timeout=300_000)  # live, without reloading
    look(page, "graded")
    page.get_by_role("link", name="Report").first.click()
    page.get_by_text("Points by machine").wait_for()
    look(page, "report")
    points = re.search(r"Points by machine\s*([\d.]+)", page.inner_text("main"))[1]
    assert float(points) >= 3, "hard_lookup was answered rightly"


def test_the_ta_sees_the_class_and_comments(people):
    page = people(TA)
    until(page, f"{PAGES}/assignments/p01_attention", STUDENT)
    assert page.get_by_text("Release feedback").count() == 0, "this is the instructor's to do"
    look(page, "class")
    page.get_by_role("link", name="Mark by hand in Formgrader").click()
    page.get_by_role("link", name="p01_attention").last.click()
    page.get_by_role("link", name=re.compile("Submission #")).first.click()
    comment, score = page.locator(f"#{WRITTEN}-comment"), page.locator(f"input#{WRITTEN}")
    comment.scroll_into_view_if_needed()
    comment.fill(COMMENT)
    comment.blur()
    score.fill(str(BY_HAND))
    score.blur()
    page.wait_for_timeout(3000)
    page.reload()
    assert comment.input_value() == COMMENT and float(score.input_value()) == BY_HAND
    comment.scroll_into_view_if_needed()
    look(page, "comment")


def test_the_instructor_releases_the_feedback(people):
    page = people(INSTRUCTOR)
    page.on("dialog", lambda dialog: dialog.accept())
    page.goto(f"{PAGES}/assignments/p01_attention")
    page.get_by_role("button", name="Release feedback").click()
    until(page, f"{PAGES}/assignments/p01_attention", "released")
    look(page, "released")


def test_the_student_reads_the_comment(people):
    page = people(STUDENT)
    until(page, f"{PAGES}/assignments/p01_attention", "Feedback")
    page.get_by_role("link", name="Report").first.click()
    text = page.inner_text("main")
    points, final = (
        float(re.search(rf"{name}\s*([\d.]+)", text)[1]) for name in ("by machine", "Final mark")
    )
    assert final == points + BY_HAND
    page.go_back()
    page.get_by_role("link", name="Feedback").first.click()
    comment = page.get_by_text(COMMENT).first
    comment.scroll_into_view_if_needed()
    look(page, "feedback")


def test_another_student_sees_nothing_of_it(people):
    url = people(STUDENT).url
    page = people("agt-alan")
    assert page.goto(url).status in (403, 404)
    page.goto(f"{PAGES}/assignments/p01_attention")
    assert page.get_by_text("You have not handed this in yet").count() == 1
