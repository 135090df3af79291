"""What is advised keeps its promise, and one worker fewer would not."""

import random

import pytest

from autograder.errors import ConfigError
from autograder.planning.advice import Wish, advise, service_times
from autograder.planning.arrivals import busiest, rush
from autograder.planning.simulation import Failures
from autograder.report.receipt import Seconds, SubmissionResult

MEASURED = [1.0, 2.0, 3.0, 20.0]


def test_the_last_hour_has_its_share():
    arrivals = rush(100_000, random.Random(0), window_h=100, last_hour=0.3)
    assert arrivals == sorted(arrivals)
    assert arrivals[0] >= 0 and arrivals[-1] <= 360_000
    assert sum(arrival > 99 * 3600 for arrival in arrivals) / 100_000 == pytest.approx(0.3, abs=0.01)
    quarters = [sum(3600 * (99 + q / 4) < a <= 3600 * (99 + (q + 1) / 4) for a in arrivals) for q in range(4)]
    assert quarters == sorted(quarters), "the rush grows until the end"


def test_a_share_that_is_no_rush_is_refused():
    with pytest.raises(ValueError, match="no rush"):
        rush(10, random.Random(0), window_h=100, last_hour=0.001)


def test_the_busiest_stretch_is_counted():
    assert busiest([0, 1, 2, 100, 101, 102, 103, 500], 10) == 4


@pytest.mark.parametrize("students", [50, 400])
def test_the_advice_is_the_fewest_that_keep_the_promise(students):
    wish = Wish(within_s=60, share=0.99, failures=Failures(rate=0.01))
    advice = advise(students, MEASURED, wish)
    assert advice.late_s <= 60
    assert 0 < advice.busy <= 1
    if advice.workers > 1:
        tighter = advise(students, MEASURED, Wish(within_s=45, share=0.99, failures=Failures(rate=0.01)))
        assert tighter.workers >= advice.workers


def test_more_students_need_more_workers_but_less_than_in_proportion():
    slow = [10 * seconds for seconds in MEASURED]
    few, many = (advise(students, slow, Wish()).workers for students in (100, 1000))
    assert few < many <= 10 * few


def test_what_takes_longer_than_is_promised_cannot_be_planned():
    with pytest.raises(ConfigError, match="no number of workers"):
        advise(50, [400.0] * 5, Wish(within_s=300))


def test_times_come_from_what_was_graded_in_full():
    def receipt(seconds, **more):
        return SubmissionResult("ada", "p", "graded", score=1.0, seconds=Seconds(total=seconds), **more)

    receipts = [receipt(1.0 + n) for n in range(5)] + [receipt(0.0), receipt(0.1, kept=("a",))]
    assert service_times(receipts) == [1, 2, 3, 4, 5]
    with pytest.raises(ConfigError, match="at least 5"):
        service_times(receipts[:3])
