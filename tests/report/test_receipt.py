"""A receipt survives the round trip, has the documented form, and anything else is refused with a reason."""

import copy
import json

import pytest

from autograder.errors import ReceiptError
from autograder.report.receipt import (
    BatchResult,
    CellTiming,
    CheckResult,
    QuestionResult,
    Seconds,
    SubmissionResult,
    read_receipt,
    write_receipt,
)

CHECK = CheckResult(
    id="rows_sum_to_one",
    question="soft_lookup",
    points=2.0,
    outcome="failed",
    message="the softmax runs over the queries",
    seconds=0.01,
    public=False,
)
GRADED = SubmissionResult(
    student="ada",
    assignment="p01_attention",
    status="graded",
    score=0.0,
    max_score=2.0,
    manual_max=5.0,
    questions=(
        QuestionResult("soft_lookup", score=0.0, max_score=2.0, checks=(CHECK,)),
        QuestionResult("written_attention", score=None, max_score=5.0, manual=True),
    ),
    seconds=Seconds(launch=0.03, execute=0.5, check=0.4, total=0.95),
    isolation=("namespaces", "landlock", "seccomp", "uid"),
    limits={"cell_s": 60, "by": "cgroup"},
    seed=2**70,
    notebook_sha256="ab" * 32,
    cells=(CellTiming(0, "setup", 0.1), CellTiming(1, None, 0.2, "ValueError")),
    warnings=("cell 'setup' was edited",),
)
FAILED = SubmissionResult.failed("bob", "p01_attention", "no notebook", max_score=2.0)


@pytest.mark.parametrize("result", [GRADED, FAILED], ids=["graded", "failed"])
def test_the_file_gives_back_what_was_written(tmp_path, result):
    assert read_receipt(write_receipt(tmp_path / "report.json", result)) == result


def test_the_form_is_the_documented_one():
    """The keys of the command-line contract, with their types."""
    batch = BatchResult("p01_attention", 3.14159, (GRADED, FAILED)).to_json()
    assert batch["assignment"] == "p01_attention"
    assert batch["wall_seconds"] == 3.142
    assert batch["isolation"] == ["namespaces", "landlock", "seccomp", "uid"]
    ada, bob = batch["submissions"]
    documented = {
        "student",
        "status",
        "reason",
        "score",
        "max_score",
        "manual_max",
        "cached",
        "questions",
        "seconds",
    }
    assert documented <= ada.keys()
    assert ada["questions"][0] | {"checks": None} == {
        "id": "soft_lookup", "score": 0.0, "max_score": 2.0, "manual": False, "trusted": True, "checks": None,
    }  # fmt: skip
    assert {"id", "points", "outcome", "message"} <= ada["questions"][0]["checks"][0].keys()
    assert ada["seconds"] == {"launch": 0.03, "execute": 0.5, "check": 0.4, "total": 0.95}
    assert (bob["status"], bob["score"], bob["reason"]) == ("failed", None, "no notebook")
    json.dumps(batch, allow_nan=False)


def test_exit_status_counts_the_ungraded():
    assert BatchResult("p", 1.0, (GRADED,)).exit_status == 0
    assert BatchResult("p", 1.0, (GRADED, FAILED)).exit_status == 1


def test_isolation_of_a_batch_is_what_held_for_all():
    weaker = SubmissionResult("eve", "p", "graded", score=0.0, isolation=("landlock", "seccomp"))
    assert BatchResult("p", 1.0, (GRADED, weaker, FAILED)).isolation == ("landlock", "seccomp")


def damaged(**changes):
    data = copy.deepcopy(GRADED.to_json())
    data.update(changes)
    return data


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ([], "expected an object"),
        (damaged(schema=99), "schema 99, expected 2"),
        (damaged(bonus=5), "unknown bonus"),
        ({k: v for k, v in GRADED.to_json().items() if k != "seed"}, "missing seed"),
        (damaged(score="7"), r"receipt\.score: expected a finite number, received '7'"),
        (damaged(score=float("nan")), "finite number"),
        (damaged(score=10**400), "finite number"),
        (damaged(score=True), "finite number"),
        (damaged(score=None), "a graded submission has a score"),
        (damaged(status="perfect"), "'graded' or 'failed'"),
        (damaged(isolation=[1]), "a list of texts"),
        (damaged(seconds={"launch": 1}), "seconds: missing check, execute, total"),
        (damaged(cells=[{"index": True, "grade_id": None, "seconds": 0, "error": None}]), "an integer"),
    ],
)
def test_anything_else_is_refused_with_place_and_reason(data, says):
    with pytest.raises(ReceiptError, match=says):
        SubmissionResult.from_json(data)


def test_an_unknown_outcome_is_refused():
    data = copy.deepcopy(GRADED.to_json())
    data["questions"][0]["checks"][0]["outcome"] = "excellent"
    with pytest.raises(ReceiptError, match=r"questions\[0\]\.checks\[0\]\.outcome: expected 'passed' or"):
        SubmissionResult.from_json(data)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[" * 100_000, b"null"])
def test_a_damaged_file_is_refused(tmp_path, content):
    (tmp_path / "report.json").write_bytes(content)
    with pytest.raises(ReceiptError):
        read_receipt(tmp_path / "report.json")


def test_a_score_that_is_no_number_is_never_written(tmp_path):
    with pytest.raises(ValueError):
        write_receipt(tmp_path / "r.json", SubmissionResult("a", "p", "graded", score=float("nan")))
    assert not (tmp_path / "r.json").exists()
