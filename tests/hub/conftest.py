"""A hub of this machine's own for the tests that need one: real users, real servers, all of it removed after.

It needs root and what `hub_config/debian_packages.sh` and `make setup` install; the tests install nothing but
what `make hub` itself does below AUTOGRADER_TEST_HUB (default /opt/autograder-hub-test), whose environments are
kept, since making them takes minutes.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from hub_config.setup_local.places import CHECKOUT

PREFIX = os.environ.get("AUTOGRADER_TEST_HUB", "/opt/autograder-hub-test")
SET_UP_WITHIN_S = 1500
CLASS = """
course = "deep_learning"
grader = "agt-grader"
students = ["agt-ada", "agt-alan", "agt-edsger"]
assistants = ["agt-grace"]
instructors = ["agt-emmy"]
"""


@dataclass(frozen=True)
class RunningHub:
    """Args: passwords: by user's name. ready_s: from start to every part answering."""

    url: str
    passwords: dict[str, str]
    ready_s: float
    log: Path
    prefix: Path
    course: Path


def require_program(program, package):
    if not shutil.which(program):
        pytest.skip(f"needs {program}: apt-get install {package}")


def require_root_and_programs(*programs):
    if os.geteuid() != 0:
        pytest.skip("needs root: a hub of several people makes unix users")
    for program, package in (("node", "nodejs"), *programs):
        require_program(program, package)


def make_hub(*options):
    return [sys.executable, "-m", "hub_config.setup_local", "--prefix", PREFIX, *options]


def start_hub(folder, *options, port, environment=None):
    """Set up, start, wait. Returns: the process and the hub."""
    remove_people()  # of a run that was killed
    class_file = folder / "class.toml"
    class_file.write_text(CLASS)
    log, shown = folder / "hub.log", folder / "passwords"
    command = make_hub("--class", str(class_file), "--port", str(port), "--new-passwords", *options)
    with log.open("w") as err, shown.open("w") as out:
        shown.chmod(0o600)
        process = subprocess.Popen(
            command, cwd=CHECKOUT, stdout=out, stderr=err, env={**os.environ, **(environment or {})}
        )
    until = time.monotonic() + SET_UP_WITHIN_S
    while time.monotonic() < until and process.poll() is None:
        text = log.read_text(errors="replace")
        if ready := re.search(r"make hub: ready after ([\d.]+) s", text):
            break
        assert "make hub: not answering" not in text, text[-3000:]
        time.sleep(0.5)
    else:
        process.kill()
        remove_people()
        pytest.fail("the hub did not start: " + log.read_text(errors="replace")[-3000:])
    names = re.findall(r"^\s+(?:student|TA|instructor)\s+(\S+)\s+(\S+)$", shown.read_text(), re.M)
    course = Path("~agt-grader/deep_learning").expanduser()
    url = f"http://127.0.0.1:{port}"
    return process, RunningHub(url, dict(names), float(ready[1]), log, Path(PREFIX), course)


def stop_hub(process):
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(120)  # servers are stopped one after another
    finally:
        process.kill()
        remove_people()


def remove_people():
    """All but the environments."""
    if Path(PREFIX, "settings.json").exists():
        removing = make_hub("--remove", "--yes", "--keep-environments")
        subprocess.run(removing, cwd=CHECKOUT, check=True, capture_output=True, timeout=120)


@pytest.fixture(scope="session")
def local_hub(tmp_path_factory):
    require_root_and_programs()
    process, hub = start_hub(tmp_path_factory.mktemp("hub"), port=18400)
    yield hub
    stop_hub(process)
