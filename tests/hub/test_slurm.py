"""Servers and grading on a real Slurm with two fake GPUs: who gets one, who waits, what is given back."""

import pwd
import re
import shutil
import subprocess
import time
from pathlib import Path

import pytest
import requests
from playwright.sync_api import sync_playwright

from hub_config.shared import slurm_grading
from tests.hub import slurm_cluster
from tests.hub.conftest import require_program, require_root_and_programs, start_hub, stop_hub
from tests.hub.slurm_cluster import Cluster

STUDENTS = ("agt-ada", "agt-alan", "agt-edsger")
TA = "agt-grace"
CHROMIUM = "/usr/bin/chromium"
METRICS = """\
# HELP autograder_jobs Jobs by kind and state
autograder_jobs{kind="grade",state="queued"} 23.0
autograder_jobs{kind="grade",state="running"} 2.0
autograder_jobs{kind="grade",state="done"} 400.0
autograder_jobs{kind="record",state="failed"} 3.0
autograder_submissions 428.0
"""


def test_what_is_unfinished_is_read_from_the_metrics():
    assert slurm_grading.unfinished(METRICS) == 25


@pytest.mark.parametrize("work, jobs", [(0, 0), (1, 1), (10, 1), (11, 2), (25, 3), (1000, 4)])
def test_as_many_jobs_as_there_is_work_up_to_a_bound(work, jobs):
    assert slurm_grading.wanted(work, slurm_grading.Request()) == jobs


def test_a_grading_job_gets_no_token_of_the_hub(monkeypatch):
    monkeypatch.setenv("JUPYTERHUB_API_TOKEN", "secret")
    monkeypatch.setenv("AUTOGRADER_SERVICE_DATABASE", "sqlite:////x")
    call = slurm_grading.Request().sbatch(["python", "-m", "worker", "--once"])
    exported = (
        next(each for each in call if each.startswith("--export=")).removeprefix("--export=").split(",")
    )
    assert "AUTOGRADER_SERVICE_DATABASE" in exported and "PATH" in exported
    assert not [name for name in exported if name.startswith("JUPYTERHUB")]


@pytest.fixture(scope="module")
def cluster():
    require_root_and_programs(*slurm_cluster.PROGRAMS.items())
    folder = Path("/tmp/autograder-slurm-tests")
    shutil.rmtree(folder, ignore_errors=True)
    running = Cluster(folder, port=18590)
    try:
        running.start()
        yield running
    finally:
        running.stop()


@pytest.fixture(scope="module")
def hub(cluster, tmp_path_factory):
    folder = tmp_path_factory.mktemp("hub")
    process, running = start_hub(folder, "--on", "slurm", port=18500, environment=cluster.environment)
    yield running
    stop_hub(process)


def session_of(hub, name):
    session = requests.Session()
    page = session.get(f"{hub.url}/hub/login", timeout=30)
    session.headers["X-XSRFToken"] = re.search(r'name="_xsrf" value="([^"]+)"', page.text)[1]
    form = {
        "username": name,
        "password": hub.passwords[name],
        "_xsrf": session.headers["X-XSRFToken"],
    }
    session.post(f"{hub.url}/hub/login?next=/hub/home", data=form, timeout=30)
    page = session.get(f"{hub.url}/hub/home", timeout=30)
    session.headers["X-XSRFToken"] = re.search(r'xsrf_token: "([^"]+)"', page.text)[1]
    session.headers["Referer"] = f"{hub.url}/hub/home"
    return session


def eventually(what, seconds=120):
    """Until `what` gives something true, or the last it gave."""
    until = time.monotonic() + seconds
    while not (found := what()) and time.monotonic() < until:
        time.sleep(1)
    return found


@pytest.fixture(scope="module")
def sessions(hub):
    return {name: session_of(hub, name) for name in (*STUDENTS, TA)}


def start_server(hub, session, name, **options):
    """As a script of the student's own would ask, with whatever options."""
    return session.post(f"{hub.url}/hub/api/users/{name}/server", json=options, timeout=60)


@pytest.mark.slow
@pytest.mark.timeout(1800)
class TestOnSlurm:
    """One story, in order: two GPUs, three students."""

    def test_the_form_offers_the_profiles(self, hub, sessions):
        page = sessions[STUDENTS[0]].get(f"{hub.url}/hub/spawn", timeout=60).text
        assert 'value="gpu"' in page and "Ends after 4 hours" in page

    def test_what_is_not_offered_is_refused(self, hub, sessions, cluster):
        answer = start_server(hub, sessions[STUDENTS[0]], STUDENTS[0], profile="all-gpus")
        assert answer.status_code == 400 and "unknown profile" in answer.text
        assert not cluster.jobs("jupyter")

    def test_two_students_get_a_gpu_each_and_the_third_waits(self, hub, sessions, cluster):
        for name in STUDENTS[:2]:
            assert start_server(hub, sessions[name], name, profile="gpu").status_code in (201, 202)
        for name in STUDENTS[:2]:
            assert eventually(lambda name=name: cluster.jobs("jupyter").get(name) == "RUNNING"), name
        # Options beyond the profile are ignored: not both GPUs, not a year.
        third = start_server(
            hub, sessions[STUDENTS[2]], STUDENTS[2], profile="gpu", gres="gpu:0", runtime="9"
        )
        assert third.status_code in (201, 202)
        assert eventually(lambda: cluster.jobs("jupyter").get(STUDENTS[2]) == "PENDING")
        asked = cluster.ask("squeue", "--noheader", "--name=jupyter", "--format=%u %b %l %C %m").splitlines()
        assert len(asked) == 3
        for line in asked:
            _, gres, limit, cpus, memory = line.split()
            assert gres.endswith("gpu:1") and limit == "4:00:00" and cpus == "4" and memory == "16G"

    def test_a_server_of_a_job_answers_and_knows_its_end(self, hub, sessions):
        name = STUDENTS[0]
        lab = lambda: sessions[name].get(f"{hub.url}/user/{name}/lab", timeout=60).text  # noqa: E731
        assert eventually(lambda: "serverEndsAt" in lab())
        ends = int(re.search(r'"serverEndsAt": "(\d+)"', lab())[1])
        assert 3.8 * 3600 < ends - time.time() < 4 * 3600
        assert Path(pwd.getpwnam(name).pw_dir, ".jupyter-server.log").is_file()

    def test_jupyterlab_says_when_the_server_ends(self, hub):
        require_program(CHROMIUM, "chromium")
        name = STUDENTS[0]
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
            page = browser.new_page(base_url=hub.url)
            page.goto(f"/hub/login?next=/user/{name}/lab")
            page.fill("#username_input", name)
            page.fill("#password_input", hub.passwords[name])
            page.click("#login_submit")
            page.get_by_text("This server ends at").first.wait_for(timeout=120_000)
            browser.close()

    def test_stopping_gives_the_gpu_to_who_waits(self, hub, sessions, cluster):
        answer = sessions[STUDENTS[0]].delete(f"{hub.url}/hub/api/users/{STUDENTS[0]}/server", timeout=60)
        assert answer.status_code in (202, 204)
        assert eventually(lambda: STUDENTS[0] not in cluster.jobs("jupyter"))
        assert eventually(lambda: cluster.jobs("jupyter").get(STUDENTS[2]) == "RUNNING")

    def test_a_submission_is_graded_by_a_slurm_job(self, hub, sessions, cluster):
        """Released by the grader, handed in by the second student, each with nbgrader's own command."""
        second = STUDENTS[1]
        token = (
            sessions[second]
            .post(
                f"{hub.url}/hub/api/users/{second}/tokens",
                json={"note": "test", "scopes": ["access:services!service=autograder"]},
                timeout=30,
            )
            .json()["token"]
        )
        release(hub, sessions)
        environment = {
            "PATH": f"{hub.prefix}/environment/bin:/usr/bin:/bin",
            "HOME": pwd.getpwnam(second).pw_dir,
            "JUPYTERHUB_USER": second,
            "JUPYTERHUB_API_TOKEN": token,
            "AUTOGRADER_SERVICE_URL": f"{hub.url}/services/autograder/",
            "JUPYTER_CONFIG_PATH": f"{hub.prefix}/etc/student",
        }
        for command in (["fetch_assignment", "p00_setup"], ["submit", "p00_setup"]):
            run = as_user(second, ["nbgrader", *command], environment)
            assert run.returncode == 0, run.stderr[-2000:]
        history = lambda: cluster.ask(  # noqa: E731
            "scontrol", "--oneliner", "show", "jobs"
        )
        assert eventually(lambda: f"JobName={slurm_grading.JOB_NAME}" in history(), 60), hub.log.read_text()[
            -2000:
        ]
        line = next(each for each in history().splitlines() if f"JobName={slurm_grading.JOB_NAME}" in each)
        assert "UserId=agt-grader" in line
        metrics = f"{hub.url}/services/autograder/metrics"
        done = 'autograder_jobs{kind="grade",state="done"} 1.0'
        assert eventually(lambda: done in requests.get(metrics, timeout=30).text, 400), requests.get(
            metrics, timeout=30
        ).text[-2000:]

    def test_an_idle_queue_holds_no_job(self, cluster):
        assert eventually(lambda: not cluster.jobs(slurm_grading.JOB_NAME), 200)


def release(hub, sessions):
    """By Formgrader's own address, as its button does."""
    session = sessions[TA]
    page = session.get(f"{hub.url}/services/deep_learning/formgrader", timeout=120)
    assert page.status_code == 200
    xsrf = next(
        each.value for each in session.cookies if each.name == "_xsrf" and "deep_learning" in each.path
    )
    answer = session.post(
        f"{hub.url}/services/deep_learning/formgrader/api/assignment/p00_setup/release",
        headers={"X-XSRFToken": xsrf, "Referer": page.url},
        timeout=180,
    )
    assert answer.json()["success"], answer.text[-2000:]


def as_user(name, command, environment):
    entry = pwd.getpwnam(name)
    return subprocess.run(
        command,
        user=entry.pw_uid,
        group=entry.pw_gid,
        extra_groups=[],
        cwd=entry.pw_dir,
        env=environment,
        capture_output=True,
        text=True,
        timeout=180,
        executable=shutil.which(command[0], path=environment["PATH"]),
    )
