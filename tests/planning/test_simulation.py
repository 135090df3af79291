"""The queue against what queueing theory and arithmetic say about it."""

import math
import random

import pytest

from autograder.planning.simulation import Failures, simulate


def test_one_worker_does_one_after_the_other():
    outcome = simulate([0, 1, 10], [4, 4, 4], 1)
    assert outcome.latencies == [4, 7, 4]
    assert (outcome.busy_s, outcome.end, outcome.repeats) == (12, 14, 0)


def test_two_workers_share_what_waits():
    assert simulate([0, 0, 0, 0], [2, 3, 2, 2], 2).latencies == [2, 3, 4, 5]


def test_order_of_arrival_is_kept_whatever_the_order_given():
    assert simulate([5, 0], [1, 10], 1).latencies == [6, 10]


@pytest.mark.parametrize(("workers", "load"), [(1, 0.7), (4, 0.85)])
def test_waiting_is_as_erlang_found(workers, load):
    """M/M/c: the mean wait is C(c, a) / (c·mu - lambda), with Erlang's formula C."""
    rng, count = random.Random(1), 60_000
    arrivals, time = [], 0.0
    for _ in range(count):
        time += rng.expovariate(load * workers)
        arrivals.append(time)
    services = [rng.expovariate(1.0) for _ in range(count)]
    outcome = simulate(arrivals, services, workers)
    waited = sum(outcome.latencies) / count - sum(services) / count
    offered = load * workers
    last = offered**workers / math.factorial(workers) / (1 - load)
    erlang_c = last / (sum(offered**k / math.factorial(k) for k in range(workers)) + last)
    assert waited == pytest.approx(erlang_c / (workers - offered), rel=0.1)


def test_what_a_worker_had_when_it_died_is_done_again_once():
    failures = Failures(rate=0.5, noticed_s=2, restart_s=30)
    outcome = simulate([0.0] * 200, [1.0] * 200, 20, failures=failures, rng=random.Random(3))
    assert len(outcome.latencies) == 200
    assert all(latency > 0 for latency in outcome.latencies)
    assert 120 < outcome.repeats < 300  # as many as the coin says: one on average
    assert outcome.busy_s == pytest.approx(200 + 0.5 * outcome.repeats, rel=0.1)


def test_without_a_worker_there_is_no_plan():
    with pytest.raises(ValueError, match="0 workers"):
        simulate([0], [1], 0)
