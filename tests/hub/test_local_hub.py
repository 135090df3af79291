"""The local hub as it runs: who may enter what, what a student's account can read, how fast it is ready."""

import os
import pwd
import re
import stat
import subprocess
from pathlib import Path

import pytest
import requests
import yaml

from hub_config.setup_local.places import CHECKOUT

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]
STUDENT, OTHER, TA, INSTRUCTOR, GRADER = "agt-ada", "agt-alan", "agt-grace", "agt-emmy", "agt-grader"
READY_WITHIN_S = 30


def logged_in(hub, name):
    """A session as a browser has it."""
    session = requests.Session()
    page = session.get(f"{hub.url}/hub/login", timeout=30)
    xsrf = re.search(r'name="_xsrf" value="([^"]+)"', page.text)[1]
    form = {"username": name, "password": hub.passwords[name], "_xsrf": xsrf}
    session.post(f"{hub.url}/hub/login?next=/hub/home", data=form, timeout=30)
    return session


def as_user(name, *command):
    entry = pwd.getpwnam(name)
    return subprocess.run(
        command, user=entry.pw_uid, group=entry.pw_gid, extra_groups=[], cwd="/", env={"PATH": "/usr/bin:/bin"},
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip


def test_it_is_ready_within_half_a_minute(local_hub):
    load = os.getloadavg()[0] / (os.cpu_count() or 1)
    if local_hub.ready_s >= READY_WITHIN_S and load > 1.5:
        pytest.skip(f"{local_hub.ready_s} s, on a machine that does {load:.1f} times as much as it can")
    assert local_hub.ready_s < READY_WITHIN_S


@pytest.mark.parametrize("name", [STUDENT, OTHER, TA, INSTRUCTOR])
def test_everybody_logs_in_with_the_printed_password(local_hub, name):
    assert logged_in(local_hub, name).get(f"{local_hub.url}/hub/home", timeout=30).status_code == 200


def test_a_wrong_password_and_the_grader_do_not(local_hub):
    for name, password in ((STUDENT, "wrong"), (GRADER, ""), ("root", "")):
        hub = type(local_hub)(local_hub.url, {name: password}, 0, None, None, None)
        answer = logged_in(hub, name).get(f"{hub.url}/hub/home", timeout=30, allow_redirects=False)
        assert answer.status_code == 302 and "login" in answer.headers["location"]


@pytest.mark.parametrize(
    "name, path, status",
    [
        (STUDENT, "/services/deep_learning/formgrader", 403),
        (STUDENT, "/services/status/", 403),
        (STUDENT, "/hub/admin", 403),
        (STUDENT, "/services/autograder/health", 200),
        (TA, "/services/deep_learning/formgrader", 200),
        (TA, "/services/status/", 200),
        (TA, "/hub/admin", 403),
        (INSTRUCTOR, "/services/deep_learning/formgrader", 200),
        (INSTRUCTOR, "/hub/admin", 200),
    ],
)
def test_who_may_open_what(local_hub, name, path, status):
    assert logged_in(local_hub, name).get(local_hub.url + path, timeout=60).status_code == status


@pytest.mark.parametrize("name, other", [(STUDENT, OTHER), (TA, STUDENT), (INSTRUCTOR, STUDENT)])
def test_nobody_opens_anothers_server(local_hub, name, other):
    """404 where it does not run, so that nobody learns who is at work; 403 where it does."""
    session = logged_in(local_hub, name)
    assert session.get(f"{local_hub.url}/user/{other}/lab", timeout=60).status_code in (403, 404)
    assert session.get(f"{local_hub.url}/user/{other}/api/contents", timeout=60).status_code in (403, 404)


def test_the_status_page_shows_what_the_doctor_found(local_hub):
    page = logged_in(local_hub, TA).get(f"{local_hub.url}/services/status/", timeout=120).text
    assert "isolation" in page and "submission service" in page and "All is well" in page


def test_homes_are_closed(local_hub):
    for name in (STUDENT, OTHER, TA, INSTRUCTOR, GRADER):
        assert stat.S_IMODE(Path(pwd.getpwnam(name).pw_dir).stat().st_mode) == 0o700


def test_a_students_account_reads_nothing_that_is_hidden(local_hub):
    for hidden in (
        local_hub.course / "autograder" / "checks" / "p01_attention.py",
        local_hub.course / "gradebook.db",
        local_hub.prefix / "submissions" / "service.db",
        local_hub.prefix / "state" / "jupyterhub.sqlite",
        local_hub.prefix / "state" / "metrics_token",
        local_hub.prefix / "settings.json",
        local_hub.prefix / "grader" / "environment" / "bin" / "python",
        CHECKOUT / "autograder" / "checks" / "p01_attention.py",
        CHECKOUT / "reference_impl" / "attention.py",
        Path(pwd.getpwnam(OTHER).pw_dir) / ".bashrc",
    ):
        assert hidden.exists() or hidden.name == "gradebook.db", f"{hidden}: nothing to hide there"
        found = as_user(STUDENT, "cat", str(hidden))
        assert found.returncode != 0 and "Permission denied" in found.stderr, hidden


def test_a_students_python_has_the_exchange_and_nothing_hidden(local_hub):
    python = str(local_hub.prefix / "environment" / "bin" / "python")
    assert as_user(STUDENT, python, "-c", "import autograder.exchange").returncode == 0
    for module in (
        "reference_impl",
        "autograder.checks",
        "autograder.checks.p01_attention",
        "autograder.grading",
    ):
        found = as_user(STUDENT, python, "-c", f"import {module}")
        assert "ModuleNotFoundError" in found.stderr, module


def test_a_student_cannot_change_the_environment(local_hub):
    found = as_user(STUDENT, "find", str(local_hub.prefix / "environment"), "-writable", "-not", "-type", "l")
    assert found.stdout == ""


def test_no_password_was_kept(local_hub):
    for folder in (local_hub.prefix / "state", local_hub.prefix / "etc"):
        for path in folder.rglob("*"):
            if path.is_file():
                content = path.read_bytes()
                assert not any(word.encode() in content for word in local_hub.passwords.values()), path
    assert not any(word in local_hub.log.read_text(errors="replace") for word in local_hub.passwords.values())


def test_metrics_are_read_with_their_token_alone(local_hub):
    address = f"{local_hub.url}/hub/metrics"
    assert requests.get(address, timeout=30).status_code == 403
    token = (local_hub.prefix / "state" / "metrics_token").read_text()
    found = requests.get(address, headers={"Authorization": f"token {token}"}, timeout=30)
    assert found.status_code == 200 and "jupyterhub_" in found.text
    users = requests.get(
        f"{local_hub.url}/hub/api/users", headers={"Authorization": f"token {token}"}, timeout=30
    )
    assert users.status_code == 403


def test_grading_has_metrics_too(local_hub):
    found = requests.get(f"{local_hub.url}/services/autograder/metrics", timeout=30).text
    assert "autograder_submissions" in found and "autograder_queue_wait_seconds" in found


def test_a_second_hub_on_the_same_ports_is_refused(local_hub, tmp_path):
    from tests.hub.conftest import make_hub

    port = local_hub.url.rsplit(":", 1)[1]
    again = subprocess.run(
        make_hub("--port", port), cwd=CHECKOUT, capture_output=True, text=True, timeout=120
    )
    assert again.returncode == 2 and f"port {port} is taken" in again.stderr


def test_a_name_that_somebody_else_has_is_not_taken_over(local_hub, tmp_path):
    from tests.hub.conftest import make_hub

    other = tmp_path / "class.toml"
    other.write_text('course = "dl"\ngrader = "agt-other"\nstudents = ["daemon"]\n')
    command = make_hub("--class", str(other), "--port", "18500", "--set-up-only")
    run = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, timeout=120)
    assert run.returncode == 2 and "did not make" in run.stderr
    with pytest.raises(KeyError):
        pwd.getpwnam("agt-other")


def test_every_metric_that_an_alert_names_is_one_that_the_hub_gives(local_hub):
    token = (local_hub.prefix / "state" / "metrics_token").read_text()
    hub = requests.get(
        f"{local_hub.url}/hub/metrics", headers={"Authorization": f"token {token}"}, timeout=30
    )
    service = requests.get(f"{local_hub.url}/services/autograder/metrics", timeout=30)
    given = set(re.findall(r"^# TYPE (\w+)", hub.text + service.text, re.M))
    alerts = yaml.safe_load((CHECKOUT / "hub_config" / "monitoring" / "alerts.yml").read_text())
    rules = [rule for group in alerts["groups"] for rule in group["rules"]]
    named = {name for rule in rules for name in re.findall(r"\b(?:autograder|jupyterhub)_\w+", rule["expr"])}
    assert len(named) >= 4
    for name in named:
        assert {name, re.sub(r"_(bucket|count|sum|total)$", "", name)} & given, name
