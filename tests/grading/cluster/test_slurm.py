"""Workers as Slurm jobs, by the script that a course runs on its login node."""

import importlib.util
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from autograder.grading.batch import grade_batch
from autograder.grading.course import Course
from tests.grading.cluster import slurm
from tests.grading.cluster.clusters import wait_until
from tests.grading.test_batch import course, hand_in  # noqa: F401  the course of one question

SCRIPT = Path(__file__).parents[3] / "hub_config" / "graders" / "slurm.py"
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


@pytest.fixture
def environment(tmp_path_factory):
    pytest.importorskip("dask_jobqueue")
    if reason := slurm.missing():
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("slurm") / "cluster"
    with slurm.running(folder) as environment:
        yield environment


def test_jobs_start_when_there_is_work_and_marks_come_back(course, environment, tmp_path_factory):  # noqa: F811
    for number in range(4):
        hand_in(course, f"s{number}")
    home = tmp_path_factory.mktemp("login")
    with (home / "log").open("wb") as log:
        script = subprocess.Popen(
            [
                sys.executable,
                str(SCRIPT),
                "--most",
                "2",
                "--fewest",
                "1",
                "--port",
                "0",
                "--host",
                "127.0.0.1",
            ],
            env=os.environ | environment,
            cwd=home,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
    try:
        address = script.stdout.readline().strip()
        assert re.match(r"tcp://127\.0\.0\.1:\d+$", address), (home / "log").read_text()[-2000:]
        batch = grade_batch(Course(course), "ps", executor=address)
        assert {result.score for result in batch.submissions} == {2}
        assert (
            slurm.ask(environment, "squeue", "--noheader", "--format=%T").splitlines().count("RUNNING") >= 1
        )
    finally:
        script.send_signal(signal.SIGINT)
        script.wait(60)
    wait_until(lambda: not slurm.ask(environment, "squeue", "--noheader"), what="the jobs' end")


def test_a_job_with_a_gpu_offers_it(environment, tmp_path):
    """What is handed to Slurm asks for a GPU, and the worker in it says that it has one."""
    spec = importlib.util.spec_from_file_location("slurm_script", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    with module.cluster(module.options(["--gpu", "--port", "0", "--host", "127.0.0.1"])) as cluster:
        job = cluster.job_script()
    assert "#SBATCH --gres=gpu:1" in job
    assert "--resources GPU=1" in job
    assert "--nthreads 1" in job
    path = tmp_path / "job.sh"
    path.write_text(re.sub(r"^/.*$", 'echo "$CUDA_VISIBLE_DEVICES"', job, flags=re.MULTILINE))
    outputs = [tmp_path / f"out{number}" for number in range(2)]
    for output in outputs:
        slurm.ask(environment, "sbatch", "--wait", f"--output={output}", str(path))
    assert all(output.read_text().strip() in "01" for output in outputs)
