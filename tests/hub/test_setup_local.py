"""The steps of `make hub` one by one, in folders of the tests' own."""

import os
import sqlite3
import stat
import subprocess
import tempfile
from pathlib import Path

import pytest

from hub_config.setup_local import course_copy, root_hub, running
from hub_config.setup_local.environments import SetupFailed
from hub_config.setup_local.places import CHECKOUT, Places, Ports, Settings, make_metrics_token
from hub_config.setup_local.users import NameTaken, Users
from hub_config.shared.people import People

PEOPLE = People("dl", "dl-grader", ("ada", "alan"), ("grace",), ("emmy",))


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def bin_folder(tmp_path):
    """Programs that stand in for the machine's; apt-get writes down what it is asked."""
    folder = tmp_path / "bin"
    folder.mkdir()

    def program(name, script):
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o755)

    program("apt-get", f'echo "$@" >> {tmp_path}/asked')
    program("id", "echo 0")
    program("node", "echo v20")
    program("npm", "echo 10")
    program.folder = folder
    return program


def debian_packages(bin_folder):
    script = str(CHECKOUT / "hub_config" / "debian_packages.sh")
    env = {"PATH": f"{bin_folder.folder}:/usr/sbin:/usr/bin:/bin"}
    return subprocess.run([script], env=env, capture_output=True, text=True, timeout=60)


def test_a_machine_without_node_gets_it_after_it_was_said(bin_folder, tmp_path):
    bin_folder("node", "exit 127")
    run = debian_packages(bin_folder)
    assert run.returncode == 0, run.stderr
    assert "installing these Debian packages: nodejs npm" in run.stdout
    update, install = (tmp_path / "asked").read_text().splitlines()
    assert update.startswith("update") and install.startswith("install") and install.endswith("nodejs npm")


def test_without_root_it_says_what_to_ask_for_and_installs_nothing(bin_folder, tmp_path):
    bin_folder("node", "exit 127")
    bin_folder("id", "echo 1000")
    run = debian_packages(bin_folder)
    assert run.returncode == 2 and "apt-get install --no-install-recommends nodejs npm" in run.stderr
    assert not (tmp_path / "asked").exists()


def test_a_machine_that_has_all_is_left_alone(bin_folder, tmp_path):
    run = debian_packages(bin_folder)
    assert run.returncode == 0 and run.stdout == "" and not (tmp_path / "asked").exists()


@pytest.fixture
def open_folder():
    """A folder that every user of the machine can enter; pytest's own are closed."""
    with tempfile.TemporaryDirectory(prefix="autograder-hub-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


def test_a_checkout_that_students_could_read_is_closed(open_folder):
    checkout = open_folder / "checkout"
    checkout.mkdir(mode=0o755)
    said = []
    root_hub.close_checkout(checkout, said.append)
    assert mode(checkout) == 0o750 and "hidden checks" in said[0]


def test_a_checkout_below_a_closed_folder_is_left_alone(tmp_path):
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    (closed / "checkout").mkdir(mode=0o755)
    said = []
    root_hub.close_checkout(closed / "checkout", said.append)
    assert mode(closed / "checkout") == 0o755 and not said


def test_the_copy_follows_the_checkout_and_keeps_what_grading_made(tmp_path):
    course = tmp_path / "course"
    course_copy.bring_up_to_date(course, None)
    assert mode(course) == 0o700
    assert (course / "autograder" / "checks" / "p01_attention.py").is_file()
    (course / "gradebook.db").write_text("marks")
    (course / "submitted" / "ada").mkdir(parents=True)
    (course / "source" / "gone.py").write_text("an assignment that the checkout has no more")
    (course / "autograder.toml").write_text("changed")
    course_copy.bring_up_to_date(course, None)
    assert (course / "gradebook.db").read_text() == "marks" and (course / "submitted" / "ada").is_dir()
    assert not (course / "source" / "gone.py").exists()
    assert (course / "autograder.toml").read_text() == (CHECKOUT / "autograder.toml").read_text()


def test_a_link_in_the_graders_course_leads_root_nowhere(open_folder):
    """The copy is written with the grader's rights, so that a link to a file of root's gives nothing away."""
    if os.geteuid() != 0:
        pytest.skip("needs root, who could write everywhere")
    nobody = 65534
    precious, course = open_folder / "precious", open_folder / "course"
    precious.write_text("root's")
    precious.chmod(0o600)
    course.mkdir()
    (course / "autograder.toml").symlink_to(precious)
    os.chown(course, nobody, nobody)
    with pytest.raises(course_copy.CopyFailed):
        course_copy.bring_up_to_date(course, (nobody, nobody))
    assert precious.read_text() == "root's"


def test_who_left_the_class_leaves_the_hubs_groups(tmp_path):
    database = tmp_path / "jupyterhub.sqlite"
    with sqlite3.connect(database) as connection:
        connection.executescript(
            """
            CREATE TABLE users (id INTEGER, name TEXT);
            CREATE TABLE groups (id INTEGER, name TEXT);
            CREATE TABLE user_group_map (user_id INTEGER, group_id INTEGER);
            INSERT INTO users VALUES (1, 'ada'), (2, 'left'), (3, 'emmy');
            INSERT INTO groups VALUES (1, 'nbgrader-dl'), (2, 'instructors-dl'), (3, 'other');
            INSERT INTO user_group_map VALUES (1, 1), (2, 1), (2, 2), (3, 2), (2, 3);
            """
        )
    connection.close()
    root_hub.forget_who_left(database, PEOPLE)
    connection = sqlite3.connect(database)
    left = connection.execute("SELECT user_id, group_id FROM user_group_map ORDER BY 1, 2").fetchall()
    connection.close()
    assert left == [(1, 1), (2, 3), (3, 2)], "groups of other courses are not this one's to change"


def test_users_that_others_made_are_never_ours(tmp_path):
    users = Users(tmp_path)
    assert users.find("no-such-user-here") is None and users.all() == []
    with pytest.raises(NameTaken, match="'root'"):
        users.check("no-such-user-here", "root")
    with pytest.raises(NameTaken):
        users.remove("root")


def test_settings_come_back_as_written_and_are_private(tmp_path):
    settings = Settings("class.toml", demo=True, port=9000, demo_password="x")
    settings.write(tmp_path)
    assert Settings.read(tmp_path) == settings and mode(tmp_path / "settings.json") == 0o600


def test_the_metrics_token_is_made_once(tmp_path):
    places = Places(tmp_path, demo=True)
    places.state.mkdir()
    make_metrics_token(places)
    token = places.metrics_token.read_text()
    make_metrics_token(places)
    assert places.metrics_token.read_text() == token and mode(places.metrics_token) == 0o600


def test_a_taken_port_is_named(unused_port):
    import socket

    with socket.socket() as other:
        other.bind(("127.0.0.1", unused_port + 3))
        other.listen()
        with pytest.raises(SetupFailed, match=f"port {unused_port + 3} is taken"):
            running.check_ports_free(Settings("class.toml", demo=True, port=unused_port))


@pytest.fixture
def unused_port():
    """The first of six in a row that nobody has."""
    for first in range(18700, 19700, 10):
        try:
            running.check_ports_free(Settings("class.toml", demo=True, port=first))
        except SetupFailed:
            continue
        return first
    raise AssertionError("no six free ports in a row")


def test_ports_are_six_in_a_row():
    ports = Ports(8000)
    named = {
        ports.proxy,
        ports.proxy_api,
        ports.hub,
        ports.submission_service,
        ports.formgrader,
        ports.status,
    }
    assert named == set(ports.all())
