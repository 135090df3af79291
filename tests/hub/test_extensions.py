"""Extensions by role, read back through Jupyter's own search path."""

import json
import os
import subprocess
import sys

import pytest

from hub_config.shared import extensions, time_limit

ASK = """
import json
from jupyter_core.paths import jupyter_config_path, jupyter_path
from jupyter_server.services.config.manager import ConfigManager
from jupyterlab_server.config import get_page_config
server = ConfigManager(read_config_path=jupyter_config_path()).get("jupyter_server_config")
page = get_page_config(jupyter_path("labextensions"))
print(json.dumps({
    "server": server["ServerApp"]["jpserver_extensions"],
    "disabled": page["disabledExtensions"],
    "federated": [each["name"] for each in page["federated_extensions"]],
}))
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("etc")
    extensions.write_role_folders(place, "dl")
    return place


@pytest.fixture(scope="module")
def seen(folder, tmp_path_factory):
    """What a server of each role would load, in a home that asks for all of it."""
    home = tmp_path_factory.mktemp("home")
    own = home / ".jupyter" / "jupyter_server_config.d" / "mine.json"
    own.parent.mkdir(parents=True)
    own.write_text(
        json.dumps({"ServerApp": {"jpserver_extensions": {"nbgrader.server_extensions.formgrader": True}}})
    )
    found = {}
    for role in extensions.ROLES:
        env = {**os.environ, "HOME": str(home), **extensions.spawn_environment(folder, role)}
        run = subprocess.run([sys.executable, "-c", ASK], env=env, capture_output=True, text=True, check=True)
        found[role] = json.loads(run.stdout.splitlines()[-1])
    return found


@pytest.mark.parametrize("role", extensions.ROLES)
def test_a_role_has_its_extensions_and_no_others(seen, role):
    for name, module in extensions.SERVER_EXTENSIONS.items():
        wanted = name in extensions.ROLES[role]
        assert (f"@jupyter/nbgrader:{name}" in seen[role]["disabled"]) is not wanted
        if module:
            assert seen[role]["server"][module] is wanted


def test_a_home_cannot_switch_formgrader_on_for_a_student(seen):
    assert seen["student"]["server"]["nbgrader.server_extensions.formgrader"] is False


@pytest.mark.parametrize("role", extensions.ROLES)
def test_every_server_has_the_warning_before_its_end(seen, role):
    assert time_limit.NAME in seen[role]["federated"]


@pytest.mark.parametrize(
    "groups, role",
    [
        (["nbgrader-dl"], "student"),
        (["formgrade-dl"], "assistant"),
        (["formgrade-dl", "instructors-dl", "nbgrader-dl"], "instructor"),
        (["instructors-other", "formgrade-other"], "student"),
        ([], "student"),
    ],
)
def test_the_role_comes_from_the_hubs_groups(groups, role):
    assert extensions.role_of(groups, "dl") == role
