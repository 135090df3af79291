"""Workers and the command are killed in mid-run: resumed, one mark each, the gradebook of an undisturbed run."""

import random
import shutil
from pathlib import Path

import pytest

from tests.bench import cluster as bench
from tests.grading.cluster import clusters

SUBMISSIONS = 40


@pytest.mark.slow
@pytest.mark.timeout(3000)
def test_marks_are_those_of_an_undisturbed_run(tmp_path):
    course = bench.make_course(tmp_path / "course", SUBMISSIONS)
    calm = Path(shutil.copytree(course, tmp_path / "calm"))
    bench.grade(calm)
    with clusters.running(tmp_path) as cluster:
        batch = bench.disturbed(course, cluster, workers=2, kills=3, rng=random.Random(5))
    assert len(batch["submissions"]) == SUBMISSIONS
    assert {each["status"] for each in batch["submissions"]} == {"graded"}
    assert bench.submissions_in(course) == {f"s{number:05}": 1 for number in range(SUBMISSIONS)}
    assert bench.rows(course) == bench.rows(calm)
    assert sum(row[0] for row in bench.rows(course).values()) == 2 * SUBMISSIONS / 4
    again = bench.grade(course)
    assert all(each["cached"] for each in again["submissions"])
