"""What is broken in nbgrader's folder exchange, each tried here and seen to fail."""

import stat
import urllib.parse
from datetime import UTC, datetime

import pytest
from fake_hub import ACCESS
from served import Served, listed, make_course, notebook_bytes

pytestmark = pytest.mark.timeout(60)


def test_nobody_can_hand_in_under_anothers_name(released, hub):
    """There: a folder `inbound/stu1+ps1+<later time>+x` replaced student 1's work."""
    mine = released.submit(hub.ada).json()
    content = notebook_bytes("# overwritten")
    released.send(hub.bob, content)
    for path in ("submissions", "submissions?student=ada", "submissions?student=ada&time=2099-01-01"):
        body = {"key": "bobs-own-key", "files": listed({"ps.ipynb": content})}
        answer = released.request("POST", f"api/courses/one/assignments/ps/{path}", hub.bob, json=body)
        assert answer.json()["student"] == "bob"
    for field in ({"student": "ada"}, {"time": "2099-01-01T00:00:00Z"}, {"number": 9}):
        answer = released.request(
            "POST", "api/courses/one/assignments/ps/submissions", hub.bob, json=body | field
        )
        assert answer.status_code == 422
    [still] = released.get("api/courses/one/assignments/ps/submissions?student=ada", hub.tina).json()
    assert still == released.get(f"api/courses/one/submissions/{mine['id']}", hub.tina).json()
    assert still["receipt"] == mine["receipt"]


def test_nobody_can_choose_a_time(released, hub):
    """There: the time came from the folder's name."""
    headers = {"Date": "Wed, 01 Jan 2020 00:00:00 GMT", "X-Timestamp": "2020-01-01"}
    content = notebook_bytes()
    released.send(hub.ada, content)
    body = {"key": "a-key-of-mine", "files": listed({"ps.ipynb": content})}
    before = datetime.now(UTC)
    answer = released.request(
        "POST", "api/courses/one/assignments/ps/submissions", hub.ada, json=body, headers=headers
    )
    assert datetime.fromisoformat(answer.json()["time"]) >= before
    stamped = {"ps.ipynb": content, "timestamp.txt": b"2020-01-01 00:00:00 UTC"}
    assert released.submit(hub.ada, stamped).status_code == 422


def test_nothing_on_disk_is_open_to_others(released, hub, stores, tmp_path):
    """There: the root is 0777, submissions are 0777, feedback secrets 0644."""
    released.submit(hub.ada)
    for path in (tmp_path / "service").rglob("*"):
        assert not stat.S_IMODE(path.stat().st_mode) & 0o077, path
    assert not (tmp_path / "service").stat().st_mode & 0o077


def test_membership_is_not_checked_by_the_students_own_process(released, hub):
    """There: the client asked itself. Here a stranger with a good token is turned away by the service."""
    stranger = hub.add("eve", "nbgrader-another")
    for path in ("assignments", "assignments/ps/release", "assignments/ps/submissions", "submissions/1"):
        assert released.get(f"api/courses/one/{path}", stranger).status_code == 403
    assert released.send(stranger, b"x").status_code == 403
    assert released.submit_listed(stranger, listed({"ps.ipynb": notebook_bytes()})).status_code == 403


def test_releases_are_not_readable_by_the_world(released, hub):
    path = "api/courses/one/assignments/ps/release/files/ps.ipynb"
    assert released.request("GET", path).status_code == 401
    assert released.get(path, "a-token-that-i-made-up").status_code == 401
    assert released.get(path, hub.add("eve")).status_code == 403
    assert released.get(path, hub.bob).status_code == 200


def test_feedback_is_for_its_student_alone(released, hub):
    """There: whoever guessed or read a secret read the page."""
    id = released.submit(hub.ada).json()["id"]
    page = b"<p>Dear Ada"
    released.send(hub.ida, page)
    feedback = f"api/courses/one/submissions/{id}/feedback"
    body = {"files": listed({"ps.html": page}), "score": 3.0, "max_score": 7.0}
    assert released.request("PUT", feedback, hub.ida, json=body).status_code == 200
    assert released.get(f"{feedback}/ps.html", hub.ada).content == page
    assert released.get(f"{feedback}/ps.html", hub.bob).status_code == 404
    assert released.get(f"api/courses/one/submissions/{id}", hub.bob).status_code == 404
    assert released.get("api/courses/one/assignments/ps/submissions", hub.bob).json() == []
    assert released.request("PUT", feedback, hub.ada, json=body).status_code == 403


def test_no_shared_file_system_is_needed(hub, tmp_path):
    """The store may be anything that fsspec knows; clients only speak HTTP."""
    from conftest_service import SECRET

    from autograder.service.blobs import Blobs
    from autograder.service.database import Database
    from autograder.service.stores import Stores

    database = Database(f"sqlite:///{tmp_path / 'service.db'}")
    stores = Stores(database, Blobs("memory://submissions-of-a-test"), SECRET)
    with Served(hub, stores, make_course(tmp_path / "one")) as served:
        served.release(hub.ida)
        answer = served.submit(hub.ada).json()
        got = served.get(f"api/courses/one/submissions/{answer['id']}/files/ps.ipynb", hub.ada)
        assert got.content == notebook_bytes()
    database.close()


def test_what_is_said_to_be_released_is_stored(released, hub, stores):
    """ngshare said "released" and stored nothing."""
    answer = released.release(hub.ida, force=True).json()
    for file in answer["files"]:
        got = released.get(f"api/courses/one/assignments/ps/release/files/{file['path']}", hub.ada)
        assert (got.status_code, len(got.content)) == (200, file["size"])


def test_a_token_without_the_services_scope_is_nobody(released, hub):
    for scopes in ((), ("access:services!service=other",), ("read:users!user=ada", "self")):
        token = hub.add("ada", "nbgrader-one", scopes=scopes)
        assert released.get("api/courses", token).status_code == 401
    assert released.get("api/courses", hub.add("ada", "nbgrader-one", scopes=("access:services",))).ok
    assert released.get("api/courses", hub.add("ada", "nbgrader-one", scopes=(ACCESS,))).ok


STUDENTS_MAY_NOT = [
    ("PUT", "assignments/ps/release"), ("DELETE", "assignments/ps/release"), ("PUT", "assignments/ps/due"),
    ("PUT", "submissions/1/feedback"), ("POST", "assignments/ps/regrade"), ("POST", "assignments/ps/feedback"),
    ("GET", "jobs"), ("GET", "submissions/1"), ("GET", "submissions/1/files/ps.ipynb"),
    ("GET", "submissions/1/feedback/ps.html"), ("GET", "assignments/ps/submissions?student=ada"),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path"), STUDENTS_MAY_NOT)
def test_a_students_token_does_nothing_outside_its_own_submissions(released, hub, method, path):
    """Submission 1 is Ada's; Bob asks."""
    from served import everything_in

    assert released.submit(hub.ada).json()["id"] == 1
    released.send(hub.bob, b"page")
    bodies = {
        "release": {"files": listed({"ps.ipynb": b"page"}), "force": True}, "due": {"due": None},
        "feedback": {"files": listed({"ps.html": b"page"})},
    }  # fmt: skip
    body = bodies.get(urllib.parse.urlsplit(path).path.rsplit("/", 1)[1]) if method == "PUT" else None
    before = everything_in(released.stores)
    answer = released.request(method, f"api/courses/one/{path}", hub.bob, json=body)
    assert answer.status_code in (403, 404)
    assert everything_in(released.stores) == before


def test_every_route_is_among_those_tried_here_or_checks_the_caller(released):
    """A route that is added without a check of who calls fails here."""
    paths = released.request("GET", "openapi.json").json()["paths"]
    for path, operations in paths.items():
        for method in operations:
            if path.endswith("/health"):
                continue
            url = path.removeprefix("/services/autograder/")
            for name, value in {
                "course": "one",
                "assignment": "ps",
                "submission": "1",
                "path": "ps.ipynb",
                "sha256": "0" * 64,
            }.items():
                url = url.replace("{" + name + "}", value)
            assert released.request(method.upper(), url).status_code == 401, (method, path)
            assert (
                released.request(method.upper(), url, cookies={"service-autograder": "x"}).status_code == 401
            )
