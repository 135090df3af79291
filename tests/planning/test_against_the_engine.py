"""The simulation tells what the real engine does, for arrivals that are replayed against it."""

import random

import pytest

from autograder.planning.simulation import simulate
from tests.bench.plan import before_a_deadline, compared, replay


@pytest.mark.slow
@pytest.mark.parametrize("jobs", [1, 2])
def test_latencies_are_those_that_were_simulated(bare_launcher, jobs):
    arrivals, sleeps = before_a_deadline(20, jobs, 0.6, random.Random(jobs))
    measured = replay(bare_launcher, arrivals, sleeps, jobs)
    figures = compared(measured, simulate(measured.arrivals, measured.services, jobs))
    assert figures["100%"][0] > 1.5 * max(measured.services), "some must have had to wait"
    for name, (real, simulated) in figures.items():
        assert simulated == pytest.approx(real, rel=0.15, abs=0.3), f"{name}: {figures}"
