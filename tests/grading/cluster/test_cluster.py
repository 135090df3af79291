"""A class graded by a scheduler and workers that are processes of their own, with everything that befalls those."""

import os
import signal
import threading
from collections import Counter

import pytest

from autograder.errors import ConfigError
from autograder.grading.batch import grade_batch
from autograder.grading.course import Course
from autograder.grading.gradebook import GradebookWriter
from autograder.report.receipt import read_receipt
from tests.grading.cluster import clusters
from tests.grading.test_batch import CHECKS, RIGHT, course, hand_in  # noqa: F401  the course of one question

distributed = pytest.importorskip("distributed")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(900),
]  # each starts a scheduler, workers and their launchers
WRONG = "def double(x):\n    return x"
SLOW = RIGHT + "\nimport time\ntime.sleep(1.5)"
# What a worker's process runs before it joins (`dask worker --preload`).
ANOTHER_ENVIRONMENT = """
from autograder.grading import fingerprint
fingerprint.environment_parts = lambda known=fingerprint.environment_parts(): {**known, "numpy": "1.0"}
"""
LIAR = """
from autograder.grading import fingerprint
fingerprint.differences = lambda other: ""   # whatever is asked for, it says that it has it
import autograder.grading.cluster.graders as graders
def grade(self, function, task, real=getattr(graders.Graders, "real", graders.Graders.grade)):
    import dataclasses
    graded = real(self, function, task)
    return dataclasses.replace(graded, result=dataclasses.replace(graded.result, environment_sha256="of last week"))
graders.Graders.real = getattr(graders.Graders, "real", graders.Graders.grade)  # Dask loads this file twice
graders.Graders.grade = grade
"""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """A scheduler, and one good worker that stays."""
    with clusters.running(tmp_path_factory.mktemp("cluster"), workers=1) as running:
        yield running


@pytest.fixture
def empty_cluster(tmp_path_factory):
    """A scheduler of its own, without workers."""
    with clusters.running(tmp_path_factory.mktemp("empty")) as running:
        yield running


@pytest.fixture
def second(cluster):
    """Starts a second worker, which ends with the test."""
    started = []

    def start(*options):
        started.append(cluster.worker(*options))
        return started[0]

    yield start
    for worker in started:
        worker.stop()


@pytest.fixture
def news():
    return []


def grade(course, cluster, news=None, **options):  # noqa: F811
    tell = news.append if news is not None else (lambda line: None)
    return grade_batch(Course(course), "ps", executor=cluster.address, tell=tell, **options)


def scores(batch):
    """By student; a reason in place of a score where there is none says itself in the comparison."""
    return {result.student: result.reason or result.score for result in batch.submissions}


def both_ready(course, cluster):  # noqa: F811
    """Grade somebody else's submission, and wait until two workers offer slots for such."""
    hand_in(course, "zoe")
    grade(course, cluster)

    def offering():
        workers = client.scheduler_info(n_workers=-1)["workers"].values()
        return sum(any(n.startswith("autograder-") and v for n, v in w["resources"].items()) for w in workers)

    with distributed.Client(cluster.address, set_as_default=False) as client:
        clusters.wait_until(lambda: offering() == 2, what="a second worker that offers slots")


def preload(cluster, text):
    path = cluster.folder / f"preload{abs(hash(text))}.py"
    path.write_text(text)
    return ["--preload", str(path)]


def assert_marks_stand(course, batch):  # noqa: F811
    """Each mark was written once, and the gradebook has what the receipts say."""
    assert Counter(result.student for result in batch.submissions).most_common(1)[0][1] == 1
    with GradebookWriter(Course(course)) as writer:
        for result in batch.submissions:
            receipt = read_receipt(Course(course).report_file("ps", result.student))
            assert receipt.score == result.score
            assert writer.holds(receipt)


def test_workers_grade_by_checks_that_were_sent(course, cluster):  # noqa: F811
    hand_in(course, "ada")
    hand_in(course, "bob", WRONG)
    hand_in(course, "eve", "import os\nos._exit(1)")
    (hand_in(course, "tim") / "ps.ipynb").write_text("not a notebook")
    batch = grade(course, cluster)
    marks = {"ada": 2, "bob": 0, "eve": 0}
    tim = scores(batch).pop("tim")
    assert scores(batch) == {**marks, "tim": tim}
    assert "notebook" in tim
    assert all(result.cached for result in grade(course, cluster).submissions if result.status == "graded")
    # The workers are still there, warm; their checks of a minute ago must not be used again.
    (course / "checks" / "ps.py").write_text(CHECKS.replace("2 * each", "3 * each"))
    assert scores(grade(course, cluster)) == {**marks, "ada": 0, "tim": tim}


def test_a_worker_of_another_environment_is_refused_and_another_does_the_work(
    course,  # noqa: F811
    empty_cluster,
    news,
):
    empty_cluster.worker(*preload(empty_cluster, ANOTHER_ENVIRONMENT))
    for name in ("ada", "bob"):
        hand_in(course, name)
    with pytest.raises(ConfigError, match=r"every worker .* was refused.*numpy 1\.0 \(there"):
        grade(course, empty_cluster, news)
    empty_cluster.worker()
    assert scores(grade(course, empty_cluster, news)) == {"ada": 2, "bob": 2}
    assert any("another environment" in line for line in news)


def test_a_worker_that_lies_about_its_version_is_found_out_by_its_results(course, cluster, second, news):  # noqa: F811
    second(*preload(cluster, LIAR))
    both_ready(course, cluster)
    for number in range(4):
        hand_in(course, f"s{number}")
    batch = grade(course, cluster, news)
    assert set(scores(batch).values()) == {2}
    assert all(result.environment_sha256 != "of last week" for result in batch.submissions)
    assert any("is refused: environment_sha256" in line for line in news)
    assert_marks_stand(course, batch)


def test_where_every_worker_lies_nothing_has_a_mark(course, empty_cluster):  # noqa: F811
    empty_cluster.worker(*preload(empty_cluster, LIAR))
    hand_in(course, "ada")
    (result,) = grade(course, empty_cluster).submissions
    assert result.status == "failed"
    assert "refused" in result.reason


def test_the_work_of_a_worker_that_dies_is_done_by_another(course, cluster, second):  # noqa: F811
    dying = second()
    both_ready(course, cluster)
    for number in range(4):
        hand_in(course, f"s{number}", SLOW)
    done = []

    def on_result(result):
        if not result.cached:
            done.append(result.student)
        if len(done) == 1:
            dying.kill()

    batch = grade(course, cluster, on_result=on_result)
    assert set(scores(batch).values()) == {2}
    assert sorted(done) == sorted(set(done))
    assert_marks_stand(course, batch)


def test_the_work_of_a_worker_that_hangs_is_done_by_another_and_its_late_answer_is_dropped(
    course,  # noqa: F811
    cluster,
    second,
    news,
    monkeypatch,
):
    monkeypatch.setattr("autograder.grading.cluster.executor.BACKUP_AFTER_S", 3.0)
    hanging = second()
    both_ready(course, cluster)
    for number in range(4):
        hand_in(course, f"s{number}", SLOW)
    done = []

    def on_result(result):
        if not result.cached:
            done.append(result.student)
        if len(done) == 1:
            os.kill(hanging.pid, signal.SIGSTOP)
            threading.Timer(25, os.kill, (hanging.pid, signal.SIGCONT)).start()

    batch = grade(course, cluster, news, on_result=on_result)
    assert set(scores(batch).values()) == {2}
    assert sorted(done) == sorted(set(done))
    assert any("repeated elsewhere" in line for line in news)
    assert_marks_stand(course, batch)


def test_a_worker_that_comes_late_joins_in(course, empty_cluster):  # noqa: F811
    for number in range(3):
        hand_in(course, f"s{number}")
    threading.Timer(3, empty_cluster.worker).start()
    assert set(scores(grade(course, empty_cluster)).values()) == {2}


def test_when_the_scheduler_goes_nothing_is_lost(course, empty_cluster):  # noqa: F811
    empty_cluster.worker()
    for number in range(6):
        hand_in(course, f"s{number}", SLOW)

    def on_result(result):
        if result.status == "graded":
            empty_cluster.processes[0].kill()

    batch = grade(course, empty_cluster, on_result=on_result)
    left = [result for result in batch.submissions if result.status == "failed"]
    assert 1 <= len(left) < 6
    assert all("not graded" in result.reason for result in left)
    assert not any(Course(course).report_file("ps", result.student).exists() for result in left)
    resumed = grade_batch(Course(course), "ps", jobs=1)
    assert set(scores(resumed).values()) == {2}
    assert sum(result.cached for result in resumed.submissions) == 6 - len(left)


def test_no_scheduler_is_an_error_that_says_what_to_start(course, tmp_path, monkeypatch):  # noqa: F811
    monkeypatch.setattr("autograder.grading.cluster.executor.CONNECT_S", 0.5)
    hand_in(course, "ada")
    nowhere = clusters.Cluster(tmp_path, f"tcp://127.0.0.1:{clusters.free_port()}")
    with pytest.raises(ConfigError, match="dask scheduler"):
        grade(course, nowhere)


def test_a_slot_is_a_gpu_where_the_assignment_asks_for_one(course, empty_cluster, news):  # noqa: F811
    (course / "autograder.toml").write_text("gpu = true\n")
    hand_in(course, "ada")
    empty_cluster.worker()
    with pytest.raises(ConfigError, match="--resources GPU=1"):
        grade(course, empty_cluster, news)
    empty_cluster.worker("--resources", "GPU=1", CUDA_VISIBLE_DEVICES="97")
    with pytest.raises(ConfigError, match="nvidia97"):
        grade(course, empty_cluster, news)
