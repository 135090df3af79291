"""nbgrader's own tests of `autograde` and `generate_feedback`, with our engine in the place of its Execute.

They come with the installed nbgrader and run unchanged in a process of their own, under the
`nbgrader_config.py` beside this file. `counted.py` writes down every notebook that our engine graded.
"""

import importlib.util
import json
import os
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]

# Skipped by nbgrader itself: "takes too long to run".
SKIPPED = {"test_many_students", "test_infinite_loop_with_output"}
# Never come to a notebook: a help text, an assignment or a kernel that does not exist, feedback alone.
GRADE_NOTHING = {"test_help", "test_missing_assignment", "test_incorrect_source_kernelspec"}

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]


@pytest.mark.parametrize(
    ("module", "number"), [("test_nbgrader_autograde", 42), ("test_nbgrader_generate_feedback", 15)]
)
def test_nbgraders_own_tests_pass_on_our_engine(module, number, tmp_path):
    outcomes, graded = run(f"nbgrader.tests.apps.{module}", tmp_path)
    assert len(outcomes) == number
    assert {name: outcome for name, outcome in outcomes.items() if outcome != "passed"} == {
        name: "skipped" for name in SKIPPED if name in outcomes
    }
    assert {each["engine"] for each in graded} == {"autograder"}
    assert {each["test"] for each in graded} == outcomes.keys() - SKIPPED - GRADE_NOTHING


def run(module, folder):
    """Outcome of every test by name, and what our engine graded meanwhile."""
    if importlib.util.find_spec(module) is None:
        pytest.skip("this nbgrader was installed without its tests")
    log, report = folder / "graded.jsonl", folder / "report.xml"
    log.touch()
    (folder / "pytest.ini").write_text("[pytest]\n")  # not ours, whose filters are for our code
    finished = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            f"--junitxml={report}",
            "--pyargs",
            module,
        ],
        cwd=folder,
        env=os.environ
        | {
            "AUTOGRADER_SUITE_LOG": str(log),
            "JUPYTER_CONFIG_DIR": str(HERE),
            "PYTHONPATH": os.pathsep.join([str(ROOT), str(HERE)]),
            "PATH": os.pathsep.join([os.path.dirname(sys.executable), os.environ["PATH"]]),  # `alembic`
        },
        capture_output=True,
        text=True,
    )
    assert report.exists(), finished.stdout + finished.stderr
    print(finished.stdout[-10_000:])
    cases = ElementTree.parse(report).iter("testcase")
    return {case.get("name"): outcome(case) for case in cases}, [
        json.loads(line) for line in log.read_text().splitlines()
    ]


def outcome(case):
    kinds = {child.tag for child in case}
    return next((kind for kind in ("failure", "error", "skipped") if kind in kinds), "passed")
