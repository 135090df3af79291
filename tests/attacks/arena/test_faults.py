"""Whatever fails around a batch: afterwards each submission has one state, no mark is stale, a rerun completes."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import course as arena
import pytest
from attack import Attack
from killed_batch import SCORES, STUDENTS

from autograder.errors import GradebookError
from autograder.grading.batch import grade_batch
from autograder.grading.course import Course
from autograder.grading.gradebook import GradebookWriter
from autograder.report.receipt import read_receipt
from autograder.sandbox.session import GRADER_MODULES, Launcher

HERE = Path(__file__).parent


@pytest.fixture
def root(tmp_path):
    """A course in which two students have handed in."""
    arena.build(tmp_path / "course", "auto")
    for student in STUDENTS:
        submit(tmp_path / "course", student)
    return tmp_path / "course"


def submit(root, student, answer=arena.RIGHT):
    shutil.rmtree(root / "submitted" / student, ignore_errors=True)
    arena.hand_in_attack(root, Attack(student, "", "", answer=answer))


def grade(root, **options):
    with Launcher.start("auto", preload=("numpy", *GRADER_MODULES), course=root) as launcher:
        return grade_batch(Course(root), "ps", jobs=1, launcher=launcher, **options)


def scores(batch):
    return {result.student: result.score for result in batch.submissions}


def marks(root):
    """Of each student: the automatic marks in the gradebook, and how many questions have none."""
    query = (
        "SELECT s.student_id, sum(g.auto_score), sum(g.auto_score IS NULL) FROM grade g "
        "JOIN submitted_notebook n ON n.id = g.notebook_id "
        "JOIN submitted_assignment s ON s.id = n.assignment_id GROUP BY s.student_id"
    )
    with contextlib.closing(sqlite3.connect(root / "gradebook.db")) as database:
        return {student: (score, missing) for student, score, missing in database.execute(query)}


@pytest.mark.parametrize(
    ("every", "offset"),
    [(4, 1), pytest.param(1, 0, marks=pytest.mark.slow)],
    ids=["some steps", "every step"],
)
def test_a_batch_may_be_killed_at_any_step(tmp_path, every, offset):
    """ada had 10 points and has handed in nothing of worth since; bob had 8 and has 10 now."""
    command = [sys.executable, "-m", "killed_batch", str(tmp_path / "course"), str(every), str(offset)]
    paths = [HERE, HERE.parent, HERE.parents[2]]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, paths)), "PYTHONWARNINGS": "ignore"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=500)
    *steps, last = [json.loads(line) for line in done.stdout.splitlines()]
    assert last["steps"] > 40, done.stderr
    assert [step["killed"] for step in steps] == [True] * (len(steps) - 1) + [False]
    for step in steps:
        for student, state in step["after"].items():
            score, complete = state["gradebook"]
            assert complete
            assert score in (SCORES["old"][student], SCORES["new"][student])
            assert state["receipt"] in (None, score), f"step {step['step']}: two marks for {student}"
        assert step["rerun"] == 0, done.stderr
        for student, state in step["finally"].items():
            assert state == {
                "gradebook": [SCORES["new"][student], True],
                "receipt": SCORES["new"][student],
                "notebook": True,
            }


def test_a_launcher_that_dies_costs_nothing_but_a_rerun(root):
    for number in range(6):
        submit(root, f"eve{number}", "import time\ntime.sleep(0.3)\n" + arena.RIGHT)
    launcher = Launcher.start("auto", preload=("numpy", *GRADER_MODULES), course=root)
    launcher.ready()
    (pid,) = _children("autograder.sandbox.launcher")
    killed = []

    def kill(result):
        if not killed:
            killed.append(result.student)
            os.kill(pid, signal.SIGKILL)

    batch = grade_batch(Course(root), "ps", jobs=1, launcher=launcher, on_result=kill)
    assert killed
    failed = [result for result in batch.submissions if result.status == "failed"]
    assert len(failed) >= 5
    assert all("launcher" in result.reason or "grader process" in result.reason for result in failed)
    assert batch.exit_status == 1
    assert {missing for student, (_, missing) in marks(root).items() if student != killed[0]} == {5}
    assert set(scores(grade(root)).values()) == {10.0}


def _children(command):
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            ours = path.read_text().rpartition(")")[2].split()[1] == str(os.getpid())
            if ours and command in path.with_name("cmdline").read_text():
                found.append(int(path.parent.name))
    return found


def test_two_graders_at_once_give_the_same_marks(root):
    for number in range(4):
        submit(root, f"eve{number}", arena.RIGHT.replace("% 2 == 0", "% 2 == 1"))
    batches = []
    threads = [threading.Thread(target=lambda: batches.append(grade(root, force=True))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    one, other = map(scores, batches)
    assert one == other == {"ada": 10.0, "bob": 10.0, **{f"eve{number}": 8.0 for number in range(4)}}
    assert {student: score for student, (score, _) in marks(root).items()} == one
    assert all(result.cached for result in grade(root).submissions)


def test_a_gradebook_that_cannot_be_written_is_told_before_anything_is_graded(root):
    grade(root)
    submit(root, "ada", "")
    with (root / "nbgrader_config.py").open("a") as file:
        file.write(f"c.CourseDirectory.db_url = 'sqlite:///file:{root}/gradebook.db?mode=ro&uri=true'\n")
    started = time.monotonic()
    with pytest.raises(GradebookError, match=r"read-?only"):
        grade(root)
    assert time.monotonic() - started < 30
    assert read_receipt(Course(root).report_file("ps", "ada")).score == 10.0  # as the gradebook has it
    (root / "nbgrader_config.py").write_text("c = get_config()\nc.CourseDirectory.course_id = 'arena'\n")
    assert scores(grade(root)) == {"ada": 0.0, "bob": 10.0}


def test_a_locked_gradebook_is_told_with_what_to_do(root):
    grade(root)
    with contextlib.closing(sqlite3.connect(root / "gradebook.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with (
            GradebookWriter(Course(root), lock_wait_s=0.3) as writer,
            pytest.raises(GradebookError, match="run this again"),
        ):
            writer.check()


def test_marks_that_cannot_be_written_leave_no_older_ones(root):
    """The folder for ada's marked notebook cannot be made: a file is in its place."""
    assert scores(grade(root)) == {"ada": 10.0, "bob": 10.0}
    shutil.rmtree(root / "autograded" / "ada")
    (root / "autograded" / "ada").write_text("in the way")
    submit(root, "ada", "# nothing any more")
    batch = grade(root)
    assert scores(batch) == {"ada": None, "bob": 10.0}
    assert "not written" in batch.failures[0].reason
    assert marks(root)["ada"] == (None, 5)
    assert read_receipt(Course(root).report_file("ps", "ada")).status == "failed"
    (root / "autograded" / "ada").unlink()
    assert scores(grade(root)) == {"ada": 0.0, "bob": 10.0}


@pytest.mark.parametrize("room_kb", [700, 1000])
def test_a_full_disk_costs_nothing_but_a_rerun(root, room_kb):
    if os.geteuid() != 0:
        pytest.skip("a small file system can only be mounted by root")
    grade(root)
    submit(root, "ada", f"open('big.bin', 'wb').write(bytes({8 << 20}))")
    submit(root, "bob", arena.RIGHT.replace("% 2 == 0", "% 2 == 1"))
    mounted = root.with_name("mounted")
    mounted.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "small", mounted], check=True)
    try:
        small = mounted / "course"
        shutil.copytree(root, small)
        free = shutil.disk_usage(mounted).free
        (mounted / "ballast").write_bytes(bytes(max(0, free - room_kb * 1024)))
        batch = grade(small)
        assert scores(batch)["ada"] is None
        assert "No space left" in batch.failures[0].reason
        assert marks(small)["ada"] == (None, 5)
        report = Course(small).report_file("ps", "ada")
        assert not report.exists() or read_receipt(report).status == "failed"
        (mounted / "ballast").unlink()
        submit(small, "ada")
        assert scores(grade(small)) == {"ada": 10.0, "bob": 8.0}
    finally:
        subprocess.run(["umount", "-l", mounted], check=True)


HUNGRY = """
@question("affine", points=1)
def test_of_zero_is_the_shift(student, rng):
    kept = []
    if student.affine([[0.0]], 1.0, 1.0) == "hungry":
        kept = [np.zeros(1 << 27) for _ in range(60)]  # a gigabyte each
    assert not kept
"""


def test_memory_that_runs_out_in_a_grader_is_a_failed_check(root):
    """And no matter for anybody else on the machine: 60 GB are asked for, 8 are given."""
    checks = root / "checks" / "ps.py"
    start = checks.read_text().index('@question("affine", points=1)\ndef')
    end = checks.read_text().index('@question("labels"')
    checks.write_text(checks.read_text()[:start] + HUNGRY.strip() + "\n\n\n" + checks.read_text()[end:])
    submit(root, "ada", arena.RIGHT + "\naffine = lambda *a: 'hungry'")
    batch = grade(root, students=["ada"])
    (check,) = [c for q in batch.submissions[0].questions for c in q.checks if c.id == "of_zero_is_the_shift"]
    assert check.outcome == "failed"
    assert "another form" in check.message, "a MemoryError that the reference's value does not cause"
