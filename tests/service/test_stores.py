"""Blobs, what is swept away, secrets, courses that come and go, and the audit."""

import dataclasses
import hashlib
import time
from datetime import timedelta

import pytest
from served import Served, listed, make_course, notebook_bytes

from autograder.errors import ConfigError, StoreError
from autograder.service.audit import audit
from autograder.service.blobs import Blobs
from autograder.service.courses import Courses
from autograder.service.database import Database
from autograder.service.schema import Schema
from autograder.service.stores import open_stores, utc_now
from autograder.service.uploads import sweep

pytestmark = pytest.mark.timeout(120)


@pytest.fixture(params=["file", "memory"])
def blobs(request, tmp_path):
    return Blobs(f"file://{tmp_path}/blobs" if request.param == "file" else f"memory://{tmp_path}/blobs")


def put(blobs, tmp_path, content):
    source = tmp_path / "source"
    source.write_bytes(content)
    sha256 = hashlib.sha256(content).hexdigest()
    blobs.put_file(source, sha256)
    return sha256


def test_a_blob_comes_back_and_goes(blobs, tmp_path):
    sha256 = put(blobs, tmp_path, b"content")
    put(blobs, tmp_path, b"content")
    assert blobs.has(sha256)
    assert blobs.read(sha256) == b"content"
    blobs.remove(sha256)
    blobs.remove(sha256)
    assert not blobs.has(sha256)
    with pytest.raises(StoreError, match="missing"):
        blobs.read(sha256)


def test_a_damaged_blob_is_not_handed_out(tmp_path):
    blobs = Blobs(f"file://{tmp_path}/blobs")
    sha256 = put(blobs, tmp_path, b"content")
    (tmp_path / "blobs" / sha256[:2] / sha256).write_bytes(b"other")
    with pytest.raises(StoreError, match="damaged"):
        blobs.read(sha256)


def test_what_was_sent_and_never_used_goes_after_a_day(released, hub, stores):
    mine = released.submit(hub.ada).json()
    unused, shared = b"never handed in", b"sent by two"
    for content in (unused, shared):
        released.send(hub.ada, content)
    tomorrow = dataclasses.replace(stores, now=lambda: utc_now() + timedelta(days=2))
    released.send(hub.bob, shared)
    assert sweep(stores) == 0
    with stores.database.write() as session:
        from autograder.service.schema import Upload

        session.get(Upload, ("one", "bob", hashlib.sha256(shared).hexdigest())).time = tomorrow.now()
    assert sweep(tomorrow) == 1
    assert not stores.blobs.has(hashlib.sha256(unused).hexdigest())
    assert stores.blobs.has(hashlib.sha256(shared).hexdigest())
    got = released.get(f"api/courses/one/submissions/{mine['id']}/files/ps.ipynb", hub.ada)
    assert got.content == notebook_bytes()
    assert (
        released.submit_listed(hub.ada, listed({"ps.ipynb": notebook_bytes(), "a.txt": unused})).status_code
        == 409
    )


def test_the_audit_finds_what_was_changed(released, hub, stores, tmp_path):
    released.submit(hub.ada)
    released.submit(hub.bob, {"ps.ipynb": notebook_bytes("# bob")})
    assert (audit(stores).receipts, audit(stores).problems) == ({"one": 2}, [])
    sha256 = hashlib.sha256(notebook_bytes("# bob")).hexdigest()
    (tmp_path / "service" / "blobs" / sha256[:2] / sha256).write_bytes(notebook_bytes("# better"))
    [problem] = audit(stores).problems
    assert "damaged" in problem


def test_another_databases_version_is_refused(tmp_path):
    url = f"sqlite:///{tmp_path}/x.db"
    database = Database(url)
    with database.write() as session:
        session.query(Schema).update({"version": 99})
    database.close()
    with pytest.raises(StoreError, match="version 99"):
        Database(url)


@pytest.mark.parametrize(
    "url", ["nonsense", "sqlite:////proc/no/such.db", "postgresql+psycopg://127.0.0.1:1/x"]
)
def test_a_database_that_cannot_be_used_is_named(url):
    with pytest.raises(StoreError, match="database cannot be used"):
        Database(url)


def test_a_secret_is_made_beside_sqlite_and_asked_for_elsewhere(tmp_path, postgres):
    root = make_course(tmp_path / "one")
    first, second = open_stores(root, {}), open_stores(root, {})
    assert first.secret == second.secret
    key = root / ".autograder" / "service" / "service.key"
    assert key.stat().st_mode & 0o777 == 0o600
    with pytest.raises(ConfigError, match="AUTOGRADER_SERVICE_SECRET is not set"):
        open_stores(root, {"AUTOGRADER_SERVICE_DATABASE": postgres})
    with pytest.raises(ConfigError, match="no URL of SQLAlchemy"):
        open_stores(root, {"AUTOGRADER_SERVICE_DATABASE": "nonsense"})
    with pytest.raises(ConfigError, match="expected 16 or more"):
        open_stores(root, {"AUTOGRADER_SERVICE_SECRET": "short"})
    for each in (first, second):
        each.database.close()


def test_a_course_that_is_put_there_needs_no_restart(hub, stores, tmp_path):
    make_course(tmp_path / "all" / "one")
    with Served(hub, stores, parents=(tmp_path / "all",)) as served:
        both = hub.add("zoe", "nbgrader-one", "instructors-two")
        assert [each["id"] for each in served.get("api/courses", both).json()] == ["one"]
        make_course(tmp_path / "all" / "second", id="two", toml="[service]\nmax_files = 7\n")
        deadline = time.monotonic() + 20
        while len(found := served.get("api/courses", both).json()) < 2:
            assert time.monotonic() < deadline, "the new course was not seen"
            time.sleep(0.2)
        assert [(each["id"], each["role"]) for each in found] == [("one", "student"), ("two", "instructor")]
        assert found[1]["limits"]["max_files"] == 7
        assert served.release(both, course="two").status_code == 200
        assert served.release(both, course="one").status_code == 403


def test_a_course_with_a_mistake_does_not_take_others_down(tmp_path, caplog):
    make_course(tmp_path / "all" / "good", id="good")
    make_course(tmp_path / "all" / "bad", id="bad", toml="[service]\nfinal = 'worst'\n")
    found = Courses([], [tmp_path / "all"])
    assert [course.id for course in found.all()] == ["good"]
    assert "expected one of last, best" in caplog.text
    with pytest.raises(ConfigError, match="expected one of last, best"):
        Courses([tmp_path / "all" / "bad"])


def test_two_courses_of_one_id_are_refused(tmp_path):
    for name in ("a", "b"):
        make_course(tmp_path / name, id="same")
    with pytest.raises(ConfigError, match="are both the course 'same'"):
        Courses([tmp_path / "a", tmp_path / "b"])
    with pytest.raises(ConfigError, match="no course was named"):
        Courses([])


def test_health_and_metrics_tell_without_telling_on_anybody(released, hub):
    released.submit(hub.ada)
    assert released.request("GET", "health").json()["status"] == "ok"
    metrics = released.request("GET", "metrics").text
    assert 'autograder_jobs{kind="grade",state="queued"} 1.0' in metrics
    assert "autograder_submissions 1.0" in metrics
    assert "ada" not in metrics


def test_health_says_when_nothing_can_be_kept(released, tmp_path, monkeypatch):
    monkeypatch.setattr("os.access", lambda path, mode: False)  # root may write everywhere
    answer = released.request("GET", "health")
    assert (answer.status_code, answer.json()["status"]) == (503, "failing")
