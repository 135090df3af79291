"""The demo without root: it says what it is, and the loop's parts answer."""

import os
import re
import signal
import subprocess
import sys
import time

import pytest
import requests

from hub_config.setup_local.places import CHECKOUT
from tests.hub.conftest import require_program

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
PORT = 18600


def make_demo():
    """`make hub` as an ordinary user who owns the checkout: root's tests become one in a user namespace."""
    as_user = ["unshare", "--user", "--map-user=12345", "--map-group=12345"] if os.geteuid() == 0 else []
    return [*as_user, sys.executable, "-m", "hub_config.setup_local", "--demo"]


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """Returns: what it said, what it printed (the password first, then the proxy), the folder."""
    require_program("node", "nodejs")
    folder = tmp_path_factory.mktemp("demo")
    said, printed = folder / "said", folder / "printed"
    command = [*make_demo(), "--port", str(PORT), "--prefix", str(folder / "hub")]
    environment = {**os.environ, "HOME": str(folder), "USER": "somebody"}
    with said.open("w") as err, printed.open("w") as out:
        process = subprocess.Popen(command, cwd=CHECKOUT, stdout=out, stderr=err, env=environment)
    for _ in range(240):
        if "ready after" in said.read_text() or process.poll() is not None:
            break
        time.sleep(0.5)
    yield said.read_text(), printed.read_text(), folder / "hub"
    process.send_signal(signal.SIGTERM)
    process.wait(60)


def test_it_says_plainly_that_it_isolates_nobody(demo):
    said, _, _ = demo
    assert "ready after" in said, said[-2000:]
    assert "ONE person" in said and "isolates nobody" in said
    assert said.index("isolates nobody") < said.index("ready after")


def test_the_printed_password_opens_it_and_another_does_not(demo):
    _, printed, _ = demo
    for password, works in ((printed.split()[0], True), ("", False), ("password", False)):
        session = requests.Session()
        page = session.get(f"http://127.0.0.1:{PORT}/hub/login", timeout=30)
        xsrf = re.search(r'name="_xsrf" value="([^"]+)"', page.text)[1]
        form = {"username": "ada", "password": password, "_xsrf": xsrf}
        session.post(f"http://127.0.0.1:{PORT}/hub/login?next=/hub/home", data=form, timeout=30)
        home = session.get(f"http://127.0.0.1:{PORT}/hub/home", timeout=30, allow_redirects=False)
        assert (home.status_code == 200) is works


def test_what_it_keeps_is_its_owners_alone(demo):
    _, _, folder = demo
    assert folder.stat().st_mode & 0o077 == 0
    assert (folder / "settings.json").stat().st_mode & 0o077 == 0


def test_the_service_answers(demo):
    assert requests.get(f"http://127.0.0.1:{PORT}/services/autograder/health", timeout=30).status_code == 200


def test_removing_it_asks_for_a_stopped_hub_and_touches_no_other_folder(demo, tmp_path):
    _, _, folder = demo
    remove = [*make_demo(), "--remove", "--yes", "--prefix"]
    running = subprocess.run([*remove, str(folder)], cwd=CHECKOUT, capture_output=True, text=True, timeout=60)
    assert running.returncode == 2 and "Is a hub running?" in running.stderr and folder.exists()
    (tmp_path / "mine").write_text("keep")
    other = subprocess.run([*remove, str(tmp_path)], cwd=CHECKOUT, capture_output=True, text=True, timeout=60)
    assert other.returncode == 2 and "not a folder that make hub made" in other.stderr
    assert (tmp_path / "mine").exists()


def test_root_is_told_to_start_it_as_somebody_else():
    if os.geteuid() != 0:
        pytest.skip("needs root, to be refused")
    command = [sys.executable, "-m", "hub_config.setup_local", "--demo"]
    run = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, timeout=60)
    assert run.returncode == 2 and "as an ordinary user" in run.stderr
