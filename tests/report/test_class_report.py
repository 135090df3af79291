"""One page about a class: everything in it, nothing from elsewhere, and no student can put code into it."""

import base64
import csv
import hashlib
import re
import time
from pathlib import Path

import pytest

from autograder.errors import ReceiptError
from autograder.report.class_report import class_page, write_class_report
from autograder.report.receipt import CheckResult, QuestionResult, SubmissionResult, write_receipt
from autograder.report.summary import summarize
from tests.report.classes import HOSTILE, a_class
from tests.report.pages_of_nbgrader import Tags

CLASS = summarize("p01_attention", a_class(40))


def page_of(summary, **options):
    links = {"feedback_link": lambda student: "f", "receipt_link": lambda student: "r"}
    return class_page(summary, **(links | options))


class FakeCourse:
    """The folders of a course, as `grading.course.Course` has them."""

    def __init__(self, root):
        self.root = root

    def reports_folder(self, assignment):
        return self.root / "reports" / assignment

    def report_file(self, assignment, student):
        return self.reports_folder(assignment) / student / "report.json"

    def folder(self, step, assignment, student="."):
        return self.root / step / student / assignment

    def notebook_name(self, assignment):
        return assignment

    def marks_in_force(self, assignment):
        return {"ada": {"written_attention": 3.5}}


@pytest.fixture
def course(tmp_path):
    course = FakeCourse(tmp_path)
    for result in a_class(10):
        write_receipt(course.report_file("p01_attention", result.student.replace("/", "_")), result)
    return course


def text_of(page):
    return re.sub(r"<[^>]+>", " ", page)


def test_writes_the_page_and_the_tables(course):
    page = write_class_report(course, "p01_attention")
    assert page == course.reports_folder("p01_attention") / "index.html"
    marks = list(csv.DictReader((page.parent / "marks.csv").read_text().splitlines()))
    assert len(marks) == 10
    assert (marks[1]["student"], marks[1]["score"], marks[1]["soft_lookup"]) == ("ada", "57", "18")
    checks = list(csv.DictReader((page.parent / "checks.csv").read_text().splitlines()))
    assert len(checks) == 9 * 13
    assert {check["outcome"] for check in checks} <= {"passed", "failed", "error", "timeout"}


def test_marks_by_hand_are_shown_and_what_is_left_is_counted(course):
    page = write_class_report(course, "p01_attention")
    marks = {
        row["student"]: row for row in csv.DictReader((page.parent / "marks.csv").read_text().splitlines())
    }
    assert (marks["ada"]["written_attention"], marks["ada"]["total"]) == ("3.5", "60.5")
    assert (marks["bohr"]["written_attention"], marks["bohr"]["total"]) == ("", "")
    assert "5 points, 8 of 9 to do" in text_of(page.read_text())


def test_links_lead_to_the_feedback_pages(course, tmp_path):
    feedback = course.folder("feedback", "p01_attention", "ada") / "p01_attention.html"
    feedback.parent.mkdir(parents=True)
    feedback.write_text("feedback")
    for out in (None, tmp_path / "elsewhere" / "deep"):
        page = write_class_report(course, "p01_attention", out)
        links = {attrs["href"] for tag, attrs in Tags(page.read_text()).tags if tag == "a"}
        (link,) = (link for link in links if "/ada/" in link and link.endswith(".html"))
        assert (page.parent / link).resolve() == feedback
        (link,) = (link for link in links if "ada/report.json" in link)
        assert (page.parent / link).resolve() == course.report_file("p01_attention", "ada")


def test_without_receipts_it_says_what_to_do(tmp_path):
    with pytest.raises(ReceiptError, match="run `autograder grade p01_attention` first"):
        write_class_report(FakeCourse(tmp_path), "p01_attention")


def test_a_damaged_receipt_is_a_submission_without_a_mark(course):
    course.report_file("p01_attention", "ada").write_text("{")
    text = text_of(write_class_report(course, "p01_attention").read_text())
    assert "its receipt cannot be read: not JSON" in text
    assert str(course.root) not in text


def test_what_needs_a_person_comes_first():
    text = text_of(page_of(CLASS))
    places = [
        text.index(part)
        for part in (
            "Needs a person  ",
            "Could not be graded: 3",
            "euler",
            "could not be carried out",
            "by hand",
            "Highest",
        )
    ]
    assert places[0] < places[1] < places[2] < places[3] < places[5]
    assert "the file is not a notebook: no valid JSON (its end is missing)" in text


def test_checks_are_ordered_by_who_fails_them_with_messages_and_names():
    rates = [check.pass_rate for check in CLASS.checks]
    assert rates == sorted(rates)
    page = page_of(CLASS)
    first = CLASS.checks[0]
    assert first.messages[0].message in page
    assert len(first.messages[0].students) == first.failed  # numbers in the message do not split the group
    assert page.index(first.id.replace("_", " ")) < page.index(CLASS.checks[-1].id.replace("_", " "))


@pytest.mark.parametrize(
    "results",
    [
        [],
        [SubmissionResult.failed("eve", "p", "no notebook")],
        [SubmissionResult("a", "p", "graded", score=0.0)],
    ],
)
def test_a_class_with_nothing_to_show_is_still_a_page(results):
    assert "</html>" in page_of(summarize("p", results))


def test_a_quiet_class_says_so():
    perfect = SubmissionResult("a", "p", "graded", score=1.0, max_score=1.0, isolation=("namespaces",))
    assert "Nothing: every submission has a mark" in page_of(summarize("p", [perfect]))
    assert "Run without isolation: 1" in page_of(
        summarize("p", [SubmissionResult("a", "p", "graded", score=1.0)])
    )


def test_no_name_and_no_message_becomes_markup():
    evil = f"{HOSTILE}\"'><img src=x onerror=alert(1)>\x1b[31m\u202e\ud800 {{{{7*7}}}}"
    checks = (
        CheckResult(evil, evil, 1.0, "failed", evil, 0.1, False),
        CheckResult("e", "q", 1.0, "error", evil, 0.1, False),
    )
    question = QuestionResult(evil, 0.0, 2.0, checks=checks)
    graded = SubmissionResult(
        evil,
        "p",
        "graded",
        score=0.0,
        max_score=2.0,
        questions=(question,),
        warnings=(evil,),
        isolation=(evil,),
        limits={evil: evil},
    )
    page = page_of(summarize("p", [graded, SubmissionResult.failed(evil, "p", evil)]))
    found = Tags(page)
    assert len(found.scripts) == 1
    assert "alert" not in found.scripts[0]
    assert not [
        tag for tag, attrs in found.tags if tag == "img" or any(name.startswith("on") for name in attrs)
    ]
    for gone in ("\x1b", "\u202e", "\ud800", " 49"):
        assert gone not in page


def test_nothing_comes_from_elsewhere():
    page = page_of(CLASS)
    found = Tags(page)
    assert not re.search(r"https?://|@import|url\(", page)
    assert not [attrs for tag, attrs in found.tags if "src" in attrs or tag in ("link", "iframe")]
    (policy,) = (
        attrs["content"] for tag, attrs in found.tags if attrs.get("http-equiv") == "Content-Security-Policy"
    )
    digest = base64.b64encode(hashlib.sha256(found.scripts[0].encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none'")


def test_a_screen_reader_and_a_keyboard_can_use_it():
    found = Tags(page_of(CLASS)).tags
    assert all("scope" in attrs for tag, attrs in found if tag == "th")
    assert ("html", {"lang": "en"}) in found
    assert all(
        attrs.get("tabindex") == "0" and attrs.get("aria-label")
        for tag, attrs in found
        if attrs.get("class") == "scroll"
    )
    assert [attrs["aria-labelledby"] for tag, attrs in found if tag == "svg"] == [
        "histogram-title histogram-text"
    ]


def test_every_color_pair_has_enough_contrast():
    """WCAG 2 level AA for text, 4.5 to 1, in light and in dark."""
    style = (Path(__file__).parents[2] / "autograder/report/templates/class_report.css").read_text()
    light, dark = re.findall(r":root \{([^}]*)\}", style)
    for theme in (light, dark):
        color = dict(re.findall(r"--(\w+): (#\w+)", theme))
        for text in ("text", "muted", "link", "alarm"):
            assert contrast(color[text], color["card"]) >= 4.5
            assert contrast(color[text], color["page"]) >= 4.5
        for shade in ("good", "some", "none"):
            assert contrast(color["text"], color[shade]) >= 4.5


def contrast(one, other):
    def luminance(color):
        digits = color[1:] if len(color) == 7 else "".join(2 * digit for digit in color[1:])
        parts = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
        linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_500_students_are_fast_and_small():
    results = a_class(500)
    start = time.process_time()
    page = page_of(summarize("p01_attention", results))
    assert time.process_time() - start < 5
    assert len(page) < 1_000_000
