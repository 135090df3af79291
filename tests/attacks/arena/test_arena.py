"""A class of hostile students beside honest ones: nothing forged, nothing read, nothing disturbed, nothing left."""

from __future__ import annotations

import pytest
from cases import ATTACKS
from course import FULL
from judging import EVERYTHING, OURSELVES, gained, in_every_way, result_of

# What one submission may take under the limits of the arena's course: the notebook and once more for the
# checks, all checks together, and the patience with kernels that do not end, on a busy machine.
MOST_S = 20 + 20 + 20 + 30
MOST_MEMORY_MB = 2048


def test_there_are_enough_cases_and_each_says_what_it_is():
    assert len({attack.who for attack in ATTACKS}) == len(ATTACKS) >= 80
    assert all(attack.tries and attack.defence for attack in ATTACKS)


@in_every_way
@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_nothing_is_gained(world, user, mode, attack):
    observed = world.run(user, mode, EVERYTHING)
    result = result_of(observed, attack)
    assert attack.status in (result["status"], "either")
    assert (result["score"] or 0.0) == attack.score
    assert not gained(observed, result)
    assert result["reason"] or result["status"] == "graded"
    assert "the grader failed" not in (result["reason"] or ""), "it got as far as an exception of our own"
    assert result["seconds"]["total"] < MOST_S


@in_every_way
def test_honest_students_get_what_they_get_alone(world, user, mode):
    beside, alone = world.run(user, mode, EVERYTHING), world.run(user, mode, ())
    assert len(alone["expected"]) >= 20
    for student, expected in alone["expected"].items():
        assert beside["results"][student]["score"] == alone["results"][student]["score"] == expected
        assert _report(beside, student) == _report(alone, student)
    assert {*alone["expected"].values()} == {FULL, FULL - 2}


@in_every_way
def test_nothing_is_left_over(world, user, mode):
    assert world.run(user, mode, EVERYTHING)["leftovers"] == {}


@in_every_way
def test_the_batch_keeps_its_limits(world, user, mode):
    observed = world.run(user, mode, EVERYTHING)
    assert observed["seconds"] < len(observed["results"]) * MOST_S / 2
    assert max(observed["peak_mb"].values()) < MOST_MEMORY_MB


@in_every_way
def test_every_report_names_the_layers_that_held(world, user, mode):
    observed = world.run(user, mode, EVERYTHING)
    layers = {mode, "landlock", "seccomp"} | ({"uid"} if user == "root" else set())
    assert set(observed["isolation"]) == layers
    for student in observed["expected"]:
        assert set(observed["results"][student]["isolation"]) == layers


def test_the_gradebook_holds_what_the_receipts_say(world):
    from nbgrader.api import Gradebook

    observed = world.run(OURSELVES, "namespaces", EVERYTHING)
    with Gradebook(f"sqlite:///{observed['root']}/gradebook.db") as gradebook:
        scores = {row.student_id: row.score for row in gradebook.assignment_submissions("ps")}
        waiting = {row.student_id for row in gradebook.assignment_submissions("ps") if row.needs_manual_grade}
    for student, result in observed["results"].items():
        if result["status"] == "graded":
            assert scores[student] == result["score"]
        else:
            assert scores.get(student, 0.0) == 0.0
            assert student in waiting or student not in scores


def _report(observed: dict, student: str) -> list:
    """A receipt without what differs between two runs of the same."""
    result = observed["results"][student]
    checks = [
        {name: value for name, value in check.items() if name != "seconds"}
        for question in result["questions"]
        for check in question["checks"]
    ]
    return [result["status"], result["score"], result["warnings"], result["seed"] is not None, checks]
