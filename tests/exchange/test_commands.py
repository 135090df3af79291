"""nbgrader's own commands, service and worker, each a program of its own: from release to feedback."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from processes import Program
from served import HALF, make_course, notebook_bytes

pytestmark = [pytest.mark.timeout(590), pytest.mark.slow]


def test_a_course_from_release_to_feedback(hub, tmp_path):
    root = make_course(tmp_path / "one")
    program = Program(hub, root, tmp_path / "service")
    program.start()
    home = tmp_path / "ada"
    home.mkdir()
    (home / "nbgrader_config.py").write_text(
        "c = get_config()\nc.CourseDirectory.course_id = 'one'\n"
        "from autograder.exchange import configure\nconfigure(c)\n"
    )

    def nbgrader(folder, token, *arguments):
        environment = {
            **os.environ,
            "AUTOGRADER_SERVICE_URL": program.url,
            "JUPYTERHUB_API_TOKEN": token,
            "JUPYTER_DATA_DIR": str(folder / ".data"),
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        }
        done = subprocess.run(
            ["nbgrader", *arguments], cwd=folder, env=environment, capture_output=True, text=True, timeout=200
        )
        assert done.returncode == 0, done.stderr
        return done.stdout + done.stderr

    try:
        assert "Released as: one ps" in nbgrader(root, hub.ida, "release_assignment", "ps")
        assert "one ps" in nbgrader(home, hub.ada, "list")
        assert "Fetched as: one ps" in nbgrader(home, hub.ada, "fetch_assignment", "ps")
        (home / "ps" / "ps.ipynb").write_bytes(notebook_bytes(HALF))
        said = nbgrader(home, hub.ada, "submit", "ps")
        assert "Submitted as: one ps" in said
        assert "Receipt: " in said
        assert program.worker("--once").wait(300) == 0
        assert "[graded, receipt " in nbgrader(home, hub.ada, "list", "--cached")
        assert "Submission already exists" in nbgrader(
            root, hub.tina, "collect", "ps"
        )  # the worker was first
        nbgrader(root, hub.ida, "generate_feedback", "ps")
        assert "Released feedback" in nbgrader(root, hub.ida, "release_feedback", "ps")
        assert "Fetched feedback" in nbgrader(home, hub.ada, "fetch_feedback", "ps")
        [page] = (home / "ps" / "feedback").rglob("*.html")
        assert "negative numbers double too" in page.read_text()
    finally:
        program.stop()
